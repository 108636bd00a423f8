package several

import (
	"errors"
	"io/fs"
	"testing"
)

func TestJoin(t *testing.T) {
	one, two := errors.New("cannot unlink\n\"a\": busy"), &fs.PathError{Op: "open", Path: "b", Err: fs.ErrPermission}
	if Join(nil, nil) != nil || Join(nil, one) != one || Join() != nil {
		t.Error("nothing joined is not nil, or one is not itself")
	}
	all := Join(one, nil, Join(two, one))
	const want = `cannot unlink / "a": busy; open b: permission denied; cannot unlink / "a": busy`
	if all.Error() != want {
		t.Errorf("got  %s\nwant %s", all, want)
	}
	var path *fs.PathError
	if !errors.Is(all, fs.ErrPermission) || !errors.As(all, &path) {
		t.Error("what is in it is not found")
	}
}
