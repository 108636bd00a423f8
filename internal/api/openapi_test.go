package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/openapi.json")

const openapiFile = "../../docs/openapi.json"

type object = map[string]any

// openapi describes the route table and the wire types.
func openapi() object {
	g := generator{schemas: object{}}
	paths := object{}
	for _, rt := range routes() {
		item, _ := paths[rt.path].(object)
		if item == nil {
			item = object{}
			paths[rt.path] = item
		}
		item[strings.ToLower(rt.method)] = g.operation(&rt)
	}
	g.schema(reflect.TypeFor[errorLine]())
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "supd", "version": "1",
			"description": "HTTP/1.1 on the unix socket RUN/supd.sock. The peer's identity and role come from the kernel; there is nothing to log in with. " +
				"Durations (fields ending in _s) are seconds, times RFC 3339 with zone, codes are the exit codes of supctl. " +
				"x-role is the least role that an operation needs.",
		},
		"paths":      paths,
		"components": object{"schemas": g.schemas},
	}
}

type generator struct{ schemas object }

func (g *generator) operation(rt *route) object {
	op := object{"summary": rt.summary, "x-role": rt.role.String(), "operationId": operationID(rt)}
	var params []any
	for _, segment := range strings.Split(rt.path, "/") {
		if strings.HasPrefix(segment, "{") {
			params = append(params, object{"name": strings.Trim(segment, "{}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	for _, p := range rt.query {
		s := object{"type": p.kind}
		if p.kind == "date-time" {
			s = object{"type": "string", "format": "date-time"}
		}
		if p.many {
			s = object{"type": "array", "items": s}
		}
		params = append(params, object{"name": p.name, "in": "query", "description": p.doc, "schema": s})
	}
	if rt.shape == long {
		params = append(params, object{
			"name": noticesHeader, "in": "header", "schema": object{"type": "string"},
			"description": "If it is there, a line with the peer's notices comes before the result.",
		})
	}
	if params != nil {
		op["parameters"] = params
	}
	if rt.in != nil {
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": g.schema(rt.in)}}}
	}
	op["responses"] = object{
		"200":     object{"description": "Success.", "content": g.content(rt)},
		"default": object{"description": "A refusal or a failure.", "content": object{"application/json": object{"schema": g.schema(reflect.TypeFor[errorLine]())}}},
	}
	return op
}

func (g *generator) content(rt *route) object {
	switch rt.shape {
	case raw:
		return object{"text/plain": object{"schema": object{"type": "string"}}}
	case long:
		line := object{"oneOf": []any{
			g.schema(reflect.TypeFor[acceptedLine]()), g.schema(reflect.TypeFor[progressLine]()), g.schema(reflect.TypeFor[noticesLine]()),
			object{"type": "object", "required": []string{"result"}, "properties": object{"result": g.schema(rt.out)}},
			g.schema(reflect.TypeFor[errorLine]()),
		}}
		return object{"application/x-ndjson": object{"schema": line}}
	case lines:
		return object{
			"application/json":     object{"schema": g.schema(rt.out)},
			"application/x-ndjson": object{"schema": object{"oneOf": []any{g.schema(rt.item), g.schema(reflect.TypeFor[errorLine]())}}},
		}
	}
	return object{"application/json": object{"schema": g.schema(rt.out)}}
}

func operationID(rt *route) string {
	id := strings.ToLower(rt.method)
	for _, w := range strings.FieldsFunc(strings.TrimPrefix(rt.path, "/v1"), func(r rune) bool { return strings.ContainsRune("/{}", r) }) {
		id += strings.ToUpper(w[:1]) + w[1:]
	}
	return id
}

// schema describes a type; structs are named and referred to.
func (g *generator) schema(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[any]():
		return object{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := g.schema(t.Elem())
		if s["type"] == nil { // a reference
			return object{"oneOf": []any{s, object{"type": "null"}}}
		}
		s["type"] = []any{s["type"], "null"}
		return s
	case reflect.Slice:
		return object{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": g.schema(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Struct:
		return g.reference(t)
	}
	panic("no schema for " + t.String())
}

func (g *generator) reference(t reflect.Type) object {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	ref := object{"$ref": "#/components/schemas/" + name}
	if g.schemas[name] != nil {
		return ref
	}
	properties, required := object{}, []string{}
	g.schemas[name] = object{"type": "object", "properties": properties}
	for i := range t.NumField() {
		key, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		properties[key] = g.schema(t.Field(i).Type)
		if options != "omitempty" {
			required = append(required, key)
		}
	}
	if len(required) > 0 {
		g.schemas[name].(object)["required"] = required
	}
	return ref
}

func TestOpenAPIFileIsUpToDate(t *testing.T) {
	want, err := json.MarshalIndent(openapi(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(openapiFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(openapiFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/openapi.json does not describe the API; go test ./internal/api -run OpenAPI -update writes it")
	}
}

// What the server sends has exactly the keys that the file on disk promises.
func TestServerKeepsToTheOpenAPIFile(t *testing.T) {
	b, err := os.ReadFile(openapiFile)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]object
		Components struct{ Schemas map[string]object }
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	served := 0
	for _, rt := range routes() {
		op := doc.Paths[rt.path][strings.ToLower(rt.method)]
		if op == nil {
			t.Errorf("%s %s is not in the file", rt.method, rt.path)
			continue
		}
		served++
		if rt.shape == raw {
			continue
		}
		path, body := request(t, &rt)
		w := ask(&fake{}, Peer{Role: Admin}, rt.method, path, body)
		answer := bytes.Split(bytes.TrimSpace(w.Body.Bytes()), []byte("\n"))
		var v any
		if err := json.Unmarshal(answer[len(answer)-1], &v); err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		schema, _ := op["responses"].(object)["200"].(object)["content"].(object)[kind].(object)
		if schema == nil {
			t.Errorf("%s %s answers %s, which is not in the file", rt.method, rt.path, kind)
			continue
		}
		if problem := conforms(doc.Components.Schemas, schema["schema"].(object), v); problem != "" {
			t.Errorf("%s %s: %s: %s", rt.method, rt.path, problem, answer)
		}
	}
	for path, item := range doc.Paths {
		served -= len(item)
		if served < 0 {
			t.Errorf("the file has more than the server, e.g. %s", path)
			break
		}
	}
}

// conforms judges a value by the part of JSON Schema that the file uses.
func conforms(schemas map[string]object, s object, v any) string {
	if ref, ok := s["$ref"].(string); ok {
		return conforms(schemas, schemas[strings.TrimPrefix(ref, "#/components/schemas/")], v)
	}
	if options, ok := s["oneOf"].([]any); ok {
		problems := []string{}
		for _, o := range options {
			p := conforms(schemas, o.(object), v)
			if p == "" {
				return ""
			}
			problems = append(problems, p)
		}
		return strings.Join(problems, "; ")
	}
	kinds, ok := s["type"].([]any)
	if !ok {
		kinds = []any{s["type"]}
	}
	if !slices.Contains(kinds, any(kindOf(v))) && !(slices.Contains(kinds, any("number")) && kindOf(v) == "integer") {
		return kindOf(v) + " where the file promises " + strings.Trim(strings.ReplaceAll(strings.Trim(toString(kinds), "[]"), " ", " or "), " ")
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if p := conforms(schemas, s["items"].(object), e); p != "" {
				return p
			}
		}
	case object:
		return conformsObject(schemas, s, v)
	}
	return ""
}

func conformsObject(schemas map[string]object, s object, v object) string {
	required, _ := s["required"].([]any)
	for _, key := range required {
		if _, ok := v[key.(string)]; !ok {
			return "no " + key.(string)
		}
	}
	properties, _ := s["properties"].(object)
	for key, e := range v {
		p, ok := properties[key].(object)
		if !ok {
			if p, ok = s["additionalProperties"].(object); !ok {
				return key + " is not in the file"
			}
		}
		if problem := conforms(schemas, p, e); problem != "" {
			return key + ": " + problem
		}
	}
	return ""
}

func toString(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// The fields that scripts depend on, to the letter.
func TestFieldsScriptsDependOn(t *testing.T) {
	for _, c := range []struct {
		kind reflect.Type
		want string
	}{
		{reflect.TypeFor[ServiceStatus](), "name state since pid started_at restarts want mode holds checks"},
		{reflect.TypeFor[Hold](), "kind by reason since lock_id"},
		{reflect.TypeFor[CheckCounts](), "ok failing unknown"},
		{reflect.TypeFor[StatusReply](), "services"},
		{reflect.TypeFor[LocksReply](), "locks"},
		{reflect.TypeFor[Lock](), "id target owner uid login_uid tty reason ticket since until overdue abandoned ready"},
		{reflect.TypeFor[errorLine](), "error"},
		{reflect.TypeFor[Error](), "code message"},
	} {
		v, _ := json.Marshal(reflect.New(c.kind).Interface())
		var have object
		if err := json.Unmarshal(v, &have); err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Fields(c.want) {
			if _, ok := have[key]; !ok {
				t.Errorf("%s has no %q", c.kind, key)
			}
		}
	}
}
