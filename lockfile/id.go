package lockfile

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
)

// idBytesMax bounds ids, which become file names.
const idBytesMax = 64

// NewID makes the random id of a lock, hold or epoch. Ids are random so that nothing depends on
// a clock.
func NewID() string {
	var b [10]byte
	rand.Read(b[:]) // never fails: crypto/rand aborts the program instead
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// ValidID says whether id may be the id of a lock: letters, digits, "-" and "_", at most 64.
func ValidID(id string) error {
	if id == "" || len(id) > idBytesMax {
		return fmt.Errorf("id %.70q must have 1 to %d characters", id, idBytesMax)
	}
	for _, c := range []byte(id) {
		if c != '-' && c != '_' && (!nameByte(c) || strings.IndexByte("@.:+", c) >= 0) {
			return fmt.Errorf("id %q must not contain %q", id, rune(c))
		}
	}
	return nil
}
