package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// naming reads what people and groups are called.
type naming interface {
	storage.Groups
	storage.Users
}

// GroupTitle is the name of a group, or of the person whose private chat it is, for people to read. It is the place
// itself for one that nobody knows.
func GroupTitle(ctx context.Context, store naming, place ids.Place) (string, error) {
	if messages.IsPrivate(place) {
		return personTitle(ctx, store, place)
	}
	group, err := groupAt(ctx, store, place)
	if err != nil || group == nil {
		return place, err
	}
	return group.Title, nil
}

// personTitle is the name of the person whose private chat it is.
func personTitle(ctx context.Context, store naming, place ids.Place) (string, error) {
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
func ChatOf(ctx context.Context, store storage.Groups, group ids.Place) (ids.ChatID, error) {
	if group == "" {
		return 0, nil
	}
	g, err := groupAt(ctx, store, group)
	if err != nil || g == nil {
		return 0, err
	}
	return g.TelegramGroupID, nil
}

// groupAt reads a group; nil: nobody knows it.
func groupAt(ctx context.Context, store storage.Groups, place ids.Place) (*storage.Group, error) {
	group, err := store.Group(ctx, place)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a group: %w", err)
	}
	return group, nil
}
