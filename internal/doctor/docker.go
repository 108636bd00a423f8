package doctor

import (
	"encoding/json"
	"strings"
)

// docker finds containers with a restart policy that have a service's name or run its command. It reads Docker's own files
// and asks no daemon: that would be somebody's socket to open.
func docker(l *look) {
	for _, dir := range l.list("/var/lib/docker/containers") {
		var c struct {
			Name string
			Path string
			Args []string
		}
		var host struct{ RestartPolicy struct{ Name string } }
		if !l.json(dir+"/config.v2.json", &c) || !l.json(dir+"/hostconfig.json", &host) {
			continue
		}
		policy, name := host.RestartPolicy.Name, strings.TrimPrefix(c.Name, "/")
		if policy == "" || policy == "no" {
			continue
		}
		services := append(l.idx.run(c.Path+" "+strings.Join(c.Args, " ")), l.idx.byName[name]...)
		l.add(services, Finding{
			Name: name, File: dir + "/hostconfig.json", What: "Docker restarts the container " + name + " (restart policy " + policy + ")",
			Fix: "docker update --restart=no " + name,
		})
	}
}

// json reads a file into v; what is no JSON is said.
func (l *look) json(path string, v any) bool {
	text, ok := l.read(path)
	if !ok {
		return false
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		l.unseen(l.kind + ": cannot read " + path + ": " + err.Error())
		return false
	}
	return true
}
