package api

import (
	"reflect"
	"time"
)

// WithLists returns a copy of a wire value in which every list and map that is
// nil is an empty one, at any depth: a script may count on `"holds":[]`, never
// null. Lists are copied, v itself stays as it is.
func WithLists(v any) any {
	if v == nil {
		return nil
	}
	c := reflect.New(reflect.TypeOf(v)).Elem()
	c.Set(reflect.ValueOf(v))
	complete(c)
	return c.Interface()
}

func complete(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() { // exported
				complete(f)
			}
		}
	case reflect.Slice:
		k := v.Type().Elem().Kind()
		if !v.IsNil() && k != reflect.Struct && k != reflect.Slice {
			return
		}
		list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(list, v)
		for i := range list.Len() {
			complete(list.Index(i))
		}
		v.Set(list)
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
	}
}
