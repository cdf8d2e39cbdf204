package messages_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/topicdesk/topicdesk/messages"
)

func TestVersionsInTheirOrder(t *testing.T) {
	ordered := []messages.Version{
		{},
		{Withdrawn: true},
		{Content: 1},
		{Content: 1, Withdrawn: true},
		{Content: 2},
		{Content: 1 << 33},
		{Attempt: 1},
		{Attempt: 1, Content: 1, Withdrawn: true},
		{Attempt: 1, Content: 2},
		{Attempt: 2},
	}
	for i, v := range ordered {
		for j, w := range ordered {
			want := min(1, max(-1, i-j))
			if got := v.Compare(w); got != want {
				t.Errorf("%+v compared with %+v: %d, want %d", v, w, got, want)
			}
			if v.Before(w) != (i < j) {
				t.Errorf("%+v before %+v: %t", v, w, v.Before(w))
			}
		}
	}
}

func TestVersionComesBackWithDone(t *testing.T) {
	op := &messages.Operation{Attempt: 3, Content: 7,
		Call: &messages.Operation_Withdraw{Withdraw: &messages.WithdrawCall{}}}
	op.SetRef(copyPart("-100:1", "home", 2))
	want := messages.Version{Attempt: 3, Content: 7, Withdrawn: true}
	if got := op.Version(); got != want {
		t.Errorf("%+v", got)
	}
	done := op.DoneWith(&messages.Outcome{Result: messages.Outcome_DONE})
	if done.Version() != want || done.OperationId != op.Id || !proto.Equal(done.Ref, op.Ref) ||
		done.Outcome.GetResult() != messages.Outcome_DONE {
		t.Errorf("%v", done)
	}
	op.Call = &messages.Operation_SendCopy{SendCopy: &messages.SendCopyCall{}}
	held := op.SuspendedFor("kicked")
	if held.Version() != op.Version() || held.OperationId != op.Id || !proto.Equal(held.Ref, op.Ref) ||
		held.Why != "kicked" {
		t.Errorf("%v", held)
	}
}

func copyPart(messageID, topicID string, part int32) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_CopyPart{CopyPart: &messages.CopyPart{
		MessageId: messageID, TopicId: topicID, Part: part}}}
}

func TestIDsOfUnknownOperations(t *testing.T) {
	seen := map[string]bool{}
	for _, ref := range []*messages.OperationRef{nil, {}, {}} {
		if ref.Known() || seen[ref.ID()] {
			t.Errorf("%v: known %t, id %s", ref, ref.Known(), ref.ID())
		}
		seen[ref.ID()] = true
	}
	op := &messages.Operation{}
	op.SetRef(nil)
	first := op.Id
	other := &messages.Operation{}
	other.SetRef(nil)
	if first == "" || first == other.Id {
		t.Errorf("two operations have the id %q", first)
	}
}

// TestIDsOfOperations: of any two things that owners want, each has an id of its own.
func TestIDsOfOperations(t *testing.T) {
	step := func(s *messages.TopicStep) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_TopicStep{TopicStep: s}}
	}
	said := func(kind messages.MessageStep_Kind) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_MessageStep{MessageStep: &messages.MessageStep{
			MessageId: "-100:1", Kind: kind}}}
	}
	album := func(messageID string, parts int32) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_CopyAlbum{CopyAlbum: &messages.CopyAlbum{
			MessageId: messageID, TopicId: "home", Parts: parts}}}
	}
	change := func(kind messages.CopyChange_Kind, part int32) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_CopyChange{CopyChange: &messages.CopyChange{
			MessageId: "-100:1", TopicId: "home", Kind: kind, Part: part}}}
	}
	question := func(about messages.GroupQuestion_About, userID int64) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_Question{Question: &messages.GroupQuestion{
			GroupId: "g-100", About: about, UserId: userID}}}
	}
	failure := func(topicID string) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_Failure{Failure: &messages.FailureWord{
			MessageId: "-100:1", TopicId: topicID}}}
	}
	refs := []*messages.OperationRef{
		{Wanted: &messages.OperationRef_Pending{Pending: &messages.PendingOperation{Id: "TICK-1-1A2B3C4D/-100:1/0"}}},
		{Wanted: &messages.OperationRef_CurrentTicket{CurrentTicket: &messages.CurrentTicketWord{Id: "u5/1/0"}}},
		failure("home"), failure("TICK-1-1A2B3C4D:1"),
		said(messages.MessageStep_REACT), said(messages.MessageStep_DELETE), said(messages.MessageStep_DELETE_COMMAND),
		copyPart("-100:1", "home", 0), copyPart("-100:1", "home", 1), copyPart("-100:2", "home", 0),
		copyPart("-100:1", "TICK-1-1A2B3C4D:1", 0),
		album("-100:1", 2), album("-100:1", 3), album("-100:2", 2),
		change(messages.CopyChange_EDIT, 0), change(messages.CopyChange_EDIT, 1), change(messages.CopyChange_GROW, 1),
		change(messages.CopyChange_SHRINK, 1), change(messages.CopyChange_REACT, 0), change(messages.CopyChange_DELETE, 0),
		question(messages.GroupQuestion_CHAT, 0), question(messages.GroupQuestion_ADMINS, 0),
		question(messages.GroupQuestion_MEMBER, 5), question(messages.GroupQuestion_MEMBER, 6),
	}
	kinds := messages.TopicStep_KIND_UNSPECIFIED.Descriptor().Values()
	for i := 1; i < kinds.Len(); i++ {
		kind := messages.TopicStep_Kind(kinds.Get(i).Number())
		of := func(change func(*messages.TopicStep)) {
			s := &messages.TopicStep{TicketId: "TICK-1-1A2B3C4D", TopicId: "home", Kind: kind}
			change(s)
			refs = append(refs, step(s))
		}
		of(func(*messages.TopicStep) {})
		of(func(s *messages.TopicStep) { s.Generation = 1 })
		of(func(s *messages.TopicStep) { s.TopicId = "TICK-1-1A2B3C4D:1" })
		of(func(s *messages.TopicStep) { s.TicketId = "TICK-2-1A2B3C4D" })
		switch kind {
		case messages.TopicStep_RENAME:
			of(func(s *messages.TopicStep) { s.Name = "Printer" })
			of(func(s *messages.TopicStep) { s.CardRevision = 2 })
		case messages.TopicStep_EDIT_CARD, messages.TopicStep_CLOSE, messages.TopicStep_REOPEN:
			of(func(s *messages.TopicStep) { s.CardRevision = 2 })
		case messages.TopicStep_EDIT_CONTEXT:
			of(func(s *messages.TopicStep) { s.ContextRevision = 2 })
		case messages.TopicStep_MEDIUM:
			of(func(s *messages.TopicStep) { s.Medium = 1 })
		}
	}

	ids, tried := map[string]*messages.OperationRef{}, map[protoreflect.Name]bool{}
	for _, ref := range refs {
		id := ref.ID()
		if other := ids[id]; id == "" || other != nil {
			t.Errorf("%v and %v have the id %q", other, ref, id)
		}
		if again := proto.CloneOf(ref).ID(); again != id {
			t.Errorf("%v has the ids %q and %q", ref, id, again)
		}
		ids[id] = ref
		tried[ref.ProtoReflect().WhichOneof(ref.ProtoReflect().Descriptor().Oneofs().ByName("wanted")).Name()] = true
	}
	cases := (&messages.OperationRef{}).ProtoReflect().Descriptor().Oneofs().ByName("wanted").Fields()
	for i := range cases.Len() {
		if name := cases.Get(i).Name(); !tried[name] {
			t.Errorf("%s is not tried", name)
		}
	}
}
