package ticket

import (
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/hours"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// A ticket can be put aside until a time: no answer is due until then. A customer's word takes it up again, as does the time.

// laterChoices are the buttons, with what each of them means after /later.
var laterChoices = [][2]string{
	{messages.ButtonLater1h, "1h"}, {messages.ButtonLater2h, "2h"},
	{messages.ButtonLaterDay, "tomorrow"}, {messages.ButtonLaterWeek, "mon"},
}

func laterKeyboard(r *storage.Ticket) *messages.Keyboard {
	k := &messages.Keyboard{}
	for i, choice := range laterChoices {
		if i%2 == 0 {
			k.Rows = append(k.Rows, &messages.KeyboardRow{})
		}
		row := k.Rows[len(k.Rows)-1]
		row.Buttons = append(row.Buttons, &messages.Button{Key: choice[0], Data: messages.CallbackLater + ":" + r.TicketID + ":" + choice[1]})
	}
	return k
}

// snoozing puts the ticket aside, or takes it up again.
func (t *ticket) snoozing(m *messages.SnoozeTicket) (effect, error) {
	o, wanted := m.Origin, strings.TrimSpace(messages.CleanText(m.Wanted))
	times, err := desk.ReadTimes(t.Ctx, t.Store, t.record.GroupID)
	if err != nil {
		return nil, err
	}
	at, ok := times.Hours.Later(wanted, t.now(), times.Zone)
	had, err := t.holderBut(desk.CreatorOf(o))
	if err != nil {
		return nil, err
	}
	return func(r *desk.Result) {
		switch {
		case t.refuseClosed(r, o, messages.VerbLater):
		case wanted == "":
			desk.RespondKeyboard(r, o, messages.NoticeSnoozeChoose, nil, laterKeyboard(r.Ticket))
		case isOff(wanted):
			if r.Timers.SnoozedUntil.IsZero() {
				desk.Respond(r, o, messages.NoticeSnoozeNone, nil)
				return
			}
			t.takeUp(r.Ticket, o.CommandId, creatorOf(o))
			args := map[string]string{"who": desk.Who(o)}
			if t.tellHolder(r, o, had, messages.NoticeSnoozeOff, args) {
				desk.Acknowledge(r, o)
			} else {
				desk.RespondOpenly(r, o, messages.NoticeSnoozeOff, args)
			}
		case !ok:
			desk.Respond(r, o, messages.NoticeSnoozeUnclear, map[string]string{"given": messages.Shorten(wanted, 40)})
		default:
			t.snooze(r.Ticket, o, at)
			dropKeyboard(r, o)
			notice := func() *messages.SendNoticeCall {
				return noticeAt(messages.NoticeSnoozed, map[string]string{"who": desk.Who(o)}, at, times.ZoneName())
			}
			if !t.tellHolderOf(r, o, had, notice()) {
				op, said := desk.OperationTo(o), notice()
				said.ReplyTo = o.GetMessageId()
				op.Call = &messages.Operation_SendNotice{SendNotice: said}
				desk.AddPending(r.Ticket, o.GetCommandId(), op, 0)
			}
			desk.Acknowledge(r, o)
		}
	}, nil
}

// isOff says whether the words after /later take the ticket up again.
func isOff(words string) bool {
	switch strings.ToLower(words) {
	case "off", "now", "cancel", "ยกเลิก", "เลิก":
		return true
	}
	return false
}

// snooze puts the ticket aside. at is rounded to the second.
func (t *ticket) snooze(r *storage.Ticket, o *messages.Origin, at time.Time) {
	at = at.UTC().Truncate(time.Second)
	if at.Equal(r.Timers.SnoozedUntil) {
		return
	}
	r.Timers.SnoozedUntil, r.Timers.Snoozer = at, nil
	by := desk.CreatorOf(o)
	if by.Kind == "user" {
		r.Timers.Snoozer = &by
	}
	r.UpdatedAt = t.now()
	t.cause(r, messages.EventTicketSnoozed, o.CommandId, r.UpdatedAt, &by, &view.TicketSnoozedData{Until: &view.Time{Time: at}})
}

// takeUp takes the ticket up again. by is who did that; nil: its time has come.
func (t *ticket) takeUp(r *storage.Ticket, id string, by *storage.Creator) {
	now := t.now()
	r.Timers.TakeUp(now)
	r.UpdatedAt = now
	t.cause(r, messages.EventTicketSnoozed, id, now, by, &view.TicketSnoozedData{})
}

// wakeUp takes the ticket up again when its time has come, and tells whoever has it, or else whoever has put it aside.
func (t *ticket) wakeUp(r *storage.Ticket, _ time.Time) {
	id, who := "awake/"+strconv.FormatInt(r.Timers.SnoozedUntil.UnixMilli(), 10), r.Assignee
	if who == nil {
		who = r.Timers.Snoozer
	}
	t.takeUp(r, r.TicketID+"/"+id, nil)
	t.remind(r, id, who, &messages.SendNoticeCall{Key: messages.NoticeAwake, Keyboard: laterKeyboard(r)})
}

// setSnoozed puts the ticket aside for a program, or takes it up again: 0. It returns false if that is refused.
func (t *ticket) setSnoozed(r *desk.Result, o *messages.Origin, untilMs int64) bool {
	at := time.UnixMilli(untilMs).UTC()
	switch {
	case untilMs == 0 && r.Timers.SnoozedUntil.IsZero():
	case untilMs == 0:
		t.takeUp(r.Ticket, o.CommandId, creatorOf(o))
	case r.Status == desk.StatusClosed:
		r.Refuse(messages.NoticeTicketIsClosed, map[string]string{"ticket": desk.NameOf(r.Ticket), "command": messages.VerbLater})
		return false
	case !at.After(t.now()) || at.Sub(t.now()) > hours.LongestLater:
		r.Refuse(messages.NoticeSnoozeUnclear, map[string]string{"given": at.Format(time.RFC3339)})
		return false
	default:
		t.snooze(r.Ticket, o, at)
	}
	return true
}
