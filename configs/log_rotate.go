package configs

import "time"

// LogRotate is the table [service.NAME.log_rotate]: of output that goes to a file.
type LogRotate struct {
	Size Size          `toml:"size"` // 0: never
	Keep int           `toml:"keep"` // rotated files, at least 1
	Age  time.Duration `toml:"age"`  // rotated files that are older are removed; 0: none
}

// Defaults of log_rotate: a log that nobody thought of must not fill the disk.
const (
	logSizeDefault = 10 << 20 // bytes
	logSizeLeast   = 64 << 10 // bytes: below, supd would do little else
	logKeepDefault = 5
)

func newLogRotate() LogRotate { return LogRotate{Size: logSizeDefault, Keep: logKeepDefault} }

// validate judges [service.NAME.log_rotate].
func (r LogRotate) validate(c *collector, p place) {
	if r.Size != 0 && r.Size < logSizeLeast {
		c.add(p.key("size"), "%s must be at least %s, or \"0\" for no rotation", quoteValue(r.Size.String()), Size(logSizeLeast))
	}
	if r.Keep < 1 {
		c.add(p.key("keep"), "%d must be at least 1; size = \"0\" turns rotation off", r.Keep)
	}
}
