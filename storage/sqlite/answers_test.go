package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// TestWhatAnswersAMessageIsFoundAfterAnUpgrade: the migration indexes what an earlier program wrote.
func TestWhatAnswersAMessageIsFoundAfterAnUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.db")
	c, err := connectWriter(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(c, migrations[:13]); err != nil {
		t.Fatal(err)
	}
	insert := c.extra(`INSERT INTO messages (ticket_id, sequence, message_id, hidden, open, version, doc)
		VALUES ('T', ?1, ?2, 0, 0, 1, ?3)`)
	for i, r := range []*storage.ReplyTo{
		nil, {Preview: "a story"}, {ChatID: -1002, MessageID: 7}, {ChatID: -1002, MessageID: 7, Answered: "api:m1"}, {Answered: "api:m1"},
	} {
		m := &storage.Message{MessageID: string(rune('a' + i)), TicketID: "T", Sequence: int64(i + 1), ReplyTo: r, Version: 1}
		doc, err := encode(m)
		if err == nil {
			_, err = c.exec(insert, m.Sequence, m.MessageID, doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for key, want := range map[string]string{"-1002:7": "c", "api:m1": "de", "0:0": "", ":": "", "": ""} {
		page, err := s.MessagesAnswering(t.Context(), key, "", 9)
		got := ""
		for i := range page {
			got += page[i].MessageID
		}
		if err != nil || got != want {
			t.Errorf("%q is answered by %q, %v; want %q", key, got, err, want)
		}
	}
}
