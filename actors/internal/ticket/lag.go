package ticket

import (
	"errors"
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// showLag adds to what a card shows which of the ticket's groups are behind. Chats store that; a person in their private chat
// hears only of the group that answers them.
func (t *ticket) showLag(v *messages.TicketView) error {
	var places []string
	for _, topic := range desk.TopicsOf(t.record) {
		if topic.GroupID == "" || messages.IsPrivate(topic.GroupID) || v.Private && topic.TopicID != desk.HomeTopic || slices.Contains(places, topic.GroupID) {
			continue
		}
		places = append(places, topic.GroupID)
	}
	for _, place := range places {
		chat, err := t.Store.Chat(t.Ctx, place)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read a chat: %w", err)
		}
		lag := t.Now().Sub(chat.Oldest)
		if chat.Oldest.IsZero() || lag < desk.LagShown {
			continue
		}
		title, err := desk.GroupTitle(t.Ctx, t.Store, place)
		if err != nil {
			return err
		}
		v.Behind = append(v.Behind, &messages.GroupLag{GroupTitle: title, LagMs: lag.Milliseconds(), Waiting: int64(chat.Waiting),
			PerMinute: int64(t.room.Pace.PerMinute(chat.Rate, t.Now().Sub(chat.RateAt))), Held: chat.Held})
	}
	return nil
}
