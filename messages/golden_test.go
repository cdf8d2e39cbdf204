package messages

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// golden has the bytes of each message with every field set, as the last release writes them, or as they were when the message
// came. Nodes of that release and of this one talk to each other while a cluster is upgraded, so this one must read them all. A
// field that is new is not in them. UPDATE_GOLDEN=1 adds the messages that are not there, and changes no others.
//
// released has the messages for `buf breaking`, to which a message that is not in it may be anything. It is made anew by
//
//	go tool -modfile=tools/go.mod buf build --exclude-source-info -o messages/testdata/released.binpb
//
// For a release, delete golden and make both.
const (
	golden   = "testdata/golden.json"
	released = "testdata/released.binpb"
)

// filled sets every field of a message, nested ones to a depth.
func filled(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		nested := f.Kind() == protoreflect.MessageKind && !f.IsMap()
		switch {
		case nested && depth == 0:
		case f.IsMap():
			if v := f.MapValue(); v.Kind() != protoreflect.MessageKind {
				m.Mutable(f).Map().Set(scalar(f.MapKey()).MapKey(), scalar(v))
			}
		case f.IsList():
			list := m.Mutable(f).List()
			if !nested {
				list.Append(scalar(f))
				continue
			}
			filled(list.AppendMutable().Message(), depth-1)
		case nested:
			filled(m.Mutable(f).Message(), depth-1)
		default:
			m.Set(f, scalar(f))
		}
	}
}

// scalar is a value that its number in the message makes different from others.
func scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	n := int64(f.Number())
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(values.Len() - 1).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("s" + string(rune('a'+n%26)))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{byte(n), 0, 255})
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(-n))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(n) / 4)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(n) / 4)
	}
	return protoreflect.ValueOfInt64(n << 33)
}

// goldenMessages are those that a released version may send: those of ours in the registry.
func goldenMessages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	protoregistry.GlobalTypes.RangeMessages(func(of protoreflect.MessageType) bool {
		name := string(of.Descriptor().FullName())
		if !strings.HasPrefix(name, "topicdesk.messages.") || of.Descriptor().IsMapEntry() {
			return true
		}
		m := of.New()
		filled(m, 2)
		encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
		if err != nil {
			t.Fatal(err)
		}
		all[name] = base64.StdEncoding.EncodeToString(encoded)
		return true
	})
	return all
}

func TestTheLastReleaseIsUnderstood(t *testing.T) {
	all, today := map[string]string{}, goldenMessages(t)
	text, err := os.ReadFile(golden)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		maps.Copy(today, all)
		all = today
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetIndent("", " ")
		if err = e.Encode(all); err == nil {
			err = os.WriteFile(golden, b.Bytes(), 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for name := range today {
		if _, there := all[name]; !there {
			t.Errorf("%s is not in %s (UPDATE_GOLDEN=1 adds it)", name, golden)
		}
	}
	for name, encoded := range all {
		of, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
		if err != nil {
			t.Errorf("%s is gone: %v", name, err)
			continue
		}
		sent, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		got := of.New()
		if err := proto.Unmarshal(sent, got.Interface()); err != nil {
			t.Errorf("%s can't be read: %v", name, err)
			continue
		}
		if unknown := unknownIn(got); unknown != "" {
			t.Errorf("%s: fields of the last release are not known any more, in %s", name, unknown)
		}
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(got.Interface())
		if err != nil || !bytes.Equal(again, sent) {
			t.Errorf("%s: read and written again it is another", name)
		}
	}
}

// unknownIn names the message in which there are fields that this version does not know; "": none.
func unknownIn(m protoreflect.Message) (name string) {
	if len(m.GetUnknown()) > 0 {
		return string(m.Descriptor().FullName())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				name += unknownIn(v.List().Get(i).Message())
			}
		case f.Kind() == protoreflect.MessageKind && !f.IsMap():
			name += unknownIn(v.Message())
		}
		return name == ""
	})
	return name
}

// TestEveryMessageIsGuarded: `buf breaking` knows every message.
func TestEveryMessageIsGuarded(t *testing.T) {
	image, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	var files descriptorpb.FileDescriptorSet // what an image has besides, is left out
	if err := proto.Unmarshal(image, &files); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, file := range files.File {
		for _, m := range file.MessageType {
			known[file.GetPackage()+"."+m.GetName()] = true
			for _, nested := range m.NestedType {
				known[file.GetPackage()+"."+m.GetName()+"."+nested.GetName()] = true
			}
		}
	}
	for name := range goldenMessages(t) {
		if !known[name] {
			t.Errorf("%s is not in %s; make that anew (golden_test.go says how)", name, released)
		}
	}
}
