package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/supd/supd/checks"
)

// The reference pages are made of the declarations: a key without words, and
// words without a key, are both mistakes.

const docsDir = "../docs"

// keysPage writes one table of keys. prefix is what the words are filed under.
func keysPage(t *testing.T, used map[string]bool, prefix string, v any) string {
	t.Helper()
	typ := reflect.TypeOf(v)
	defaults := flat{}
	defaults.put("", reflect.ValueOf(v))
	var b strings.Builder
	b.WriteString("| key | value | default | |\n| --- | --- | --- | --- |\n")
	for i := range typ.NumField() {
		f := typ.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if key == "" || key == "-" || isTable(f.Type) {
			continue
		}
		name := strings.TrimPrefix(prefix+"."+key, ".")
		words, ok := keyWords[name]
		if !ok {
			t.Errorf("nothing says what %s means: add it to keyWords", name)
		}
		used[name] = true
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", key, kindOf(t, name, f.Type), defaultOf(defaults[key]), words)
	}
	return b.String()
}

func kindOf(t *testing.T, name string, typ reflect.Type) string {
	t.Helper()
	f, ok := formOf(typ)
	if !ok {
		t.Errorf("%s: nothing says how a %s is written: add it to forms", name, typ)
	}
	return f.words
}

// defaultOf shows a default; what is empty has none.
func defaultOf(text string) string {
	switch text {
	case "", `""`, "[]", "0":
		return ""
	}
	return "`" + text + "`"
}

// TestDocsConfig holds the tables of docs/config.md against the declarations.
// The prose between them is written by hand.
func TestDocsConfig(t *testing.T) {
	used := map[string]bool{}
	page := filepath.Join(docsDir, "config.md")
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(have)
	for _, table := range configTables() {
		want = between(t, want, table.mark, keysPage(t, used, table.prefix, table.value))
	}
	var refused strings.Builder
	for _, u := range unsupported {
		name := strings.TrimPrefix(u.table+"."+u.key, ".")
		fmt.Fprintf(&refused, "- `%s` (%s)\n", name, u.feature)
	}
	want = between(t, want, "refused", refused.String())
	matches(t, page, want)

	page = filepath.Join(docsDir, "checks.md")
	if have, err = os.ReadFile(page); err != nil {
		t.Fatal(err)
	}
	common := checks.DefaultOptions()
	common.Complete()
	want = between(t, string(have), "common", keysPage(t, used, "check", common))
	want = between(t, want, "types", checkTypes(t, used))
	matches(t, page, want)

	for name := range keyWords {
		if !used[name] {
			t.Errorf("keyWords explains %s, which is no key", name)
		}
	}
}

// checkTypes is a section for each registered type.
func checkTypes(t *testing.T, used map[string]bool) string {
	var b strings.Builder
	for _, k := range checks.Kinds() {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", k.Name, k.Doc)
		if k.InService {
			b.WriteString("\nIt stands in a service.\n")
		}
		if k.NeedsWhen {
			b.WriteString("\nIt needs `when`.\n")
		}
		fmt.Fprintf(&b, "\n```toml\n[service.web.check.example]\ntype = %q\n%s```\n", k.Name, k.Example)
		conf := reflect.ValueOf(k.New()).Elem()
		if conf.NumField() > 0 {
			fmt.Fprintf(&b, "\n%s", keysPage(t, used, "check."+k.Name, conf.Interface()))
		}
		if h, ok := conf.Interface().(checks.HTTP); ok {
			fmt.Fprintf(&b, "\n`expect` is a table:\n\n%s", keysPage(t, used, "check.http.expect", h.Expect))
		}
		b.WriteString("\n| in `when` | unit | |\n| --- | --- | --- |\n")
		for _, v := range k.Values {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, unitWords[v.Unit], v.Doc)
		}
		if own := k.Options(); own.FailAfter != checks.DefaultOptions().FailAfter {
			fmt.Fprintf(&b, "\n`fail_after` is %s where nothing is said.\n", own.FailAfter)
		}
	}
	return b.String()
}

var unitWords = map[checks.Unit]string{
	checks.UnitTruth: "yes or no", checks.UnitBytes: "bytes: B K M G T", checks.UnitPercent: "%", checks.UnitSeconds: "duration",
	checks.UnitCount: "number", checks.UnitText: "text", checks.UnitMode: "octal",
}

// between replaces what stands between <!-- MARK --> and <!-- end MARK -->.
func between(t *testing.T, page, mark, text string) string {
	t.Helper()
	open, shut := "<!-- "+mark+" -->\n", "<!-- end "+mark+" -->"
	head, rest, ok := strings.Cut(page, open)
	_, tail, ok2 := strings.Cut(rest, shut)
	if !ok || !ok2 {
		t.Fatalf("the page has no place %q", mark)
	}
	return head + open + text + shut + tail
}

func matches(t *testing.T, page, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || string(have) != want {
		t.Errorf("%s is not what the code says (%v); make docs writes it", page, err)
	}
}

var tomlBlock = regexp.MustCompile("(?s)```toml\n(.*?)```")

// docsExamples are the TOML examples of each document as whole configs. One that is none by itself gets a service.
func docsExamples(t *testing.T) map[string][]string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(docsDir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range tomlBlock.FindAllStringSubmatch(string(text), -1) {
			body := m[1]
			if strings.HasPrefix(body, "format = ") { // a file of the state directory
				continue
			}
			if !strings.Contains(body, "command") || !strings.Contains(body, "[service.web]") {
				body += "\n[service.web]\ncommand = [\"/usr/bin/web\"]\n"
			}
			out[page] = append(out[page], body)
		}
	}
	return out
}

// Every example in the documents is a config without a mistake.
func TestDocsExamplesLoad(t *testing.T) {
	blocks := 0
	for page, bodies := range docsExamples(t) {
		for _, body := range bodies {
			blocks++
			path := filepath.Join(t.TempDir(), "supd.toml")
			if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, mistakes := Load(path, Options{Env: testEnv, Trust: TrustAny}); len(mistakes) > 0 {
				t.Errorf("%s: an example has mistakes:\n%s\n%s", page, mistakes.Text(), body)
			}
		}
	}
	if blocks < 5 {
		t.Errorf("only %d examples were found", blocks)
	}
}

// The units that a condition can have are all in words.
func TestDocsUnits(t *testing.T) {
	for _, k := range checks.Kinds() {
		for _, v := range k.Values {
			if unitWords[v.Unit] == "" {
				t.Errorf("%s %s: no words for its unit %v", k.Name, v.Name, v.Unit)
			}
		}
	}
	if slices.Contains(checks.Names(), "") {
		t.Error("a type without a name")
	}
}
