package supervisor

import "testing"

func TestJournalLineReadsTextAndBytes(t *testing.T) {
	l, ok := journalLine([]byte(`{"__REALTIME_TIMESTAMP":"1700000000000001","_PID":"42","MESSAGE":"hello"}`))
	if !ok || l.Text != "hello" || l.PID != 42 || l.Time == nil || l.Time.UnixMicro() != 1700000000000001 {
		t.Errorf("text: %+v, %v", l, ok)
	}
	if l, ok := journalLine([]byte(`{"MESSAGE":[104,255]}`)); !ok || l.Text != "h\xff" {
		t.Errorf("bytes: %+v, %v", l, ok)
	}
	for _, bad := range []string{"", "{", `{"MESSAGE":7}`} {
		if l, ok := journalLine([]byte(bad)); ok {
			t.Errorf("%q was read as %+v", bad, l)
		}
	}
}
