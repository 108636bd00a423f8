package configs

import (
	"fmt"
	"os"
	"strings"
)

// envFileBytesMax bounds an env_file: it is a list of settings, not data.
const envFileBytesMax = 1 << 20

// ReadEnvFile reads the variables of an env_file, afresh at each start of the service: lines NAME=VALUE, empty lines and
// lines that begin with # or ; left out, VALUE as it stands or in one pair of quotes (as in systemd's EnvironmentFile=,
// systemd.exec(5), without its escapes). Errors name the line and never its value, which may be a secret.
func ReadEnvFile(path string) (map[string]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read env_file: %w", err)
	}
	if st.Size() > envFileBytesMax || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read env_file %q: it is no file of at most %d bytes", path, envFileBytesMax)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read env_file: %w", err)
	}
	vars := map[string]string{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok || !isEnvName(name) || strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("cannot read env_file: %s:%d: the line is not NAME=VALUE", path, i+1)
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		vars[name] = value
	}
	return vars, nil
}
