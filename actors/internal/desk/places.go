package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// GroupTitle is the name of a group, or of a private chat, for people to read.
func GroupTitle(ctx context.Context, store naming, groupID string) (string, error) {
	if messages.IsPrivate(groupID) {
		return personTitle(ctx, store, groupID)
	}
	group, err := store.Group(ctx, groupID)
	if errors.Is(err, storage.ErrNotFound) {
		return groupID, nil
	}
	if err != nil {
		return groupID, fmt.Errorf("read the group: %w", err)
	}
	return group.Title, nil
}

// IsOpened says whether something can be said in a topic, as far as opening it goes.
func IsOpened(topic *storage.Topic) bool {
	return topic.TelegramTopicID != 0 || messages.IsPrivate(topic.GroupID)
}

// PrivateLink finds the link of a ticket whose topic is a private chat; place "" is anybody's.
func PrivateLink(r *storage.Ticket, place string) *storage.Link {
	for i := range r.Links {
		link := &r.Links[i]
		if !link.Ended && messages.IsPrivate(link.Topic.GroupID) && (place == "" || link.Topic.GroupID == place) {
			return link
		}
	}
	return nil
}

// OpenPrivately lists a person's open tickets that they can talk on in private, newest first.
func OpenPrivately(ctx context.Context, store storage.Tickets, place string, limit int) ([]storage.Ticket, error) {
	page, err := store.TicketsByCreator(ctx, "user", messages.UserIn(place), true, limit)
	if err != nil {
		return nil, fmt.Errorf("read a person's tickets: %w", err)
	}
	var own []storage.Ticket
	for i := range page {
		if PrivateLink(&page[i], place) != nil {
			own = append(own, page[i])
		}
	}
	return own, nil
}

// PrivateTicketsRead is how many of a person's newest open tickets are looked at.
const PrivateTicketsRead = 50

// naming reads what people and groups are called.
type naming interface {
	storage.Groups
	storage.Users
}

// personTitle is a person's name.
func personTitle(ctx context.Context, store naming, place string) (string, error) {
	id, ok := messages.ChatIn(place)
	if !ok {
		return place, nil
	}
	user, err := store.User(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return place, nil
	}
	if err != nil {
		return place, fmt.Errorf("read the person: %w", err)
	}
	return UserName(user), nil
}

// ChatOf is Telegram's id of a group; 0 for "" and for a group that nobody knows.
func ChatOf(ctx context.Context, store storage.Groups, groupID string) (int64, error) {
	if groupID == "" {
		return 0, nil
	}
	g, err := store.Group(ctx, groupID)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read a group: %w", err)
	}
	return g.TelegramGroupID, nil
}
