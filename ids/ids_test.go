package ids_test

import (
	"regexp"
	"testing"

	"github.com/topicdesk/topicdesk/ids"
)

// TestEventID: the ids of events never change, since subscribers recognise what they had by them.
func TestEventID(t *testing.T) {
	const want = "evt_2sv5z4f6ob5hra3hqqpyari7wy"
	if got := ids.EventID("message.sent/-1001:1"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	shape := regexp.MustCompile(`^evt_[a-z2-7]{26}$`)
	for _, cause := range []string{"", "evt_", "evt_x", want + "x", "evt_ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ticket.created/ก", "a\xff"} {
		id := ids.EventID(cause)
		if !shape.MatchString(id) || id == cause {
			t.Errorf("the id of %q is %s", cause, id)
		}
		if again := ids.EventID(id); again != id {
			t.Errorf("the id of %s is %s", id, again)
		}
	}
}
