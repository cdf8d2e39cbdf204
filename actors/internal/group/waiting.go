package group

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The list of what waits in the group's General topic: one message, which is edited in place, and a new one each working morning.
// Tickets say that it may look different; the group then looks by itself, at most every five minutes. That it looks
// is not written down for each change: the record says when it looks by itself (LookAt), and so a start finds the group and has it
// look (docs/decisions.md, D211).

const (
	// listEvery is the shortest time between two calls for the list. A new message waits for so long after a change, too: what is
	// answered soon is never listed.
	listEvery = 5 * time.Minute
	// listSettles is how long an edit waits for what else changes.
	listSettles = 3 * time.Second
	// listAgain is when an edit that was refused is tried again, if nothing changes before.
	listAgain = time.Hour
	// listShows is how many tickets it shows, and listCounts up to how many it counts.
	listShows  = 20
	listCounts = 100
)

// lookAtList is the timer's message to look what waits.
type lookAtList struct{}

// listing is what the group has yet to look at.
type listing struct {
	changed time.Time // since when what waits may be something else; zero: it is not
	at      time.Time // when the timer fires; zero: it does not run
	stop    func()
}

// lists says whether the group has a list of what waits.
func (g *group) lists() bool { return g.record != nil && lists(g.record) }

func lists(r *storage.Group) bool { return !r.NoWaitingList && !desk.IsOut(r) }

// list is the list as the record has it.
func list(r *storage.Group) storage.WaitingList {
	if r.WaitingList == nil {
		return storage.WaitingList{}
	}
	return *r.WaitingList
}

// onWaitingChanged hears from a ticket that what waits has changed.
func (g *group) onWaitingChanged(*messages.WaitingChanged) error {
	if !g.lists() {
		return nil
	}
	if !g.listing.changed.IsZero() && !list(g.record).LookAt.IsZero() {
		return nil // it looks already: thousands may say so in one minute
	}
	if list(g.record).LookAt.IsZero() { // else the record says already that a start is to look
		_, next := g.mornings()
		err := g.change("", func(r *storage.Group) {
			l := list(r)
			l.LookAt = next
			r.WaitingList = &l
		})
		if err != nil {
			return err
		}
	}
	g.looksAgain()
	return nil
}

// looksAgain has the group look what waits: something has changed, or may have while it was not in memory.
func (g *group) looksAgain() {
	if g.lists() && g.record.WaitingList != nil && g.listing.changed.IsZero() {
		g.listing.changed = g.Now()
	}
	g.planLook()
}

// beginList has a group look what waits that has a list from now on, also after a restart.
func (g *group) beginList(r *storage.Group) {
	if l := list(r); l.LookAt.IsZero() {
		_, l.LookAt = g.mornings()
		r.WaitingList = &l
	}
}

// mornings are when the team last began a day's work, and when it begins the next one. A team that does not work for
// months looks in a month.
func (g *group) mornings() (last, next time.Time) {
	times := desk.TimesOf(g.record)
	last, next = times.Hours.Mornings(g.Now(), times.Zone)
	if next.IsZero() {
		next = g.Now().AddDate(0, 1, 0)
	}
	return storage.Kept(last), storage.Kept(next)
}

// planLook sets the timer for the next look.
func (g *group) planLook() {
	at := time.Time{}
	if g.lists() && !g.listIsPending() {
		l := list(g.record)
		at = l.LookAt
		if since := g.listing.changed; !since.IsZero() {
			changed := since.Add(listEvery)
			if last, _ := g.mornings(); l.MessageID != 0 && !l.PostedAt.Before(last) {
				changed = since.Add(listSettles)
			}
			again := l.ShownAt.Add(listEvery)
			if again.After(changed) && !l.ShownAt.After(g.Now()) { // else the clock was set back
				changed = again
			}
			if at.IsZero() || changed.Before(at) {
				at = changed
			}
		}
	}
	if at.Equal(g.listing.at) {
		return
	}
	if g.listing.stop != nil {
		g.listing.stop()
	}
	g.listing.at, g.listing.stop = at, nil
	if !at.IsZero() {
		g.listing.stop = g.After(max(0, at.Sub(g.Now())), lookAtList{})
	}
}

func (g *group) onLookAtList(lookAtList) error {
	g.listing.at, g.listing.stop = time.Time{}, nil
	if !g.lists() || g.listIsPending() {
		return nil
	}
	if err := g.look(); err != nil {
		return err
	}
	g.planLook()
	g.follow()
	return nil
}

// look reads what waits, and makes pending what shows it.
func (g *group) look() error {
	found, more, err := desk.Waiting(g.Ctx, g.Store, g.ID, listCounts)
	if err != nil {
		return err
	}
	notice, err := g.listNotice(found, more)
	if err != nil {
		return err
	}
	now, shows := storage.Kept(g.Now()), g.record.Language+g.record.Spoken+" "+digest(notice)
	last, next := g.mornings()
	was := list(g.record)
	l := was
	if !l.LookAt.After(now) {
		l.LookAt = next
		if len(found) == 0 && !more {
			l.LookAt = time.Time{} // the next ticket that begins to wait says so
		}
	}
	var op *messages.Operation
	opens := desk.TimesOf(g.record).Hours.Opens(now)
	switch today := !l.PostedAt.IsZero() && !l.PostedAt.Before(last); {
	case today && (l.MessageID == 0 || l.Shows == shows): // it says so already; or somebody has deleted it, or it could not be posted
	case !today && len(found) > 0 && opens.After(now): // nobody is there to read a new one
		l.LookAt = storage.Kept(opens)
	case !today && len(found) > 0:
		l.Former, l.MessageID, l.PostedAt = l.MessageID, 0, now
		op = &messages.Operation{Call: &messages.Operation_SendNotice{SendNotice: notice}}
	case l.MessageID == 0 || l.Shows == shows:
	default:
		op = editOf(l.MessageID, notice)
	}
	g.listing.changed = time.Time{}
	if op == nil && l == was {
		return nil
	}
	return g.change("", func(r *storage.Group) {
		if op != nil {
			l.Shows, l.ShownAt = shows, now
			g.addListed(r, &l, op)
		}
		r.WaitingList = &l
	})
}

func editOf(messageID int64, notice *messages.SendNoticeCall) *messages.Operation {
	return &messages.Operation{Call: &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{MessageId: messageID, Notice: notice}}}
}

// addListed makes a call for the list pending. It leaves behind all that people wait for.
func (g *group) addListed(r *storage.Group, l *storage.WaitingList, op *messages.Operation) {
	l.Revision++
	op.Priority = messages.Operation_LAST
	g.addOperation(r, &messages.Origin{CommandId: listCommand + strconv.FormatInt(l.Revision, 10)}, "", op)
}

// listCommand begins what stands for the id of a command in the ids of calls for the list.
const listCommand = "waiting/"

// listCall is the id of the call for the list that the record made pending last.
func listCall(r *storage.Group) string {
	return r.GroupID + "/" + listCommand + strconv.FormatInt(list(r).Revision, 10)
}

// listIsPending says whether a call for the list is pending.
func (g *group) listIsPending() bool {
	for _, p := range g.record.Pending {
		if p.ID == listCall(g.record) {
			return true
		}
	}
	return false
}

// noteListed writes down what came of a call for the list.
func (g *group) noteListed(r *storage.Group, op *messages.Operation, outcome *messages.Outcome) {
	if op.Id != listCall(r) {
		return
	}
	l, done := list(r), outcome.GetResult() == messages.Outcome_DONE
	switch {
	case op.GetSendNotice() == nil && !done && op.GetEditNotice().GetMessageId() == l.MessageID:
		if outcome.GetResult() == messages.Outcome_REJECTED {
			l.MessageID = 0 // somebody has deleted it: the next morning has a new one
			break
		}
		l.Shows = "" // the bot may be muted: what is there is old
		if again := storage.Kept(g.Now().Add(listAgain)); l.LookAt.IsZero() || again.Before(l.LookAt) {
			l.LookAt = again
		}
	case op.GetSendNotice() == nil && op.GetEditNotice().GetMessageId() != l.MessageID: // it is the former one
		return
	case op.GetSendNotice() == nil:
		l.ShownAt = storage.Kept(g.Now()) // it may have waited with the chat
	case !done: // General is closed, or the bot may not write there: the one before it goes on
		l.MessageID, l.Former = l.Former, 0
	case l.Former != 0:
		former := l.Former
		l.MessageID, l.Former, l.ShownAt = outcome.MessageId, 0, storage.Kept(g.Now())
		g.addListed(r, &l, editOf(former, &messages.SendNoticeCall{Key: messages.NoticeWaitingMoved}))
	default:
		l.MessageID, l.ShownAt = outcome.MessageId, storage.Kept(g.Now())
	}
	r.WaitingList = &l
}

// endList has the message say that there is no list any more, if that was switched off.
func (g *group) endList(r *storage.Group) {
	l := list(r)
	if !r.NoWaitingList || l.MessageID == 0 && l.LookAt.IsZero() {
		return
	}
	if id := l.MessageID; id != 0 {
		g.addListed(r, &l, editOf(id, &messages.SendNoticeCall{Key: messages.NoticeWaitingOff, Args: map[string]string{"title": r.Title}}))
	}
	r.WaitingList = &storage.WaitingList{Revision: l.Revision}
	if l.MessageID == 0 { // it may be on its way
		r.WaitingList.Former, r.WaitingList.PostedAt = l.Former, l.PostedAt
	}
}

// listNotice is what the list says.
func (g *group) listNotice(found []storage.Ticket, more bool) (*messages.SendNoticeCall, error) {
	n := &messages.SendNoticeCall{Key: messages.NoticeWaitingNone, Brief: true, Silent: true,
		Args: map[string]string{"title": g.record.Title}, AtZone: desk.TimesOf(g.record).ZoneName(),
		Keyboard: &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{{
			Key: messages.ButtonListOff, Data: messages.CallbackSet + ":" + messages.SettingWaitingList + ":off" + messages.OnWaitingList,
		}}}}}}
	switch {
	case len(found) == 0 && more:
		n.Key = messages.NoticeWaitingAside
		return n, nil
	case len(found) == 0:
		return n, nil
	}
	n.Key, n.Args["count"] = messages.NoticeWaiting, strconv.Itoa(len(found))
	if more {
		n.Args["count"] += "+"
	}
	if len(found) > listShows {
		found, n.Args["shown"] = found[:listShows], strconv.Itoa(listShows)
	}
	for i := range found {
		view, err := desk.WaitingView(g.Ctx, g.Store, &found[i], g.ID)
		if err != nil {
			return nil, err
		}
		n.Tickets = append(n.Tickets, view)
	}
	return n, nil
}

func digest(n *messages.SendNoticeCall) string {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(n)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return base64.RawStdEncoding.EncodeToString(sum[:12])
}
