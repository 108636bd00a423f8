package vm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Numbers of the NBD protocol, doc/proto.md of github.com/NetworkBlockDevice/nbd.
const (
	nbdMagic, nbdOption       = 0x4e42444d41474943, 0x49484156454f5054
	nbdOptionReply            = 0x3e889045565a9
	nbdRequest, nbdReply      = 0x25609513, 0x67446698
	nbdFixedNewstyle          = 1 << 0
	nbdNoZeroes               = 1 << 1
	nbdOptGo                  = 7
	nbdRepAck, nbdRepInfo     = 1, 3
	nbdRepErrUnsupported      = 1<<31 + 1
	nbdHasFlags               = 1 << 0
	nbdSendFlush, nbdSendFUA  = 1 << 2, 1 << 3
	nbdRead, nbdWrite         = 0, 1
	nbdDisconnect, nbdFlush   = 2, 3
	nbdCmdFUA                 = 1 << 0
	nbdInvalid                = 22 // EINVAL
	nbdInfoExport             = 0
	nbdOptionMax, nbdRequests = 4 << 10, 32 << 20 // bytes, of an option and of one request
)

// serve answers one client of the disk until it goes. The connection is closed on
// return.
func (d *Disk) serve(conn net.Conn) error {
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	if err := d.greet(r, conn); err != nil {
		return fmt.Errorf("cannot greet the disk's client: %w", err)
	}
	for {
		var q struct {
			Magic       uint32
			Flags, Type uint16
			Handle      uint64
			Offset      uint64
			Length      uint32
		}
		if err := binary.Read(r, binary.BigEndian, &q); err != nil {
			return nil // the client is gone: a killed qemu resets the connection
		}
		if q.Magic != nbdRequest || q.Length > nbdRequests {
			return fmt.Errorf("cannot serve the disk: no request: %+v", q)
		}
		var data []byte
		var err error
		switch q.Type {
		case nbdRead:
			data = make([]byte, q.Length)
			err = d.ReadAt(data, int64(q.Offset))
		case nbdWrite:
			in := make([]byte, q.Length)
			if _, err := io.ReadFull(r, in); err != nil {
				return nil // the client went in the middle of a write, which then never was
			}
			err = d.WriteAt(in, int64(q.Offset), q.Flags&nbdCmdFUA != 0)
		case nbdFlush:
			d.Flush()
		case nbdDisconnect:
			return nil
		default:
			err = errors.ErrUnsupported
		}
		reply := binary.BigEndian.AppendUint32(nil, nbdReply)
		code := uint32(0)
		if err != nil {
			code, data = nbdInvalid, nil
		}
		reply = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(reply, code), q.Handle)
		if _, err := conn.Write(append(reply, data...)); err != nil {
			return nil // the client is gone; the disk did what it was told
		}
	}
}

// greet haggles until the client knows the disk's size and abilities.
func (d *Disk) greet(r io.Reader, w io.Writer) error {
	hello := binary.BigEndian.AppendUint64(nil, nbdMagic)
	hello = binary.BigEndian.AppendUint64(hello, nbdOption)
	hello = binary.BigEndian.AppendUint16(hello, nbdFixedNewstyle|nbdNoZeroes)
	if _, err := w.Write(hello); err != nil {
		return err
	}
	var flags uint32
	if err := binary.Read(r, binary.BigEndian, &flags); err != nil {
		return err
	}
	for {
		var o struct {
			Magic          uint64
			Option, Length uint32
		}
		if err := binary.Read(r, binary.BigEndian, &o); err != nil {
			return err
		}
		if o.Magic != nbdOption || o.Length > nbdOptionMax {
			return fmt.Errorf("no option: %+v", o)
		}
		if _, err := io.CopyN(io.Discard, r, int64(o.Length)); err != nil {
			return err
		}
		answer := func(kind uint32, data []byte) error {
			b := binary.BigEndian.AppendUint64(nil, nbdOptionReply)
			for _, v := range []uint32{o.Option, kind, uint32(len(data))} {
				b = binary.BigEndian.AppendUint32(b, v)
			}
			_, err := w.Write(append(b, data...))
			return err
		}
		if o.Option != nbdOptGo {
			if err := answer(nbdRepErrUnsupported, nil); err != nil {
				return err
			}
			continue
		}
		info := binary.BigEndian.AppendUint16(nil, nbdInfoExport)
		info = binary.BigEndian.AppendUint64(info, uint64(d.Size()))
		info = binary.BigEndian.AppendUint16(info, nbdHasFlags|nbdSendFlush|nbdSendFUA)
		if err := answer(nbdRepInfo, info); err != nil {
			return err
		}
		return answer(nbdRepAck, nil)
	}
}
