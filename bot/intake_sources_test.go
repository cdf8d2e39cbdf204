package bot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/topicdesk/topicdesk/messages"
)

// TestIntakeSources: a ticket learns which message has given which words to its description, and what becomes of these.
func TestIntakeSources(t *testing.T) {
	same := func(t *testing.T, want, got []*messages.Source) {
		t.Helper()
		if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
			t.Errorf("sources (-want +got):\n%s", d)
		}
	}
	t.Run("the command, and the message that it answers", func(t *testing.T) {
		d := newFake()
		handle(t, testIntake(d), inGeneral(`"text":"/create_ticket Printer\nUrgent","reply_to_message":{"message_id":49,"text":"It smokes"}`))
		for _, s := range d.take() {
			if m, is := s.Message.(*messages.OpenTicket); is {
				same(t, []*messages.Source{
					{MessageId: "-1001:50", Text: "Urgent", Titles: true}, {MessageId: "-1001:49", Text: "It smokes"},
				}, m.Sources)
				return
			}
		}
		t.Error("no ticket is opened")
	})
	described := func() *fakeDesk {
		d := newFake()
		d.described = map[string][]string{topic("-1001", 50): {aTicket, otherTicket}}
		return d
	}
	t.Run("an edit goes to each ticket", func(t *testing.T) {
		d := described()
		edited := strings.Replace(inGeneral(`"text":"/create_ticket Printer\nIt burns","edit_date":1763900009`), `"message"`, `"edited_message"`, 1)
		handle(t, testIntake(d), edited)
		var to []string
		for _, s := range d.take() {
			if m, is := s.Message.(*messages.EditSource); is {
				to = append(to, s.To)
				same(t, []*messages.Source{{Text: "It burns"}}, []*messages.Source{m.Titled})
				if m.MessageId != "-1001:50" || m.EditedMs == 0 || m.Content.Text != "/create_ticket Printer\nIt burns" {
					t.Errorf("%v", m)
				}
			}
		}
		if d := cmp.Diff([]string{"ticket/" + aTicket, "ticket/" + otherTicket}, to); d != "" {
			t.Error(d)
		}
	})
	t.Run("so does /delete, also in the general topic", func(t *testing.T) {
		d := described()
		handle(t, testIntake(d), inGeneral(`"text":"/delete","message_id":51,"reply_to_message":{"message_id":50,"from":{"id":5},"text":"x"}`))
		var ids []string
		for _, s := range d.take() {
			if m, is := s.Message.(*messages.DeleteMessage); is {
				ids = append(ids, m.Origin.CommandId)
				if !m.Described || m.AnsweredId != 50 || m.AnsweredFrom != 5 {
					t.Errorf("%v", m)
				}
			} else {
				t.Errorf("%v", s)
			}
		}
		if d := cmp.Diff([]string{"-1001:51:" + aTicket, "-1001:51:" + otherTicket}, ids); d != "" {
			t.Error(d)
		}
	})
}
