package journal

import (
	"context"
	"errors"
	"time"
)

// Durable brings everything that was appended before to disk, sharing the commit with whoever asks at the same time, and
// reports whether it is there. It gives up after limit, and at once while the database is known not to save, or has not
// finished a commit that somebody gave up on before: who answers a person must not be held up by a record that cannot be made.
func (j *Journal) Durable(limit time.Duration) bool {
	j.mu.Lock()
	done := j.state.Saving && j.saved == j.seq
	hopeless := j.state.degraded || j.late || j.ended
	j.mu.Unlock()
	if done || hopeless {
		return done
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := j.Flush(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		j.mu.Lock()
		j.late = true
		j.mu.Unlock()
	}
	return err == nil
}
