package link

import (
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
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
	l.topics = map[ids.TopicKey]ids.Place{desk.HomeTopic: record.Home.GroupID}
	for _, spec := range record.Links {
		l.topics[spec.Topic.TopicID] = spec.Topic.GroupID
		if spec.LinkID == l.ID {
			l.spec, l.exists = spec, true
		}
	}
	l.private = desk.PrivateLink(record, "") != nil
	l.revision, l.home, l.name = record.LinksRevision, record.Home, messages.TopicName(record.Title, record.Number)
	for _, n := range l.lanes() {
		if n.link != nil { // not while it is loaded
			n.follow()
		}
	}
	l.aliases = []ids.TopicKey{l.ID}
	for _, former := range record.Links {
		if former.Ended && former.LinkID != l.ID && former.Topic.GroupID == l.spec.Topic.GroupID &&
			former.Topic.TelegramTopicID == l.spec.Topic.TelegramTopicID && l.spec.Topic.TelegramTopicID != 0 {
			l.aliases = append(l.aliases, former.LinkID)
		}
	}
	return l.readTitles(record)
}

// readTitles reads the groups' names if the ticket has more than two groups: copies then say where they come from.
func (l *link) readTitles(record *storage.Ticket) error {
	l.titles = nil
	groups := map[ids.Place]bool{record.Home.GroupID: true}
	for _, x := range record.Links {
		if !x.Ended && !desk.IsAPILink(&x) && !messages.IsPrivate(x.Topic.GroupID) {
			groups[x.Topic.GroupID] = true
		}
	}
	if len(groups) <= 2 {
		return nil
	}
	titles := map[ids.Place]string{}
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

// resumeCopy goes on with a copy that somebody asked to retry. Its message comes before those that readOn reads.
func (l *link) resumeCopy(c *storage.Copy) error {
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

// readOnNow is readOn for a turn in which the link is told to read: what it reads belongs to the turn's trace.
func (l *link) readOnNow() error {
	l.because = l.Mark()
	defer func() { l.because = nil }()
	return l.readOn()
}

// readOn reads the messages after the last ones seen, up to the capacity of the lanes. A full lane does not hold up
// the other one: it reads on when it has capacity again.
func (l *link) readOn() error {
	for {
		after, capacity := int64(0), false
		for _, n := range l.lanes() {
			if n.moreStored = n.full(); !n.moreStored && (!capacity || n.seen < after) {
				after, capacity = n.seen, true
			}
		}
		if !capacity {
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
				if n.moreStored || page[i].Sequence <= n.seen {
					continue
				}
				n.seen = page[i].Sequence
				if n == l.laneFor(page[i].TopicID) && !page[i].Hidden() && l.covers(n.seen) && !n.isForPrograms() {
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
