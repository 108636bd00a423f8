package configs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/supd/supd/checks"
)

// shownBy names, for each key, the test that shows its effect: directory, then function. Whoever builds a key adds its row.
var shownBy = map[string]string{
	"maintenance.remind_every":     "internal/e2e TestRow13_OverdueLockIsLoudAndHolds",
	"service.paths":                "internal/e2e TestCrashWhileSomebodyWorksInItsData",
	"log_rotate.size":              "internal/e2e TestAFloodDisturbsNobody",
	"log_rotate.keep":              "internal/e2e TestAFloodDisturbsNobody",
	"log_rotate.age":               "internal/logfile TestWhatIsKept",
	"daemon.mode":                  "internal/e2e TestObserveActsOnNothing",
	"service.instances":            "internal/e2e TestInstancesAddedUnderALock",
	"service.schedule":             "internal/e2e TestJobThatSupdIsLateFor",
	"service.mode":                 "internal/e2e TestObserveActsOnNothing",
	"daemon.state_dir":             "cmd/supctl named_supd_without_state_dir.txtar",
	"daemon.run_dir":               "cmd/supctl named_supd_without_state_dir.txtar",
	"daemon.on_exit":               "internal/e2e TestOnExit",
	"api.listen":                   "internal/e2e TestFaultMetricsAddressTaken",
	"api.operators":                "internal/e2e TestKeysOfWho",
	"api.admins":                   "internal/e2e TestKeysOfWho",
	"maintenance.require_reason":   "cmd/supctl policy.txtar",
	"maintenance.require_ticket":   "cmd/supctl policy.txtar",
	"maintenance.require":          "cmd/supctl policy.txtar",
	"maintenance.default_duration": "internal/e2e TestKeysOfALock",
	"maintenance.settle":           "internal/e2e TestRow15_SettleTime",
	"maintenance.must_be_free":     "internal/e2e TestKeysOfALock",
	"service.description":          "internal/e2e TestKeysOfAProcess",
	"service.command":              "internal/e2e TestKeysOfAProcess",
	"service.dir":                  "internal/e2e TestKeysOfAProcess",
	"service.user":                 "internal/e2e TestKeysOfAProcess",
	"service.group":                "internal/e2e TestKeysOfAProcess",
	"service.groups":               "internal/e2e TestKeysOfAProcess",
	"service.env":                  "internal/e2e TestKeysOfAProcess",
	"service.env_file":             "internal/e2e TestKeysOfAProcess",
	"service.umask":                "internal/e2e TestKeysOfAProcess",
	"service.nice":                 "internal/e2e TestKeysOfAProcess",
	"service.oom_score_adj":        "internal/e2e TestKeysOfAProcess",
	"service.log":                  "internal/e2e TestKeysOfAProcess",
	"service.log_file":             "internal/e2e TestKeysOfAProcess",
	"service.on_reload":            "internal/e2e TestKeysOfAProcess",
	"limits.nofile":                "internal/e2e TestKeysOfAProcess",
	"limits.nproc":                 "internal/e2e TestKeysOfLimits",
	"limits.core":                  "internal/e2e TestKeysOfLimits",
	"limits.memlock":               "internal/e2e TestKeysOfLimits",
	"limits.stack":                 "internal/e2e TestKeysOfLimits",
	"limits.as":                    "internal/e2e TestKeysOfLimits",
	"limits.data":                  "internal/e2e TestKeysOfLimits",
	"limits.fsize":                 "internal/e2e TestKeysOfLimits",
	"limits.cpu_time":              "internal/e2e TestKeysOfLimits",
	"limits.sigpending":            "internal/e2e TestKeysOfLimits",
	"limits.msgqueue":              "internal/e2e TestKeysOfLimits",
	"limits.nice":                  "internal/vm TestLimitsInASubgroup",
	"limits.rtprio":                "internal/e2e TestKeysOfLimits",
	"limits.rttime":                "internal/e2e TestKeysOfLimits",
	"service.pre_start":            "internal/e2e TestFailingPreStartIsAFailedStart",
	"service.post_start":           "internal/e2e TestHooksRunInTheirOrder",
	"service.pre_stop":             "internal/e2e TestHooksRunInTheirOrder",
	"service.post_stop":            "internal/e2e TestHooksRunInTheirOrder",
	"service.hook_timeout":         "internal/e2e TestHangingHook",
	"stop.signal":                  "internal/e2e TestKeysOfAProcess",
	"stop.command":                 "internal/e2e TestKeysOfAStop",
	"stop.timeout":                 "internal/e2e TestKeysOfAStop",
	"service.stateful":             "supervisor/core TestWhatAnExitMeans",
	"restart.unknown_exit":         "supervisor/core TestWhatAnExitMeans",
	"restart.operator_stop":        "supervisor/core TestWhatAnExitMeans",
	"service.oneshot":              "supervisor/core TestOneshotIsDoneAndServesItsDependents",
	"service.autostart":            "internal/e2e TestRow04_DaemonRestart",
	"service.depends_on":           "internal/e2e TestReadiness",
	"service.ready":                "internal/e2e TestReadiness",
	"service.ready_timeout":        "internal/e2e TestKeysOfReadiness",
	"service.listen":               "internal/e2e TestListenRequestsDuringARestart",
	"service.watchdog":             "internal/e2e TestWatchdogThatStops",
	"restart.policy":               "internal/e2e TestRow18_PoliciesOfAStop",
	"restart.limit":                "internal/e2e TestRow28_RestartLimit",
	"backoff.first":                "internal/e2e TestRow28_CrashLoopBacksOff",
	"backoff.then":                 "internal/e2e TestRow28_CrashLoopBacksOff",
	"backoff.factor":               "internal/e2e TestRow28_CrashLoopBacksOff",
	"backoff.max":                  "internal/e2e TestRow28_CrashLoopBacksOff",
	"backoff.jitter":               "internal/e2e TestRow28_CrashLoopBacksOff",
	"backoff.reset_after":          "internal/e2e TestRow28_CrashLoopBacksOff",
	"group.services":               "internal/e2e groups_and_the_host.txtar",
	"check.type":                   "internal/e2e TestFoundCheckThatAsksForAStopStops",
	"check.every":                  "internal/e2e TestFoundCheckThatAsksForAStopStops",
	"check.not_every":              "checks TestStartDelayAndNotEvery",
	"check.start_delay":            "checks TestStartDelayAndNotEvery",
	"check.timeout":                "checks TestHangingCheckIsReportedAndGivesItsPlaceAway",
	"check.fail_after":             "checks TestTolerance",
	"check.recover_after":          "checks TestTolerance",
	"check.when":                   "checks TestWhenTakesATextOrAList",
	"check.on_fail":                "internal/e2e TestFoundCheckThatAsksForAStopStops",
	"check.remind":                 "checks TestRemind",
	"check.needs":                  "checks TestNeeds",
	"check.interlocks":             "supervisor/core TestInterlockKeepsItDownUntilItRecovers",
	"check.http.url":               "checks TestHTTP",
	"check.http.method":            "checks TestHTTP",
	"check.http.headers":           "checks TestHTTP",
	"check.http.body":              "checks TestHTTP",
	"check.http.redirects":         "checks TestHTTP",
	"check.http.expect.status":     "checks TestHTTP",
	"check.http.expect.body":       "checks TestHTTP",
	"check.http.expect.body_regex": "checks TestHTTP",
	"check.http.expect.headers":    "checks TestHTTP",
	"check.http.unix_socket":       "checks TestHTTPOverUnixSocket",
	"check.http.verify":            "checks TestHTTPS",
	"check.http.ca_file":           "checks TestHTTPS",
	"check.http.server_name":       "checks TestHTTPS",
	"check.tcp.address":            "checks TestTCP",
	"check.tcp.send":               "checks TestTCP",
	"check.tcp.expect":             "checks TestTCP",
	"check.tcp.expect_regex":       "checks TestTCP",
	"check.program.command":        "checks TestProgram",
	"check.program.status":         "checks TestProgram",
	"check.program.output":         "checks TestProgram",
	"check.program.output_regex":   "checks TestProgram",
	"check.program.user":           "checks TestProgramPassesItsCommandOn",
	"check.program.dir":            "checks TestProgramPassesItsCommandOn",
	"check.program.env":            "checks TestProgramPassesItsCommandOn",
	"check.file.path":              "checks TestFile",
	"check.file.exists":            "checks TestFile",
	"check.file.permission":        "checks TestFile",
	"check.file.owner":             "checks TestFile",
	"check.file.group":             "checks TestFile",
	"check.file.content":           "checks TestFile",
	"check.file.content_regex":     "checks TestFile",
	"check.file.without":           "checks TestFile",
}

// notYetShown are keys whose effect no test shows by name. It only shrinks: a key that is new has its row above.
var notYetShown = map[string]bool{
	"api.socket":         true,
	"limits.memory":      true, // these take cgroup v2 with controllers
	"limits.memory_high": true,
	"limits.swap":        true,
	"limits.cpu":         true,
	"limits.tasks":       true,
	"check.on_recover":   true,
	"check.exec":         true,
}

// TestEveryKeyHasAnExample: each key stands in a shipped example, or in the example of its check type.
func TestEveryKeyHasAnExample(t *testing.T) {
	written := exampleKeys(t)
	for name := range keyWords {
		if !written[name] {
			t.Errorf("no example in configs/examples has %s", name)
		}
	}
}

// exampleKeys are the keys of all examples, named as in keyWords.
func exampleKeys(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	files, err := filepath.Glob("examples/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	check := func(table map[string]any) {
		kind, _ := table["type"].(string)
		leaves(table, "", "", func(path, _ string) {
			parts := strings.Split(strings.TrimPrefix(path, keySep), keySep)
			out["check."+parts[0]] = true
			for n := range parts {
				out["check."+kind+"."+strings.Join(parts[:n+1], ".")] = true
			}
		})
	}
	named := func(v any, f func(map[string]any)) {
		tables, _ := v.(map[string]any)
		for _, inner := range tables {
			f(inner.(map[string]any))
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree := map[string]any{}
		if _, err := toml.Decode(string(text), &tree); err != nil {
			t.Fatal(err)
		}
		named(tree["check"], check)
		named(tree["service"], func(s map[string]any) {
			named(s["check"], check)
			policy, _ := s["maintenance"].(map[string]any)
			for key := range policy {
				out["maintenance."+key] = true
			}
		})
		for _, table := range configTables() {
			top, below, nested := strings.Cut(table.mark, ".")
			each := func(m map[string]any) {
				if nested {
					for part := range strings.SplitSeq(below, ".") {
						m, _ = m[part].(map[string]any)
					}
				}
				for key := range m {
					out[table.prefix+"."+key] = true
				}
			}
			if top == "service" || top == "group" {
				named(tree[top], each)
			} else if m, ok := tree[top].(map[string]any); ok {
				each(m)
			}
		}
	}
	for _, k := range checks.Kinds() {
		table := map[string]any{}
		if _, err := toml.Decode(k.Example, &table); err != nil {
			t.Fatal(err)
		}
		table["type"] = k.Name
		check(table)
	}
	return out
}

// TestEveryKeyIsShown: each key names a test that exists and speaks of it.
func TestEveryKeyIsShown(t *testing.T) {
	sources := map[string]map[string]string{}
	for name := range keyWords {
		row, ok := shownBy[name]
		switch {
		case ok && notYetShown[name]:
			t.Errorf("%s is shown: strike it from notYetShown", name)
		case !ok && !notYetShown[name]:
			t.Errorf("no test is named that shows what %s does: add it to shownBy", name)
		}
		if !ok {
			continue
		}
		dir, function, _ := strings.Cut(row, " ")
		if sources[dir] == nil {
			sources[dir] = testSources(t, filepath.Join("..", dir))
		}
		body, ok := sources[dir][function]
		key := name[strings.LastIndexByte(name, '.')+1:]
		switch {
		case !ok:
			t.Errorf("%s: there is no test %s in %s", name, function, dir)
		case !strings.Contains(plainName(body), strings.TrimSuffix(plainName(key), "s")):
			t.Errorf("%s: the test %s in %s does not speak of %q", name, function, dir, key)
		}
	}
	for name := range shownBy {
		if _, ok := keyWords[name]; !ok {
			t.Errorf("shownBy has %s, which is no key", name)
		}
	}
	for name := range notYetShown {
		if _, ok := keyWords[name]; !ok {
			t.Errorf("notYetShown has %s, which is no key", name)
		}
	}
}

// plainName compares names of keys with names in Go: operator_stop is OperatorStop there.
func plainName(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// testSources are the texts of a directory's test functions, with the functions of the same files that they may lean on
// left out; a story is a test called by its file's name.
func testSources(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", dir, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				out[f.Name.Name] = string(text[fset.Position(f.Pos()).Offset:fset.Position(f.End()).Offset])
			}
		}
	}
	for _, pattern := range []string{"testdata/script/*.txtar", "testdata/story/*.txtar"} {
		scripts, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range scripts {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(file)] = string(text)
		}
	}
	if len(out) == 0 {
		t.Fatal(fmt.Errorf("%s has no test functions", dir))
	}
	return out
}
