package bot

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Desk is what intake needs of package actors.
type Desk interface {
	// Ask sends a command to the entity and waits for its reply. It retries by itself. An error means that the
	// command was not accepted, so its update must not be acknowledged.
	Ask(ctx context.Context, kind, identity string, command proto.Message) (proto.Message, error)
	// Tell sends a message and does not wait.
	Tell(kind, identity string, message proto.Message)
}

// errNotAccepted says that an entity could not accept a command: the update must be delivered again.
var errNotAccepted = errors.New("not accepted")

// command asks an entity and returns a reply that finishes the command; anything else is an error.
func command(ctx context.Context, d Desk, kind, identity string, c proto.Message) (*messages.Reply, error) {
	name := c.ProtoReflect().Descriptor().Name()
	reply, err := d.Ask(ctx, kind, identity, c)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %s: %w", kind, identity, name, err)
	}
	r, ok := reply.(*messages.Reply)
	if !ok {
		return nil, fmt.Errorf("%s %s: %s: %w: the reply is a %T", kind, identity, name, errNotAccepted, reply)
	}
	switch r.Code {
	case messages.Code_OK, messages.Code_DUPLICATE, messages.Code_NOT_FOUND, messages.Code_WRONG_TOPIC,
		messages.Code_CONFLICT:
		return r, nil
	}
	return nil, fmt.Errorf("%s %s: %s: %w: %s %s", kind, identity, name, errNotAccepted, r.Code, r.Reason)
}

// coded is a reply to a query.
type coded interface {
	proto.Message
	GetCode() messages.Code
}

// query asks a reader. NOT_FOUND is a reply, not an error.
func query[R coded](ctx context.Context, d Desk, q proto.Message) (R, error) {
	return queryOf[R](ctx, d, messages.KindQuery, "", q)
}

// queryOf asks an entity what it knows. NOT_FOUND is a reply, not an error.
func queryOf[R coded](ctx context.Context, d Desk, kind, identity string, q proto.Message) (R, error) {
	var none R
	name := q.ProtoReflect().Descriptor().Name()
	reply, err := d.Ask(ctx, kind, identity, q)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	r, ok := reply.(R)
	if !ok {
		return none, fmt.Errorf("%s: %w: the reply is a %T", name, errNotAccepted, reply)
	}
	if code := r.GetCode(); code != messages.Code_OK && code != messages.Code_NOT_FOUND {
		return none, fmt.Errorf("%s: %w: %s", name, errNotAccepted, code)
	}
	return r, nil
}
