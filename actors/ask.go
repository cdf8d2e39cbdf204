package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// How long Ask tries: each try, all of them, and the pause between two.
const (
	askTry   = 4 * time.Second
	askTotal = 8 * time.Second
	askPause = 50 * time.Millisecond
	// askFaults is how often a command is tried that an entity panics over: once more after it restarted from storage, and
	// once for luck.
	askFaults = 3
)

// ErrNoAnswer says that an entity gave no answer in time; the command may have been carried out. Asking again is safe,
// since commands are idempotent.
var ErrNoAnswer = errors.New("no answer in time")

// ErrNotAccepted says that the command was not accepted: nothing was changed, ask again later.
var ErrNotAccepted = errors.New("not accepted")

// Ask sends a command and returns its answer. It tries again while the entity is moving or silent, for 8 s in all, or until ctx
// ends; commands are idempotent. An answer that says "unavailable" comes back as ErrNotAccepted, one that says "internal error" as
// messages.ErrFault.
func (s *System) Ask(ctx context.Context, kind, identity string, command proto.Message) (proto.Message, error) {
	start, faults := time.Now(), 0
	for {
		answer, err := s.ask(ctx, kind, identity, command, askTry)
		switch m, ok := answer.(proto.Message); {
		case err != nil && ctx.Err() != nil:
			return nil, fmt.Errorf("%s %s: %w: %w", kind, identity, ErrNoAnswer, ctx.Err())
		case err != nil:
			err = fmt.Errorf("%s %s: %w", kind, identity, ErrNoAnswer)
		case !ok:
			return nil, fmt.Errorf("%s %s: answered with %T", kind, identity, answer)
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
			case messages.Code_UNAVAILABLE:
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
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

// codeOf is what an answer says of how the command went; OK when it has no word for that.
func codeOf(answer proto.Message) messages.Code {
	if coded, ok := answer.(interface{ GetCode() messages.Code }); ok {
		return coded.GetCode()
	}
	return messages.Code_OK
}

// ask tries once.
func (s *System) ask(ctx context.Context, kind, identity string, command proto.Message, timeout time.Duration) (any, error) {
	if s.env.Ctx.Err() != nil {
		return nil, ErrNotAccepted
	}
	if kind == messages.KindQuery {
		return s.node.RequestTo(ctx, s.readers.Pick(command), command, timeout)
	}
	return s.node.Request(ctx, kind, identity, command, timeout)
}
