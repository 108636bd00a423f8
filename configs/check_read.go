package configs

func (b *builder) readCheck(p place, service, name string, raw map[string]any) *Check { return nil }
