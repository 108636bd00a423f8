// Package configs turns TOML files into a validated Plan: what supd is to
// watch, run and check, and by which policies.
//
//	FILE, includes ──parse──▶ tree of values ◀──scan── line of every key
//	      │                        │ expand ${ENV}
//	      │                        ▼
//	 owner and mode          decode over the defaults ──▶ validate ──▶ names of others
//	      │                        │                         │              │
//	      └──────────▶ Mistakes: every one, in file order ◀──┴──────────────┘
//	                               │ none
//	                               ▼
//	                             Plan ──▶ Diff, Effective, Lockfile, Service.Core
//
// A Plan is only handed out without a single mistake: a config with mistakes
// changes nothing, the running one stays. Plans are values that nobody writes
// to after Load; many goroutines may read one.
//
// # Mistakes
//
// Reading goes on after a mistake, so that one look at the messages is enough.
// For that the tree is decoded here and not by the toml package, which stops
// at the first wrong type and tells no line of a key. Only the first mistake
// about a key counts: a value that could not be read is not judged as well.
// While a file could not be read, names that are missing are not called
// unknown: they may stand there.
//
// # Keys that are not built
//
// What is documented and not built yet stands in one table (unsupported.go)
// and is refused. A key that is read and ignored would be a promise broken.
//
// # Secrets
//
// ${NAME} is the environment's value, in every string but those of command
// lines. Messages and everything shown have the text as it was written, and
// values under telling names (password, token, …) are masked in addition.
//
// # Identities
//
// A lock must outlive a rename, so a service is also known by what it runs.
// Identity is made of the text as written and of no secret: everybody can read
// it. See Plan.Lockfile for two services that run the very same.
//
// # Adding a key
//
// A field with its toml tag in service.go, its default in defaults.go, its
// judgement in validate.go, and its row in restartKeys (diff.go) if a running
// process keeps the old value. A fixture in testdata/bad for each way to get it
// wrong. Its words in words.go, a form in forms.go if its type is new (the
// reference pages and the JSON Schema are made of both), a line in
// examples/every_key.toml and the test that shows its effect in
// inventory_test.go. Check types need only the last two: package checks
// registers them.
package configs
