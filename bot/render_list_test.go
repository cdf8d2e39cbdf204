package bot

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestListSaysWhenATicketCloses: also to its customer, who reads in private neither whose turn it is nor who takes care of it.
func TestListSaysWhenATicketCloses(t *testing.T) {
	for _, private := range []bool{false, true} {
		var b builder
		ticketTurn(&b, "en", &messages.TicketView{Private: private, ClosesMs: 1_800_000_000_000, WaitingFor: "customer", Assignee: "Ann"})
		text := b.done().Text
		if !strings.Contains(text, "Closes by itself:") {
			t.Errorf("private %t: %q", private, text)
		}
		if told := strings.Contains(text, "Ann"); told == private {
			t.Errorf("private %t: %q", private, text)
		}
		if told := strings.Contains(text, "waits for"); told == private {
			t.Errorf("private %t: %q", private, text)
		}
	}
}
