package bot

import (
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// handler carries out a command that may be given where it was given.
type handler func(t *turn, m *Message, c Command) error

// handlers are what the bot does about each command of messages.Commands.
var handlers = map[string]handler{
	messages.VerbStart:        (*turn).start,
	messages.VerbHelp:         (*turn).help,
	messages.VerbRegister:     (*turn).register,
	messages.VerbDefaultGroup: (*turn).defaultGroup,
	messages.VerbLang:         (*turn).lang,
	messages.VerbPublic:       (*turn).publicGroup,
	messages.VerbCreateTicket: (*turn).createTicket,
	messages.VerbTickets:      (*turn).tickets,
	messages.VerbMention:      (*turn).mention,
	messages.VerbLink:         (*turn).link,
	messages.VerbUnlink:       (*turn).unlink,
	messages.VerbDelete:       asking(deleteMessage),
	messages.VerbCloseTicket: asking(func(o *messages.Origin, _ *Message, c Command) proto.Message {
		return &messages.CloseTicket{Origin: o, Reason: c.Arg}
	}),
	messages.VerbReopenTicket: asking(func(o *messages.Origin, _ *Message, _ Command) proto.Message {
		return &messages.ReopenTicket{Origin: o}
	}),
	messages.VerbPending: asking(func(o *messages.Origin, _ *Message, _ Command) proto.Message {
		return &messages.SetPending{Origin: o}
	}),
	messages.VerbPriority: asking(func(o *messages.Origin, _ *Message, c Command) proto.Message {
		return &messages.SetPriority{Origin: o, Priority: c.Arg}
	}),
	messages.VerbTicket: asking(func(o *messages.Origin, _ *Message, _ Command) proto.Message {
		return &messages.ShowTicket{Origin: o}
	}),
}

// asking handles a command by asking something of the topic's ticket.
func asking(what func(o *messages.Origin, m *Message, c Command) proto.Message) handler {
	return func(t *turn, m *Message, c Command) error { return t.toTicket(c.Verb, what(t.origin, m, c)) }
}

// onCommand carries out what a person asked for. What can't be done here is answered with what to do instead.
func (t *turn) onCommand(m *Message, c Command) (string, error) {
	const done = "command"
	declared, _ := messages.CommandOf(c.Verb)
	handle := handlers[c.Verb]
	switch {
	case handle == nil: // a test keeps this from happening
		t.log.Error("a command has no handler", append(t.attributes(0), "command", c.Verb)...)
		return "unhandled", t.unavailable(c.Verb, declared.About)
	case !declared.Where.Have(t.at()):
		return done, t.unavailable(c.Verb, declared.About)
	case declared.Personal && m.Sender.GetKind() != messages.Sender_USER:
		return done, t.answer(messages.NoticeAnonymous, named(c.Verb))
	}
	return done, handle(t, m, c)
}

// at is the kind of place in which the command was given.
func (t *turn) at() messages.Places {
	switch {
	case t.chat.Private():
		return messages.InPrivate
	case t.ticket != "":
		return messages.InTopic
	}
	return messages.InGroup
}

// unavailable says that a command can't be used here, and where it can.
func (t *turn) unavailable(verb string, about messages.Subject) error {
	switch {
	case !t.chat.Private():
		return t.answer(messages.NoticeUnavailableHere, named(verb))
	case about == messages.AboutTicket:
		return t.answer(messages.NoticePrivateUnhere, named(verb))
	}
	return t.answer(messages.NoticeOnlyInGroup, named(verb))
}

// named is the argument of texts that name a command.
func named(verb string) map[string]string { return map[string]string{"command": "/" + verb} }

// toTicket sends a command to the topic's ticket, or says that this is no ticket's topic.
func (t *turn) toTicket(verb string, c proto.Message) error {
	if t.ticket != "" {
		if _, err := t.askTicket(c); err != nil || t.ticket != "" {
			return err
		}
	}
	if t.chat.Private() {
		return t.answer(messages.NoticePrivateNoTicket, named(verb))
	}
	return t.answer(messages.NoticeUnavailableHere, named(verb))
}

func deleteMessage(o *messages.Origin, m *Message, _ Command) proto.Message {
	d := &messages.DeleteMessage{Origin: o}
	if r := m.Reply; r != nil && r.MessageID != 0 {
		d.ChatId, d.AnsweredId, d.Quote, d.QuotePosition = r.ChatID, r.MessageID, r.Quote, r.QuotePosition
	}
	return d
}

// mention sends one command for each person named; the first has the message's own command id.
func (t *turn) mention(_ *Message, c Command) error {
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

func (t *turn) start(m *Message, _ Command) error {
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
	_, err := command(t.ctx, t.desk, messages.KindUser, userIdentity(p.GetId()), &messages.SaveProfile{Origin: t.profileOrigin()})
	if err == nil {
		t.changed(p)
	}
	return err
}

func (t *turn) help(*Message, Command) error {
	switch t.at() {
	case messages.InPrivate:
		return t.answer(messages.NoticeHelpPrivate, nil)
	case messages.InTopic:
		return t.answer(messages.NoticeHelpTopic, nil)
	}
	return t.answer(messages.NoticeHelpGroup, nil)
}

// lang sets the language of a group (which answers itself) or of a person.
func (t *turn) lang(m *Message, c Command) error {
	if c.Arg != langEnglish && c.Arg != langThai {
		return t.answer(messages.NoticeLangUsage, nil)
	}
	if m.Chat.Group() {
		if answered, err := t.unregistered(); answered || err != nil {
			return err
		}
		return t.toGroup(&messages.SetGroupLanguage{Origin: t.origin, Lang: c.Arg})
	}
	if err := t.saveProfile(m.From); err != nil {
		return err
	}
	set := &messages.SetUserLanguage{Origin: t.origin, Lang: c.Arg}
	if _, err := command(t.ctx, t.desk, messages.KindUser, userIdentity(m.From.GetId()), set); err != nil {
		return err
	}
	op := t.notice(messages.NoticeLangSet, map[string]string{"lang": c.Arg})
	op.Lang = c.Arg
	return t.send(op)
}

func (t *turn) tickets(m *Message, _ Command) error {
	list, err := query[*messages.TicketList](t.ctx, t.desk,
		&messages.ListTickets{UserId: m.From.GetId(), OpenOnly: true, Limit: ticketsListed})
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
func (t *turn) unlink(_ *Message, c Command) error {
	o := proto.CloneOf(t.origin)
	o.CommandId = messages.UnlinkID(o.CommandId, o.ThreadId)
	if t.ticket == "" {
		t.origin = o
		return t.answer(messages.NoticeUnlinkNone, nil)
	}
	if _, err := command(t.ctx, t.desk, messages.KindChat, o.Place, &messages.Answer{Origin: o}); err != nil {
		return err
	}
	err := t.toTicket(c.Verb, &messages.UnlinkTopic{Origin: t.origin})
	t.directory.Forget(t.origin.Place, t.origin.ThreadId)
	return err
}

// link joins the topic to a ticket. The command goes to that ticket, which looks at both sides.
func (t *turn) link(m *Message, c Command) error {
	if m.ThreadID == 0 {
		return t.answer(messages.NoticeLinkNeedsTopic, nil)
	}
	if c.Arg == "" {
		return t.answer(messages.NoticeLinkUsage, nil)
	}
	id, ok := messages.ParseTicketID(c.Arg)
	if !ok {
		return t.answer(messages.NoticeTicketUnknown, map[string]string{"given": messages.Shorten(c.Arg, titleOfReply)})
	}
	if answered, err := t.unregistered(); answered || err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		r, err := command(t.ctx, t.desk, messages.KindTicket, id, &messages.LinkTopic{Origin: t.origin, CurrentTicketId: t.ticket})
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
