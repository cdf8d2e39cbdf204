package ticket

import (
	"fmt"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

func TestAnswersToFormerQuestionsDoNotCount(t *testing.T) {
	original := &storage.Message{MessageID: "1:2", Revision: 5, ContentRevision: 3, Deleted: true}
	w := newRewording(original)
	w.await(&storage.Message{MessageID: "1:9", TicketID: "other"}, original, time.Time{})
	for _, tc := range []struct {
		name  string
		heard *messages.Reworded
		want  bool
	}{
		{"of what the message said before", &messages.Reworded{MessageId: "1:9", Answered: "1:2", Revision: 4}, false},
		{"of another message", &messages.Reworded{MessageId: "1:9", Answered: "1:3", Revision: 7}, false},
		{"of what it says now", &messages.Reworded{MessageId: "1:9", Answered: "1:2", Revision: 5}, true},
	} {
		got := w.heard(tc.heard, time.Time{})
		if got != tc.want || w.shown["1:9"] != tc.want || (w.awaited["1:9"] == nil) != tc.want {
			t.Errorf("%s: %t, awaited %v", tc.name, got, w.awaited)
		}
	}
}

func TestWaitingForAnswersEnds(t *testing.T) {
	original, now := &storage.Message{MessageID: "1:2", Revision: 1, Deleted: true}, time.Unix(1000, 0)
	w := newRewording(original)
	message := func(ticketID string, i int) *storage.Message {
		return &storage.Message{MessageID: fmt.Sprint(ticketID, i), TicketID: ticketID}
	}
	for i := range rewordedLimit {
		w.await(message("stuck", i), original, now)
	}
	now = now.Add(rewordedWithin / 2)
	w.arrived("stuck0", now)
	now = now.Add(rewordedWithin / 2)
	if w.giveUpWaiting(now); w.waitsFor() != rewordedLimit-1 {
		t.Errorf("it waits for %d, though one has followed lately", w.waitsFor())
	}
	now = now.Add(rewordedWithin / 2)
	if w.giveUpWaiting(now); w.waitsFor() != 0 || !w.again {
		t.Errorf("it waits for %d", w.waitsFor())
	}
	if !w.isLate(message("stuck", 200), "own") || w.isLate(message("well", 0), "own") {
		t.Error("a ticket is asked for more though it is late, or another is not asked")
	}
	w.again = false
	for i := 1; i < rewordedLimit; i++ {
		if w.arrived(fmt.Sprint("stuck", i), now); w.again != (i == rewordedLimit-1) {
			t.Errorf("after %d: again %t", i, w.again)
		}
	}
}
