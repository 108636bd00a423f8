package api

import "github.com/supd/supd/configs"

// Show fills the reply with the effective config of one service, or, with "", of all. Daemon and supctl without one
// answer alike by it.
func (r *ConfigReply) Show(plan *configs.Plan, service string) {
	values := plan.Values(service)
	r.Text, r.Values = configs.Render(values), make([]ConfigValue, len(values))
	for i, v := range values {
		r.Values[i] = ConfigValue{Table: v.Table, Key: v.Key, Value: v.Value, Origin: v.Origin.String(), File: v.Origin.Source.File, Line: v.Origin.Source.Line}
	}
}
