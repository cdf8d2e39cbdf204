package link

import (
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// readTicket reads what the link must know of its ticket.
func (l *link) readTicket() error {
	record, err := l.Store.Ticket(l.Ctx, l.ticketID)
	if errors.Is(err, storage.ErrNotFound) {
		l.exists = false
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ticket: %w", err)
	}
	l.exists = false
	l.topics = map[string]string{desk.HomeTopic: record.Home.GroupID}
	for _, spec := range record.Links {
		l.topics[spec.Topic.TopicID] = spec.Topic.GroupID
		if spec.LinkID == l.ID {
			l.spec, l.exists = spec, true
		}
	}
	l.private = desk.PrivateLink(record, "") != nil
	l.revision, l.home, l.name = record.LinksRevision, record.Home, messages.TopicName(record.Title, record.ShortID)
	for _, n := range l.lanes() {
		if n.link != nil { // not while it is loaded
			n.follow()
		}
	}
	l.aliases = []string{l.ID}
	for _, former := range record.Links {
		if former.Ended && former.LinkID != l.ID && former.Topic.GroupID == l.spec.Topic.GroupID &&
			former.Topic.TelegramTopicID == l.spec.Topic.TelegramTopicID && l.spec.Topic.TelegramTopicID != 0 {
			l.aliases = append(l.aliases, former.LinkID)
		}
	}
	return l.readTitles(record)
}

// readTitles reads the groups' names when the ticket has more than two groups, so that copies say where they come from.
func (l *link) readTitles(record *storage.Ticket) error {
	l.titles = nil
	groups := map[string]bool{record.Home.GroupID: true}
	for _, x := range record.Links {
		if !x.Ended && !desk.IsAPILink(&x) && !messages.IsPrivate(x.Topic.GroupID) {
			groups[x.Topic.GroupID] = true
		}
	}
	if len(groups) <= 2 {
		return nil
	}
	titles := map[string]string{}
	for id := range groups {
		title, err := desk.GroupTitle(l.Ctx, l.Store, id)
		if err != nil {
			return err
		}
		titles[id] = title
	}
	l.titles = titles
	return nil
}

// takeUp goes on with a copy that somebody asked to be tried again: it lies before what is read on.
func (l *link) takeUp(c *storage.Copy) error {
	lane := l.laneInto(c.TopicID)
	if c.Sequence > lane.seen {
		return nil
	}
	original, err := l.Store.Message(l.Ctx, c.MessageID)
	if err != nil {
		return fmt.Errorf("read the original: %w", err)
	}
	it := itemOfRecord(original)
	it.resume(original, c)
	lane.add(it)
	return nil
}

// readOn reads what was said after the last messages seen, up to what the lanes hold. A lane that is full does not keep the
// other one waiting: it reads on by itself when there is room.
func (l *link) readOn() error {
	for {
		after, room := int64(0), false
		for _, n := range l.lanes() {
			if n.behind = n.full(); !n.behind && (!room || n.seen < after) {
				after, room = n.seen, true
			}
		}
		if !room {
			return nil
		}
		page, err := l.Store.MessagesAfter(l.Ctx, l.ticketID, after, desk.PageOfMessages)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		copies, err := l.Store.CopiesAfter(l.Ctx, l.ID, after, 2*desk.PageOfMessages)
		if err != nil {
			return fmt.Errorf("read copies: %w", err)
		}
		done := make(map[copyKey]storage.Copy, len(copies))
		for _, c := range copies {
			done[copyKey{c.MessageID, c.TopicID}] = c
			albumCopies(&c, l.albumed)
		}
		for i := range page {
			for _, n := range l.lanes() {
				if n.behind || page[i].Sequence <= n.seen {
					continue
				}
				n.seen = page[i].Sequence
				if n == l.laneFor(page[i].TopicID) && !page[i].Hidden() && l.covers(n.seen) && !n.nowhere() {
					if err := n.addUnlessDone(&page[i], done); err != nil {
						return err
					}
				}
			}
		}
		if len(page) < desk.PageOfMessages {
			return nil
		}
	}
}

// covers says whether a message with that sequence belongs to the link.
func (l *link) covers(sequence int64) bool {
	return sequence > l.spec.BeginSequence && (!l.spec.Ended || sequence <= l.spec.EndSequence)
}
