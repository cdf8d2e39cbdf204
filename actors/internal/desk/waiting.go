package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What waits for the team of a group: the open tickets that wait for the desk, without those that are put aside or
// pending, of which it is the home or in which it helps, having a topic. The group's own list and /waiting both come
// from here.

const (
	// waitingTogether is how many tickets are read together, and waitingPages how often at most: a group may have put aside
	// thousands that have waited the longest.
	waitingTogether = 50
	waitingPages    = 40
	// helpedLookedAt is how many of the tickets in which a group helps are looked at, the newest first: no index has for
	// whom they wait.
	helpedLookedAt = 1000
)

// Waiting lists what waits for the team of a group, whoever has waited the longest first, up to a number. more says that
// there may be more.
func Waiting(ctx context.Context, store storage.Tickets, group ids.Place, limit int) (
	found []storage.Ticket, more bool, err error,
) {
	found, more, err = waitingAtHome(ctx, store, group, limit)
	if err != nil {
		return nil, false, err
	}
	helped, err := store.TicketsWith(ctx, group, helpedLookedAt+1)
	if err != nil {
		return nil, false, fmt.Errorf("read what a group helps with: %w", err)
	}
	more = more || len(helped) > helpedLookedAt
	for i := range helped[:min(len(helped), helpedLookedAt)] {
		if IsWaiting(&helped[i]) && helpingTopic(&helped[i], group) != nil {
			found = append(found, helped[i])
		}
	}
	slices.SortFunc(found, LongestWaiting)
	if len(found) > limit {
		clear(found[limit:])
		found, more = found[:limit], true
	}
	return found, more, nil
}

// waitingAtHome is Waiting for the tickets of which the group is the home.
func waitingAtHome(ctx context.Context, store storage.Tickets, group ids.Place, limit int) (
	found []storage.Ticket, more bool, err error,
) {
	q := storage.TicketQuery{GroupID: group, WaitingFor: storage.WaitsForDesk, Statuses: []string{StatusOpen},
		By: storage.ByWaiting, OldestFirst: true, Limit: min(limit+1, waitingTogether)}
	for range waitingPages {
		page, err := store.ListTickets(ctx, q)
		if err != nil {
			return nil, false, fmt.Errorf("read what waits in a group: %w", err)
		}
		for i := range page.Tickets {
			if !IsWaiting(&page.Tickets[i]) {
				continue
			}
			if len(found) == limit {
				return found, true, nil
			}
			found = append(found, page.Tickets[i])
		}
		if page.Next == nil {
			return found, false, nil
		}
		q.After = page.Next
	}
	return found, true, nil
}

// IsWaiting says whether lists of what waits have a ticket.
func IsWaiting(r *storage.Ticket) bool {
	return r.Status == StatusOpen && r.WaitingFor == storage.WaitsForDesk && r.Timers.SnoozedUntil.IsZero()
}

// LongestWaiting compares tickets for a list of what waits.
func LongestWaiting(a, b storage.Ticket) int {
	return cmp.Or(a.WaitingSince.Compare(b.WaitingSince), cmp.Compare(a.TicketID, b.TicketID))
}

// helpingTopic is the topic in which a group helps with another group's ticket; nil: there is none, or Telegram has not
// shown yet that it exists.
func helpingTopic(r *storage.Ticket, group ids.Place) *storage.Topic {
	for _, topic := range HelpingTopics(r) {
		if topic.GroupID == group {
			return topic
		}
	}
	return nil
}

// HelpingTopics are the topics in which other groups help with a ticket.
func HelpingTopics(r *storage.Ticket) (all []*storage.Topic) {
	for i := range r.Links {
		link := &r.Links[i]
		topic := &link.Topic
		there := topic.TelegramTopicID != 0 && !topic.Unproven
		if !link.Ended && there && messages.IsGroup(topic.GroupID) && topic.GroupID != r.GroupID {
			all = append(all, topic)
		}
	}
	return all
}

// WaitingView is what a list of what waits for groups shows of a ticket. It says nothing that changes by itself with
// time.
func WaitingView(ctx context.Context, store storage.Groups, r *storage.Ticket, groups ...ids.Place) (
	*messages.TicketView, error,
) {
	home, err := groupAt(ctx, store, r.GroupID)
	if err != nil {
		return nil, err
	}
	v := &messages.TicketView{TicketId: r.TicketID, Number: r.Number, Title: r.Title, Overdue: r.Overdue(),
		WaitingMs: r.WaitingSince.UnixMilli()}
	topic, in := &r.Home, home
	if !slices.Contains(groups, r.GroupID) { // the link leads to the topic that they can open
		for i := 0; i < len(groups) && topic == &r.Home; i++ {
			if theirs := helpingTopic(r, groups[i]); theirs != nil {
				topic = theirs
			}
		}
		if in, err = groupAt(ctx, store, topic.GroupID); err != nil {
			return nil, err
		}
		if v.HelpedGroup = r.GroupID; home != nil {
			v.HelpedGroup = home.Title
		}
	}
	if in != nil && topic.TelegramTopicID != 0 {
		v.Url = messages.TopicURL(in.TelegramGroupID, topic.TelegramTopicID)
	}
	if r.Assignee != nil {
		v.Assignee, v.AssigneeUsername = r.Assignee.Name, r.Assignee.Username
	}
	return v, nil
}
