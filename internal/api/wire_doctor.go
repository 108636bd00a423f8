package api

// DoctorReply is `maintenance doctor -o json`.
type DoctorReply struct {
	Code     int       `json:"code"` // 0 nothing found, 1 something, 8 something of it cannot be read and counts as locked
	Findings []Finding `json:"findings"`
}

// Finding is one thing that is wrong with locks, holds or the directory that they are in.
type Finding struct {
	Trouble string `json:"trouble"` // marker damaged foreign misplaced gate access stale orphaned abandoned; unsaved vanished: held in supd's memory alone
	File    string `json:"file"`
	Target  string `json:"target"`  // what it holds or belongs to; "" = the whole directory, or nothing
	LockID  string `json:"lock_id"` // "" = no lock that can be read
	Owner   string `json:"owner"`
	Text    string `json:"text"`    // what is wrong
	Holds   bool   `json:"holds"`   // services are held because it cannot be read
	Command string `json:"command"` // the one command that mends it, as it is typed
	Does    string `json:"does"`    // what that command does
}

// MaintenanceMend repairs what doctor found at File. What it held stays held, by a lock of the peer's own with the id that the client
// chose.
type MaintenanceMend struct {
	File   string  `json:"file"`
	NewID  string  `json:"new_id"`
	Reason string  `json:"reason"`
	WaitS  float64 `json:"wait_s,omitempty"`
}
