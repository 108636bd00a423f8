package configs

import (
	"reflect"
	"slices"
	"strings"

	"github.com/supd/supd/checks"
)

// foreign is what somebody meant who wrote a key of another program, or of the wrong table. A message that only lists the
// known keys would leave them searching.
type foreign struct {
	names []string // small letters, without "-" and "_"
	here  string   // the key that does it, "" where there is none
	say   string   // goes on after the name
}

// foreignKeys lists them by table; "" is the top of a file.
func foreignKeys() map[string][]foreign {
	return map[string][]foreign{
		"": {
			{[]string{"program", "programs", "process", "processes", "app", "apps", "job", "unit", "fcgiprogram"}, "service", "one table for each: [service.NAME]"},
			{[]string{"supervisord", "global", "settings", "supd", "main"}, "daemon", "write [daemon]"},
			{[]string{"unixhttpserver", "inethttpserver", "http", "server", "metrics"}, "api", "write [api]"},
			{[]string{"eventlistener"}, "check", "supctl events -f -o json gives events to a program"},
			{[]string{"install"}, "service", "write autostart in [service.NAME]"},
			{[]string{"includes", "files"}, "include", `write include = ["conf.d/*.toml"]`},
		},
		"daemon": {
			{[]string{"logfile", "loglevel", "log", "syslog"}, "", "supd logs to its standard error; who started it keeps that"},
			{[]string{"pidfile", "nodaemon", "daemonize", "background"}, "", "supd stays in the foreground and keeps no pid file"},
			{[]string{"user", "group"}, "service.user", "each service has its own"},
			{[]string{"directory", "dir", "childlogdir", "statedirectory"}, "daemon.state_dir", "write state_dir"},
			{[]string{"socket", "listen", "port"}, "api.socket", "write in [api]"},
		},
		"api": {
			{[]string{"port", "bind", "address", "addr", "host"}, "api.listen", `write listen = "127.0.0.1:9712"`},
			{[]string{"file", "path", "unix"}, "api.socket", "write socket"},
			{[]string{"chmod", "chown", "username", "password", "users"}, "api.operators", `who may do what is told by the user who connects: operators = ["group:supd"]`},
		},
		"service": {
			{[]string{"execstart", "cmd", "exec", "program", "entrypoint", "run", "args", "argv", "start"}, "service.command", `write command = ["/usr/bin/web", "--port", "8080"]`},
			{[]string{"execstartpre", "prestart", "startpre"}, "service.pre_start", "write pre_start"},
			{[]string{"execstartpost", "poststart"}, "service.post_start", "write post_start"},
			{[]string{"execstop"}, "stop.command", "write stop.command, in [service.NAME.stop]"},
			{[]string{"execstoppost", "poststop"}, "service.post_stop", "write post_stop"},
			{[]string{"execreload"}, "service.on_reload", `write on_reload = "signal:HUP", or a command line`},
			{[]string{"autorestart", "respawn", "restartpolicy"}, "restart.policy", `write restart.policy = "on-failure", "always" or "never"`},
			{[]string{"restartsec", "restartdelay", "backoff"}, "backoff.first", `write restart.backoff = { first = "1s" }`},
			{[]string{"startretries", "retries", "maxrestarts", "maxretries", "startlimitburst", "startlimitinterval", "startlimitintervalsec"}, "restart.limit", `write restart.limit = "10 in 10m"`},
			{[]string{"startsecs", "minuptime"}, "service.ready", `write ready = "delay:1s"`},
			{[]string{"type"}, "service.ready", `write ready = "notify" for a program that tells when it is ready, oneshot = true for a job`},
			{[]string{"exitcodes", "successexitstatus", "restartforceexitstatus"}, "restart.policy", `exit code 0 is the only good one; restart.policy says what follows`},
			{[]string{"stopsignal", "killsignal"}, "stop.signal", `write stop.signal = "TERM"`},
			{[]string{"stopwaitsecs", "timeoutstopsec", "stoptimeout", "timeoutstop", "stopgraceperiod", "killtimeout"}, "stop.timeout", `write stop.timeout = "10s"`},
			{[]string{"stopasgroup", "killasgroup", "killmode", "sendsigkill"}, "stop.timeout", "not needed: what is left after stop.timeout is killed with the whole tree"},
			{[]string{"timeoutstartsec", "timeoutsec", "starttimeout", "timeoutstart"}, "service.ready_timeout", `write ready_timeout = "1m"`},
			{[]string{"watchdogsec", "watchdog"}, "service.watchdog", "write watchdog"},
			{[]string{"numprocs", "replicas", "count", "processes"}, "service.instances", "write instances"},
			{[]string{"processname", "name", "containername"}, "", "the name stands in the table: [service.NAME]"},
			{[]string{"directory", "workingdirectory", "workingdir", "cwd", "chdir"}, "service.dir", "write dir"},
			{[]string{"environment", "environ", "vars"}, "service.env", `write env = { NAME = "value" }`},
			{[]string{"environmentfile", "dotenv"}, "service.env_file", "write env_file"},
			{[]string{"uid", "setuid", "username", "runas"}, "service.user", "write user"},
			{[]string{"gid", "setgid"}, "service.group", "write group"},
			{[]string{"supplementarygroups"}, "service.groups", "write groups"},
			{[]string{"priority", "after", "before", "requires", "wants", "bindsto", "needs", "dependencies", "requisite", "partof"}, "service.depends_on", `write depends_on = ["db"]: started first, and ready`},
			{[]string{"enabled", "enable", "wantedby", "autorun"}, "service.autostart", "write autostart"},
			{[]string{"disabled"}, "service.autostart", "write autostart = false"},
			{[]string{"standardoutput", "standarderror", "stdout", "stderr", "output", "logto"}, "service.log", `write log = "auto"; both streams go to one place`},
			{[]string{"stdoutlogfile", "stderrlogfile", "logpath"}, "service.log_file", `write log_file; both streams go into it`},
			{[]string{"redirectstderr"}, "service.log", "not needed: both streams go to one place"},
			{[]string{"stdoutlogfilemaxbytes", "stderrlogfilemaxbytes", "stdoutlogfilebackups", "stderrlogfilebackups", "logrotation", "logmaxsize"}, "log_rotate.size", `write log_rotate = { size = "10M", keep = 5 }`},
			{[]string{"stdoutsyslog", "stderrsyslog"}, "service.log", `write log = "journal"`},
			{[]string{"oomscoreadjust", "oomscore"}, "service.oom_score_adj", "write oom_score_adj"},
			{[]string{"limitnofile", "ulimitnofile", "maxopenfiles", "ulimits"}, "limits.nofile", "write limits.nofile"},
			{[]string{"memorymax", "memorylimit", "memlimit"}, "limits.memory", "write limits.memory"},
			{[]string{"cpuquota", "cpus"}, "limits.cpu", "write limits.cpu"},
			{[]string{"tasksmax", "pidslimit"}, "limits.tasks", "write limits.tasks"},
			{[]string{"healthcheck", "health", "livenessprobe", "checks"}, "", "write [service.NAME.check.CHECK] with a type"},
			{[]string{"readinessprobe"}, "service.ready", `write ready = "check:NAME"`},
			{[]string{"listenstream", "sockets", "ports"}, "service.listen", "write listen"},
			{[]string{"cron", "oncalendar", "timer"}, "service.schedule", "write schedule"},
			{[]string{"shell"}, "service.command", `write command = ["/bin/sh", "-c", "…"]`},
		},
		"service.restart": {
			{[]string{"delay", "sec", "restartsec", "wait"}, "backoff.first", `write backoff = { first = "1s" }`},
			{[]string{"retries", "max", "maxretries", "maxattempts", "attempts", "burst", "startretries"}, "restart.limit", `write limit = "10 in 10m"`},
			{[]string{"condition", "mode", "on", "when"}, "restart.policy", "write policy"},
		},
		"service.restart.backoff": {
			{[]string{"initial", "min", "base", "delay", "start"}, "backoff.first", "write first, and then for the second"},
			{[]string{"multiplier", "exponent"}, "backoff.factor", "write factor"},
			{[]string{"maximum", "limit", "cap"}, "backoff.max", "write max"},
			{[]string{"reset", "resetafter"}, "backoff.reset_after", "write reset_after"},
		},
		"service.stop": {
			{[]string{"wait", "waitsecs", "timeoutsec", "graceperiod", "grace", "killafter"}, "stop.timeout", `write timeout = "10s"`},
			{[]string{"killsignal", "sig"}, "stop.signal", "write signal"},
			{[]string{"exec", "cmd"}, "stop.command", "write command"},
		},
		"group": {
			{[]string{"programs", "members", "targets"}, "group.services", `write services = ["web", "db"]`},
			{[]string{"priority"}, "service.depends_on", "depends_on, in the services"},
		},
		"check": {
			{[]string{"interval", "period", "cycle", "freq"}, "check.every", `write every = "30s"`},
			{[]string{"retries", "threshold", "failurethreshold", "attempts"}, "check.fail_after", "write fail_after = 3"},
			{[]string{"action", "onfailure", "then", "do"}, "check.on_fail", `write on_fail = "restart"`},
			{[]string{"initialdelay", "initialdelayseconds", "startperiod"}, "check.start_delay", "write start_delay"},
			{[]string{"if", "condition", "matching"}, "check.when", `write when = "rss > 400M for 5m"`},
			{[]string{"dependson"}, "check.needs", "write needs"},
			{[]string{"host", "port"}, "", `url of an http check, or address = "HOST:PORT" of a tcp check`},
			{[]string{"expectedstatus", "expectstatus", "statuscode"}, "", "expect = { status = 200 } of an http check"},
		},
	}
}

// foreignHint says which key of supd's does what a key of another program would do; "" where nothing is known of it.
func foreignHint(table, key string) string {
	plain := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key))
	for _, f := range foreignKeys()[table] {
		if !slices.Contains(f.names, plain) {
			continue
		}
		if feature := unbuilt(f.here); feature != "" {
			return "what it asks for is not supported by this version (" + feature + ")"
		}
		if f.here == "" || isKey(f.here) {
			return f.say
		}
	}
	return elsewhere(table, key)
}

// isKey reports whether this version has the key, or the table.
func isKey(here string) bool {
	_, declared := keyWords[here]
	return declared || slices.Contains(topTables[:], here)
}

// unbuilt names the feature of a key that is documented and not built; "" where it is.
func unbuilt(here string) string {
	for _, u := range unsupported {
		if name := strings.TrimPrefix(u.table+"."+u.key, "."); name == here || strings.TrimPrefix(name, "service.") == here {
			return u.feature
		}
	}
	return ""
}

// elsewhere finds a key in the tables below or beside the one that it was written in: stop_timeout, or timeout in the
// service itself.
func elsewhere(table, key string) string {
	if table == "" || table == "check" {
		return ""
	}
	var found []string
	for _, t := range configTables() {
		head := strings.TrimPrefix(t.mark, "service.")
		for name := range fieldIndex(reflect.TypeOf(t.value)) {
			near := strings.HasPrefix(t.mark, table+".") && (name == key || strings.ReplaceAll(head+"."+name, ".", "_") == key)
			above := strings.HasPrefix(table, t.mark+".") && name == key
			if near || above {
				found = append(found, "["+strings.Replace(t.mark, "service", "service.NAME", 1)+"]: "+name)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return "write it in " + strings.Join(found, ", or in ")
}

// tableName is the name under which foreignKeys lists a struct's table.
func tableName(t reflect.Type) string {
	if t == reflect.TypeFor[checks.Options]() {
		return "check"
	}
	table, _ := tableOf(t)
	return table.mark
}
