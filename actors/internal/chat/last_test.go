package chat

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// TestIconsOfABusyGroup: where more than half of the minute is always used, icons leave after half an hour, one a minute.
func TestIconsOfABusyGroup(t *testing.T) {
	began := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	c := &chat{record: &storage.Chat{}, group: true, perGroup: pace.NewWindow(20, time.Minute),
		room: &Room{pacer: pace.NewGlobal(30, began)}}
	for range 3 {
		c.addLast(len(c.last), &queued{at: began, op: &messages.Operation{Priority: messages.Operation_LAST,
			Call: &messages.Operation_SetIcon{SetIcon: &messages.SetIconCall{Icon: messages.IconOverdue}}}})
	}
	for i := range 12 {
		c.perGroup.Take(began.Add(time.Duration(i-12)*5*time.Second), 1)
	}
	var left []time.Duration
	looks := began
	for now := began; now.Before(began.Add(time.Hour)); now = now.Add(5 * time.Second) {
		c.perGroup.Take(now, 1) // 12 in a minute
		q, wake := c.pickLast(now, time.Time{})
		if q == nil {
			if len(c.last) > 0 && !wake.After(now) {
				t.Fatalf("after %s nothing is looked at again", now.Sub(began))
			}
			looks = wake
			continue
		}
		if looks.After(now) {
			t.Errorf("at %s it is looked at, and it leaves %s before", looks, looks.Sub(now))
		}
		c.removeLast(q)
		c.iconLeft = now
		left = append(left, now.Sub(began))
	}
	if len(left) != 3 || left[0] != iconPatience || left[1]-left[0] != iconPause || left[2]-left[1] != iconPause {
		t.Errorf("they left after %v", left)
	}
}
