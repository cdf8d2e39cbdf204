package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	askTry   = 4 * time.Second       // how long one try waits for a reply
	askNode  = time.Second           // the first one in a cluster, where the owner may have died meanwhile
	askSlow  = 2 * time.Second       // up to which later ones wait longer, since the owner may be slow and not dead
	askTotal = 8 * time.Second       // how long all tries take together
	askPause = 50 * time.Millisecond // between two tries
	// askFaults is how often a command is tried when the entity panics over it each time: the first time, once more
	// after the entity has restarted from storage, and once for luck (docs/decisions.md, D8).
	askFaults = 3
)

// ErrNoAnswer says that an entity did not reply in time. The command may have been carried out. To ask again is safe,
// since commands are idempotent.
var ErrNoAnswer = errors.New("no answer in time")

// ErrNotAccepted says that a command was not accepted. Nothing was changed; ask again later.
var ErrNotAccepted = errors.New("not accepted")

// Ask sends a command to an entity and returns the reply. While the entity is silent or moves to another owner, Ask
// tries again, for 8 s in all or until ctx ends; that is safe, since commands are idempotent. A reader replies to a
// read if the entity is not resident. Errors: ErrNoAnswer; ErrNotAccepted, when the reply is NOT_OWNER or
// UNAVAILABLE, or when it does not fit into a message between nodes; messages.ErrFault, when it is INTERNAL.
func (s *System) Ask(ctx context.Context, kind, identity string, command proto.Message) (proto.Message, error) {
	if kind != messages.KindQuery && !s.joined.Load() {
		return nil, fmt.Errorf("%s %s: %w: %w", kind, identity, ErrNotAccepted, errNotJoined)
	}
	start, faults := time.Now(), 0
	for try := s.askTry; ; try = min(3*try/2, max(s.askTry, askSlow)) {
		reply, err := s.ask(ctx, kind, identity, command, try)
		switch m, ok := reply.(proto.Message); {
		case err != nil && ctx.Err() != nil:
			return nil, fmt.Errorf("%s %s: %w: %w", kind, identity, ErrNoAnswer, ctx.Err())
		case err != nil:
			err = fmt.Errorf("%s %s: %w", kind, identity, ErrNoAnswer)
		case !ok:
			return nil, fmt.Errorf("%s %s: replied with %T", kind, identity, reply)
		default:
			switch code := codeOf(m); code {
			case messages.Code_NOT_RESIDENT:
				kind, identity = messages.KindQuery, ""
				continue
			case messages.Code_INTERNAL:
				err = fmt.Errorf("%s %s: %w", kind, identity, messages.ErrFault)
				if faults++; faults == askFaults {
					return nil, err
				}
			case messages.Code_NOT_OWNER:
				err = fmt.Errorf("%s %s: %w: %s", kind, identity, ErrNotAccepted, code)
			case messages.Code_UNAVAILABLE, messages.Code_TOO_LARGE:
				if r, ok := m.(*messages.Reply); ok && r.Reason != "" {
					return nil, fmt.Errorf("%s %s: %w: %s: %s", kind, identity, ErrNotAccepted, code, r.Reason)
				}
				return nil, fmt.Errorf("%s %s: %w: %s", kind, identity, ErrNotAccepted, code)
			default:
				return m, nil
			}
		}
		if time.Since(start)+askPause > askTotal || s.env.Draining() {
			return nil, err
		}
		timer := time.NewTimer(askPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		case <-timer.C:
		}
	}
}

// codeOf is the code of a reply; OK for a reply without one.
func codeOf(reply proto.Message) messages.Code {
	if coded, ok := reply.(interface{ GetCode() messages.Code }); ok {
		return coded.GetCode()
	}
	return messages.Code_OK
}

// ask tries once.
func (s *System) ask(
	ctx context.Context, kind, identity string, command proto.Message, timeout time.Duration,
) (any, error) {
	if s.env.Ctx.Err() != nil {
		return nil, ErrNotAccepted
	}
	if kind == messages.KindQuery {
		if s.readers.Slow(command) { // another try would have it made twice
			timeout = askTotal
		}
		return s.node.RequestTo(ctx, s.readers.Pick(command), command, timeout)
	}
	return s.node.Request(ctx, kind, identity, command, timeout)
}
