package configs

import (
	"reflect"
	"time"

	"github.com/supd/supd/checks"
)

// form is how the values of one type are written: in words for the reference pages, as a JSON Schema for editors. What
// only Load can judge (whether a name exists, whether two keys contradict) is not in the schema.
type form struct {
	words  string
	schema jsonObject
}

// jsonObject is a part of a schema.
type jsonObject map[string]any

// Patterns of texts. The same in ECMA 262, which JSON Schema names, and in RE2.
const (
	patternDuration = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)(us|ms|s|m|h|d)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(us|ms|s|m|h|d))*$`
	patternLimit    = `^( *[1-9][0-9]* in .+)?$`
	patternSignal   = `^([Ss][Ii][Gg])?[A-Za-z][A-Za-z0-9]*$`
	patternCron     = `^(cron:)? *[^ ]+( +[^ ]+){4} *$`
	patternSize     = `^([0-9]*\.?[0-9]+[BKMGT]|0)$`
	patternRlimit   = `^[0-9a-zA-Z.]+(:[0-9a-zA-Z.]+)?$`
	patternEnv      = `\$\{` // what the environment will say is not known here
)

// formOf gives the form of a type; false where nobody declared one.
func formOf(t reflect.Type) (form, bool) {
	if f, ok := forms()[t]; ok {
		return f, true
	}
	switch t.Kind() {
	case reflect.String:
		return form{"text", jsonObject{"type": "string"}}, true
	case reflect.Bool:
		return form{"`true` or `false`", jsonObject{"type": "boolean"}}, true
	case reflect.Int, reflect.Int64:
		return form{"number", jsonObject{"type": "integer"}}, true
	case reflect.Uint64:
		return form{"number", jsonObject{"type": "integer", "minimum": 0}}, true
	case reflect.Float64:
		return form{"number", jsonObject{"type": "number"}}, true
	}
	return form{}, false
}

// forms are the types that are more than one of TOML's own.
func forms() map[reflect.Type]form {
	command := jsonObject{"type": "array", "items": jsonObject{"type": "string"}, "minItems": 1}
	duration := text(patternDuration)
	return map[reflect.Type]form{
		reflect.TypeFor[time.Duration]():     {"duration", duration},
		reflect.TypeFor[checks.Duration]():   {"duration", duration},
		reflect.TypeFor[[]string]():          {"list of texts", listOf(jsonObject{"type": "string"})},
		reflect.TypeFor[map[string]string](): {"table of texts", jsonObject{"type": "object", "additionalProperties": jsonObject{"type": "string"}}},
		reflect.TypeFor[Mode]():              {"`active` or `observe`", words(ModeActive, ModeObserve)},
		reflect.TypeFor[OnExit]():            {"`leave` or `stop`", words(ExitLeave, ExitStop)},
		reflect.TypeFor[LogTo]():             {"`auto`, `journal`, `file`, `inherit` or `none`", words(LogAuto, LogJournal, LogFile, LogInherit, LogNone)},
		reflect.TypeFor[RestartPolicy]():     {"`on-failure`, `always` or `never`", words(RestartOnFailure, RestartAlways, RestartNever)},
		reflect.TypeFor[Verdict]():           {"`hold` or `restart`", words(VerdictHold, VerdictAgain)},
		reflect.TypeFor[Ready]():             {"`delay:DURATION`, `notify`, `check:NAME` or `log:PATTERN`", text(`^(notify|delay:.+|check:.+|log:.+)$`)},
		reflect.TypeFor[OnReload]():          {"`signal:NAME`, `notify:NAME` or a command line", anyOf(text(`^(signal|notify):.+$`), command)},
		reflect.TypeFor[Limit]():             {"`N in DURATION`", text(patternLimit)},
		reflect.TypeFor[Signal]():            {"signal's name", text(patternSignal)},
		reflect.TypeFor[*Umask]():            {"octal digits in a text", text(`^[0-7]+$`)},
		reflect.TypeFor[[]Command]():         {"list of command lines", listOf(command)},
		reflect.TypeFor[CountLimit]():        {"number, `SOFT:HARD` or `unlimited`", anyOf(jsonObject{"type": "integer", "minimum": 0}, text(patternRlimit))},
		reflect.TypeFor[SizeLimit]():         {"size, `SOFT:HARD` or `unlimited`", anyOf(jsonObject{"enum": []any{0}}, text(patternRlimit))},
		reflect.TypeFor[TimeLimit]():         {"duration, `SOFT:HARD` or `unlimited`", text(patternRlimit)},
		reflect.TypeFor[Size]():              {"size", anyOf(jsonObject{"enum": []any{0}}, text(patternSize))},
		reflect.TypeFor[*Size]():             {"size", anyOf(jsonObject{"enum": []any{0}}, text(patternSize))},
		reflect.TypeFor[Percent]():           {"percent", text(`^[1-9][0-9]*%$`)},
		reflect.TypeFor[*int]():              {"number", jsonObject{"type": "integer"}},
		reflect.TypeFor[JobSchedule]():       {"`cron: FIELDS`", text(`^cron:`)},
		reflect.TypeFor[checks.Schedule]():   {"duration, or `cron: FIELDS`", anyOf(duration, text(`^cron:`))},
		reflect.TypeFor[checks.Blackouts]():  {"`cron: FIELDS`, or a list of them", oneOrMore(text(patternCron))},
		reflect.TypeFor[checks.Tolerance]():  {"number, `N of M`, or duration", anyOf(jsonObject{"type": "integer", "minimum": 1}, jsonObject{"type": "string"})},
		reflect.TypeFor[checks.When]():       {"condition, or a list of them", oneOrMore(jsonObject{"type": "string"})},
		reflect.TypeFor[checks.Action]():     {"an action", words(checks.Actions()...)},
		reflect.TypeFor[checks.StatusSet]():  {"number, `LOW-HIGH`, or a list of them", oneOrMore(anyOf(jsonObject{"type": "integer"}, text(`^[0-9]+ *(- *[0-9]+)?$`)))},
	}
}

// text is a string that the pattern finds, or one that the environment completes.
func text(pattern string) jsonObject {
	return jsonObject{"type": "string", "pattern": "(" + pattern + ")|" + patternEnv}
}

// words is a string of a fixed set, or one that the environment gives.
func words[T ~string](known ...T) jsonObject {
	list := make([]any, len(known))
	for i, w := range known {
		list[i] = string(w)
	}
	return anyOf(jsonObject{"enum": list}, jsonObject{"type": "string", "pattern": patternEnv})
}

func listOf(elem jsonObject) jsonObject { return jsonObject{"type": "array", "items": elem} }

func oneOrMore(elem jsonObject) jsonObject { return anyOf(elem, listOf(elem)) }

func anyOf(parts ...jsonObject) jsonObject {
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return jsonObject{"anyOf": list}
}
