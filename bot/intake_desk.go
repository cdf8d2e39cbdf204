package bot

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Desk is what intake needs of the actors.
type Desk interface {
	// Ask sends a command to the entity and waits for its answer. It retries by itself; an error means that the command
	// was not accepted, so that its update must not be acknowledged.
	Ask(ctx context.Context, kind, identity string, command proto.Message) (proto.Message, error)
	// Tell sends and does not wait.
	Tell(kind, identity string, message proto.Message)
}

// errNotAccepted says that an entity could not take a command: the update must come again.
var errNotAccepted = errors.New("not accepted")

// command asks an entity and passes on every answer that settles the command.
func command(ctx context.Context, d Desk, kind, identity string, c proto.Message) (*messages.Reply, error) {
	answer, err := d.Ask(ctx, kind, identity, c)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %s: %w", kind, identity, c.ProtoReflect().Descriptor().Name(), err)
	}
	r, ok := answer.(*messages.Reply)
	if !ok {
		return nil, fmt.Errorf("%s %s: %w: answered by %T", kind, identity, errNotAccepted, answer)
	}
	switch r.Code {
	case messages.Code_OK, messages.Code_DUPLICATE, messages.Code_NOT_FOUND, messages.Code_WRONG_TOPIC, messages.Code_CONFLICT:
		return r, nil
	}
	return nil, fmt.Errorf("%s %s: %s: %w: %s %s", kind, identity, c.ProtoReflect().Descriptor().Name(), errNotAccepted, r.Code, r.Reason)
}

// coded is a response to a query.
type coded interface {
	proto.Message
	GetCode() messages.Code
}

// query reads. A response of NOT_FOUND is an answer like any other.
func query[R coded](ctx context.Context, d Desk, q proto.Message) (R, error) {
	var none R
	answer, err := d.Ask(ctx, messages.KindQuery, "", q)
	if err != nil {
		return none, fmt.Errorf("%s: %w", q.ProtoReflect().Descriptor().Name(), err)
	}
	r, ok := answer.(R)
	if !ok {
		return none, fmt.Errorf("%s: %w: answered by %T", q.ProtoReflect().Descriptor().Name(), errNotAccepted, answer)
	}
	if code := r.GetCode(); code != messages.Code_OK && code != messages.Code_NOT_FOUND {
		return none, fmt.Errorf("%s: %w: %s", q.ProtoReflect().Descriptor().Name(), errNotAccepted, code)
	}
	return r, nil
}
