package desk

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Command is what people and programs ask of an entity.
type Command interface {
	proto.Message
	GetOrigin() *messages.Origin
}

// Pack encodes a command with its type, so that a record can keep it as pending.
func Pack(m proto.Message) ([]byte, error) {
	packed, err := anypb.New(m)
	if err != nil {
		return nil, fmt.Errorf("pack a command: %w", err)
	}
	return proto.Marshal(packed)
}

// Unpack decodes what Pack encoded.
func Unpack(body []byte) (proto.Message, error) {
	var packed anypb.Any
	if err := proto.Unmarshal(body, &packed); err != nil {
		return nil, fmt.Errorf("unpack a command: %w", err)
	}
	return packed.UnmarshalNew()
}

// OperationTo begins the operation of an answer, in the topic that the command came from.
func OperationTo(o *messages.Origin) *messages.Operation {
	return &messages.Operation{
		Place: o.GetPlace(), ThreadId: o.GetThreadId(), Lang: o.GetLang(), Priority: messages.Operation_ANSWER,
	}
}

// OperationIn begins the operation of what a ticket says by itself in one of its topics. Its language is that of whoever
// opened the ticket, which is a guess in a group: others read it.
func OperationIn(r *storage.Ticket, topic *storage.Topic) *messages.Operation {
	return &messages.Operation{Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Lang: r.Language,
		OpenersLang: messages.IsGroup(topic.GroupID)}
}

// OperationOf decodes a pending operation of a record. Its reference is not stored with it, since where the record
// keeps it says what it is to its owner.
func OperationOf(pending storage.Pending) (*messages.Operation, error) {
	op := &messages.Operation{}
	err := proto.Unmarshal(pending.Body, op)
	op.SetRef(PendingRef(pending.ID))
	return op, err
}

// PendingRef is the reference of an operation that its owner's record keeps as pending.
func PendingRef(id string) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_Pending{Pending: &messages.PendingOperation{Id: id}}}
}

// OneButton is a keyboard with a single button; key names its text.
func OneButton(key, data string) *messages.Keyboard {
	button := &messages.Button{Key: key, Data: data}
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{button}}}}
}

// ClosingOrder is the order of an operation that comes after the copies of the messages up to a sequence.
func ClosingOrder(after int64) int64 { return after*1000 + 999 }
