package lockfile

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// textBytesMax bounds what people write into a lock or hold; it keeps one file within a spare.
const textBytesMax = 2 << 10

// parseLock reads the content of dir/ID.toml. It fails on everything that this version would
// not have written itself, except that a newer format is taken as far as it goes: that it is a
// lock is never in doubt, so a failure means "damaged, holds".
func parseLock(content []byte, id string) (Lock, error) {
	var l Lock
	extra, err := decode(content, &l)
	if l.Format > FormatVersion {
		l.extra, l.ID = extra, id
		return l, nil // whatever a newer version changed, this is a lock
	}
	switch {
	case err != nil:
		return Lock{}, err
	case l.Format < 1:
		return Lock{}, fmt.Errorf("no format version")
	case l.ID != id:
		return Lock{}, fmt.Errorf("id %q in the file, %q in its name", l.ID, id)
	case l.Target.Valid() != nil:
		return Lock{}, fmt.Errorf("no valid target")
	case l.TakenAt.IsZero():
		return Lock{}, fmt.Errorf("no taken_at")
	}
	for m := range l.Members {
		if err := ValidName(m); err != nil {
			return Lock{}, fmt.Errorf("member: %w", err)
		}
	}
	l.extra = extra
	return l, nil
}

// encode is the content of the lock's file, with the keys that a newer version put there.
func (l Lock) encode() ([]byte, error) {
	if l.Format < FormatVersion {
		l.Format = FormatVersion
	}
	return encode(&l, l.extra)
}

// parseHold is parseLock for a hold: a failure means "damaged, holds".
func parseHold(content []byte, id string) (Hold, error) {
	var h Hold
	extra, err := decode(content, &h)
	if h.Format > FormatVersion {
		h.extra, h.ID = extra, id
		return h, nil
	}
	switch {
	case err != nil:
		return Hold{}, err
	case h.Format < 1:
		return Hold{}, fmt.Errorf("no format version")
	case h.ID != id:
		return Hold{}, fmt.Errorf("id %q in the file, %q in its name", h.ID, id)
	case h.Kind == "":
		return Hold{}, fmt.Errorf("no kind")
	}
	h.extra = extra
	return h, nil
}

func (h Hold) encode() ([]byte, error) { return encode(&h, h.extra) }

// decode fills v and returns the top-level keys that v has no place for. Its own panics become
// errors: a parser of files that anybody may have damaged must not take the daemon down.
func decode(content []byte, v any) (extra map[string]any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot parse: %v", p)
		}
	}()
	if bytes.IndexByte(content, 0) >= 0 {
		return nil, fmt.Errorf("contains zero bytes")
	}
	if tooDeep(content) {
		return nil, fmt.Errorf("nested deeper than %d brackets", nestingMax)
	}
	// The format first and by itself, so that a newer one is known for what it is even if other
	// keys changed their type.
	var f struct {
		Format int `toml:"format"`
	}
	if _, err := toml.Decode(string(content), &f); err != nil {
		return nil, err
	}
	reflect.ValueOf(v).Elem().FieldByName("Format").SetInt(int64(f.Format))
	md, err := toml.Decode(string(content), v)
	if err != nil || len(md.Undecoded()) == 0 {
		return nil, err
	}
	extra = map[string]any{}
	if _, err := toml.Decode(string(content), &extra); err != nil {
		return nil, err
	}
	return extra, nil
}

// encode writes v as TOML, and what extra has beside it at any depth. v wins where both speak.
func encode(v any, extra map[string]any) ([]byte, error) {
	clean(reflect.ValueOf(v).Elem())
	var out bytes.Buffer
	if err := toml.NewEncoder(&out).Encode(v); err != nil {
		return nil, fmt.Errorf("cannot encode: %w", err)
	}
	if extra == nil {
		return out.Bytes(), nil
	}
	known := map[string]any{}
	if _, err := toml.Decode(out.String(), &known); err != nil {
		return nil, fmt.Errorf("cannot encode: %w", err)
	}
	merge(known, extra)
	out.Reset()
	if err := toml.NewEncoder(&out).Encode(known); err != nil {
		return nil, fmt.Errorf("cannot encode: %w", err)
	}
	return out.Bytes(), nil
}

// merge adds what from has and into lacks, at any depth; where both have something, into stays.
func merge(into, from map[string]any) {
	for k, v := range from {
		have, ok := into[k]
		if !ok {
			into[k] = v
			continue
		}
		a, okA := have.(map[string]any)
		b, okB := v.(map[string]any)
		if okA && okB {
			merge(a, b)
		}
	}
}

// clean makes every string field something TOML can carry and bounds it: text comes from people
// and from terminals.
func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				clean(v.Field(i))
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			clean(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			clean(v.Index(i))
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString(cleanText(v.String()))
		}
	}
}

// cleanText drops what TOML cannot carry. What a terminal would act on is the printer's business:
// the file keeps it, escaped.
func cleanText(s string) string {
	if len(s) > textBytesMax {
		s = s[:textBytesMax]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}
