package logfile

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// timeForms are how programs begin their lines, the commonest first. What has no zone is local time.
func timeForms() []string {
	return []string{
		time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05", "2006/01/02 15:04:05",
	}
}

// timeKeys are where structured logs have it.
func timeKeys() []string { return []string{"time", "ts", "timestamp", "@timestamp"} }

// Time is when a line was written, as its text says; false where it says nothing that is understood.
func Time(line string) (time.Time, bool) {
	if strings.HasPrefix(line, "{") {
		return jsonTime(line)
	}
	line = strings.TrimLeft(line, "[")
	if rest, ok := strings.CutPrefix(line, "time="); ok {
		line = strings.TrimLeft(rest, `"`)
	}
	words := strings.FieldsFunc(line[:min(len(line), 48)], func(r rune) bool { return r == ' ' || r == ']' || r == '"' || r == '|' })
	for n := min(len(words), 3); n > 0; n-- {
		if t, ok := parseTime(strings.Join(words[:n], " ")); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

func parseTime(text string) (time.Time, bool) {
	if len(text) < len("2006-01-02T15:04:05") || text[0] < '0' || text[0] > '9' {
		return time.Time{}, false
	}
	text = strings.Replace(text, ",", ".", 1) // Python's milliseconds
	for _, form := range timeForms() {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// jsonTime finds the time of a line that is an object: a text, or seconds since 1970.
func jsonTime(line string) (time.Time, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &object) != nil {
		return time.Time{}, false
	}
	for _, key := range timeKeys() {
		raw := strings.Trim(string(object[key]), `"`)
		if t, ok := parseTime(raw); ok {
			return t, true
		}
		if s, err := strconv.ParseFloat(raw, 64); err == nil && s > 1e9 && s < 1e10 {
			return time.UnixMicro(int64(s * 1e6)), true
		}
	}
	return time.Time{}, false
}

// Since is the part of lines that was written at or after a time. A line without a time belongs to the one before. Not known: no line
// has one.
func Since(lines []string, since time.Time) (part []string, known bool) {
	for i, line := range lines {
		t, ok := Time(line)
		known = known || ok
		if ok && !t.Before(since) {
			return lines[i:], true
		}
	}
	return nil, known || len(lines) == 0
}
