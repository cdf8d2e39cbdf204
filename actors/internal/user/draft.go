package user

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	draftListing  = "listing"  // the desk finds out which groups the person belongs to
	draftChoosing = "choosing" // the person is to choose one
	draftChecking = "checking" // Telegram is asked whether they belong to the one that they chose
	draftOpening  = "opening"  // the ticket is told to open

	draftsKept = 10 // of one person; one more drops the oldest, see dropOldest
	groupsPage = 8
)

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

func (u *user) drafting(m *messages.DraftTicket) (effect, error) {
	asked, err := proto.Marshal(m.Origin)
	if err != nil {
		return nil, fmt.Errorf("encode who asks for a ticket: %w", err)
	}
	groupID, goesOn, err := u.groupFollowed(m)
	if err != nil || goesOn {
		return nil, err
	}
	return func(r *storage.User) {
		if next := desk.AnsweredOnShelf(r.Shelf, m.DescribedId); next != nil {
			r.Shelf = next // it is a title
		}
		d := recordOf(u.withShelved(r, m), asked)
		if groupID != "" {
			d.State, d.Chosen, d.Pressed = draftChecking, groupID, asked
		}
		r.Drafts = append(r.Drafts, d)
		for len(r.Drafts) > draftsKept {
			u.dropOldest(r)
		}
	}, nil
}

// groupFollowed is the group of the closed ticket that a draft goes on from; "": it goes on from none of the person's. goesOn: that
// ticket goes on in another already.
func (u *user) groupFollowed(m *messages.DraftTicket) (groupID ids.Place, goesOn bool, err error) {
	if m.Follows == "" {
		return "", false, nil
	}
	former, err := u.Store.Ticket(u.Ctx, m.Follows)
	if errors.Is(err, storage.ErrNotFound) || err == nil && desk.PrivateLink(former, m.Origin.GetPlace()) == nil {
		m.Follows = ""
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read the ticket before: %w", err)
	}
	own, err := desk.OpenPrivately(u.Ctx, u.Store, m.Origin.GetPlace(), desk.PrivateTicketsRead)
	if err != nil {
		return "", false, err
	}
	goesOn = draftFollowing(u.record, m.Follows) != nil ||
		slices.ContainsFunc(own, func(r storage.Ticket) bool { return r.Follows == m.Follows })
	return former.GroupID, goesOn, nil
}

// draftFollowing is the draft that goes on from a closed ticket; nil: there is none.
func draftFollowing(r *storage.User, id ids.TicketID) *storage.Draft {
	if r == nil || id == "" {
		return nil
	}
	at := slices.IndexFunc(r.Drafts, func(d storage.Draft) bool { return d.Follows == id })
	if at < 0 {
		return nil
	}
	return &r.Drafts[at]
}

// dropOldest drops the oldest draft whose group is not chosen yet, and says so.
func (u *user) dropOldest(r *storage.User) {
	d := r.Drafts[max(0, slices.IndexFunc(r.Drafts, func(d storage.Draft) bool { return !chosen(&d) }))]
	asked, args := originIn(d.Asked), u.cancel(r, &d)
	u.say(r, asked, &messages.SendNoticeCall{Key: messages.NoticePrivateDropped, ReplyTo: asked.MessageId, Args: args})
}

// chosen says whether the person has chosen the group of a draft.
func chosen(d *storage.Draft) bool { return d.State == draftOpening || d.State == draftChecking }

// correcting changes a draft whose command was edited.
func (u *user) correcting(m *messages.CorrectDraft) (effect, error) {
	if d := draftOf(u.record, m.TicketId); d == nil || d.State == draftOpening {
		return nil, nil
	}
	return func(r *storage.User) {
		d := draftOf(r, m.TicketId)
		command := &messages.DraftTicket{Origin: m.Origin, TicketId: m.TicketId, DescribedId: m.DescribedId}
		text, sources := amidHomeless(r.Shelf, command, messages.Marked{Text: m.Description, Entities: m.DescriptionEntities}, m.Sources)
		d.Sources, text = withoutWithdrawn(d.Sources, desk.SourcesToStore(sources), text)
		d.Title, d.Description, d.DescriptionEntities = m.Title, text.Text, desk.EntitiesToStore(text.Entities)
	}, nil
}

// withoutWithdrawn leaves out of what a draft is to say what its author has taken back.
func withoutWithdrawn(had, sources []storage.Source, text messages.Marked) ([]storage.Source, messages.Marked) {
	withdrawn := slices.DeleteFunc(slices.Clone(had), func(s storage.Source) bool { return !s.Withdrawn })
	if len(withdrawn) == 0 {
		return sources, text
	}
	sources = slices.DeleteFunc(sources, func(s storage.Source) bool { return desk.SourceAt(withdrawn, s.MessageID) >= 0 })
	return append(sources, withdrawn...), messages.WordsOfSources(desk.SourcesOf(sources))
}

// continueDraft takes the next step of a draft.
func (u *user) continueDraft(d *storage.Draft) {
	switch d.State {
	case draftListing:
		if g := u.gathers[d.TicketID]; g != nil {
			u.askMore(d.TicketID, g)
			return
		}
		if err := u.gather(d.TicketID); err != nil {
			u.Log.Error("the groups to choose from can't be read; tried again", "ticket", d.TicketID, "error", err)
		}
	case draftChecking:
		if u.sendOnce(draftChecking, d.TicketID) {
			u.checkChoice(d)
		}
	case draftOpening:
		if !u.sendOnce(draftOpening, d.TicketID) {
			return
		}
		u.Tell(messages.KindTicket, d.TicketID, opening(d))
	}
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
	last.Buttons = append(last.Buttons,
		&messages.Button{Key: messages.ButtonCancel, Data: messages.CallbackDrop + ":" + ticketID})
	k.Rows = append(k.Rows, last)
	return k, nil
}

// showingPage turns to another page of the groups to choose from.
func (u *user) showingPage(m *messages.ShowGroupPage) (effect, error) {
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
		u.addPending(r, o, &messages.Operation{Call: &messages.Operation_EditKeyboard{
			EditKeyboard: &messages.EditKeyboardCall{MessageId: o.CallbackMessageId, Keyboard: k}}})
	}
}

// dropping drops a draft, unless its group is chosen already.
func (u *user) dropping(m *messages.DropDraft) (effect, error) {
	o := m.Origin
	return func(r *storage.User) {
		d := draftOf(r, m.TicketId)
		if d == nil || chosen(d) {
			u.respond(r, o, messages.NoticePrivateStale, nil)
			return
		}
		args := u.cancel(r, d)
		if o.GetCallbackMessageId() != 0 { // the question would go on saying that the ticket is to be opened
			u.addPending(r, o, &messages.Operation{Call: &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{
				MessageId: o.CallbackMessageId, Notice: &messages.SendNoticeCall{Key: messages.NoticePrivateDropped, Args: args}}}})
		}
		u.respond(r, o, messages.NoticePrivateDropped, args)
	}, nil
}

// choosing accepts the choice of a group; a second one for the same draft changes nothing.
func (u *user) choosing(m *messages.ChooseGroup) (effect, error) {
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
	case chosen(d):
		return func(r *storage.User) { u.respond(r, o, messages.NoticePrivateOpened, nil) }, nil
	case d.State != draftChoosing, !slices.Contains(d.Groups, m.GroupId):
		return func(r *storage.User) { u.respond(r, o, messages.NoticePrivateStale, nil) }, nil
	}
	pressed, err := proto.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode the choice: %w", err)
	}
	delete(u.sent, sending{draftChecking, d.TicketID}) // of an earlier choice
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
		return u.alter(func(r *storage.User) {
			d := draftOf(r, ticketID)
			u.takeHomeless(r, d)
			d.State = draftOpening
		})
	}
	if d.Follows != "" && len(d.Groups) == 0 { // they chose no group: now they are asked
		return u.alter(func(r *storage.User) {
			d := draftOf(r, ticketID)
			d.State, d.Chosen, d.Pressed = draftListing, "", nil
			titleElsewhere(d)
		})
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
		key, args := messages.NoticePrivateNotMember, map[string]string{"title": d.Title}
		if len(left) == 0 {
			args = givenUp(d)
		}
		args["group"] = title
		if m.Failure != "" {
			key, args["why"] = messages.NoticePrivateCannotAsk, m.Failure
		}
		d.State, d.Groups, d.Chosen, d.Pressed = draftChoosing, left, "", nil
		if len(left) == 0 {
			giveUpDraft(r, ticketID)
		}
		u.say(r, lang, &messages.SendNoticeCall{
			Key: key, Args: args, ReplyTo: asked.MessageId, Keyboard: keyboard, TicketId: ticketID,
		})
	})
}

// titleElsewhere has a draft no longer be called what the ticket is called that it goes on from: that stays within its group. What
// the person has said has a title; else it is named by what they sent.
func titleElsewhere(d *storage.Draft) {
	if d.TitleElsewhere == "" {
		return
	}
	said := messages.TitleOf(messages.Marked{Text: d.Description, Entities: desk.EntitiesOf(d.DescriptionEntities)})
	d.Title, d.TitleElsewhere = cmp.Or(said, d.TitleElsewhere), ""
}

// onOpened: the ticket is stored. It becomes the person's current one, which counts where no topic says which ticket
// they mean; unless it has a topic of its own, and the current one has none, as its pinned message says.
func (u *user) onOpened(m *messages.TicketOpened) error {
	d := draftOf(u.record, m.TicketId)
	if d == nil {
		return nil
	}
	o, keep := originIn(d.Asked), false
	if m.OwnTopic {
		current, err := u.Store.Ticket(u.Ctx, u.record.CurrentTicketID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("read the current ticket: %w", err)
		}
		if err == nil && current.Status != desk.StatusClosed {
			link := desk.PrivateLink(current, o.GetPlace())
			keep = link != nil && !link.Topic.Threaded
		}
	}
	return u.alter(func(r *storage.User) {
		if dropDraft(r, m.TicketId); m.Refused {
			r.Shelf = desk.ReturnToShelf(r.Shelf, m.TicketId)
			u.say(r, o, &messages.SendNoticeCall{Key: messages.NoticeAskTitle, ReplyTo: o.MessageId, ForceReply: true})
			return
		}
		r.Shelf = desk.LeaveHomeless(r.Shelf, u.Now())
		if !keep {
			r.CurrentTicketID = m.TicketId
		}
		if !m.OwnTopic {
			u.pin(r, 0) // its card is pinned now
		}
	})
}
