package configs

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// docs/supd.schema.json is what supctl config schema prints.
func TestDocsSchema(t *testing.T) {
	matches(t, filepath.Join(docsDir, "supd.schema.json"), string(Schema()))
}

// validators are an independent implementation of JSON Schema that reads ours in the dialect it names, and as draft 4,
// which editors read.
func validators(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	out := map[string]*jsonschema.Schema{}
	for _, dialect := range []string{schemaDialect, "http://json-schema.org/draft-04/schema"} {
		text := bytes.Replace(Schema(), []byte(schemaDialect), []byte(dialect), 1)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("supd.schema.json", doc); err != nil {
			t.Fatal(err)
		}
		if out[dialect], err = c.Compile("supd.schema.json"); err != nil {
			t.Fatalf("%s: no valid schema: %v", dialect, err)
		}
	}
	return out
}

// asJSON is a config as an editor's validator sees it.
func asJSON(t *testing.T, text string) any {
	t.Helper()
	tree := map[string]any{}
	if _, err := toml.Decode(text, &tree); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// What loads is valid: an editor must not underline what supd accepts.
func TestSchemaAcceptsWhatLoads(t *testing.T) {
	goods := goodConfigs(t)
	if len(goods) < 10 {
		t.Fatalf("only %d good configs", len(goods))
	}
	for dialect, schema := range validators(t) {
		for name, text := range goods {
			if err := schema.Validate(asJSON(t, text)); err != nil {
				t.Errorf("%s, %s: %v\n%s", dialect, name, err, text)
			}
		}
	}
}

// goodConfigs are the shipped ones, those in the documents, and values at the edges of what is allowed.
func goodConfigs(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"demo.toml": string(Demo())}
	files, err := filepath.Glob("examples/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = string(text)
	}
	for page, bodies := range docsExamples(t) {
		for i, body := range bodies {
			out[page+" "+string(rune('a'+i))] = body
		}
	}
	for name, text := range map[string]string{
		"environment":     web + "user = \"${SUPD_TEST_HOST}\"\nready_timeout = \"${SUPD_TEST_WAIT}\"\nmode = \"${SUPD_TEST_MODE}\"\n",
		"durations":       web + "ready_timeout = \"1h30m\"\n[service.web.stop]\ntimeout = \"1.5s\"\n",
		"names":           "[service.\"a.b:c+d@1\"]\ncommand = [\"x\"]\n",
		"signals":         web + "stop = { signal = \"sigusr1\" }\n",
		"command":         web + "on_reload = [\"/bin/true\"]\n",
		"no limit":        web + "restart = { limit = \"\", backoff = { factor = 2.5, jitter = 0 } }\n",
		"tolerance":       web + "[service.web.check.a]\ntype = \"tcp\"\naddress = \"127.0.0.1:1\"\nfail_after = \"3 of 5\"\nrecover_after = 2\nevery = \"cron: */5 * * * *\"\nnot_every = [\"cron: * 0-3 * * *\", \"0 1 * * 0\"]\n",
		"status":          web + "[service.web.check.a]\ntype = \"http\"\nurl = \"http://x/\"\nexpect = { status = [200, \"300-302\"], headers = { Server = \"x\" } }\n",
		"conditions":      web + "[service.web.check.a]\ntype = \"process\"\nwhen = [\"rss > 4M\", \"cpu > 9%\"]\n",
		"a check alone":   "[check.tmp]\ntype = \"file\"\npath = \"/tmp\"\nwhen = \"size > 10G\"\n",
		"nothing at all":  "",
		"an empty daemon": "[daemon]\n",
	} {
		out[name] = text
	}
	return out
}

// unseen are the bad fixtures in which a schema can see nothing: what is wrong there is no matter of one value.
var unseen = map[string]string{
	"circle":        "names that need each other",
	"listen":        "what addresses are, and which of them cannot be open together",
	"ready_log":     "what is no regular expression, and what its other keys make of it",
	"contradiction": "two keys that exclude each other",
	"environment":   "what the environment has",
}

// Every other bad fixture that parses is told from the schema already.
func TestSchemaRefusesBadFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	schemas, seen := validators(t), 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := toml.Decode(string(text), &map[string]any{}); err != nil {
			continue // no TOML, nothing for a schema
		}
		seen++
		for dialect, schema := range schemas {
			err := schema.Validate(asJSON(t, string(text)))
			if _, ok := unseen[name]; ok != (err == nil) {
				t.Errorf("%s, %s: the schema says %v; in the list of what it cannot see: %v", dialect, name, err, ok)
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d fixtures are TOML", seen)
	}
}

// Each of these is one mistake in a config that is good otherwise, and all of it is the schema's to see.
func TestSchemaRefuses(t *testing.T) {
	schemas := validators(t)
	for name, text := range map[string]string{
		"unknown key":            web + "comand = 1\n",
		"key of a later version": web + "refuse_stop = true\n",
		"unknown table":          web + "[servce.x]\ncommand = [\"x\"]\n",
		"no command":             "[service.web]\nuser = \"x\"\n",
		"text for a list":        "[service.web]\ncommand = \"/usr/bin/web --port\"\n",
		"empty command":          "[service.web]\ncommand = []\n",
		"number for a duration":  web + "ready_timeout = 10\n",
		"duration without unit":  web + "ready_timeout = \"10\"\n",
		"unknown word":           web + "log = \"syslog\"\n",
		"unknown policy":         web + "[service.web.restart]\npolicy = \"sometimes\"\n",
		"truth as a text":        web + "autostart = \"yes\"\n",
		"umask as a number":      web + "umask = 22\n",
		"umask not octal":        web + "umask = \"089\"\n",
		"nice":                   web + "nice = 40\n",
		"limit":                  web + "restart = { limit = \"ten\" }\n",
		"negative descriptors":   web + "limits = { nofile = -1 }\n",
		"env of numbers":         web + "env = { PORT = 80 }\n",
		"empty group":            web + "[group.g]\nservices = []\n",
		"group without services": web + "[group.g]\n",
		"bad name":               "[service.\"../x\"]\ncommand = [\"x\"]\n",
		"dots in a name":         "[service.\"a..b\"]\ncommand = [\"x\"]\n",
		"unknown check type":     web + "[service.web.check.a]\ntype = \"htpp\"\nurl = \"http://x/\"\n",
		"no check type":          web + "[service.web.check.a]\nurl = \"http://x/\"\n",
		"check without its key":  web + "[service.web.check.a]\ntype = \"http\"\n",
		"key of another type":    web + "[service.web.check.a]\ntype = \"http\"\nurl = \"http://x/\"\naddress = \"x:1\"\n",
		"process check alone":    "[check.a]\ntype = \"process\"\nwhen = \"rss > 1M\"\n",
		"process without when":   web + "[service.web.check.a]\ntype = \"process\"\n",
		"unknown action":         web + "[service.web.check.a]\ntype = \"tcp\"\naddress = \"x:1\"\non_fail = \"reboot\"\n",
		"unknown key in expect":  web + "[service.web.check.a]\ntype = \"http\"\nurl = \"http://x/\"\nexpect = { stats = 200 }\n",
		"list of tables":         "[[service]]\nname = \"web\"\n",
	} {
		// A case that supd accepts would prove the schema wrong, and not right.
		if _, mistakes := LoadBytes("supd.toml", t.TempDir(), []byte(text), Options{Env: testEnv, Trust: TrustAny}); len(mistakes) == 0 {
			t.Errorf("%s: it loads", name)
		}
		for dialect, schema := range schemas {
			if schema.Validate(asJSON(t, text)) == nil {
				t.Errorf("%s, %s: valid by the schema", dialect, name)
			}
		}
	}
}

// Who edits sees what a key means: each has words, and one default that the reference page has too.
func TestSchemaHasWordsAndDefaults(t *testing.T) {
	var doc struct {
		Properties struct {
			Service struct {
				PatternProperties map[string]struct {
					Properties map[string]struct {
						Description string
						Default     any
						Properties  map[string]struct{ Default any }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	service := doc.Properties.Service.PatternProperties[patternName].Properties
	if service["command"].Description != keyWords["service.command"] || service["ready_timeout"].Default != "1m" || service["autostart"].Default != true {
		t.Errorf("%+v", service)
	}
	if service["stop"].Properties["timeout"].Default != "10s" || service["dir"].Default != nil {
		t.Errorf("%+v", service["stop"])
	}
}
