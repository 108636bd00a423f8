package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/internal/version"
)

// versions is `version -o json`.
type versions struct {
	Supctl build        `json:"supctl"`
	Supd   *api.Version `json:"supd"` // null: no daemon answered
	Error  string       `json:"error,omitempty"`
	Socket string       `json:"socket"`
}

// build is what a program knows of its making.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// String leaves out what the build does not know.
func (b build) String() string {
	return strings.Join(notEmpty(b.Version, b.Commit, b.Go), ", ")
}

// versionCommand declares `version`, which succeeds without a daemon: the version
// of supctl is an answer, too.
func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Versions of supctl and of the daemon that answers", Args: cobra.NoArgs, Example: "  supctl version",
		Long: "Versions of supctl and of the daemon that answers, and what it takes you for. The\nexit code is 0 without a daemon too.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versions{Supctl: build{version.Version(), version.Commit(), version.Go()}}
			err := a.ask("ask supd for its version", func(c *api.Client) error {
				v.Socket = c.Socket()
				reply, err := c.Version(cmd.Context())
				if err == nil {
					v.Supd = &reply
				}
				return err
			})
			if err != nil {
				v.Error = err.Error()
			}
			return a.answer(v, func() { a.writeVersions(v) })
		},
	}
}

// writeVersions says besides what the daemon takes the caller for: who wonders
// about exit code 10 looks here.
func (a *app) writeVersions(v versions) {
	a.facts(fact{"supctl", v.Supctl.String()})
	s := v.Supd
	if s == nil {
		a.say("supd       %s", clean(v.Error))
		return
	}
	a.facts(fact{"supd", build{s.Version, s.Commit, s.Go}.String()}, fact{"pid", number(s.PID)}, fact{"since", a.clock(s.StartedAt)},
		fact{"socket", v.Socket}, fact{"state", s.StateDir}, fact{"run", s.RunDir}, fact{"config", s.Config}, fact{"mode", s.Mode},
		fact{"you", fmt.Sprintf("%s (%s)", s.You.Name, s.You.Role)})
}
