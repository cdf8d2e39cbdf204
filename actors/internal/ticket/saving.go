package ticket

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// change writes a changed record: the new state, its events and what is pending, all in one write. Memory changes
// only after the write has succeeded.
func (t *ticket) change(f func(*storage.Ticket)) error {
	next := desk.CloneTicket(t.record)
	f(next)
	return t.saveDue(next)
}

// saveDue writes the record as due, so that the sweep finds the ticket for as long as something is pending.
func (t *ticket) saveDue(next *storage.Ticket) error {
	next.DueAt = t.now().Add(desk.PendingFor)
	t.settleCards(next)
	return t.save(next)
}

func (t *ticket) save(next *storage.Ticket) error {
	defer func() { t.commands = nil }()
	if err := t.unmade; err != nil {
		t.unmade = nil
		return err
	}
	if err := t.retime(next); err != nil {
		return err
	}
	if err := t.causeClosing(next); err != nil {
		return err
	}
	moot := dropMoot(next)
	if err := t.Written(t.Store.SaveTicket(t.Ctx, next)); err != nil {
		return fmt.Errorf("save the ticket: %w", err)
	}
	for _, id := range moot {
		if s := t.enqueued[id]; s != nil { // the chat may have it waiting for hours
			op := proto.CloneOf(s.op)
			op.Call = &messages.Operation_Withdraw{Withdraw: &messages.WithdrawCall{}}
			t.Enqueue(op)
		}
		delete(t.enqueued, id)
	}
	caused := next.Events
	if t.record != nil {
		caused = desk.EventsSince(t.record.Events, next.Events)
	}
	t.unnumbered = append(t.unnumbered, caused...)
	before := t.record
	t.record = next
	t.logCaused(caused, t.commands)
	if is := listedAs(next); is != t.listed {
		t.listed = is
		t.tellLists(before, next)
	}
	t.armRing()
	return nil
}

// listed is what lists of what waits show of a ticket; zero: nothing.
type listed struct {
	number, since, thread int64
	title, assignee, name string
	overdue               bool
	helping               string // the topics in which other groups help
}

func listedAs(r *storage.Ticket) listed {
	if r == nil || !desk.IsWaiting(r) {
		return listed{}
	}
	l := listed{number: r.Number, since: r.WaitingSince.UnixMilli(), thread: r.Home.TelegramTopicID, title: r.Title, overdue: r.Overdue()}
	if r.Assignee != nil {
		l.assignee, l.name = r.Assignee.ID, r.Assignee.Name
	}
	for _, topic := range desk.HelpingTopics(r) {
		l.helping += topic.GroupID + ":" + strconv.FormatInt(topic.TelegramTopicID, 10) + " "
	}
	return l
}

// tellLists tells the groups that have a topic of the ticket, as one of its records says, that their lists of what waits may look
// different. Nobody waits for that.
func (t *ticket) tellLists(records ...*storage.Ticket) {
	var told []ids.Place
	tell := func(group ids.Place) {
		if !slices.Contains(told, group) {
			told = append(told, group)
			t.Tell(messages.KindGroup, group, &messages.WaitingChanged{})
		}
	}
	for _, r := range records {
		if r == nil {
			continue
		}
		tell(r.GroupID)
		for _, topic := range desk.HelpingTopics(r) {
			tell(topic.GroupID)
		}
	}
}

// now is the time as stores keep it.
func (t *ticket) now() time.Time { return storage.Kept(t.Now()) }
