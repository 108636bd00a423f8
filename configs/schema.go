package configs

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/supd/supd/checks"
)

// schemaDialect is what the schema says that it is written in. It uses only keywords that mean the same since draft 4,
// the newest that the editors' TOML language server (taplo) reads for certain; a test checks it as both.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// patternName is lockfile.ValidName as a pattern, but for the length.
const patternName = `^[A-Za-z0-9_:+](\.?[A-Za-z0-9@_:+-])*\.?$`

// includeWords describe the one key that is in no table.
const includeWords = "files to read too, as globs relative to this file; one may match nothing"

// Schema is the JSON Schema of a config file, made of the declarations that the reference pages are made of. A config
// that loads is valid by it; one that is valid may still have mistakes that only Load sees.
func Schema() []byte {
	doc := jsonObject{
		"$schema":     schemaDialect,
		"title":       "supd",
		"description": "A config file of supd, or one that it includes. supctl config check finds more: names that do not exist, keys that contradict each other.",
		"$defs":       checkDefs(),
	}
	maps.Copy(doc, topSchema())
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // patterns and words are read by people
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		panic("configs: the schema is made of plain values: " + err.Error()) // cannot happen: see the test
	}
	return b.Bytes()
}

// topSchema is a whole file.
func topSchema() jsonObject {
	props := jsonObject{"include": described(listOf(jsonObject{"type": "string"}), includeWords)}
	for _, table := range configTables() {
		if strings.Contains(table.mark, ".") { // stands in another one
			continue
		}
		switch table.mark {
		case "service":
			service := tableSchema(table.prefix, reflect.ValueOf(table.value))
			service["properties"].(jsonObject)["check"] = named("check", "service_check")
			service["anyOf"] = oneOfKeys(service)
			props[table.mark] = byName(service)
		case "group":
			group := tableSchema(table.prefix, reflect.ValueOf(table.value))
			group["required"] = []any{"services"}
			props[table.mark] = byName(group)
		default:
			props[table.mark] = tableSchema(table.prefix, reflect.ValueOf(table.value))
		}
	}
	props["check"] = named("check", "check")
	return jsonObject{"type": "object", "properties": props, "additionalProperties": false}
}

// oneOfKeys demands one of the keys that say what a service is.
func oneOfKeys(service jsonObject) []any {
	var kinds []any
	for _, key := range append([]string{"command"}, otherKinds[:]...) {
		if _, built := service["properties"].(jsonObject)[key]; built {
			kinds = append(kinds, jsonObject{"required": []any{key}})
		}
	}
	return kinds
}

// tableSchema is a struct's table: its keys, and no others.
func tableSchema(prefix string, v reflect.Value) jsonObject {
	defaults := flat{}
	defaults.put("", v)
	props := jsonObject{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if key == "" || key == "-" {
			continue
		}
		if table, ok := tableOf(f.Type); ok {
			props[key] = tableSchema(table.prefix, v.Field(i))
			continue
		}
		name := prefix + "." + key
		own, _ := formOf(f.Type) // a type without a form is found by the test of the reference
		schema := described(own.schema, keyWords[name])
		maps.Copy(schema, narrower()[name])
		if value, ok := jsonDefault(defaults[key]); ok {
			schema["default"] = value
		}
		props[key] = schema
	}
	return jsonObject{"type": "object", "properties": props, "additionalProperties": false}
}

// narrower are bounds of single keys, the ones that validate knows.
func narrower() map[string]jsonObject {
	return map[string]jsonObject{
		"service.command":       {"minItems": 1},
		"service.nice":          {"minimum": -20, "maximum": 19},
		"service.oom_score_adj": {"minimum": -1000, "maximum": 1000},
		"backoff.factor":        {"minimum": 1},
		"backoff.jitter":        {"minimum": 0},
		"stop.command":          {"minItems": 1},
		"group.services":        {"minItems": 1},
	}
}

// checkDefs are the check types, each as a table of its own: the common keys, with this type's defaults, and its own.
func checkDefs() jsonObject {
	defs := jsonObject{}
	var alone, all []any
	for _, k := range checks.Kinds() {
		ref := jsonObject{"$ref": "#/$defs/check_" + k.Name}
		all = append(all, ref)
		if !k.InService {
			alone = append(alone, ref)
		}
		options := k.Options()
		table := tableSchema("check", reflect.ValueOf(options))
		props := table["properties"].(jsonObject)
		maps.Copy(props, tableSchema("check."+k.Name, reflect.ValueOf(k.New()).Elem())["properties"].(jsonObject))
		props["type"] = described(jsonObject{"enum": []any{k.Name}}, k.Doc)
		table["required"] = requiredKeys(k)
		defs["check_"+k.Name] = table
	}
	defs["check"], defs["service_check"] = jsonObject{"oneOf": alone}, jsonObject{"oneOf": all}
	return defs
}

// requiredKeys are those that a check's table cannot do without: what the type finds wrong with its own defaults.
func requiredKeys(k checks.Kind) []any {
	keys := []string{"type"}
	for _, e := range checks.KeyErrors(k.New().Validate()) {
		if top, _, _ := strings.Cut(e.Key, "."); top != "" && !slices.Contains(keys, top) {
			keys = append(keys, top)
		}
	}
	if k.NeedsWhen {
		keys = append(keys, "when")
	}
	out := make([]any, len(keys))
	for i, key := range keys {
		out[i] = key
	}
	return out
}

// named are tables [NOUN.NAME] that one of the $defs describes.
func named(noun, def string) jsonObject {
	out := byName(jsonObject{"$ref": "#/$defs/" + def})
	out["description"] = "[" + noun + ".NAME]"
	return out
}

// byName is a table of tables with names that supd allows.
func byName(elem jsonObject) jsonObject {
	return jsonObject{"type": "object", "patternProperties": jsonObject{patternName: elem}, "additionalProperties": false}
}

// described is the schema with words to it. The schema of a type is shared, so it is copied.
func described(schema jsonObject, words string) jsonObject {
	out := maps.Clone(schema)
	if out == nil {
		out = jsonObject{}
	}
	if words != "" {
		out["description"] = words
	}
	return out
}

// jsonDefault reads a default from the TOML text that config show prints; what is empty has none.
func jsonDefault(text string) (any, bool) {
	if text == "" || isEmpty(text) {
		return nil, false
	}
	var v struct{ V any }
	if _, err := toml.Decode("V = "+text, &v); err != nil {
		return nil, false
	}
	return v.V, true
}
