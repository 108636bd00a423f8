package configs

import (
	"fmt"
	"strconv"
)

// Nearest gives the known name that somebody who wrote name most likely meant, "" if none is near.
func Nearest(name string, known []string) string { return nearest(name, known) }

// signalMax is the highest signal number of Linux (signal(7)).
const signalMax = 64

// SignalNumber reads a signal as people write it: "HUP", "SIGHUP" or a number from 1 to 64.
func SignalNumber(text string) (int, error) {
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > signalMax {
			return 0, fmt.Errorf("%d is no signal; numbers go from 1 to %d", n, signalMax)
		}
		return n, nil
	}
	var s Signal
	if err := s.UnmarshalTOML(text); err != nil {
		return 0, err
	}
	return int(s), nil
}

// Settings are a service's keys and values as config show prints them, secrets masked.
func (s *Service) Settings() map[string]string { return s.shown() }
