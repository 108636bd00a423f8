package lockfile

import (
	"crypto/rand"
	"crypto/sha256"
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

// An id that NewIDFor made is random, and bound to its target by a digest behind it: no other target can have the same one, which
// is seen without looking into the directories of all.
const (
	idRandomChars = 12 // 60 bits
	idBoundChars  = 8  // 40 bits
)

// NewIDFor makes the id of a lock on a target. Any other valid id does as well, and costs a look at every target there is.
func NewIDFor(t Target) string {
	random := NewID()[:idRandomChars]
	return random + idDigest(random, t)
}

// boundTo says whether NewIDFor made the id for this very target.
func boundTo(id string, t Target) bool {
	return len(id) == idRandomChars+idBoundChars && id[idRandomChars:] == idDigest(id[:idRandomChars], t)
}

// idDigest tells what an id was made for; it is no secret and proves nothing else.
func idDigest(random string, t Target) string {
	sum := sha256.Sum256([]byte(random + " " + string(t.Kind) + " " + t.Name))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))[:idBoundChars]
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
