// Package configs turns TOML files into a validated Plan: what supd is to
// watch, run and check, and by which policies.
//
//	FILE, includes ──scan──▶ tree of values, each with FILE:LINE
//	      │                        │ expand ${ENV}, read only as what the
//	      │                        │ structs below say (no value is guessed)
//	      ▼                        ▼
//	 permissions judged      decode ──▶ New* defaults overwritten ──▶ Validate
//	      │                        │                                    │
//	      └────────▶ Mistakes: every one, in file order ◀───────────────┘
//
// A Plan is only handed out without a single mistake: a config with mistakes
// changes nothing. Plans are values that nobody writes to after Load; Diff
// compares two of them.
package configs
