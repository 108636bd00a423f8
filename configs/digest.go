package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Digest tells two configs of a service apart by what a running process keeps from its start: as long as it is the same,
// no restart is needed. It says nothing about the values themselves, so it may be stored in the open.
func (s *Service) Digest() string {
	flat := s.flat()
	h := sha256.New()
	for _, key := range sortedKeys(flat) {
		if needsRestart(key, &Service{}, s) {
			fmt.Fprintf(h, "%s=%s\n", key, flat[key])
		}
	}
	// Instances of one table may well run the very same command, and are not one service under several names.
	if s.Instance > 0 {
		fmt.Fprintf(h, "instance=%d\n", s.Instance)
	}
	return hex.EncodeToString(h.Sum(nil)[:fingerprintBytes])
}
