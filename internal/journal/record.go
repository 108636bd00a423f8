package journal

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"time"
)

// A stored event is
//
//	crc32c of the rest (4) | time, unix ns (8) | boottime (8) | len (1) service | len (1) type | JSON of the rest
//
// so that a query need not decode what it does not want, and a flipped bit is
// noticed. Integers are big endian.
const (
	crcBytes    = 4
	headerBytes = crcBytes + 8 + 8
	wordMax     = 255
	valueMax    = 64 << 10 // no record is longer; text beyond textMax is cut
	textMax     = 16 << 10
)

var errRecord = errors.New("damaged record")

// rest is what the header does not hold.
type rest struct {
	Severity string            `json:"s,omitempty"`
	Text     string            `json:"t,omitempty"`
	Fields   map[string]string `json:"f,omitempty"`
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// encodeEvent makes the stored form. An event that would be too long loses its
// fields and the end of its text.
func encodeEvent(e *Event) []byte {
	r := rest{Severity: e.Severity, Text: e.Text, Fields: e.Fields}
	service, kind := e.Service[:min(len(e.Service), wordMax)], e.Type[:min(len(e.Type), wordMax)]
	r.Text = r.Text[:min(len(r.Text), textMax)]
	text, err := json.Marshal(r)
	if err != nil || len(text) > valueMax-headerBytes-2*(wordMax+1) {
		text, _ = json.Marshal(rest{Severity: e.Severity, Text: r.Text}) // strings always can be encoded
	}
	b := make([]byte, crcBytes, headerBytes+2+len(service)+len(kind)+len(text))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Time.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Boottime))
	b = append(append(b, byte(len(service))), service...)
	b = append(append(b, byte(len(kind))), kind...)
	return sealed(append(b, text...))
}

// sealed fills in the checksum of what follows it.
func sealed(b []byte) []byte {
	binary.BigEndian.PutUint32(b, checksum(b[crcBytes:]))
	return b
}

// opened checks the checksum.
func opened(b []byte) ([]byte, error) {
	if len(b) < crcBytes || binary.BigEndian.Uint32(b) != checksum(b[crcBytes:]) {
		return nil, errRecord
	}
	return b[crcBytes:], nil
}

// decodeEvent reads a stored event if the query selects it.
func decodeEvent(seq uint64, b []byte, q *Query) (e Event, selected bool, err error) {
	if len(b) < headerBytes+2 || len(b) > valueMax {
		return e, false, errRecord
	}
	body, err := opened(b)
	if err != nil {
		return e, false, err
	}
	nano := int64(binary.BigEndian.Uint64(body))
	boot := int64(binary.BigEndian.Uint64(body[8:]))
	service, tail, ok1 := word(body[16:])
	kind, tail, ok2 := word(tail)
	if !ok1 || !ok2 {
		return e, false, errRecord
	}
	if !q.matches(nano, string(service), string(kind)) {
		return e, false, nil
	}
	var r rest
	if err := json.Unmarshal(tail, &r); err != nil {
		return e, false, errRecord
	}
	e = Event{Seq: seq, Time: time.Unix(0, nano), Boottime: boot, Service: string(service), Type: string(kind), Severity: r.Severity, Text: r.Text, Fields: r.Fields}
	return e, true, nil
}

// storedTime is an event's time without decoding it.
func storedTime(b []byte) time.Time {
	if len(b) < headerBytes {
		return time.Time{}
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(b[crcBytes:])))
}

// word reads a string with a length byte before it.
func word(b []byte) (w, tail []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}

// encodeHistory makes the stored form of a check's results: crc, time of the
// last (unix ns, for pruning), JSON.
func encodeHistory(list []CheckResult) ([]byte, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	b := make([]byte, crcBytes, crcBytes+8+len(text))
	b = binary.BigEndian.AppendUint64(b, uint64(list[len(list)-1].Time.UnixNano()))
	return sealed(append(b, text...)), nil
}

func decodeHistory(b []byte) ([]CheckResult, time.Time, error) {
	body, err := opened(b)
	if err != nil || len(body) < 8 {
		return nil, time.Time{}, errRecord
	}
	var list []CheckResult
	if err := json.Unmarshal(body[8:], &list); err != nil {
		return nil, time.Time{}, errRecord
	}
	return list, time.Unix(0, int64(binary.BigEndian.Uint64(body))), nil
}
