package desk

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Every field of a content is stored and comes back. The test fails when somebody adds a field to messages and forgets
// it here.
func TestContentIsStoredWhole(t *testing.T) {
	c := &messages.Content{}
	n := 0
	fillMessage(c.ProtoReflect(), &n)
	r := &storage.Message{}
	SetContent(r, c)
	if diff := cmp.Diff(c, ContentOf(r), protocmp.Transform()); diff != "" {
		t.Errorf("sent -, stored and read +:\n%s", diff)
	}
	SetContent(r, nil) // an edit that removed everything
	if !proto.Equal(ContentOf(r), &messages.Content{}) {
		t.Errorf("an empty content does not replace the old one: %+v", r)
	}
}

// fillMessage sets every field of a message, at any depth, to a value of its own; lists get two elements.
func fillMessage(m protoreflect.Message, n *int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList():
			list := m.Mutable(f).List()
			for range 2 {
				e := list.NewElement()
				fillMessage(e.Message(), n)
				list.Append(e)
			}
		case f.Message() != nil:
			fillMessage(m.Mutable(f).Message(), n)
		default:
			m.Set(f, valueOf(f, n))
		}
	}
}

func valueOf(f protoreflect.FieldDescriptor, n *int) protoreflect.Value {
	*n++
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(string(f.Name()) + string(rune('a'+*n%26)))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(*n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(*n))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(*n) + 0.5)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	}
	panic("no value for a field of kind " + f.Kind().String() + ": teach valueOf")
}
