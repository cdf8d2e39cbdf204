package ticket

import (
	"errors"
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// showLag adds to a card which of the ticket's groups lag behind. Chats store how far. People in a private chat
// see only the group that answers them, and the groups see who has blocked the bot.
func (t *ticket) showLag(v *messages.TicketView) error {
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if !v.Private && !link.Ended && messages.IsPrivate(link.Topic.GroupID) && link.Topic.Suspended != "" {
			v.Behind = append(v.Behind, &messages.GroupLag{BlockedBy: link.UserName})
		}
	}
	var places []ids.Place
	for _, topic := range desk.TopicsOf(t.record) {
		isGroup := topic.GroupID != "" && !messages.IsPrivate(topic.GroupID)
		shown := !v.Private || topic.TopicID == desk.HomeTopic
		if isGroup && shown && !slices.Contains(places, topic.GroupID) {
			places = append(places, topic.GroupID)
		}
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
		v.Behind = append(v.Behind, &messages.GroupLag{
			GroupTitle: title, LagMs: lag.Milliseconds(), Waiting: int64(chat.Waiting), Suspended: chat.Suspended,
			PerMinute: int64(t.room.Pace.PerMinute(chat.Rate, t.Now().Sub(chat.RateAt))),
		})
	}
	return nil
}
