package desk

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

func OneButton(key, data string) *messages.Keyboard {
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{{Key: key, Data: data}}}}}
}

// Remember appends an id to a bounded list of ids, newest last.
func Remember(ids []string, id string, limit int) []string {
	ids = append(ids, id)
	if len(ids) > limit {
		ids = slices.Clone(ids[len(ids)-limit:])
	}
	return ids
}

// Command is what people ask of a ticket.
type Command interface {
	proto.Message
	GetOrigin() *messages.Origin
}

func Pack(m proto.Message) ([]byte, error) {
	packed, err := anypb.New(m)
	if err != nil {
		return nil, fmt.Errorf("pack a command: %w", err)
	}
	return proto.Marshal(packed)
}

func Unpack(body []byte) (proto.Message, error) {
	var packed anypb.Any
	if err := proto.Unmarshal(body, &packed); err != nil {
		return nil, fmt.Errorf("unpack a command: %w", err)
	}
	return packed.UnmarshalNew()
}

// OperationTo is an answer in the place that a command came from.
func OperationTo(o *messages.Origin) *messages.Operation {
	return &messages.Operation{Place: o.GetPlace(), ThreadId: o.GetThreadId(), Lang: o.GetLang(), Priority: messages.Operation_ANSWER}
}

// OperationOf is an operation that a record keeps. What it is to the record's owner is not written there: its place says
// it.
func OperationOf(owed storage.Owed) (*messages.Operation, error) {
	op := &messages.Operation{}
	err := proto.Unmarshal(owed.Body, op)
	op.SetRef(OwedRef(owed.ID))
	return op, err
}

// OwedRef names an operation that its owner's record keeps.
func OwedRef(id string) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_Owed{Owed: &messages.OwedOperation{Id: id}}}
}
