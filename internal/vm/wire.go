package vm

// Request is what the host asks of the guest, one JSON line on the serial line.
type Request struct {
	ID   int      `json:"id"`
	Do   string   `json:"do"`             // run, daemon, write, read, signal, delegate, off
	Args []string `json:"args,omitempty"` // run, daemon: the command; write, read: the path; signal: pid and number; delegate: a cgroup
	Text string   `json:"text,omitempty"` // write: the content; daemon: its cgroup
}

// Reply is the guest's answer, when it is done.
type Reply struct {
	ID   int    `json:"id"` // 0: the guest has booted
	Code int    `json:"code"`
	Out  string `json:"out,omitempty"` // both streams of the command; what was read; a daemon's pid
	Err  string `json:"err,omitempty"` // what the guest could not do
}
