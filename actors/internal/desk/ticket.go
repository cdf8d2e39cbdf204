package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The topics and links of a ticket's record.

// APITopic is the end of the id of the topic in which programs write. That topic belongs to a link of its own, which
// copies only into the home topic; the other links copy from it as from any other topic (docs/decisions.md, D37).
const APITopic = ":api"

// IsAPILink says whether a link is that of programs.
func IsAPILink(l *storage.Link) bool { return strings.HasSuffix(l.LinkID, APITopic) }

// TopicsOf lists the topics of a ticket that are in Telegram and whose link has not ended, the home topic first.
func TopicsOf(r *storage.Ticket) []*storage.Topic {
	topics := make([]*storage.Topic, 0, 1+len(r.Links))
	topics = append(topics, &r.Home)
	for i := range r.Links {
		if !r.Links[i].Ended && !IsAPILink(&r.Links[i]) {
			topics = append(topics, &r.Links[i].Topic)
		}
	}
	return topics
}

// TopicOf finds a topic of a ticket by its id, also the topic of an ended link; nil: there is none.
func TopicOf(r *storage.Ticket, topicID ids.TopicKey) *storage.Topic {
	if topicID == HomeTopic {
		return &r.Home
	}
	if link := LinkOf(r, topicID); link != nil {
		return &link.Topic
	}
	return nil
}

// LinkOf finds a link by its id, which is also the id of its topic; nil: there is none.
func LinkOf(r *storage.Ticket, linkID ids.TopicKey) *storage.Link {
	for i := range r.Links {
		if r.Links[i].LinkID == linkID {
			return &r.Links[i]
		}
	}
	return nil
}

// TopicAt finds the topic of a ticket to which belongs what is said at a place, in a thread; nil: there is none. From
// their private chat, people write on a ticket in any thread: they have chosen it, or answered something of it.
func TopicAt(r *storage.Ticket, place ids.Place, thread ids.ThreadID) *storage.Topic {
	if topic := TopicWith(r, place, thread); topic != nil {
		return topic
	}
	if link := PrivateLink(r, place); link != nil && messages.IsPrivate(place) {
		return &link.Topic
	}
	return nil
}

// TopicWith finds the topic of a ticket that has, or had, a thread at a place; nil: there is none.
func TopicWith(r *storage.Ticket, place ids.Place, thread ids.ThreadID) *storage.Topic {
	if thread == 0 && !messages.IsPrivate(place) {
		return nil // the general topic is no ticket's
	}
	for _, topic := range TopicsOf(r) {
		is := topic.TelegramTopicID == thread || slices.Contains(topic.FormerThreads, thread)
		if topic.GroupID == place && is {
			return topic
		}
	}
	return nil
}

// IsOpened says whether a topic exists in Telegram, so that something can be posted in it.
func IsOpened(topic *storage.Topic) bool {
	return topic.TelegramTopicID != 0 || messages.IsPrivate(topic.GroupID) && !topic.Threaded
}

// PrivateLink finds the link whose topic is the private chat at a place, or any private chat when place is ""; nil:
// there is none.
func PrivateLink(r *storage.Ticket, place ids.Place) *storage.Link {
	for i := range r.Links {
		link := &r.Links[i]
		if !link.Ended && messages.IsPrivate(link.Topic.GroupID) && (place == "" || link.Topic.GroupID == place) {
			return link
		}
	}
	return nil
}

// PrivateTicketsRead is how many of a person's newest open tickets are looked at.
const PrivateTicketsRead = 50

// OpenPrivately lists a person's open tickets that they can write on in their private chat, newest first. It looks at
// limit tickets.
func OpenPrivately(
	ctx context.Context, store storage.Tickets, place ids.Place, limit int,
) ([]storage.Ticket, error) {
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

// NamedAfter says whether a topic has the name that the ticket gives it, or gave it before tickets had numbers.
func NamedAfter(r *storage.Ticket, t *storage.Topic) bool {
	return t.Name == messages.TopicName(r.Title, r.Number) || t.Name == messages.FormerTopicName(r.Title, r.ShortID)
}

// TitleIn returns the name of a topic without the ticket's number, or the short id of former names.
func TitleIn(r *storage.Ticket, name string) string {
	if title, ok := strings.CutPrefix(name, messages.NumberName(r.Number)+" "); ok {
		return title
	}
	if name == messages.NumberName(r.Number) {
		return ""
	}
	return strings.TrimSuffix(name, " · "+r.ShortID)
}

// NameOf is how people name a ticket.
func NameOf(r *storage.Ticket) string { return messages.TicketName(r.Title, r.Number) }
