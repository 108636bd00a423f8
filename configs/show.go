package configs

// Effective renders the plan as TOML with every default spelled out and every
// secret masked: what supctl config show prints.
func (p *Plan) Effective() string { return "" }

// EffectiveService is the part of Effective about one service; "" when there
// is none of that name.
func (p *Plan) EffectiveService(name string) string { return "" }
