package bot

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/topicdesk/topicdesk/messages"
)

// TestFileIDsAreUsedAgainForTheSameMediumOnly changes each field of a medium in turn, and the message.
func TestFileIDsAreUsedAgainForTheSameMediumOnly(t *testing.T) {
	t.Parallel()
	medium := func() *messages.Media {
		return &messages.Media{Kind: messages.MediaDocument, FileName: "Contract ACME.pdf", Sha256: "5e"}
	}
	of := func(original string, m *messages.Media) *outgoing { return &outgoing{original: original, upload: m} }
	var u uploads
	u.put(of("api:1", medium()), "file of ACME")
	if got := u.get(of("api:1", medium())); got != "file of ACME" {
		t.Errorf("a further copy of the same message: %q", got)
	}
	if got := u.get(of("api:2", medium())); got != "" {
		t.Errorf("another message: %q", got)
	}
	fields := medium().ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		other := medium()
		change(other.ProtoReflect(), fields.Get(i))
		if got := u.get(of("api:1", other)); got != "" {
			t.Errorf("another %s: %q", fields.Get(i).Name(), got)
		}
	}
	u.put(of("", medium()), "file of nobody")
	if got := u.get(of("", medium())); got != "" {
		t.Errorf("a medium of no message: %q", got)
	}
	u.forget(of("api:1", medium()))
	if got := u.get(of("api:1", medium())); got != "" {
		t.Errorf("forgotten: %q", got)
	}
}

// change gives a field another value.
func change(m protoreflect.Message, f protoreflect.FieldDescriptor) {
	switch f.Kind() {
	case protoreflect.StringKind:
		m.Set(f, protoreflect.ValueOfString(m.Get(f).String()+"x"))
	case protoreflect.BoolKind:
		m.Set(f, protoreflect.ValueOfBool(!m.Get(f).Bool()))
	case protoreflect.Int32Kind:
		m.Set(f, protoreflect.ValueOfInt32(int32(m.Get(f).Int())+1))
	case protoreflect.Int64Kind:
		m.Set(f, protoreflect.ValueOfInt64(m.Get(f).Int()+1))
	default: // of a message: that it is there
		m.Set(f, m.NewField(f))
	}
}
