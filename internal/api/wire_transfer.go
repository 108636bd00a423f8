package api

import (
	"strings"
	"time"
)

// Offer says who may take a lock over.
type Offer struct {
	To   string    `json:"to"`
	UID  int64     `json:"uid"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note"`
}

// MaintenanceTransfer offers the peer's own locks, all or none. They stay the peer's until the offer is accepted.
type MaintenanceTransfer struct {
	Locks    []SeenLock `json:"locks"`
	To       string     `json:"to,omitempty"` // user name or uid
	Note     string     `json:"note,omitempty"`
	Withdraw bool       `json:"withdraw,omitempty"` // offer them to nobody any more
}

// SeenLock is a lock with its number of offers as the client has seen it: a request that is executed late finds another number
// and is refused.
type SeenLock struct {
	ID     string `json:"id"`
	Offers int    `json:"offers"`
}

// MaintenanceAccept takes over locks that are offered to the peer, all or none.
type MaintenanceAccept struct {
	Locks []Takeover `json:"locks"`
	WaitS float64    `json:"wait_s,omitempty"`
}

// Takeover is one lock and the id, chosen by the client, of the one that stands for it afterwards.
type Takeover struct {
	ID    string `json:"id"`
	NewID string `json:"new_id"`
}

func (m *MaintenanceTransfer) validate() error {
	switch {
	case m.Withdraw && m.To != "":
		return Errorf(CodeUsage, `"to" and "withdraw" contradict each other`)
	case !m.Withdraw && strings.TrimSpace(m.To) == "":
		return Errorf(CodeUsage, `"to" says to whom: a user name or uid`)
	}
	list := make([]string, len(m.Locks))
	for i, l := range m.Locks {
		list[i] = l.ID
	}
	return first(ids(list), text("to", m.To, ticketBytesMax), text("note", m.Note, reasonBytesMax))
}

func (m *MaintenanceAccept) validate() error {
	var list []string
	seen := map[string]bool{}
	for _, l := range m.Locks {
		list = append(list, l.ID, l.NewID)
	}
	if err := ids(list); err != nil {
		return err
	}
	for _, i := range list {
		if seen[i] {
			return Errorf(CodeUsage, "the id %q is there twice", i)
		}
		seen[i] = true
	}
	return seconds("wait_s", m.WaitS)
}
