package user

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file opens a ticket from a person's private chat. The desk finds out which groups the person may choose from,
// they choose one, the desk checks again that they belong to it, and the ticket opens. Each step is stored in the
// record, so that it continues after a restart.

const (
	draftListing  = "listing"  // which groups the person belongs to is being found out
	draftChoosing = "choosing" // the person's turn
	draftChecking = "checking" // Telegram is asked whether they belong to the one that they chose
	draftOpening  = "opening"  // the ticket is told to open

	draftsKept        = 10   // of one person; the oldest gives way
	groupsLookedAt    = 1000 // registered groups at most among which those of the person are looked for
	groupsAskedAtMost = 200  // of those, so many are asked for each draft
	groupsAskedAtOnce = 10
	gatherWait        = 10 * time.Second // for groups to answer; what is known by then is shown
	groupsPage        = 8
)

// gather holds the questions to groups for one draft.
type gather struct {
	left  []ids.Place        // not asked yet
	asked map[ids.Place]bool // asked, no answer yet
	found []ids.Place
	mute  int // could not be asked
}

type gatherOver struct{ ticketID ids.TicketID }

func draftOf(r *storage.User, ticketID ids.TicketID) *storage.Draft {
	if r == nil {
		return nil
	}
	for i := range r.Drafts {
		if r.Drafts[i].TicketID == ticketID {
			return &r.Drafts[i]
		}
	}
	return nil
}

func dropDraft(r *storage.User, ticketID ids.TicketID) {
	r.Drafts = slices.DeleteFunc(r.Drafts, func(d storage.Draft) bool { return d.TicketID == ticketID })
}

func originIn(body []byte) *messages.Origin {
	o := &messages.Origin{}
	_ = proto.Unmarshal(body, o) // we wrote it; an empty one addresses nobody
	return o
}

func (u *user) drafting(m *messages.DraftTicket) func(*storage.User) {
	return func(r *storage.User) {
		asked, err := proto.Marshal(m.Origin)
		if err != nil {
			return
		}
		r.Drafts = append(r.Drafts, recordOf(m, u.enclosing(r, m), asked))
		if len(r.Drafts) > draftsKept {
			r.Drafts = slices.Clone(r.Drafts[len(r.Drafts)-draftsKept:])
		}
	}
}

// goOn takes a draft on its way.
func (u *user) goOn(d *storage.Draft) {
	switch d.State {
	case draftListing:
		if g := u.gathers[d.TicketID]; g != nil {
			u.askOn(d.TicketID, g)
			return
		}
		if err := u.gather(d.TicketID); err != nil {
			u.Log.Error("the groups to choose from can't be read; tried again", "ticket", d.TicketID, "error", err)
		}
	case draftChecking:
		if u.once(draftChecking, d.TicketID) {
			u.checkChoice(d)
		}
	case draftOpening:
		if !u.once(draftOpening, d.TicketID) {
			return
		}
		u.Tell(messages.KindTicket, d.TicketID, opening(d))
	}
}

// gather begins to find out which groups the person may choose from.
func (u *user) gather(ticketID ids.TicketID) error {
	g := &gather{asked: map[string]bool{}}
	after := ""
	for looked := 0; looked < groupsLookedAt; {
		page, err := u.Store.Groups(u.Ctx, after, desk.PageOfMessages)
		if err != nil {
			return fmt.Errorf("read the groups: %w", err)
		}
		for i := range page {
			after = page[i].GroupID
			switch {
			case desk.TicketsIn(&page[i]) != messages.Standing_READY:
			case page[i].Public:
				g.found = append(g.found, after)
			case len(g.left) < groupsAskedAtMost:
				g.left = append(g.left, after)
			default:
				g.mute++
			}
		}
		if looked += len(page); len(page) < desk.PageOfMessages {
			break
		}
	}
	u.gathers[ticketID] = g
	u.After(gatherWait, gatherOver{ticketID})
	u.askOn(ticketID, g)
	if len(g.asked) == 0 {
		u.Note(gatherOver{ticketID}) // nobody is to be asked; not in this turn, which may be one that saves
	}
	return nil
}

// askOn asks the next groups, a few at a time.
func (u *user) askOn(ticketID ids.TicketID, g *gather) {
	for len(g.left) > 0 && len(g.asked) < groupsAskedAtOnce {
		g.asked[g.left[0]] = true
		u.askGroup(g.left[0], &messages.CheckMember{DraftId: ticketID})
		g.left = g.left[1:]
	}
}

func (u *user) askGroup(groupID ids.Place, m *messages.CheckMember) {
	m.UserId, _ = strconv.ParseInt(u.ID, 10, 64)
	m.OwnerId = u.ID
	u.Tell(messages.KindGroup, groupID, m)
}

// onMemberChecked takes a group's answer.
func (u *user) onMemberChecked(m *messages.MemberChecked) error {
	if m.Chosen {
		return u.onChoiceChecked(m)
	}
	g := u.gathers[m.DraftId]
	if g == nil || !g.asked[m.GroupId] {
		return nil
	}
	delete(g.asked, m.GroupId)
	switch {
	case m.Failure != "":
		g.mute++
	case m.IsMember:
		g.found = append(g.found, m.GroupId)
	}
	u.askOn(m.DraftId, g)
	if len(g.asked) > 0 {
		return nil
	}
	return u.onGatherOver(gatherOver{m.DraftId})
}

// onGatherOver shows what was found out.
func (u *user) onGatherOver(m gatherOver) error {
	g, d := u.gathers[m.ticketID], draftOf(u.record, m.ticketID)
	if g == nil {
		return nil
	}
	if d == nil || d.State != draftListing {
		delete(u.gathers, m.ticketID)
		return nil
	}
	titles := map[string]string{}
	for _, id := range g.found {
		title, err := desk.GroupTitle(u.Ctx, u.Store, id)
		if err != nil {
			return err
		}
		titles[id] = title
	}
	slices.SortFunc(g.found, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(titles[a]), strings.ToLower(titles[b])), strings.Compare(a, b))
	})
	found, mute := slices.Compact(g.found), g.mute+len(g.left)+len(g.asked)
	keyboard, err := u.groupKeyboard(m.ticketID, found, 0)
	if err != nil {
		return err
	}
	err = u.alter(func(r *storage.User) {
		d := draftOf(r, m.ticketID)
		o := originIn(d.Asked)
		args := map[string]string{"title": d.Title}
		if mute > 0 {
			args["mute"] = strconv.Itoa(mute)
		}
		if len(found) == 0 {
			giveUpDraft(r, m.ticketID)
			u.say(r, o, &messages.SendNoticeCall{Key: messages.NoticePrivateNoGroup, Args: args, ReplyTo: o.MessageId})
			return
		}
		d.State, d.Groups = draftChoosing, found
		u.say(r, o, &messages.SendNoticeCall{Key: messages.NoticePrivateChoose, Args: args, ReplyTo: o.MessageId, Keyboard: keyboard})
	})
	if err == nil {
		delete(u.gathers, m.ticketID)
	}
	return err
}

// groupKeyboard is a page of groups to choose from; nil when there is none on it.
func (u *user) groupKeyboard(ticketID ids.TicketID, groups []ids.Place, page int) (*messages.Keyboard, error) {
	if page < 0 || page*groupsPage >= len(groups) {
		return nil, nil
	}
	k := &messages.Keyboard{}
	for _, id := range groups[page*groupsPage : min(len(groups), (page+1)*groupsPage)] {
		title, err := desk.GroupTitle(u.Ctx, u.Store, id)
		if err != nil {
			return nil, err
		}
		k.Rows = append(k.Rows, &messages.KeyboardRow{Buttons: []*messages.Button{{
			Text: messages.Shorten(title, 60), Data: strings.Join([]string{messages.CallbackPick, ticketID, id}, ":")}}})
	}
	last := &messages.KeyboardRow{}
	data := func(p int) string {
		return strings.Join([]string{messages.CallbackPickPage, ticketID, strconv.Itoa(p)}, ":")
	}
	if page > 0 {
		last.Buttons = append(last.Buttons, &messages.Button{Key: messages.ButtonBack, Data: data(page - 1)})
	}
	if (page+1)*groupsPage < len(groups) {
		last.Buttons = append(last.Buttons, &messages.Button{Key: messages.ButtonNext, Data: data(page + 1)})
	}
	last.Buttons = append(last.Buttons, &messages.Button{Key: messages.ButtonCancel, Data: messages.CallbackDrop + ":" + ticketID})
	k.Rows = append(k.Rows, last)
	return k, nil
}

func (u *user) turning(m *messages.ShowGroupPage) (func(*storage.User), error) {
	o, d := m.Origin, draftOf(u.record, m.TicketId)
	stale := func(r *storage.User) { u.respond(r, o, messages.NoticePrivateStale, nil) }
	if d == nil || d.State != draftChoosing {
		return stale, nil
	}
	keyboard, err := u.groupKeyboard(d.TicketID, d.Groups, int(m.Page))
	if err != nil {
		return nil, err
	}
	if keyboard == nil {
		return stale, nil
	}
	return func(r *storage.User) {
		u.showKeyboard(r, o, keyboard)
		u.acknowledge(r, o)
	}, nil
}

// showKeyboard puts another keyboard under the message whose button was pressed; nil takes it away.
func (u *user) showKeyboard(r *storage.User, o *messages.Origin, k *messages.Keyboard) {
	if o.GetCallbackMessageId() != 0 {
		u.owe(r, o, &messages.Operation{Call: &messages.Operation_EditKeyboard{
			EditKeyboard: &messages.EditKeyboardCall{MessageId: o.CallbackMessageId, Keyboard: k}}})
	}
}

func (u *user) dropping(m *messages.DropDraft) func(*storage.User) {
	o := m.Origin
	return func(r *storage.User) {
		d := draftOf(r, m.TicketId)
		if d == nil || d.State == draftOpening || d.State == draftChecking {
			u.respond(r, o, messages.NoticePrivateStale, nil)
			return
		}
		title := d.Title
		giveUpDraft(r, m.TicketId)
		u.showKeyboard(r, o, nil)
		u.respond(r, o, messages.NoticePrivateDropped, map[string]string{"title": title})
	}
}

// choosing takes the choice of a group; the second one for a draft changes nothing.
func (u *user) choosing(m *messages.ChooseGroup) (func(*storage.User), error) {
	o, d := m.Origin, draftOf(u.record, m.TicketId)
	if d == nil {
		key := messages.NoticePrivateStale
		if _, err := u.Store.Ticket(u.Ctx, m.TicketId); err == nil {
			key = messages.NoticePrivateOpened
		} else if !errors.Is(err, storage.ErrNotFound) {
			return nil, fmt.Errorf("read the ticket: %w", err)
		}
		return func(r *storage.User) { u.respond(r, o, key, nil) }, nil
	}
	switch {
	case d.State == draftChecking, d.State == draftOpening:
		return func(r *storage.User) { u.respond(r, o, messages.NoticePrivateOpened, nil) }, nil
	case d.State != draftChoosing, !slices.Contains(d.Groups, m.GroupId):
		return func(r *storage.User) { u.respond(r, o, messages.NoticePrivateStale, nil) }, nil
	}
	pressed, err := proto.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode the choice: %w", err)
	}
	delete(u.told, telling{draftChecking, d.TicketID}) // of an earlier choice
	return func(r *storage.User) {
		d := draftOf(r, m.TicketId)
		d.State, d.Chosen, d.Pressed = draftChecking, m.GroupId, pressed
		u.showKeyboard(r, o, nil)
		u.acknowledge(r, o)
	}, nil
}

// checkChoice asks again whether the person may open a ticket in the group that they chose: they may have left it, or
// been removed, since the list was shown.
func (u *user) checkChoice(d *storage.Draft) {
	group, err := u.Store.Group(u.Ctx, d.Chosen)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		u.Log.Error("the group that was chosen can't be read; tried again", "group", d.Chosen, "error", err)
		return
	}
	switch {
	case err != nil || desk.TicketsIn(group) != messages.Standing_READY:
		u.Note(&messages.MemberChecked{DraftId: d.TicketID, Chosen: true, GroupId: d.Chosen})
	case group.Public:
		u.Note(&messages.MemberChecked{DraftId: d.TicketID, Chosen: true, GroupId: d.Chosen, IsMember: true})
	default:
		u.askGroup(d.Chosen, &messages.CheckMember{DraftId: d.TicketID, Chosen: true, Fresh: true})
	}
}

func (u *user) onChoiceChecked(m *messages.MemberChecked) error {
	ticketID := m.DraftId
	d := draftOf(u.record, ticketID)
	if d == nil || d.State != draftChecking || d.Chosen != m.GroupId {
		return nil
	}
	if m.IsMember && m.Failure == "" {
		return u.alter(func(r *storage.User) { draftOf(r, ticketID).State = draftOpening })
	}
	title, err := desk.GroupTitle(u.Ctx, u.Store, m.GroupId)
	if err != nil {
		return err
	}
	left := slices.Clone(d.Groups)
	if m.Failure == "" {
		left = slices.DeleteFunc(left, func(id string) bool { return id == m.GroupId })
	}
	keyboard, err := u.groupKeyboard(ticketID, left, 0)
	if err != nil {
		return err
	}
	return u.alter(func(r *storage.User) {
		d := draftOf(r, ticketID)
		asked, lang := originIn(d.Asked), originIn(d.Pressed)
		key, args := messages.NoticePrivateNotMember, map[string]string{"group": title, "title": d.Title}
		if m.Failure != "" {
			key, args["why"] = messages.NoticePrivateCannotAsk, m.Failure
		}
		d.State, d.Groups, d.Chosen, d.Pressed = draftChoosing, left, "", nil
		if len(left) == 0 {
			giveUpDraft(r, ticketID)
		}
		u.say(r, lang, &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: asked.MessageId, Keyboard: keyboard})
	})
}

// onOpened: the ticket is written down. The person is talking on it from now on.
func (u *user) onOpened(m *messages.TicketOpened) error {
	d := draftOf(u.record, m.TicketId)
	if d == nil {
		return nil
	}
	o := originIn(d.Asked)
	return u.alter(func(r *storage.User) {
		if dropDraft(r, m.TicketId); m.Refused {
			r.Shelf = desk.ReturnToShelf(r.Shelf, m.TicketId)
			u.say(r, o, &messages.SendNoticeCall{Key: messages.NoticeAskTitle, ReplyTo: o.MessageId, ForceReply: true})
			return
		}
		r.CurrentTicketID = m.TicketId
		u.pin(r, 0) // its card is pinned now
	})
}
