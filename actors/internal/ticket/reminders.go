package ticket

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// What people are told when a timer rings. Nobody waits for it, so it leaves behind all else.

// overdueIn begins the ids of all notices that an answer is overdue in the ticket's wait.
func overdueIn(r *storage.Ticket) string {
	return "overdue/" + strconv.FormatInt(r.WaitingSince.UnixMilli(), 10)
}

// overdueID is the id of the notice that an answer is overdue: one for each wait, and another if that was withdrawn, since the
// ticket was put aside.
func overdueID(r *storage.Ticket) string {
	id := overdueIn(r)
	if r.Timers.Reminded {
		id += "." + strconv.FormatInt(r.Timers.WokenAt.UnixMilli(), 10)
	}
	return id
}

// ringOverdue tells that an answer is overdue, once in a wait.
func (t *ticket) ringOverdue(r *storage.Ticket, now time.Time) {
	x, id := &r.Timers, overdueID(r)
	x.OverdueAt = now
	if !x.Reminded {
		t.cause(r, messages.EventTicketOverdue, r.TicketID+"/"+id, now, nil, &view.TicketOverdueData{DueAt: view.Time{Time: x.AnswerDueAt}})
	}
	if !x.Reminded || x.Unsaid {
		x.Unsaid = false
		t.remind(r, id, r.Assignee, &messages.SendNoticeCall{Key: messages.NoticeOverdue, Silent: true})
	}
}

// onReminded hears of a reminder that was withdrawn too late: it was said.
func (t *ticket) onReminded(m *messages.Done) error {
	if t.record == nil || !t.record.Timers.Unsaid || m.Withdrawn || m.Outcome.GetResult() != messages.Outcome_DONE ||
		!strings.HasPrefix(m.OperationId, t.record.TicketID+"/"+overdueIn(t.record)) {
		return nil
	}
	return t.change(func(r *storage.Ticket) { r.Timers.Unsaid = false })
}

// lapse releases a ticket whose claimer has said nothing while the desk owed an answer.
func (t *ticket) lapse(r *storage.Ticket) {
	was, id := r.Assignee, "lapsed/"+strconv.FormatInt(r.Timers.LapsesAt.UnixMilli(), 10)
	t.assign(r, r.TicketID+"/"+id, nil, nil)
	t.remind(r, id, was, &messages.SendNoticeCall{Key: messages.NoticeLapsed, Silent: true})
}

// remind makes a notice pending where the desk is on the ticket. who is mentioned in it; nil: it names the group.
func (t *ticket) remind(r *storage.Ticket, id string, who *storage.Creator, notice *messages.SendNoticeCall) {
	topic := t.deskTopic(r, who)
	if topic == nil {
		return
	}
	notice.Args = map[string]string{}
	if who != nil {
		notice.Args["name"] = who.Name
		notice.UserId, _ = strconv.ParseInt(who.ID, 10, 64)
	} else if title, err := t.recentTitle(topic.GroupID); err == nil {
		notice.Args["group"] = title
	} else {
		t.unmade = err
		return
	}
	notice.ReplyTo = t.firstUnanswered(r, topic)
	op := desk.OperationIn(r, topic)
	op.Priority, op.Call = messages.Operation_LAST, &messages.Operation_SendNotice{SendNotice: notice}
	desk.AddPending(r, id, op, 0)
}

// deskTopic is the topic in which somebody of the desk is on the ticket, nil: anybody of it. Among colleagues, the home topic
// is the one that asks.
func (t *ticket) deskTopic(r *storage.Ticket, who *storage.Creator) *storage.Topic {
	colleagues, err := t.isAmongColleagues()
	if err != nil {
		t.unmade = err
		return nil
	}
	var first *storage.Topic
	for i := range r.Links {
		link := &r.Links[i]
		if link.Ended || desk.IsAPILink(link) || !messages.IsGroup(link.Topic.GroupID) || !desk.IsOpened(&link.Topic) {
			continue
		}
		if who != nil && link.UserID != 0 && strconv.FormatInt(link.UserID, 10) == who.ID {
			return &link.Topic
		}
		if first == nil && colleagues {
			first = &link.Topic
		}
	}
	if first == nil && desk.IsOpened(&r.Home) {
		first = &r.Home
	}
	return first
}

// unansweredSearched is how many of the newest messages are searched for the first that nobody has answered, and if it is not among
// those.
var unansweredSearched = []int{5, 50}

// firstUnanswered is the message in a topic that shows the customer's first word without an answer; the card, where it is not
// found or the ticket has no messages; 0: neither.
func (t *ticket) firstUnanswered(r *storage.Ticket, topic *storage.Topic) (messageID int64) {
	if topic.CardMessageID > 0 {
		messageID = topic.CardMessageID
	}
	m, err := t.unanswered(r)
	if err != nil {
		t.unmade = err
	}
	if m == nil {
		return messageID
	}
	if m.TopicID == topic.TopicID {
		_, id, _ := messages.ParseMessageKey(m.MessageID)
		return id
	}
	copies, err := t.Store.CopiesOf(t.Ctx, m.MessageID)
	if err != nil {
		t.unmade = err
	}
	for i := range copies {
		if c := &copies[i]; c.TopicID == topic.TopicID && len(c.Parts) > 0 {
			return c.Parts[0]
		}
	}
	return messageID
}

// unanswered is the customer's first word without an answer; nil: it is not found.
func (t *ticket) unanswered(r *storage.Ticket) (*storage.Message, error) {
	if t.sequence == 0 {
		return nil, nil
	}
	for _, limit := range unansweredSearched {
		page, err := t.Store.MessagesBefore(t.Ctx, r.TicketID, t.sequence+1, limit)
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		for i := range page {
			if m := &page[i]; m.RecordedAt.Equal(r.WaitingSince) && m.Side == storage.WaitsForCustomer && !m.Deleted {
				return m, nil
			}
		}
		if len(page) < limit {
			break
		}
	}
	return nil, nil
}

// dropMoot takes notices off a record that are about a wait that is over, or about what is closed, and returns their ids.
func dropMoot(r *storage.Ticket) (dropped []string) {
	current, overdue := "", r.Overdue()
	if !r.Timers.OverdueAt.IsZero() {
		current = r.TicketID + "/" + overdueID(r) + "/"
	}
	closing := ""
	if !r.Timers.ClosesAt.IsZero() {
		closing = r.TicketID + "/" + desk.ClosingID(r) + "/"
	}
	is := func(p storage.Pending, kind string) bool { return strings.HasPrefix(p.ID, r.TicketID+"/"+kind+"/") }
	r.Pending = slices.DeleteFunc(r.Pending, func(p storage.Pending) bool {
		ofWait := current != "" && strings.HasPrefix(p.ID, current)
		moot := is(p, "overdue") && !(overdue && ofWait) ||
			is(p, "closing") && (closing == "" || !strings.HasPrefix(p.ID, closing)) ||
			r.Status == desk.StatusClosed && (is(p, "lapsed") || is(p, "awake")) || !r.SnoozedUntil().IsZero() && is(p, "awake")
		if moot = moot && p.Kind == desk.PendingOperation; moot {
			dropped = append(dropped, p.ID)
			r.Timers.Unsaid = r.Timers.Unsaid || ofWait
		}
		return moot
	})
	return dropped
}

// awayUntil is when the desk is back, for a customer's word outside of its hours to whom that was not told yet; zero: nothing
// is told.
func (t *ticket) awayUntil(m *storage.Message, o *messages.Origin, reopens bool) (time.Time, error) {
	if m.Side != storage.WaitsForCustomer || m.Sender.Kind != "user" || o.GetMessageId() == 0 || t.record.Status == desk.StatusClosed && !reopens {
		return time.Time{}, nil
	}
	times, err := t.recentTimes()
	if err != nil || times.Hours == nil {
		return time.Time{}, err
	}
	opens := storage.Kept(times.Hours.Opens(m.RecordedAt))
	if !opens.After(m.RecordedAt) || opens.Equal(t.record.Timers.AwayUntil) {
		return time.Time{}, nil
	}
	return opens, nil
}

// timesKept is how long the times of the group are kept for customers' words.
const timesKept = time.Minute

// recentTimes are the times of the group, of a minute ago at most.
func (t *ticket) recentTimes() (desk.Times, error) {
	if t.knowsTimes() {
		return t.times.Times, nil
	}
	return t.readTimes(t.record.GroupID)
}

// knowsTimes says whether the times of the group were read lately.
func (t *ticket) knowsTimes() bool {
	age := t.Now().Sub(t.times.at)
	return age >= 0 && age < timesKept && !t.times.at.IsZero()
}

// readTimes reads the times of the group.
func (t *ticket) readTimes(place ids.Place) (desk.Times, error) {
	group, err := t.readGroup(place)
	if err == nil {
		t.times = knownTimes{group.times, group.at}
	}
	return group.times, err
}

// knownTimes are the times of the group, and when they were read.
type knownTimes struct {
	desk.Times
	at time.Time
}

// tellAway makes the notice pending that the desk is back at a time, in the topic and the language of whoever has written.
func (t *ticket) tellAway(r *storage.Ticket, o *messages.Origin, place ids.Place, thread ids.ThreadID, opens time.Time) {
	r.Timers.AwayUntil = opens
	op := desk.OperationTo(o)
	op.Place, op.ThreadId = place, thread
	notice := noticeAt(messages.NoticeAway, nil, opens, t.times.Hours.Zone())
	if place == o.GetPlace() && thread == o.GetThreadId() {
		notice.ReplyTo = o.GetMessageId()
	}
	op.Call = &messages.Operation_SendNotice{SendNotice: notice}
	desk.AddPending(r, o.GetCommandId()+"/away", op, 0)
}

// noticeAt is a notice that names a time.
func noticeAt(key string, args map[string]string, at time.Time, zone string) *messages.SendNoticeCall {
	return &messages.SendNoticeCall{Key: key, Args: args, AtMs: at.UnixMilli(), AtZone: zone}
}

// tellOpenedAway tells whoever has opened the ticket outside of the hours of its team when that is back.
func (t *ticket) tellOpenedAway(r *storage.Ticket, o *messages.Origin, topic *storage.Topic) {
	times, err := t.recentTimes()
	if err != nil {
		t.unmade = err
		return
	}
	now := t.now()
	opens := storage.Kept(times.Hours.Opens(now))
	if times.Hours == nil || !opens.After(now) || opens.Equal(r.Timers.AwayUntil) {
		return
	}
	t.tellAway(r, o, topic.GroupID, topic.TelegramTopicID, opens)
}
