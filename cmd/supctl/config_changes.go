package main

import "github.com/supd/supd/internal/api"

// changeMark stands before a change, as in a diff.
func changeMark(kind string) cell {
	switch kind {
	case "added":
		return cell{"+", green}
	case "removed":
		return cell{"-", red}
	}
	return cell{"~", yellow}
}

// effectWords say when a changed key is in force.
func effectWords(effect string) string {
	switch effect {
	case "restart":
		return "restart needed"
	case "restart-supd":
		return "restart of supd needed"
	}
	return "at once"
}

// changeDetailsMax bounds how many services are shown key by key: a policy for all changes thousands, and the lines that
// need a person would be lost among them. JSON has all.
const changeDetailsMax = 50

// writeChanges writes a line for each change, and below it one for each key. Changes of no service are those of
// supd's own tables.
func (a *app) writeChanges(cs []api.Change) {
	for _, c := range cs {
		name := c.Service
		if name == "" {
			name = "supd"
		}
		text := c.Summary
		if text == "" { // an older supd
			text = c.Text
		}
		if c.Locked {
			text += " (locked: not touched)"
		}
		a.say("%s %s: %s", painted(changeMark(c.Kind), a.colour()), clean(name), clean(text))
		if len(cs) <= changeDetailsMax {
			a.writeKeyChanges(c.Details)
		}
	}
	if len(cs) > changeDetailsMax {
		a.hint("  %d changes; -o json has them key by key", len(cs))
	}
}

// writeKeyChanges writes what the keys were and are.
func (a *app) writeKeyChanges(ks []api.KeyChange) {
	for _, k := range ks {
		values := k.From + " → " + k.To
		switch {
		case k.From == "":
			values = "new: " + k.To
		case k.To == "":
			values = "gone: " + k.From
		case k.From == k.To: // a secret is not shown
			values = "another " + k.To
		}
		a.say("    %s: %s (%s)", clean(k.Key), clean(values), effectWords(k.Effect))
	}
}
