package api

import "time"

// Notice is something that the peer has to be told of their locks.
type Notice struct {
	Key  string    `json:"key"`
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// NoticesReply is what the peer has not been told yet.
type NoticesReply struct {
	Notices []Notice `json:"notices"`
}

// NoticesTold says that the peer has seen notices: they do not come again.
type NoticesTold struct {
	Keys []string `json:"keys"`
}

// noticeKeyBytesMax bounds a key: a word, a lock's id and a number.
const noticeKeyBytesMax = 256

func (n *NoticesTold) validate() error {
	if len(n.Keys) == 0 || len(n.Keys) > targetsMax {
		return Errorf(CodeUsage, "%d keys: want 1 to %d", len(n.Keys), targetsMax)
	}
	for _, k := range n.Keys {
		if err := text("keys", k, noticeKeyBytesMax); err != nil {
			return err
		}
	}
	return nil
}
