package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Digest tells two configs of a service apart by what a running process keeps from its start: as long as it is the same,
// no restart is needed. It is a digest of secrets too: who has it could try guesses, so it is for nobody's eyes but supd's.
func (s *Service) Digest() string {
	flat := s.flat()
	h := sha256.New()
	for _, key := range sortedKeys(flat) {
		if !strings.HasPrefix(key, "limits.") && needsRestart(key, &Service{}, s) {
			fmt.Fprintf(h, "%s=%s\n", key, flat[key])
		}
	}
	for _, l := range s.Limits.Processes() { // the others a process may be given while it runs
		if l.Fixed() {
			fmt.Fprintf(h, "%s=%d:%d\n", l.Key, l.Soft, l.Hard)
		}
	}
	// Instances of one table may well run the very same command, and are not one service under several names.
	if s.Instance > 0 {
		fmt.Fprintf(h, "instance=%d\n", s.Instance)
	}
	return hex.EncodeToString(h.Sum(nil)[:fingerprintBytes])
}
