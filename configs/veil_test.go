package configs

import (
	"strings"
	"testing"
)

func TestVeil(t *testing.T) {
	env := map[string]string{"TOKEN": `long "quoted" token`, "SHORT": "prod", "PORT": "8080", "TINY": "abc", "PATH_": "/srv/s3cret dir"}
	plan := func(text string) *Plan {
		p, mistakes := LoadBytes("x.toml", "/", []byte(text), Options{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }})
		if mistakes != nil {
			t.Fatal(mistakes)
		}
		return p
	}
	old := plan(web + `
[service.web.env]
A = "${TOKEN}"
B = "${SHORT} ${PORT} ${TINY} ${PATH_}"
DB_PASSWORD = "hunter2hunter2"
PIN_PASSWORD = "123456"
URL = "redis://me:p4ssw0rd@h/1"
PLAIN = "nothing to hide"
`)
	v := old.Veil(nil)
	for _, tc := range []struct{ text, want string }{
		{"nothing to hide here", "nothing to hide here"},
		{`got long "quoted" token.`, `got ${TOKEN}.`},
		{`got long \"quoted\" token.`, `got ${TOKEN}.`},
		{"GET /?t=long+%22quoted%22+token", "GET /?t=${TOKEN}"},
		{"GET /long%20%22quoted%22%20token", "GET /${TOKEN}"},
		{"prod is no part of production or xprod; prod", "${SHORT} is no part of production or xprod; ${SHORT}"},
		{"port 8080, abc", "port 8080, abc"},
		{"open /srv/s3cret dir/x: denied", "open ${PATH_}/x: denied"},
		{"hunter2hunter2 and 123456, but pid 1234567", "(secret) and (secret), but pid 1234567"},
		{"p4ssw0rd", "(secret)"},
	} {
		if got := v.Hide(tc.text); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.text, got, tc.want)
		}
	}
	// After a reload the old secret may still come back, from a process or a result of before.
	now := plan(web + "env = { DB_PASSWORD = \"correct horse\" }\n").Veil(v)
	if got := now.Hide("hunter2hunter2, correct horse"); got != "(secret), (secret)" {
		t.Errorf("after a reload: %q", got)
	}
	if none := plan(web).Veil(nil); none.Hide("prod") != "prod" || none != nil {
		t.Error("a plan without secrets has a veil")
	}
}

// A number of messages say what they want a value to be; none says what it was where it may be a secret.
func TestMistakesHideSecretsThatAreNumbers(t *testing.T) {
	_, mistakes := LoadBytes("x.toml", "/", []byte(web+"[service.web.env]\nDB_PASSWORD = 123456\nPORT = 80\n"), Options{})
	if got := mistakes.Text(); strings.Contains(got, "123456") || !strings.Contains(got, "env.DB_PASSWORD must be a string") || !strings.Contains(got, "number 80") {
		t.Error(got)
	}
}
