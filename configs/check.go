package configs

// Check is one [service.NAME.check.CHECK] or [check.NAME].
type Check struct {
	Name    string `toml:"-"`
	Service string `toml:"-"` // "" when it stands alone
	Source  Source `toml:"-"`
}
