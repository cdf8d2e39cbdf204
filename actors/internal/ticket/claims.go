package ticket

import (
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
	"github.com/topicdesk/topicdesk/view"
)

// Who takes care of a ticket: one person of the desk, or nobody. A claim forbids nobody anything (docs/decisions.md, D187).

// mayTake is for the desk, and for administrators of the group where it is asked, whom Telegram names. The customer may not, but
// whoever has the ticket may always give it back.
func (t *ticket) mayTake(m desk.Command) (verdict, []ids.Place, error) {
	o := m.GetOrigin()
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	who := desk.CreatorOf(o)
	switch {
	case topic == nil:
		return no, nil, nil
	case t.record.Assignee != nil && t.record.Assignee.Is(who):
		return yes, nil, nil
	case t.isCustomer(who):
		return no, nil, nil
	}
	side, err := t.sideOf(who, o.GetPlace(), topic.TopicID)
	switch {
	case err != nil:
		return unknown, nil, err
	case side == storage.WaitsForDesk:
		return yes, nil, nil
	}
	may, ask := t.administers(o, o.GetPlace())
	return may, ask, nil
}

// refuseTaking is why somebody may not take care of the ticket. Among colleagues it names the groups that help.
func (t *ticket) refuseTaking(key string, args map[string]string) (string, error) {
	among, err := t.isAmongColleagues()
	if err != nil || !among {
		return key, err
	}
	var groups []string
	for _, topic := range desk.TopicsOf(t.record)[1:] {
		if topic.GroupID == t.record.GroupID || topic.Unproven || len(groups) == teamNamed {
			continue
		}
		title, err := desk.GroupTitle(t.Ctx, t.Store, topic.GroupID)
		if err != nil {
			return "", err
		}
		if !slices.Contains(groups, title) {
			groups = append(groups, title)
		}
	}
	args["groups"] = strings.Join(groups, ", ")
	return messages.NoticeTakenElsewhere, nil
}

func (t *ticket) claiming(m *messages.ClaimTicket) (effect, error) {
	o, who := m.Origin, desk.CreatorOf(m.Origin)
	return func(r *desk.Result) {
		switch {
		case m.Reacted && (r.Status == desk.StatusClosed || r.Assignee != nil):
		case who.Kind != "user":
			desk.Respond(r, o, messages.NoticeAnonymous, map[string]string{"command": slash(messages.VerbClaim)})
		case t.refuseClosed(r, o, messages.VerbClaim):
		case r.AssigneeID() == who.ID:
			desk.Respond(r, o, messages.NoticeClaimAlready, nil)
		case r.Assignee != nil:
			desk.Respond(r, o, messages.NoticeClaimTaken, map[string]string{"name": r.Assignee.Name})
		default:
			t.assign(r.Ticket, o.CommandId, &who, &who)
			desk.RespondOpenly(r, o, messages.NoticeClaimed, map[string]string{"who": desk.Who(o)})
		}
	}, nil
}

func (t *ticket) assigning(m *messages.AssignTicket) (effect, error) {
	o := m.Origin
	if m.Username == "" && m.UserId == 0 {
		return answer(o, messages.NoticeAssignUsage, nil), nil
	}
	who, given, err := t.teamPerson(m)
	if err != nil {
		return nil, err
	}
	if who == nil {
		if offer, err := t.offeringAssignees(m, given); err != nil || offer != nil {
			return offer, err
		}
	}
	by := desk.CreatorOf(o)
	had, err := t.holderBut(by)
	if err != nil {
		return nil, err
	}
	return func(r *desk.Result) {
		switch {
		case t.refuseClosed(r, o, messages.VerbAssign):
		case who == nil:
			desk.Respond(r, o, messages.NoticeAssignUnknown, map[string]string{"given": given})
		case t.isCustomer(who.Creator):
			desk.Respond(r, o, messages.NoticeAssignCustomer, map[string]string{"name": who.Name})
		case who.asked:
			desk.Respond(r, o, messages.NoticeAssignAsking, map[string]string{"name": who.Name})
		case !who.fits:
			desk.Respond(r, o, messages.NoticeAssignNotTeam, map[string]string{"name": who.Name})
		case r.AssigneeID() == who.ID:
			desk.Respond(r, o, messages.NoticeAssignSame, map[string]string{"name": who.Name})
		case who.ID == by.ID && who.Kind == by.Kind:
			t.assign(r.Ticket, o.CommandId, &by, &by)
			desk.RespondOpenly(r, o, messages.NoticeClaimed, map[string]string{"who": desk.Who(o)})
			t.tellHolder(r, o, had, messages.NoticeTakenOver, map[string]string{"who": who.Name})
		default:
			t.assign(r.Ticket, o.CommandId, &by, &who.Creator)
			t.tellAssignee(r, o, who)
			t.tellHolder(r, o, had, messages.NoticeTakenOver, map[string]string{"who": who.Name})
		}
	}, nil
}

func (t *ticket) releasing(m *messages.ReleaseTicket) (effect, error) {
	o, by := m.Origin, desk.CreatorOf(m.Origin)
	had, err := t.holderBut(by)
	if err != nil {
		return nil, err
	}
	return func(r *desk.Result) {
		switch {
		case t.refuseClosed(r, o, messages.VerbRelease):
		case r.Assignee == nil:
			desk.Respond(r, o, messages.NoticeReleaseNone, nil)
		default:
			t.assign(r.Ticket, o.CommandId, &by, nil)
			args := map[string]string{"who": desk.Who(o)}
			if t.tellHolder(r, o, had, messages.NoticeReleased, args) {
				desk.Acknowledge(r, o)
			} else {
				desk.RespondOpenly(r, o, messages.NoticeReleased, args)
			}
		}
	}, nil
}

// refuseClosed refuses a command on a closed ticket.
func (t *ticket) refuseClosed(r *desk.Result, o *messages.Origin, verb string) bool {
	if r.Status == desk.StatusClosed {
		desk.Respond(r, o, messages.NoticeTicketIsClosed, map[string]string{"ticket": t.nameFor(o), "command": slash(verb)})
	}
	return r.Status == desk.StatusClosed
}

// assign gives the ticket to somebody, or to nobody: who is nil then. id is that of what caused it. by is nil when the
// claim has lapsed.
func (t *ticket) assign(r *storage.Ticket, id string, by, who *storage.Creator) {
	was := r.Assignee
	r.Timers.ClaimHeardAt = t.now()
	r.Assignee, r.UpdatedAt = who, t.now()
	r.CardRevision++
	creator := func(c *storage.Creator) *view.Creator { return &view.Creator{Kind: c.Kind, ID: c.ID, Name: c.Name} }
	if who == nil {
		reason := "released"
		if by == nil {
			reason = "lapsed"
		}
		t.cause(r, messages.EventTicketReleased, id, r.UpdatedAt, by, &view.TicketReleasedData{Previous: *creator(was), Reason: reason})
		return
	}
	data := &view.TicketAssignedData{Assignee: *creator(who)}
	if was != nil {
		data.Previous.Value = creator(was)
	}
	t.cause(r, messages.EventTicketAssigned, id, r.UpdatedAt, by, data)
}

// teamPerson is somebody to whom a ticket is to be given.
type teamPerson struct {
	storage.Creator
	userID ids.UserID
	fits   bool // they are of the desk, as far as that is known without Telegram
	asked  bool // Telegram is being asked whether they are
}

// answersSearched is how many of the newest messages are searched for somebody who is no internal user.
const answersSearched = 100

// teamPerson finds somebody among the users, or among those who have written on the ticket lately; nil: there is nobody of
// that name. given is what was typed.
func (t *ticket) teamPerson(m *messages.AssignTicket) (who *teamPerson, given string, err error) {
	user, given, err := t.findUser(&messages.Mention{Username: m.Username, UserId: m.UserId, Name: m.Name})
	if err != nil {
		return nil, given, err
	}
	said, err := t.searched()
	if err != nil {
		return nil, given, err
	}
	who, err = t.teamPersonAmong(m, user, said)
	return who, given, err
}

// searched are the newest messages, in which somebody is searched for who is no internal user.
func (t *ticket) searched() ([]storage.Message, error) {
	said, err := t.Store.MessagesBefore(t.Ctx, t.record.TicketID, t.sequence+1, answersSearched)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return said, nil
}

// teamPersonAmong says whether a user, or somebody of that name among those who have written, can take care of the ticket.
func (t *ticket) teamPersonAmong(m *messages.AssignTicket, user *storage.User, said []storage.Message) (who *teamPerson, err error) {
	if user != nil {
		who = &teamPerson{userID: user.TelegramID, Creator: storage.Creator{
			Kind: "user", ID: strconv.FormatInt(user.TelegramID, 10), Name: desk.UserName(user), Username: user.Username}}
	}
	name, answered := strings.TrimPrefix(m.Username, "@"), false
	for i := range said {
		s := &said[i].Sender
		named := m.UserId != 0 && s.ID == m.UserId || m.UserId == 0 && s.Username != "" && strings.EqualFold(s.Username, name)
		if s.Kind != "user" || who == nil && !named || who != nil && s.ID != who.userID {
			continue
		}
		if who == nil {
			who = &teamPerson{userID: s.ID, Creator: desk.Uploader(*s)}
		}
		answered = answered || said[i].Side == storage.WaitsForDesk
	}
	if who == nil || user != nil && user.IsBot || t.isCustomer(who.Creator) {
		return who, nil
	}
	team, err := t.isOfTeam(who.userID)
	who.fits = team || answered || who.userID == m.Origin.GetFrom().GetId()
	who.asked = !who.fits && t.asksWhoAdministers()
	return who, err
}

// tellAssignee tells a person who has got the ticket, by a mention: in their own topic if there is one, else where the
// command was given, which hears of it in any case. Of what a program does they hear in the home topic, if in none of theirs.
func (t *ticket) tellAssignee(r *desk.Result, o *messages.Origin, who *teamPerson) {
	notice := func(userID ids.UserID) *messages.SendNoticeCall {
		return &messages.SendNoticeCall{Key: messages.NoticeAssigned, UserId: userID,
			Args: map[string]string{"name": who.Name, "who": desk.Who(o)}}
	}
	here := desk.TopicAt(r.Ticket, o.GetPlace(), o.GetThreadId())
	there := here
	if link := t.linkWith(who.userID); link != nil && desk.IsOpened(&link.Topic) {
		there = desk.TopicOf(r.Ticket, link.LinkID)
	} else if here == nil {
		there = &r.Home
	}
	if here != nil {
		op, said := desk.OperationTo(o), notice(0)
		if there == here {
			said = notice(who.userID)
		}
		said.ReplyTo = o.GetMessageId()
		op.Call = &messages.Operation_SendNotice{SendNotice: said}
		desk.AddPending(r.Ticket, o.GetCommandId(), op, 0)
		desk.Acknowledge(r, o)
	}
	if there != here && desk.IsOpened(there) {
		op := desk.OperationIn(r.Ticket, there)
		op.Priority = messages.Operation_ANSWER
		op.Call = &messages.Operation_SendNotice{SendNotice: notice(who.userID)}
		desk.AddPending(r.Ticket, o.GetCommandId(), op, 0)
	}
}

// claimsByAnswer says whether a message that is about to be recorded claims the ticket: it is the desk's, nobody has the
// ticket, and its group has not switched that off. That it was switched on again is known within a minute.
func (t *ticket) claimsByAnswer(m *storage.Message) (bool, error) {
	if m.Side != storage.WaitsForDesk || m.Sender.Kind != "user" || t.record.Assignee != nil ||
		t.record.Status == desk.StatusClosed || t.isCustomer(desk.Uploader(m.Sender)) {
		return false, nil
	}
	if t.knowsTimes() && t.times.ManualClaims { // else each word of the desk would read the group
		return false, nil
	}
	times, err := t.readTimes(t.record.GroupID)
	return !times.ManualClaims && err == nil, err
}

// claimByAnswer is part of the write before the message's own. After a crash between them the message is delivered again,
// and finds the ticket claimed.
func (t *ticket) claimByAnswer(r *storage.Ticket, m *storage.Message) {
	who := desk.Uploader(m.Sender)
	t.assign(r, "answer/"+m.MessageID, &who, &who)
}

// claimEmoji is the reaction by which somebody takes care of a ticket.
const claimEmoji = "👀"

// claimByReaction claims the ticket if a message of it was given 👀 anew. The claim comes before the reaction, which is recorded
// once: after a crash between them the reaction is delivered again, and finds the claim made.
func (t *ticket) claimByReaction(m *messages.React) error {
	looks := slices.ContainsFunc(m.Emojis, func(e *messages.Emoji) bool { return e.Emoji == claimEmoji })
	if !looks || t.record == nil || t.record.Assignee != nil || t.record.Status == desk.StatusClosed ||
		m.Origin.GetFrom().GetId() == 0 || desk.CreatorOf(m.Origin).Kind != "user" {
		return nil
	}
	original, err := t.Store.Message(t.Ctx, m.MessageId)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (original.TicketID != t.record.TicketID || original.Deleted ||
		slices.Contains(original.Handled, m.Origin.GetCommandId())) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the message: %w", err)
	}
	at := t.topicOfMessage(original, m.Origin.GetPlace(), m.Origin.GetChatId(), m.AtMessageId)
	topic, by := desk.TopicOf(t.record, at), desk.SenderOf(m.Origin)
	if topic == nil || slices.ContainsFunc(original.Reactions, func(r storage.Reaction) bool {
		return r.By.Kind == by.Kind && r.By.ID == by.ID && r.TopicID == at && r.Emoji == claimEmoji
	}) {
		return nil
	}
	o := proto.CloneOf(m.Origin)
	o.CommandId, o.ThreadId, o.MessageId = o.CommandId+"/claim", topic.TelegramTopicID, m.AtMessageId
	_, err = t.onCommand(&messages.ClaimTicket{Origin: o, Reacted: true})
	return err
}

// staysQuiet says whether nobody is to hear that a command does nothing: it was a reaction, which may just be one.
func staysQuiet(m desk.Command) bool {
	c, claims := m.(*messages.ClaimTicket)
	return claims && c.Reacted
}

// before is what a message changes in the record, in the write before its own.
type before struct {
	claims  bool
	away    time.Time // when the desk is back, which its sender is told; zero: they are not
	reopens bool
	keeps   bool // the ticket was about to close by itself
}

func (b before) changes() bool { return b.claims || !b.away.IsZero() || b.reopens || b.keeps }

// beforeMessage finds out what a message changes before it is recorded. claims is what judge has said.
func (t *ticket) beforeMessage(m *storage.Message, o *messages.Origin, claims, reopens bool) (b before, err error) {
	b = before{claims: claims, reopens: reopens}
	b.keeps = m.Side == storage.WaitsForCustomer && !t.record.Timers.ClosesAt.IsZero()
	b.away, err = t.awayUntil(m, o, reopens)
	return b, err
}

// prepare writes what must be in the record before a message is stored. The sweep must be able to find the ticket before a
// copy is pending (docs/decisions.md, D3): one mark lasts for a whole conversation. The first answer may claim the ticket, a
// customer who writes outside of the hours is told when the desk is back, and their word reopens a ticket, or keeps it open.
func (t *ticket) prepare(m *storage.Message, b before, o *messages.Origin) error {
	if t.isFound() && !b.changes() {
		return nil
	}
	return t.change(func(r *storage.Ticket) {
		if b.reopens {
			t.reopenByWord(r, m, o)
		}
		if b.keeps {
			staysOpen(r)
			desk.Hear(r, m) // so that no timer goes on from the wait that this ends
		}
		if !b.away.IsZero() {
			t.tellAway(r, o, o.GetPlace(), o.GetThreadId(), b.away)
		}
		if b.claims {
			t.claimByAnswer(r, m)
		}
	})
}
