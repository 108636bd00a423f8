package configs

import (
	"regexp"
	"strconv"
	"strings"
)

// maskedText stands where a secret is not shown.
const maskedText = `"(secret)"`

// secretWords in a key's last part make its value a secret.
var secretWords = [...]string{"password", "passwd", "passphrase", "secret", "token", "credential", "authorization", "cookie", "apikey", "api_key", "private"}

// isSecretKey reports whether a value under this key must not be shown. The
// name of a file that holds a secret is none.
func isSecretKey(key string) bool {
	last := strings.ToLower(key[strings.LastIndexByte(key, '.')+1:])
	if strings.HasSuffix(last, "_file") {
		return false
	}
	for _, w := range secretWords {
		if strings.Contains(last, w) {
			return true
		}
	}
	// The environment's own habit: DB_PASS, AWS_KEY.
	upper := strings.TrimRight(last, `"`)
	return strings.Contains(key, "env.") && (strings.HasSuffix(upper, "_key") || strings.HasSuffix(upper, "pass"))
}

// urlPassword finds what stands between the user and the @ of a URL.
var urlPassword = regexp.MustCompile(`(://[^/@:\s"]*):[^/@\s"]*@`)

// What is shown goes to terminals, tickets and logs. Masking works on the flat
// table, the last step before showing, so that no new key can be forgotten.

// safe is the flat table with no secret in it: what came from the environment
// is shown as it was written, passwords in URLs and under telling keys masked.
func (f flat) safe(written flat) flat {
	out := make(flat, len(f))
	for key, value := range f {
		if raw, ok := written[key]; ok && strings.Contains(raw, "${") {
			value = raw
		}
		switch {
		case isSecretKey(key) && value != `""`:
			value = maskedText
		case strings.Contains(value, "://"):
			value = urlPassword.ReplaceAllString(value, "$1:(secret)@")
		}
		out[key] = value
	}
	return out
}

// isEmpty reports whether a TOML value says nothing.
func isEmpty(text string) bool {
	return text == `""` || text == "[]" || text == strconv.Itoa(0)
}
