package entity

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/topicdesk/topicdesk/messages"
)

// mailAtMost is how large a message to another node may be. gRPC would end the connection over a larger one, and with it
// everything else that is on its way.
const mailAtMost = 3 << 20

// newMail packs a message for another node. Its refusal, when there is one, is for whoever sent the message.
func newMail(kind, identity string, m proto.Message) (*messages.Mail, *messages.Reply) {
	body, err := proto.Marshal(m)
	if err != nil {
		return nil, Answer(messages.Code_INTERNAL, fmt.Sprintf("%s can't be encoded: %s", TypeName(m), err))
	}
	if len(body) > mailAtMost {
		return nil, Answer(messages.Code_TOO_LARGE, fmt.Sprintf("%s has %.1f MiB; between nodes a message may have %d MiB",
			TypeName(m), float64(len(body))/(1<<20), mailAtMost>>20))
	}
	return &messages.Mail{Kind: kind, Identity: identity, Type: string(proto.MessageName(m)), Body: body}, nil
}

// open unpacks a message from another node. An error says that it is of a type that this version does not know, or that
// it is damaged.
func open(mail *messages.Mail) (proto.Message, error) {
	of, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(mail.Type))
	if err != nil {
		return nil, fmt.Errorf("%q is a message that this version does not know", mail.Type)
	}
	m := of.New().Interface()
	if err := proto.Unmarshal(mail.Body, m); err != nil {
		return nil, fmt.Errorf("decode %s: %w", mail.Type, err)
	}
	return m, nil
}
