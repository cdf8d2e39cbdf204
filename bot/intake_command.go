package bot

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// onCommand carries out what a person asked for. What can't be done here is answered with what to do instead.
func (t *turn) onCommand(m *Message, c Command) (string, error) {
	const done = "command"
	if m.Chat.Private() && (c.Verb == VerbLink || c.Verb == VerbUnlink || c.Verb == VerbMention) {
		return done, t.answer(messages.NoticePrivateUnhere, map[string]string{"command": "/" + c.Verb})
	}
	switch c.Verb {
	case VerbStart:
		return done, t.start(m)
	case VerbHelp:
		return done, t.help(m)
	case VerbRegister:
		return done, t.register(m)
	case VerbDefaultGroup:
		return done, t.defaultGroup(m)
	case VerbLang:
		return done, t.lang(m, c.Arg)
	case VerbCreateTicket:
		return done, t.createTicket(m, c)
	case VerbTickets:
		return done, t.tickets(m)
	case VerbPublic:
		return done, t.publicGroup(m, c.Arg)
	case VerbLink:
		return done, t.link(m, c.Arg)
	case VerbMention:
		return done, t.mention(c)
	case VerbUnlink:
		return done, t.unlink()
	}
	return done, t.toTicket(c.Verb, t.ticketCommand(m, c))
}

// ticketCommand words the commands that make sense in a ticket's topic only.
func (t *turn) ticketCommand(m *Message, c Command) proto.Message {
	switch c.Verb {
	case VerbDelete:
		d := &messages.DeleteMessage{Origin: t.origin}
		if r := m.Reply; r != nil && r.MessageID != 0 {
			d.ChatId, d.AnsweredId, d.Quote, d.QuotePosition = r.ChatID, r.MessageID, r.Quote, r.QuotePosition
		}
		return d
	case VerbCloseTicket:
		return &messages.CloseTicket{Origin: t.origin, Reason: c.Arg}
	case VerbReopenTicket:
		return &messages.ReopenTicket{Origin: t.origin}
	case VerbPending:
		return &messages.SetPending{Origin: t.origin}
	case VerbPriority:
		return &messages.SetPriority{Origin: t.origin, Priority: c.Arg}
	default: // VerbTicket
		return &messages.ShowTicket{Origin: t.origin}
	}
}

// toTicket sends a command to the topic's ticket, or says that this is no ticket's topic.
func (t *turn) toTicket(verb string, c proto.Message) error {
	if t.ticket != "" {
		if _, err := t.askTicket(c); err != nil || t.ticket != "" {
			return err
		}
	}
	if t.chat.Private() {
		return t.answer(messages.NoticePrivateNoTicket, map[string]string{"command": "/" + verb})
	}
	return t.answer(messages.NoticeUnavailableHere, map[string]string{"command": "/" + verb})
}

// mention sends one command for each person named; the first has the message's own command id.
func (t *turn) mention(c Command) error {
	if len(c.Targets) == 0 {
		return t.toTicket(c.Verb, &messages.Mention{Origin: t.origin})
	}
	for i, target := range c.Targets {
		o := t.origin
		if i > 0 {
			o = proto.CloneOf(o)
			o.CommandId += ":" + strconv.Itoa(i+1)
		}
		if err := t.toTicket(c.Verb, &messages.Mention{Origin: o, Username: target.Username, UserId: target.UserID}); err != nil {
			return err
		}
		if t.ticket == "" {
			return nil
		}
	}
	return nil
}

func (t *turn) start(m *Message) error {
	if m.Sender.GetKind() == messages.Sender_USER {
		if err := t.saveProfile(m.From); err != nil {
			return err
		}
	}
	if m.Chat.Private() {
		return t.answer(messages.NoticeWelcome, map[string]string{"name": m.Sender.GetName()})
	}
	return t.answer(messages.NoticeWelcomeGroup, map[string]string{"title": m.Chat.Title})
}

// saveProfile registers the person who gave the command.
func (t *turn) saveProfile(p *messages.Person) error {
	_, err := command(t.ctx, t.desk, kindUser, userIdentity(p.GetId()), &messages.SaveProfile{Origin: t.profileOrigin()})
	if err == nil {
		t.changed(p)
	}
	return err
}

func (t *turn) help(m *Message) error {
	switch {
	case m.Chat.Private():
		return t.answer(messages.NoticeHelpPrivate, nil)
	case t.ticket != "":
		return t.answer(messages.NoticeHelpTopic, nil)
	}
	return t.answer(messages.NoticeHelpGroup, nil)
}

// onlyInGroup answers a group's command given in private, and says whether it did.
func (t *turn) onlyInGroup(m *Message, verb string) (answered bool, err error) {
	if m.Chat.Group() {
		return false, nil
	}
	return true, t.answer(messages.NoticeOnlyInGroup, map[string]string{"command": "/" + verb})
}

func (t *turn) register(m *Message) error {
	if answered, err := t.onlyInGroup(m, VerbRegister); answered {
		return err
	}
	if !t.groupAllowed(t.origin.Place, m.Chat.ID) {
		return t.answer(messages.NoticeGroupNotAllowed, nil)
	}
	_, err := command(t.ctx, t.desk, kindGroup, t.origin.Place, &messages.RegisterGroup{
		Origin: t.origin, Title: m.Chat.Title, Type: m.Chat.Type, IsForum: m.Chat.IsForum,
	})
	return err
}

func (t *turn) defaultGroup(m *Message) error {
	if answered, err := t.onlyInGroup(m, VerbDefaultGroup); answered {
		return err
	}
	if m.Sender.GetKind() != messages.Sender_USER {
		return t.answer(messages.NoticeAnonymous, map[string]string{"command": "/" + VerbDefaultGroup})
	}
	group, err := t.group()
	if err != nil {
		return err
	}
	if !group.Registered {
		return t.answer(messages.NoticeGroupUnregistered, nil)
	}
	user, err := query[*messages.UserView](t.ctx, t.desk, &messages.GetUser{UserId: m.From.GetId()})
	if err != nil {
		return err
	}
	if err := t.saveProfile(m.From); err != nil {
		return err
	}
	// The answer first: should the command come again, it still says what was before.
	key := messages.NoticeDefaultGroupSet
	if user.DefaultGroupId == t.origin.Place {
		key = messages.NoticeDefaultGroupAlready
	}
	if err := t.answer(key, map[string]string{"title": m.Chat.Title, "name": m.Sender.GetName()}); err != nil {
		return err
	}
	set := &messages.SetDefaultGroup{Origin: t.origin, GroupId: t.origin.Place}
	_, err = command(t.ctx, t.desk, kindUser, userIdentity(m.From.GetId()), set)
	return err
}

// group reads what the desk knows of the group the command was given in.
func (t *turn) group() (*messages.GroupView, error) {
	if !t.known {
		return &messages.GroupView{}, nil
	}
	return query[*messages.GroupView](t.ctx, t.desk, &messages.GetGroup{GroupId: t.origin.Place})
}

// lang sets the language of a group (which answers itself) or of a person.
func (t *turn) lang(m *Message, lang string) error {
	if lang != "en" && lang != "th" {
		return t.answer(messages.NoticeLangUsage, nil)
	}
	if m.Chat.Group() {
		if group, err := t.group(); err != nil {
			return err
		} else if !group.Registered {
			return t.answer(messages.NoticeGroupUnregistered, nil)
		}
		_, err := command(t.ctx, t.desk, kindGroup, t.origin.Place, &messages.SetGroupLanguage{Origin: t.origin, Lang: lang})
		return err
	}
	if err := t.saveProfile(m.From); err != nil {
		return err
	}
	set := &messages.SetUserLanguage{Origin: t.origin, Lang: lang}
	if _, err := command(t.ctx, t.desk, kindUser, userIdentity(m.From.GetId()), set); err != nil {
		return err
	}
	op := t.notice(messages.NoticeLangSet, map[string]string{"lang": lang})
	op.Lang = lang
	return t.send(op)
}

func (t *turn) tickets(m *Message) error {
	if m.Sender.GetKind() != messages.Sender_USER {
		return t.answer(messages.NoticeAnonymous, map[string]string{"command": "/" + VerbTickets})
	}
	list, err := query[*messages.TicketList](t.ctx, t.desk, &messages.ListTickets{UserId: m.From.GetId(), OpenOnly: true, Limit: ticketsListed})
	if err != nil {
		return err
	}
	if len(list.Tickets) == 0 {
		return t.answer(messages.NoticeNoTickets, nil)
	}
	if m.Chat.Private() {
		return t.ticketsPrivately(list)
	}
	op := t.notice(messages.NoticeMyTickets, map[string]string{"count": strconv.Itoa(len(list.Tickets))})
	op.GetSendNotice().Tickets = list.Tickets
	return t.answerWith(op)
}

// unlink ends the link of the topic. Once that is done the topic is no ticket's: so that the command, should it come again,
// is not answered with that, nor those before it, the chat remembers first that it was passed on.
func (t *turn) unlink() error {
	o := proto.CloneOf(t.origin)
	o.CommandId = messages.UnlinkID(o.CommandId, o.ThreadId)
	if t.ticket == "" {
		t.origin = o
		return t.answer(messages.NoticeUnlinkNone, nil)
	}
	if _, err := command(t.ctx, t.desk, kindChat, o.Place, &messages.Answer{Origin: o}); err != nil {
		return err
	}
	err := t.toTicket(VerbUnlink, &messages.UnlinkTopic{Origin: t.origin})
	t.directory.Forget(t.origin.Place, t.origin.ThreadId)
	return err
}

// link joins the topic to a ticket. The command goes to that ticket, which looks at both sides.
func (t *turn) link(m *Message, given string) error {
	if m.ThreadID == 0 {
		return t.answer(messages.NoticeLinkNeedsTopic, nil)
	}
	if given == "" {
		return t.answer(messages.NoticeLinkUsage, nil)
	}
	id, ok := ParseTicketID(given)
	if !ok {
		return t.answer(messages.NoticeTicketUnknown, map[string]string{"given": messages.Shorten(given, titleOfReply)})
	}
	group, err := t.group()
	if err != nil {
		return err
	}
	if !group.Registered {
		return t.answer(messages.NoticeGroupUnregistered, nil)
	}
	for attempt := 1; ; attempt++ {
		r, err := command(t.ctx, t.desk, kindTicket, id, &messages.LinkTopic{Origin: t.origin, CurrentTicketId: t.ticket})
		if err != nil {
			return err
		}
		t.directory.Forget(t.origin.Place, t.origin.ThreadId)
		switch {
		case r.Code == messages.Code_NOT_FOUND:
			return t.answer(messages.NoticeTicketUnknown, map[string]string{"given": id})
		case r.Code == messages.Code_WRONG_TOPIC && attempt == 1:
			if t.ticket, err = t.directory.Ticket(t.ctx, t.origin.Place, t.origin.ThreadId); err != nil {
				return err
			}
			continue
		}
		return nil
	}
}

// createTicket opens a ticket in the group, or says what is missing for that.
func (t *turn) createTicket(m *Message, c Command) error {
	if m.Chat.Private() {
		return t.createPrivately(m, c)
	}
	if !t.groupAllowed(t.origin.Place, m.Chat.ID) {
		return t.answer(messages.NoticeGroupNotAllowed, nil)
	}
	group, err := t.group()
	if err != nil {
		return err
	}
	title := map[string]string{"title": m.Chat.Title}
	switch facts := group.GetFacts(); {
	case !group.Registered:
		return t.answer(messages.NoticeGroupUnregistered, nil)
	case !facts.GetIsForum() && !m.Chat.IsForum: // topics may have been switched on since: Telegram sends no update for that
		return t.answer(messages.NoticeGroupNeedsTopics, title)
	case !facts.GetCanManageTopics():
		return t.answer(messages.NoticeGroupNeedsRights, title)
	}
	t.describeByReply(m, &c)
	switch {
	case c.Title == "":
		return t.askTitle()
	case utf8.RuneCountInString(c.Title) > maxTitle:
		return t.answer(messages.NoticeTitleTooLong, map[string]string{"max": strconv.Itoa(maxTitle)})
	}
	id := TicketID(t.origin.CommandId, t.origin.DateMs)
	r, err := command(t.ctx, t.desk, kindTicket, id, &messages.OpenTicket{
		Origin: t.origin, TicketId: id, GroupId: t.origin.Place, Title: c.Title, Description: c.Description, Media: t.mediaOfTicket(m),
	})
	if err != nil {
		return err
	}
	switch r.Code {
	case messages.Code_NOT_FOUND:
		return t.answer(messages.NoticeGroupUnregistered, nil)
	case messages.Code_CONFLICT: // nothing is left of the title
		return t.askTitle()
	}
	t.ticket = id
	return nil
}

// askTitle asks what the ticket is about; the answer comes as a reply to that (answersAskTitle).
func (t *turn) askTitle() error {
	op := t.notice(messages.NoticeAskTitle, nil)
	op.GetSendNotice().ForceReply = true
	return t.answerWith(op)
}

// describeByReply takes the message that the command answers as the description, and without a title its first line as the title.
func (t *turn) describeByReply(m *Message, c *Command) {
	r := m.Reply
	if r == nil || r.MessageID == 0 || messages.Blank(r.Text) || r.Protected || t.answersAskTitle(m) {
		return
	}
	text := trim(r.Text)
	if c.Title == "" {
		line, _, _ := strings.Cut(text, "\n")
		c.Title = messages.Shorten(trim(line), titleOfReply)
	}
	if c.Description != "" {
		c.Description += "\n\n"
	}
	c.Description += text
}

// mediaOfTicket are the media of a new ticket's description: what the answered message carries, and what the command itself is
// the caption of.
func (t *turn) mediaOfTicket(m *Message) (media []*messages.Media) {
	if r := m.Reply; r != nil && r.MessageID != 0 && r.Media != nil && !r.Protected && !t.answersAskTitle(m) {
		media = append(media, r.Media)
	}
	if m.Media != nil && !m.Protected {
		media = append(media, m.Media)
	}
	return media
}
