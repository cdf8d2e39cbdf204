package desk

import (
	"path/filepath"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

func TestRepliedToIsAMessageOfTheTicket(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for i, m := range []storage.Message{
		{MessageID: "-100:1", TicketID: "mine"}, {MessageID: "-200:2", TicketID: "other"}, {MessageID: "7:3", TicketID: "other"},
	} {
		m.Sequence = int64(i + 1)
		if err := store.InsertMessage(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []storage.Copy{
		{MessageID: "-200:2", TopicID: "a", TicketID: "other", ChatID: 7, Parts: []int64{4}, State: CopySent},
		{MessageID: "-100:1", TopicID: "b", TicketID: "mine", ChatID: 7, Parts: []int64{5}, State: CopySent},
	} {
		if err := store.SaveCopy(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
	}
	there := &storage.Forward{Kind: "user", Name: "Nok"}
	for _, tc := range []struct {
		name string
		r    storage.ReplyTo
		want string
	}{
		{"an original", storage.ReplyTo{ChatID: -100, MessageID: 1}, "-100:1"},
		{"a copy", storage.ReplyTo{ChatID: 7, MessageID: 5}, "-100:1"},
		{"a copy whose original is known", storage.ReplyTo{ChatID: 7, MessageID: 5, Answered: "-100:1"}, "-100:1"},
		{"one that the desk does not have", storage.ReplyTo{ChatID: 7, MessageID: 6}, "7:6"},
		{"one elsewhere that it does not have", storage.ReplyTo{ChatID: -300, MessageID: 6, Origin: there}, ""},
		{"another ticket's copy in the same chat", storage.ReplyTo{ChatID: 7, MessageID: 4, Answered: "-200:2"}, ""},
		{"another ticket's copy elsewhere", storage.ReplyTo{ChatID: 7, MessageID: 4, Answered: "-200:2", Origin: there}, ""},
		{"another ticket's message in the same chat", storage.ReplyTo{ChatID: 7, MessageID: 3}, ""},
	} {
		if got, err := repliedTo(t.Context(), store, "mine", &tc.r); err != nil || got != tc.want {
			t.Errorf("%s: %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}
}
