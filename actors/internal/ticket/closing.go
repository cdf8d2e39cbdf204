package ticket

import (
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// A ticket closes by itself while it waits for the customer: because they say nothing for as long as their group has set, which
// they are told before, or because somebody has set the time with /close_ticket. A word of theirs ends both (docs/decisions.md,
// D208 and D209).

// settleClosing works out when the customer is told that the ticket closes, and when it closes. What they were told stays: the
// time in it does not move when the group's settings do.
func settleClosing(r *storage.Ticket, times desk.Times) {
	x := &r.Timers
	x.WarnsAt = time.Time{}
	if r.Status == desk.StatusClosed || r.WaitingFor != storage.WaitsForCustomer {
		staysOpen(r)
		x.QuietSince = time.Time{}
		return
	}
	switch {
	case !x.SnoozedUntil.IsZero():
		staysOpen(r)
	case x.Planned != nil:
	case r.Status != desk.StatusOpen || times.AutoClose.After == 0 || customerTopic(r) == nil:
		staysOpen(r)
	case x.WarnedAt.IsZero():
		x.ClosesAt = time.Time{}
		x.WarnsAt = storage.Kept(later(later(r.WaitingSince, x.WokenAt), x.QuietSince).Add(minutes(times.AutoClose.After)))
	}
}

func minutes(n int64) time.Duration { return time.Duration(n) * time.Minute }

// staysOpen ends that a ticket is about to close by itself.
func staysOpen(r *storage.Ticket) {
	if x := &r.Timers; !x.ClosesAt.IsZero() {
		x.ClosesAt, x.WarnedAt, x.Planned = time.Time{}, time.Time{}, nil
		r.CardRevision++
	}
}

// closesAt sets when the ticket closes by itself.
func closesAt(r *storage.Ticket, at time.Time) {
	r.Timers.ClosesAt = storage.Kept(at.Truncate(time.Second))
	r.CardRevision++
}

const (
	// longestLate is by how much a ticket may close too late. If it is more, the desk was down, and what the customer said in time may
	// come only now: the ticket closes after lateGrace then, and the customer is told.
	longestLate = 2 * time.Minute
	lateGrace   = 10 * time.Minute
	// longestUntold is how long a notice may wait before it leaves without the time to answer being counted from then on.
	longestUntold = 5 * time.Minute
)

// ringClosing closes the ticket if its time has come, or tells the customer that it closes. It does not close while they have not
// been told: what says so may have waited for as long as the desk was down. What the desk has said since gives them time anew.
func (t *ticket) ringClosing(r *storage.Ticket, now time.Time) {
	x, notice := &r.Timers, minutes(t.times.AutoClose.Notice)
	due := func(at time.Time) bool { return !at.IsZero() && !at.After(now) }
	switch asked := x.QuietSince.Add(notice).Truncate(time.Second); {
	case due(x.WarnsAt):
		t.announceClosing(r, now, notice)
	case !due(x.ClosesAt):
	case x.Planned != nil && (x.Planned.Untold || desk.TellsOfClosing(r)):
		t.plan(r, x.Planned.By, now, max(x.ClosesAt.Sub(x.Planned.At), lateGrace))
	case desk.TellsOfClosing(r):
		t.announceClosing(r, now, notice)
	case x.Planned == nil && x.QuietSince.After(x.WarnedAt) && asked.After(now):
		closesAt(r, asked)
	case t.Elapsed(x.ClosesAt) > longestLate && x.Planned != nil:
		t.plan(r, x.Planned.By, now, lateGrace)
	case t.Elapsed(x.ClosesAt) > longestLate:
		t.announceClosing(r, now, lateGrace)
	default:
		t.closeByItself(r, now)
	}
}

// announceClosing has the ticket close by itself, and tells the customer. If they can't read that yet, their silence counts from
// now on.
func (t *ticket) announceClosing(r *storage.Ticket, now time.Time, notice time.Duration) {
	x := &r.Timers
	x.WarnedAt = now
	if closesAt(r, now.Add(notice)); !t.tellClosing(r) {
		staysOpen(r)
		x.QuietSince = now
	}
}

// causeClosing causes ticket.updated if a record that is about to be written changes when the ticket closes by itself. Whoever has
// set that did it; what ends or moves it is told without an actor.
func (t *ticket) causeClosing(next *storage.Ticket) error {
	if t.record == nil || next.Status == desk.StatusClosed || next.Timers.ClosesAt.Equal(t.record.Timers.ClosesAt) {
		return nil
	}
	var by *storage.Creator
	if p := next.Timers.Planned; p != nil && p != t.record.Timers.Planned && p.At.Equal(next.Timers.QuietSince) {
		by = &p.By
	}
	changed := &view.Change[*view.Time]{
		Before: view.TimeOf(desk.MillisOf(t.record.Timers.ClosesAt)), After: view.TimeOf(desk.MillisOf(next.Timers.ClosesAt))}
	next.UpdatedAt = t.now()
	t.cause(next, messages.EventTicketUpdated, next.TicketID+"/closes/"+strconv.FormatInt(t.record.Version, 10), next.UpdatedAt, by,
		&view.TicketUpdatedData{Changes: view.Changes{ClosesAt: changed}})
	err := t.unmade
	t.unmade = nil
	return err
}

// plan has the ticket close by itself after some time, as somebody has set, and tells the customer.
func (t *ticket) plan(r *storage.Ticket, by storage.Creator, now time.Time, in time.Duration) {
	planned := &storage.PlannedClosing{By: by, At: now}
	r.Timers.Planned, r.Timers.WarnedAt = planned, time.Time{}
	closesAt(r, now.Add(in))
	planned.Untold = !t.tellClosing(r)
}

// toldOfClosing is part of the write that says that an operation is done. If that is the notice that the ticket closes by itself,
// cards show it from then on. A notice that has waited for long leaves the customer as much time as another.
func (t *ticket) toldOfClosing(r *storage.Ticket, operationID string, now time.Time) {
	if !desk.IsClosingNotice(r, operationID) {
		return
	}
	x, at := &r.Timers, r.Timers.ClosesAt
	if x.Planned == nil && now.Sub(x.WarnedAt) > longestUntold {
		at = now.Add(at.Sub(x.WarnedAt))
	}
	closesAt(r, at)
}

// customerTopic is the topic in which the customer is on the ticket; nil: they are in none, but speak by the program that has
// opened it.
func customerTopic(r *storage.Ticket) *storage.Topic {
	if link := desk.PrivateLink(r, ""); link != nil {
		return &link.Topic
	}
	if r.CreatedBy.Kind == "apiKey" {
		return nil
	}
	return &r.Home
}

// tellClosing makes the notice pending that tells the customer when the ticket closes by itself. It returns false if the topic is
// not open in which they would read it.
func (t *ticket) tellClosing(r *storage.Ticket) bool {
	topic := customerTopic(r)
	if topic == nil {
		return true // programs see it
	}
	if !desk.IsOpened(topic) {
		return false
	}
	notice := noticeAt(messages.NoticeClosesSoon, map[string]string{}, r.Timers.ClosesAt, t.times.ZoneName())
	if r.Timers.Planned != nil {
		notice.Key, notice.Args["who"] = messages.NoticeClosesPlanned, r.Timers.Planned.By.Name
	}
	if messages.IsPrivate(topic.GroupID) {
		notice.Args["ticket"] = desk.NameOf(r)
	} else if by := r.Customer(); by.Kind == "user" {
		notice.Args["name"] = by.Name
		notice.UserId, _ = strconv.ParseInt(by.ID, 10, 64)
	}
	button := func(key, verb string) *messages.KeyboardRow {
		return &messages.KeyboardRow{Buttons: []*messages.Button{{Key: key, Data: verb + ":" + r.TicketID}}}
	}
	notice.Keyboard = &messages.Keyboard{Rows: []*messages.KeyboardRow{
		button(messages.ButtonKeep, messages.CallbackKeep), button(messages.ButtonSolved, messages.CallbackSolved),
	}}
	op := desk.OperationIn(r, topic)
	if op.Call = (&messages.Operation_SendNotice{SendNotice: notice}); r.Timers.Planned == nil {
		op.Priority = messages.Operation_LAST
	}
	desk.AddPending(r, desk.ClosingID(r), op, 0)
	return true
}

// closeByItself closes the ticket, and says why everywhere.
func (t *ticket) closeByItself(r *storage.Ticket, now time.Time) {
	x := &r.Timers
	id, key, args := "closed/"+strconv.FormatInt(x.ClosesAt.UnixMilli(), 10), messages.NoticeClosedQuiet, map[string]string{}
	reason := view.ReasonQuiet
	if p := x.Planned; p != nil {
		key, reason, args["who"] = messages.NoticeClosedPlanned, view.ReasonPlanned, p.By.Name
	}
	t.closed(r, now)
	t.cause(r, messages.EventTicketClosed, r.TicketID+"/"+id, now, nil, &view.TicketClosedData{Reason: reason})
	desk.NotifyAll(r, &messages.Origin{CommandId: id}, key, args, t.sequence)
}

// closed writes that the ticket is closed.
func (t *ticket) closed(r *storage.Ticket, now time.Time) {
	r.Status, r.ClosedAt, r.UpdatedAt, r.ClosedAfter = desk.StatusClosed, now, now, t.sequence
	waitsForNobody(r)
	r.CardRevision++
}

// longestTried is up to how many words after /close_ticket are a time that can't be read, rather than a reason.
const longestTried = 3

// closeLater reads what follows /close_ticket as a time. It is not ok if that is a reason; at is zero if it is a time that can't be
// read, or none to come.
func closeLater(text string, times desk.Times, now time.Time) (at time.Time, ok bool) {
	if at, ok = times.Hours.Later(text, now, times.Zone); ok {
		return at, true
	}
	return time.Time{}, len(strings.Fields(text)) <= longestTried && hours.BeginsTime(text)
}

// planning is the effect of /close_ticket with a time, or with off. It is not ok if what follows the command is a reason.
func (t *ticket) planning(m *messages.CloseTicket) (do effect, ok bool, err error) {
	o, text := m.Origin, strings.TrimSpace(messages.CleanText(m.Reason))
	if text == "" || m.ByHand || desk.IsAPI(o) || o.GetWeb() {
		return nil, false, nil
	}
	switch strings.ToLower(text) {
	case "off":
		do, err = t.keeping(&messages.KeepTicket{Origin: o})
		return do, err == nil, err
	case "now":
		m = proto.CloneOf(m)
		m.Reason = ""
		return func(r *desk.Result) { t.close(r, m) }, true, nil
	}
	times, err := t.readTimes(t.record.GroupID)
	if err != nil {
		return nil, false, err
	}
	at, ok := closeLater(text, times, t.now())
	if !ok || t.record.Status == desk.StatusClosed {
		return nil, false, nil
	}
	return func(r *desk.Result) {
		switch {
		case at.IsZero():
			desk.Respond(r, o, messages.NoticeCloseUnclear, map[string]string{"given": messages.Shorten(text, 40)})
		case r.WaitingFor != storage.WaitsForCustomer:
			desk.Respond(r, o, messages.NoticeCloseUnanswered, nil)
		default:
			t.planClosing(r.Ticket, o, at)
			t.respondToPlan(r, o)
		}
	}, true, nil
}

// planClosing has the ticket close at a time, in place of any other.
func (t *ticket) planClosing(r *storage.Ticket, o *messages.Origin, at time.Time) {
	if !r.Timers.SnoozedUntil.IsZero() {
		t.takeUp(r, o.GetCommandId(), creatorOf(o))
	}
	now := t.now()
	r.Timers.QuietSince, r.UpdatedAt = now, now
	t.plan(r, desk.CreatorOf(o), now, at.Sub(now))
}

// respondToPlan tells whoever has set when the ticket closes, unless the notice to the customer stands in the same topic.
func (t *ticket) respondToPlan(r *desk.Result, o *messages.Origin) {
	if desk.IsAPI(o) && o.GetThreadId() == 0 {
		return
	}
	if topic := customerTopic(r.Ticket); topic != nil && desk.TopicAt(r.Ticket, o.GetPlace(), o.GetThreadId()) == topic {
		return
	}
	op := desk.OperationTo(o)
	notice := noticeAt(messages.NoticeClosePlanned, map[string]string{"who": desk.Who(o)}, r.Timers.ClosesAt, t.times.ZoneName())
	notice.ReplyTo = o.GetMessageId()
	notice.Keyboard = desk.OneButton(messages.ButtonKeepOpen, messages.CallbackKeep+":"+r.TicketID)
	op.Call = &messages.Operation_SendNotice{SendNotice: notice}
	desk.AddPending(r.Ticket, o.GetCommandId(), op, 0)
}

// keeping has a ticket stay open that is about to close. A customer who says so waits for an answer from then on; if it has closed
// lately, their press reopens it, as a word would.
func (t *ticket) keeping(m *messages.KeepTicket) (effect, error) {
	o, side := m.Origin, storage.WaitsForCustomer
	if topic := t.topicAt(o.GetPlace(), o.GetThreadId()); topic != nil {
		var err error
		if side, err = t.sideOf(desk.CreatorOf(o), o.GetPlace(), topic.TopicID); err != nil {
			return nil, err
		}
	}
	reopens, err := t.keepsClosed(o, side)
	if err != nil {
		return nil, err
	}
	return func(r *desk.Result) {
		switch {
		case reopens:
			dropKeyboard(r, o)
			t.reopen(r, &messages.ReopenTicket{Origin: o})
		case t.refuseClosed(r, o, messages.VerbReopenTicket):
		case r.Timers.ClosesAt.IsZero():
			dropKeyboard(r, o)
			desk.Respond(r, o, messages.NoticeKeepNone, nil)
		default:
			key := messages.NoticeKept
			if t.keepOpen(r.Ticket); side == storage.WaitsForCustomer {
				r.WaitingFor, r.WaitingSince, key = storage.WaitsForDesk, t.now(), messages.NoticeKeptByCustomer
			}
			dropKeyboard(r, o)
			desk.NotifyAll(r.Ticket, o, key, map[string]string{"who": desk.Who(o)}, 0)
			desk.Acknowledge(r, o)
		}
	}, nil
}

// keepsClosed says whether a press by somebody on a side reopens the ticket: it is closed, and a customer's word would reopen it.
func (t *ticket) keepsClosed(o *messages.Origin, side string) (bool, error) {
	if t.record.Status != desk.StatusClosed || side != storage.WaitsForCustomer || o.GetCallbackId() == "" ||
		t.record.Home.Failure != "" || t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
		return false, nil
	}
	_, _, lately, err := t.reopenDays()
	return lately, err
}

// keepOpen ends that a ticket is about to close; the customer's silence counts anew.
func (t *ticket) keepOpen(r *storage.Ticket) {
	staysOpen(r)
	r.Timers.QuietSince, r.UpdatedAt = t.now(), t.now()
}

// setClosing has a program set when the ticket closes, or that it stays open: 0. It returns false if that is refused.
func (t *ticket) setClosing(r *desk.Result, o *messages.Origin, ms int64) bool {
	at := time.UnixMilli(ms).UTC().Truncate(time.Second)
	switch {
	case ms == 0 && r.Timers.ClosesAt.IsZero(), ms != 0 && at.Equal(r.Timers.ClosesAt):
	case ms == 0:
		t.keepOpen(r.Ticket)
	case r.Status == desk.StatusClosed:
		r.Refuse(messages.NoticeTicketIsClosed, map[string]string{"ticket": desk.NameOf(r.Ticket), "command": messages.VerbCloseTicket})
	case !at.After(t.now()) || at.Sub(t.now()) > hours.LongestLater:
		r.Refuse(messages.NoticeCloseUnclear, map[string]string{"given": at.Format(time.RFC3339)})
	case r.WaitingFor != storage.WaitsForCustomer:
		r.Refuse(messages.NoticeCloseUnanswered, nil)
	default:
		t.planClosing(r.Ticket, o, at)
	}
	return r.Refusal == nil
}
