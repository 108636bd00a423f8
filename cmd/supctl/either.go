package main

import "github.com/supd/supd/internal/api"

// either asks the daemon, unless it is known not to answer (why), and where nobody answers does the same on the files. doing is
// for the error of a state directory that cannot be opened. What asks for a new lock has the client's own id in it, so that a
// second try makes no second lock.
func either[R any](a *app, why error, doing string, ask func(*api.Client, api.Progress) (R, error), self func(*direct, api.Progress) (R, error)) (reply R, err error) {
	if why == nil {
		var c *api.Client
		if c, err = a.client(); err == nil {
			err = a.watched(func(show api.Progress) (err error) {
				reply, err = ask(c, show)
				return err
			})
		}
		if err == nil || !api.IsUnreachable(err) {
			return reply, err
		}
		why = err
	}
	d, why, err := a.direct(why, false)
	if err != nil {
		return reply, directFailed(doing, why, err)
	}
	err = a.watched(func(show api.Progress) (err error) {
		reply, err = self(d, show)
		return err
	})
	return reply, err
}
