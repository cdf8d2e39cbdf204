package actors

import (
	"errors"
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// showLag adds to what a card shows which of the ticket's groups are behind. Chats store that; a person in their private chat
// hears only of the group that answers them.
func (t *ticket) showLag(v *messages.TicketView) error {
	var places []string
	for _, topic := range topicsOf(t.record) {
		if topic.GroupID == "" || messages.IsPrivate(topic.GroupID) || v.Private && topic.TopicID != homeTopic || slices.Contains(places, topic.GroupID) {
			continue
		}
		places = append(places, topic.GroupID)
	}
	for _, place := range places {
		chat, err := t.store.Chat(t.ctx, place)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read a chat: %w", err)
		}
		lag := t.now().Sub(chat.Oldest)
		if chat.Oldest.IsZero() || lag < LagShown {
			continue
		}
		title, err := groupTitle(t.ctx, t.store, place)
		if err != nil {
			return err
		}
		v.Behind = append(v.Behind, &messages.GroupLag{GroupTitle: title, LagMs: lag.Milliseconds(), Waiting: int64(chat.Waiting),
			PerMinute: int64(t.system.perMinute(chat)), Held: chat.Held})
	}
	return nil
}

// perMinute is how many calls to a group may leave in a minute now; 0: no limit.
func (s *System) perMinute(c *storage.Chat) int {
	w := newWindow(s.pace.GroupPerMinute, 0)
	if w == nil {
		return 0
	}
	w.slow(recovered(c.Rate, s.now().Sub(c.RateAt)))
	return w.now
}
