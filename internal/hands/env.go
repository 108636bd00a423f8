package hands

import (
	"maps"
	"os"
	"slices"

	"github.com/supd/supd/internal/proc"
)

// defaultPath is for services whose config sets none: what a login shell of root would
// have.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// CleanEnv is the environment that a service or a program starts from: PATH, HOME,
// USER, LOGNAME, LANG and extra (which wins), sorted. Nothing else of supd's own, whose
// NOTIFY_SOCKET, LISTEN_FDS or WATCHDOG_USEC would deceive a child. u nil: supd's own
// user.
func CleanEnv(u *proc.User, extra map[string]string) []string {
	env := map[string]string{"PATH": defaultPath}
	for _, name := range []string{"PATH", "LANG"} {
		if v := os.Getenv(name); v != "" {
			env[name] = v
		}
	}
	if u != nil {
		env["HOME"], env["USER"], env["LOGNAME"] = u.Home, u.Name, u.Name
	} else {
		for _, name := range []string{"HOME", "USER", "LOGNAME"} {
			if v := os.Getenv(name); v != "" {
				env[name] = v
			}
		}
	}
	maps.Copy(env, extra)
	list := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return list
}
