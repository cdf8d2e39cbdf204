package bot

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// handler carries out a slash command that was given where it may be given.
type handler func(h *handling, m *Message, c SlashCommand) error

// handlers has a row for each command of messages.Commands (docs/decisions.md, D58).
var handlers = map[string]handler{
	messages.VerbStart:        (*handling).start,
	messages.VerbHelp:         (*handling).help,
	messages.VerbRegister:     (*handling).register,
	messages.VerbDefaultGroup: (*handling).defaultGroup,
	messages.VerbLang:         (*handling).lang,
	messages.VerbPublic:       (*handling).publicGroup,
	messages.VerbCreateTicket: (*handling).createTicket,
	messages.VerbTickets:      (*handling).tickets,
	messages.VerbWeb:          (*handling).web,
	messages.VerbMention:      (*handling).mention,
	messages.VerbLink:         (*handling).link,
	messages.VerbUnlink:       (*handling).unlink,
	messages.VerbMine:         (*handling).mine,
	messages.VerbWaiting:      (*handling).waiting,
	messages.VerbAutoClaim:    (*handling).autoClaim,
	messages.VerbHours:        (*handling).hours,
	messages.VerbAnswerWithin: (*handling).answerWithin,
	messages.VerbAutoClose:    (*handling).autoClose,
	messages.VerbSettings:     (*handling).settings,
	messages.VerbDelete:       asking(deleteMessage),
	messages.VerbAssign:       asking(assignTicket),
	messages.VerbClaim: asking(func(o *messages.Origin, _ *Message, _ SlashCommand) proto.Message {
		return &messages.ClaimTicket{Origin: o}
	}),
	messages.VerbLater: asking(func(o *messages.Origin, _ *Message, c SlashCommand) proto.Message {
		return &messages.SnoozeTicket{Origin: o, Wanted: c.Arg}
	}),
	messages.VerbRelease: asking(func(o *messages.Origin, _ *Message, _ SlashCommand) proto.Message {
		return &messages.ReleaseTicket{Origin: o}
	}),
	messages.VerbCloseTicket: asking(func(o *messages.Origin, _ *Message, c SlashCommand) proto.Message {
		return &messages.CloseTicket{Origin: o, Reason: c.Arg}
	}),
	messages.VerbReopenTicket: asking(func(o *messages.Origin, _ *Message, _ SlashCommand) proto.Message {
		return &messages.ReopenTicket{Origin: o}
	}),
	messages.VerbPending: asking(func(o *messages.Origin, _ *Message, _ SlashCommand) proto.Message {
		return &messages.SetPending{Origin: o}
	}),
	messages.VerbPriority: asking(func(o *messages.Origin, _ *Message, c SlashCommand) proto.Message {
		return &messages.SetPriority{Origin: o, Priority: priorityNamed(c.Arg)}
	}),
	messages.VerbTicket: asking(func(o *messages.Origin, _ *Message, _ SlashCommand) proto.Message {
		return &messages.ShowTicket{Origin: o}
	}),
}

// priorityNamed returns the priority that has this name in some language; else the name.
func priorityNamed(name string) string {
	for _, priority := range []string{"low", "normal", "high", "urgent"} {
		_, thai, _ := strings.Cut(label(langThai, "priority_"+priority), " ")
		if thai == strings.TrimSpace(name) {
			return priority
		}
	}
	return name
}

// asking handles a slash command by sending what it means to the topic's ticket.
func asking(what func(o *messages.Origin, m *Message, c SlashCommand) proto.Message) handler {
	return func(h *handling, m *Message, c SlashCommand) error { return h.toTicket(c.Verb, what(h.origin, m, c)) }
}

// onCommand carries out a slash command. If that is not possible here, the answer says what to do instead.
func (h *handling) onCommand(m *Message, c SlashCommand) (string, error) {
	if h.known || c.Verb == messages.VerbRegister { // which makes the group known
		h.gave = m.From.GetId()
	}
	const done = "command"
	declared, _ := messages.CommandOf(c.Verb)
	handle := handlers[c.Verb]
	switch {
	case handle == nil: // a bug; a test checks that each command has a handler
		h.log.Error("a command has no handler", append(h.attributes(0), "verb", c.Verb)...)
		return "unhandled", h.unavailable(c.Verb, declared.About)
	case !declared.Where.Have(h.at()):
		return done, h.unavailable(c.Verb, declared.About)
	case declared.Personal && m.Sender.GetKind() != messages.Sender_USER:
		return done, h.answer(messages.NoticeAnonymous, named(c.Verb))
	}
	return done, handle(h, m, c)
}

// at returns the kind of place in which the command was given.
func (h *handling) at() messages.Places {
	switch {
	case h.chat.Private():
		return messages.InPrivate
	case h.ticket != "":
		return messages.InTopic
	}
	return messages.InGroup
}

// unavailable answers that a command can't be used here, and where it can.
func (h *handling) unavailable(verb string, about messages.Subject) error {
	switch {
	case !h.chat.Private():
		return h.answer(messages.NoticeUnavailableHere, named(verb))
	case about == messages.AboutTicket:
		return h.answer(messages.NoticePrivateUnhere, named(verb))
	}
	return h.answer(messages.NoticeOnlyInGroup, named(verb))
}

// named returns the arguments of a text that names a command.
func named(verb string) map[string]string { return map[string]string{"command": "/" + verb} }

// toTicket sends a command to the topic's ticket, or answers that the topic has no ticket.
func (h *handling) toTicket(verb string, c proto.Message) error {
	if h.ticket != "" {
		if _, err := h.askTicket(c); err != nil || h.ticket != "" {
			return err
		}
	}
	if h.chat.Private() {
		return h.answer(messages.NoticePrivateNoTicket, named(verb))
	}
	return h.answer(messages.NoticeUnavailableHere, named(verb))
}

func deleteMessage(o *messages.Origin, m *Message, _ SlashCommand) proto.Message {
	d := &messages.DeleteMessage{Origin: o}
	if r := m.Reply; r != nil && r.MessageID != 0 {
		d.ChatId, d.AnsweredId, d.Quote, d.QuotePosition = r.ChatID, r.MessageID, r.Quote, r.QuotePosition
	}
	return d
}

// assignTicket gives the ticket to the first of those who are named: one person has a ticket.
func assignTicket(o *messages.Origin, _ *Message, c SlashCommand) proto.Message {
	a := &messages.AssignTicket{Origin: o}
	if len(c.Targets) > 0 {
		a.Username, a.UserId, a.Name = c.Targets[0].Username, c.Targets[0].UserID, c.Targets[0].Name
	}
	return a
}

// mention sends one command for each person named; the first has the message's own command id. Other words go nowhere: they may be meant
// for these people only, and whoever wrote them hears of it (docs/decisions.md, D227). Those of a caption are passed on with it.
func (h *handling) mention(m *Message, c SlashCommand) error {
	if len(c.Targets) == 0 {
		return h.toTicket(c.Verb, &messages.Mention{Origin: h.origin})
	}
	for i, target := range c.Targets {
		o := h.origin
		if i > 0 {
			o = proto.CloneOf(o)
			o.CommandId += ":" + strconv.Itoa(i+1)
		}
		mention := &messages.Mention{Origin: o, Username: target.Username, UserId: target.UserID, Name: target.Name}
		if err := h.toTicket(c.Verb, mention); err != nil {
			return err
		}
		if h.ticket == "" {
			return nil
		}
	}
	words := messages.NoticeMentionWords
	switch {
	case m.Media == nil && tellsBesidePeople(m.Text, m.Entities):
	case h.hasNote(m):
		words = messages.NoticeMentionNote
	default:
		return nil
	}
	defer h.as(h.origin.CommandId + ":words")() // the command has an answer of its own
	return h.answer(words, nil)
}

func (h *handling) start(m *Message, c SlashCommand) error {
	if m.Sender.GetKind() == messages.Sender_USER {
		if err := h.saveProfile(m.From); err != nil {
			return err
		}
	}
	if m.Chat.Private() {
		return h.answer(messages.NoticeWelcome, map[string]string{"name": m.Sender.GetName()})
	}
	group, err := h.group()
	if err != nil {
		return err
	}
	if group.Registered { // what to do first is done
		return h.help(m, c)
	}
	return h.answer(messages.NoticeWelcomeGroup, map[string]string{"title": m.Chat.Title})
}

// saveProfile registers the person who gave the command.
func (h *handling) saveProfile(p *messages.Person) error {
	_, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(p.GetId()),
		&messages.SaveProfile{Origin: h.profileOrigin()})
	if err == nil {
		h.profileChanged(p)
		h.givers.put(p.GetId(), struct{}{})
	}
	return err
}

func (h *handling) help(*Message, SlashCommand) error {
	switch h.at() {
	case messages.InPrivate:
		return h.answer(messages.NoticeHelpPrivate, nil)
	case messages.InTopic:
		return h.answer(messages.NoticeHelpTopic, nil)
	}
	return h.answer(messages.NoticeHelpGroup, nil)
}

// lang sets the language of a person, or of a group, which answers itself.
func (h *handling) lang(m *Message, c SlashCommand) error {
	if c.Arg != langEnglish && c.Arg != langThai {
		return h.answer(messages.NoticeLangUsage, nil)
	}
	if m.Chat.Group() {
		if answered, err := h.unregistered(); answered || err != nil {
			return err
		}
		return h.toGroup(&messages.SetGroupLanguage{Origin: h.origin, Lang: c.Arg})
	}
	if err := h.saveProfile(m.From); err != nil {
		return err
	}
	set := &messages.SetUserLanguage{Origin: h.origin, Lang: c.Arg}
	if _, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(m.From.GetId()), set); err != nil {
		return err
	}
	op := h.notice(messages.NoticeLangSet, map[string]string{"lang": c.Arg})
	op.Lang = c.Arg
	return h.send(op)
}

// unlink ends the link of the topic. Afterwards the topic has no ticket, so this command and earlier ones would be
// answered with just that if they arrived again. To recognise them, the chat first remembers that the command was
// passed on (docs/decisions.md, D44).
func (h *handling) unlink(_ *Message, c SlashCommand) error {
	o := proto.CloneOf(h.origin)
	o.CommandId = messages.UnlinkID(o.CommandId, o.ThreadId)
	if h.ticket == "" {
		h.origin = o
		return h.answer(messages.NoticeUnlinkNone, nil)
	}
	if _, err := command(h.ctx, h.desk, messages.KindChat, o.Place, &messages.Answer{Origin: o}); err != nil {
		return err
	}
	err := h.toTicket(c.Verb, &messages.UnlinkTopic{Origin: h.origin})
	h.directory.Forget(h.origin.Place, h.origin.ThreadId)
	return err
}

// link links the topic to a ticket. The command goes to that ticket, which checks the rights on both sides.
func (h *handling) link(m *Message, c SlashCommand) error {
	if m.ThreadID == 0 {
		return h.answer(messages.NoticeLinkNeedsTopic, nil)
	}
	if c.Arg == "" {
		return h.answer(messages.NoticeLinkUsage, nil)
	}
	id, err := h.ticketNamed(c.Arg)
	if err != nil {
		return err
	}
	if id == "" {
		return h.answer(messages.NoticeTicketUnknown, map[string]string{"given": messages.Shorten(c.Arg, titleOfText)})
	}
	if answered, err := h.unregistered(); answered || err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		r, err := command(h.ctx, h.desk, messages.KindTicket, id,
			&messages.LinkTopic{Origin: h.origin, CurrentTicketId: h.ticket})
		if err != nil {
			return err
		}
		h.directory.Forget(h.origin.Place, h.origin.ThreadId)
		switch {
		case r.Code == messages.Code_NOT_FOUND:
			return h.answer(messages.NoticeTicketUnknown, map[string]string{"given": id})
		case r.Code == messages.Code_WRONG_TOPIC && attempt == 1:
			if h.ticket, err = h.directory.Ticket(h.ctx, h.origin.Place, h.origin.ThreadId); err != nil {
				return err
			}
			continue
		}
		return nil
	}
}
