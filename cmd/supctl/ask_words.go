package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/supd/supd/internal/api"
)

// words are what a person says when asked.
type words struct{ reason, ticket string }

// asksMax is how often the same word is asked for: a ticket that does not match is mostly a typing error.
const asksMax = 3

// fillUp asks on a terminal for what policy misses and only the person can say, and sends it with again, until nothing of
// the kind is missing or the person has enough. The locks of reply stand all the while: who types nothing, or ends it with
// Ctrl-C or Ctrl-D, has one that is not ready, and what is missing is in the reply that comes back. The error is again's.
func (a *app) fillUp(ctx context.Context, reply api.MaintenanceReply, again func(words) (api.MaintenanceReply, error)) (api.MaintenanceReply, error) {
	if !a.canAsk() {
		return reply, nil
	}
	for range asksMax {
		w := a.askWords(ctx, reply)
		if w == (words{}) || ctx.Err() != nil {
			return reply, nil
		}
		next, err := again(w)
		if err != nil {
			return reply, err
		}
		reply = next
	}
	return reply, nil
}

// askWords asks for each of what is missing; nothing typed ends the asking.
func (a *app) askWords(ctx context.Context, reply api.MaintenanceReply) (w words) {
	for i, what := range reply.Missing {
		into := map[string]*string{"reason": &w.reason, "ticket": &w.ticket}[what]
		if into == nil {
			continue
		}
		rule := "a " + what
		if i < len(reply.MissingRules) {
			rule = reply.MissingRules[i]
		}
		said := slices.ContainsFunc(reply.Locks, func(l api.Lock) bool { return what == "ticket" && l.Ticket != "" })
		if said {
			rule += fmt.Sprintf(", not %q", reply.Locks[0].Ticket)
		}
		if *into = a.promptUntil(ctx, "locked; policy wants "+rule+": "); *into == "" {
			return w
		}
	}
	return w
}
