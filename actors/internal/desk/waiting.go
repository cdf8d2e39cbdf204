package desk

import (
	"context"
	"fmt"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What waits for the team of a group: the open tickets whose home it is that wait for the desk, without those that are put aside
// or pending. The group's own list and /waiting both come from here.

const (
	// waitingTogether is how many tickets are read together, and waitingPages how often at most: a group may have put aside
	// thousands that have waited the longest.
	waitingTogether = 50
	waitingPages    = 40
)

// Waiting lists what waits for the team of a group, whoever has waited the longest first, up to a number. more says that there may be more.
func Waiting(ctx context.Context, store storage.Tickets, group ids.Place, limit int) (found []storage.Ticket, more bool, err error) {
	q := storage.TicketQuery{GroupID: group, WaitingFor: storage.WaitsForDesk, Statuses: []string{StatusOpen}, By: storage.ByWaiting,
		OldestFirst: true, Limit: min(limit+1, waitingTogether)}
	for range waitingPages {
		page, err := store.ListTickets(ctx, q)
		if err != nil {
			return nil, false, fmt.Errorf("read what waits in a group: %w", err)
		}
		for _, t := range page.Tickets {
			if !t.Timers.SnoozedUntil.IsZero() {
				continue
			}
			if len(found) == limit {
				return found, true, nil
			}
			found = append(found, t)
		}
		if page.Next == nil {
			return found, false, nil
		}
		q.After = page.Next
	}
	return found, true, nil
}

// WaitingView is what a list of what waits shows of a ticket. It says nothing that changes by itself with time.
func WaitingView(ctx context.Context, store storage.Groups, r *storage.Ticket) (*messages.TicketView, error) {
	chat, err := ChatOf(ctx, store, r.Home.GroupID)
	if err != nil {
		return nil, err
	}
	v := &messages.TicketView{TicketId: r.TicketID, Number: r.Number, Title: r.Title, WaitingMs: r.WaitingSince.UnixMilli(), Overdue: r.Overdue()}
	if r.Home.TelegramTopicID != 0 {
		v.Url = messages.TopicURL(chat, r.Home.TelegramTopicID)
	}
	if r.Assignee != nil {
		v.Assignee, v.AssigneeUsername = r.Assignee.Name, r.Assignee.Username
	}
	return v, nil
}
