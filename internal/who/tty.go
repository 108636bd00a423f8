package who

import "fmt"

// Majors of terminal devices (Documentation/admin-guide/devices.txt).
const (
	majorTTY      = 4
	majorPTSFirst = 136
	majorPTSLast  = 143
	minorSerial   = 64 // from here on major 4 is ttyS0…
	ptsPerMajor   = 256
)

// ttyName names a tty_nr of /proc/PID/stat as people know it, below /dev; "" is
// no terminal.
func ttyName(nr uint32) string {
	if nr == 0 {
		return ""
	}
	major := nr >> 8 & 0xfff
	minor := nr&0xff | nr>>12&0xfff00
	switch {
	case major >= majorPTSFirst && major <= majorPTSLast:
		return fmt.Sprintf("pts/%d", (major-majorPTSFirst)*ptsPerMajor+minor)
	case major == majorTTY && minor < minorSerial:
		return fmt.Sprintf("tty%d", minor)
	case major == majorTTY:
		return fmt.Sprintf("ttyS%d", minor-minorSerial)
	}
	return fmt.Sprintf("tty %d:%d", major, minor)
}
