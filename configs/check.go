package configs

// Check is one [service.NAME.check.CHECK] or [check.NAME].
type Check struct {
	Name    string `toml:"-"`
	Service string `toml:"-"` // "" when it stands alone
	Source  Source `toml:"-"`

	raw map[string]any
}

func (c *Check) flat() flat  { return flat{} }
func (c *Check) shown() flat { return c.flat().safe(writtenFlat(c.raw)) }
