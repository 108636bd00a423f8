package configs

import (
	"reflect"

	"github.com/supd/supd/checks"
)

// keyTable is one table of keys: where it stands in the reference page, under which name keyWords explains its keys, and
// a value of its type that holds the defaults.
type keyTable struct {
	mark, prefix string
	value        any
}

// configTables are the tables whose keys package configs declares, in the order of the reference page. The keys
// themselves are the toml tags of the struct; a field that is itself one of these is a table of its own.
func configTables() []keyTable {
	svc := *newService("NAME", false, false, newDaemon(), newMaintenance())
	return []keyTable{
		{"daemon", "daemon", newDaemon()},
		{"api", "api", newAPI()},
		{"maintenance", "maintenance", newMaintenance()},
		{"service", "service", svc},
		{"service.restart", "restart", svc.Restart},
		{"service.restart.backoff", "backoff", svc.Restart.Backoff},
		{"service.stop", "stop", svc.Stop},
		{"service.log_rotate", "log_rotate", svc.LogRotate},
		{"service.limits", "limits", svc.Limits},
		{"group", "group", Group{}},
	}
}

// tableOf finds the table of a type.
func tableOf(t reflect.Type) (keyTable, bool) {
	for _, table := range configTables() {
		if reflect.TypeOf(table.value) == t {
			return table, true
		}
	}
	if t == reflect.TypeFor[checks.HTTPExpect]() {
		return keyTable{mark: "check.http.expect", prefix: "check.http.expect", value: checks.HTTPExpect{}}, true
	}
	return keyTable{}, false
}

// isTable reports whether a field of this type is a table with keys of its own.
func isTable(t reflect.Type) bool {
	_, ok := tableOf(t)
	return ok
}
