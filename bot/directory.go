package bot

import (
	"context"

	"github.com/topicdesk/topicdesk/messages"
)

// Directory says which ticket a topic belongs to, and which place a Telegram chat is. It asks the desk and caches
// positive answers only, because a topic may get its ticket at any moment. A stale answer does no harm: the ticket
// refuses what is not its own (WRONG_TOPIC), and the caller then forgets the answer and asks again.
type Directory struct {
	desk   Desk
	topics *cache[topicKey, string]
	places *cache[int64, string]
	count  func(what, outcome string)
}

// topicKey names a topic.
type topicKey struct {
	place  string
	thread int64
}

const (
	topicsCached = 100_000
	placesCached = 20_000
)

// NewDirectory makes an empty directory that asks desk, and counts what it did not need to ask.
func NewDirectory(desk Desk, count func(what, outcome string)) *Directory {
	return &Directory{
		desk:   desk,
		count:  count,
		topics: newCache[topicKey, string](topicsCached),
		places: newCache[int64, string](placesCached),
	}
}

// Ticket returns the id of the ticket that a topic belongs to, "" for none. For thread 0 of a private chat it returns the
// person's current ticket.
func (d *Directory) Ticket(ctx context.Context, place string, thread int64) (string, error) {
	key := topicKey{place, thread}
	if thread == 0 { // not cached: people change their current ticket
		found, err := query[*messages.TopicFound](ctx, d.desk, &messages.FindTopic{Place: place, ThreadId: thread})
		return found.GetTicketId(), err
	}
	if id, ok := d.topics.get(key); ok {
		d.count("topic", "hit")
		return id, nil
	}
	d.count("topic", "miss")
	found, err := query[*messages.TopicFound](ctx, d.desk, &messages.FindTopic{Place: place, ThreadId: thread})
	if err != nil || found.TicketId == "" {
		return "", err
	}
	d.topics.put(key, found.TicketId)
	return found.TicketId, nil
}

// Forget removes a topic from the cache.
func (d *Directory) Forget(place string, thread int64) { d.topics.drop(topicKey{place, thread}) }

// GroupPlace returns the place of a group by its Telegram id, and whether the desk knows the group. The place of an
// unknown group is made of that id.
func (d *Directory) GroupPlace(ctx context.Context, chatID int64) (place string, known bool, err error) {
	if place, ok := d.places.get(chatID); ok {
		d.count("place", "hit")
		return place, true, nil
	}
	d.count("place", "miss")
	found, err := query[*messages.PlaceFound](ctx, d.desk, &messages.FindPlace{ChatId: chatID})
	if err != nil {
		return "", false, err
	}
	if found.Place == "" {
		return messages.GroupPlace(chatID), false, nil
	}
	d.places.put(chatID, found.Place)
	return found.Place, true, nil
}

// Migrated notes the new Telegram id of a group; the old one stays valid.
func (d *Directory) Migrated(newChatID int64, place string) { d.places.put(newChatID, place) }
