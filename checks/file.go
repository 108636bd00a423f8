package checks

import (
	"errors"
	"strconv"
	"strings"
)

func init() {
	Register(Kind{
		Name: "file",
		Doc: `Looks at a regular file; symbolic links are followed. It has to be there, or with exists = false must not be. ` +
			`Content is searched in its first 1M.`,
		Example: `path = "/var/lib/backup/latest.dump"
permission = "0600"
owner = "root"
when = ["age > 25h", "size < 1M"]
every = "5m"
`,
		Values: []Term{
			{Name: "exists", Unit: UnitTruth, Doc: "whether it is there"},
			{Name: "missing", Unit: UnitTruth, Doc: "whether it is not there"},
			{Name: "age", Unit: UnitSeconds, Doc: "since it was last written to"},
			{Name: "size", Unit: UnitBytes, Doc: "of its content"},
			{Name: "permission", Unit: UnitMode, Doc: "in octal, with the bits for set-uid, set-gid and sticky"},
			{Name: "owner", Unit: UnitText, Doc: "its name, or its number where it has none"},
			{Name: "group", Unit: UnitText, Doc: "its name, or its number where it has none"},
			{Name: fingerprint, Unit: UnitText, Doc: "of inode, size, time, permission and owner: the condition \"changed\""},
		},
		New: func() Config { return &File{Exists: true} },
	})
}

// File is the table of a check of type file.
type File struct {
	Path         string `toml:"path"`
	Exists       bool   `toml:"exists"`
	Permission   string `toml:"permission"` // in octal; "" = any
	Owner        string `toml:"owner"`      // name or number; "" = any
	Group        string `toml:"group"`
	Content      string `toml:"content"`       // a text in it
	ContentRegex string `toml:"content_regex"` // found in it
	Without      string `toml:"without"`       // a regular expression that is not found in it
}

// Validate is Config's.
func (c *File) Validate() error {
	var found []error
	bad := func(key, format string, args ...any) { found = append(found, badKey(key, format, args...)) }
	switch {
	case c.Path == "":
		bad("path", "is missing")
	case !strings.HasPrefix(c.Path, "/") || strings.ContainsRune(c.Path, 0):
		bad("path", "%q is no absolute path", clip(c.Path, quotedMax))
	}
	if c.Permission != "" {
		if _, err := strconv.ParseUint(c.Permission, 8, 12); err != nil {
			bad("permission", `%q is no permission; write it in octal, such as "0644"`, clip(c.Permission, quotedMax))
		}
	}
	for _, k := range [...]struct{ key, value string }{
		{"permission", c.Permission}, {"owner", c.Owner}, {"group", c.Group},
		{"content", c.Content}, {"content_regex", c.ContentRegex}, {"without", c.Without},
	} {
		if !c.Exists && k.value != "" {
			bad(k.key, "asks something of a file that must not exist")
		}
	}
	return errors.Join(append(found, validRegex("content_regex", c.ContentRegex), validRegex("without", c.Without))...)
}

// Make is Config's.
func (c *File) Make() Check {
	bits, _ := strconv.ParseUint(c.Permission, 8, 12) // judged by Validate
	return &fileCheck{
		File: *c, bits: uint32(bits),
		want: newPattern(c.Content, c.ContentRegex), refuse: newPattern("", c.Without),
		owners: names{}, groups: names{},
	}
}
