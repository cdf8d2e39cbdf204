package ticket

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// A ticket closes by itself while it waits for the customer: because they say nothing for as long as their group has set, which
// they are told before, or because somebody has set the time with /close_ticket. A word of theirs ends both (docs/decisions.md,
// D210 and D211).

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
		x.WarnedAt = time.Time{}
	case r.Status != desk.StatusOpen || times.AutoClose.After == 0:
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
func closesAt(r *storage.Ticket, at time.Time, planned *storage.PlannedClosing) {
	r.Timers.ClosesAt, r.Timers.Planned = at, planned
	r.CardRevision++
}

// ringClosing closes the ticket if its time has come, or tells the customer that it closes. It does not close while they have not
// been told: what says so may have waited for as long as the desk was down.
func (t *ticket) ringClosing(r *storage.Ticket, now time.Time) {
	x := &r.Timers
	due := func(at time.Time) bool { return !at.IsZero() && !at.After(now) }
	switch {
	case due(x.ClosesAt) && !t.tellsOfClosing(r):
		t.closeByItself(r, now)
	case due(x.ClosesAt), due(x.WarnsAt):
		wait := t.times.AutoClose.Notice
		if x.Planned != nil {
			wait, x.QuietSince = max(1, int64(x.ClosesAt.Sub(x.QuietSince)/time.Minute)), now
		} else {
			x.WarnedAt = now
		}
		closesAt(r, now.Add(minutes(wait)).Truncate(time.Second), x.Planned)
		t.tellClosing(r, closingID(r))
	}
}

// closingID is the id of the notice that the ticket closes by itself: one for each time that was set.
func closingID(r *storage.Ticket) string {
	return "closing/" + strconv.FormatInt(r.Timers.ClosesAt.UnixMilli(), 10)
}

// tellsOfClosing says whether the notice that the ticket closes by itself has not left yet.
func (t *ticket) tellsOfClosing(r *storage.Ticket) bool {
	of := r.TicketID + "/" + closingID(r) + "/"
	return slices.ContainsFunc(r.Pending, func(p storage.Pending) bool {
		return p.Kind == desk.PendingOperation && strings.HasPrefix(p.ID, of)
	})
}

// customerTopic is the topic in which the customer is on the ticket.
func customerTopic(r *storage.Ticket) *storage.Topic {
	if link := desk.PrivateLink(r, ""); link != nil && !link.Ended {
		return &link.Topic
	}
	return &r.Home
}

// tellClosing makes the notice pending that tells the customer when the ticket closes by itself.
func (t *ticket) tellClosing(r *storage.Ticket, id string) {
	topic := customerTopic(r)
	if !desk.IsOpened(topic) {
		return
	}
	notice := noticeAt(messages.NoticeClosesSoon, map[string]string{}, r.Timers.ClosesAt, t.times.ZoneName())
	if r.Timers.Planned != nil {
		notice.Key, notice.Args["who"] = messages.NoticeClosesPlanned, r.Timers.Planned.By.Name
	}
	if messages.IsPrivate(topic.GroupID) {
		notice.Args["ticket"] = desk.NameOf(r)
	} else if by := r.CreatedBy; by.Kind == "user" {
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
	desk.AddPending(r, id, op, 0)
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
		return at.Truncate(time.Second), true
	}
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 || len(words) > longestTried {
		return time.Time{}, false
	}
	rest, begins := strings.CutPrefix(strings.Join(words, " "), "in ")
	if !begins {
		rest, begins = strings.CutPrefix(rest, "อีก")
	}
	rest = strings.TrimSpace(rest)
	return time.Time{}, begins && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// planning is the effect of /close_ticket with a time. It is not ok if what follows the command is a reason.
func (t *ticket) planning(m *messages.CloseTicket) (do effect, ok bool, err error) {
	o, text := m.Origin, strings.TrimSpace(messages.CleanText(m.Reason))
	if text == "" || m.ByHand || desk.IsAPI(o) {
		return nil, false, nil
	}
	if isOff(text) && !t.record.Timers.ClosesAt.IsZero() {
		do, err = t.keeping(&messages.KeepTicket{Origin: o})
		return do, err == nil, err
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
	r.Timers.QuietSince, r.Timers.WarnedAt, r.UpdatedAt = t.now(), time.Time{}, t.now()
	closesAt(r, storage.Kept(at), &storage.PlannedClosing{By: desk.CreatorOf(o)})
	t.tellClosing(r, closingID(r))
}

// respondToPlan tells whoever has set when the ticket closes, unless the notice to the customer stands in the same topic.
func (t *ticket) respondToPlan(r *desk.Result, o *messages.Origin) {
	if desk.IsAPI(o) && o.GetThreadId() == 0 {
		return
	}
	if topic := customerTopic(r.Ticket); desk.TopicAt(r.Ticket, o.GetPlace(), o.GetThreadId()) == topic {
		return
	}
	op := desk.OperationTo(o)
	notice := noticeAt(messages.NoticeClosePlanned, map[string]string{"who": desk.Who(o)}, r.Timers.ClosesAt, t.times.ZoneName())
	notice.ReplyTo = o.GetMessageId()
	notice.Keyboard = desk.OneButton(messages.ButtonKeepOpen, messages.CallbackKeep+":"+r.TicketID)
	op.Call = &messages.Operation_SendNotice{SendNotice: notice}
	desk.AddPending(r.Ticket, o.GetCommandId(), op, 0)
}

// keeping has a ticket stay open that is about to close. A customer who says so waits for an answer from then on.
func (t *ticket) keeping(m *messages.KeepTicket) (effect, error) {
	o, side := m.Origin, storage.WaitsForCustomer
	if topic := t.topicAt(o.GetPlace(), o.GetThreadId()); topic != nil {
		var err error
		if side, err = t.sideOf(desk.CreatorOf(o), o.GetPlace(), topic.TopicID); err != nil {
			return nil, err
		}
	}
	return func(r *desk.Result) {
		switch {
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
