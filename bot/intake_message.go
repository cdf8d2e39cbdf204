package bot

import (
	"hash/maphash"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// onMessage handles a message or a service message.
func (h *handling) onMessage(m *Message) (string, error) {
	h.chat = m.Chat
	if !m.Chat.Private() && !m.Chat.Group() {
		return "ignored_chat_type", nil
	}
	ourTopic := m.TopicCreated != nil && m.From.GetId() == h.bot.ID
	if m.FromBot && !ourTopic { // the only message of our own that matters announces a topic that we created
		return "ignored_bot", nil
	}
	place, err := h.place(m.Chat)
	if err != nil {
		return "", err
	}
	h.origin = &messages.Origin{
		CommandId: messages.MessageKey(m.Chat.ID, m.ID),
		Place:     place, ChatId: m.Chat.ID, ThreadId: m.ThreadID, MessageId: m.ID,
		From: m.From, Sender: m.Sender, GroupAdmin: m.GroupAdmin, Lang: langOf(m.From),
		DateMs: m.DateMS, ReceivedMs: h.update.Received.UnixMilli(),
	}
	if m.Service() {
		return h.onService(m)
	}
	if messages.Blank(m.Text) && m.Media == nil {
		return "ignored_empty", nil
	}
	c, isCommand := ParseCommand(m.Text, m.Entities, h.bot.Username)
	if c.Foreign {
		if m.Media == nil {
			return "ignored_foreign_command", nil
		}
		m, isCommand = h.beside(m), false
	}
	if !isCommand && h.answersAskTitle(m) {
		if m.album() != "" && messages.Blank(m.Text) { // the title may be the caption of another part
			return h.answerWithAlbum(m)
		}
		c, isCommand = SlashCommand{Verb: messages.VerbCreateTicket}, true
		c.Title, c.Description = parseTitle(messages.Marked{Text: m.Text, Entities: m.Entities})
	}
	if err := h.findTicket(m); err != nil {
		return "", err
	}
	if err := h.confine(m.Reply); err != nil {
		return "", err
	}
	switch {
	case isCommand:
		unknown, err := h.findNumbered(m, c)
		if err != nil {
			return "", err
		}
		if unknown != "" {
			return h.onUnknownNumber(m, unknown)
		}
		return h.onCommandBesides(m, c)
	case !c.Foreign:
		if verb, is := h.unknownCommand(m); is {
			return h.onUnknownCommand(m, verb)
		}
	}
	if h.hasNote(m) { // nobody is asked about it
		m = h.beside(m)
	}
	switch {
	case m.Chat.Private():
		return h.passOn(m)
	case h.ticket == "":
		if hinted, err := h.hintAtTitle(m); err != nil || hinted {
			return "title_hint", err
		}
		return h.leaveAlone(m)
	}
	if err := h.encloseToo(m); err != nil {
		return "", err
	}
	return h.record(m)
}

// answersAskTitle says whether the message answers the bot's question for a ticket's title.
func (h *handling) answersAskTitle(m *Message) bool {
	return m.Reply != nil && m.Reply.MessageID != 0 && m.Reply.From.GetId() == h.bot.ID && h.isAskTitle(m.Reply.Text)
}

// record has the ticket record the message.
func (h *handling) record(m *Message) (string, error) {
	if _, err := h.recordOf(m); err != nil {
		return "", err
	}
	if h.ticket == "" {
		return "left_alone", nil
	}
	return "recorded", nil
}

// recordOf sends the message to the ticket.
func (h *handling) recordOf(m *Message) (*messages.Reply, error) {
	return h.askTicket(h.saying(m))
}

// saying returns the command that records the message.
func (h *handling) saying(m *Message) *messages.RecordMessage {
	if m.Kept != nil {
		said := proto.CloneOf(m.Kept)
		said.Origin = h.origin
		return said
	}
	return &messages.RecordMessage{
		Origin: h.origin, Content: m.content(), Internal: m.internal(), CommandNote: m.CommandNote, ReplyTo: m.Reply.answered(),
	}
}

// internal says whether the message is an internal note. A private chat has none: they are hidden from the very person
// who writes there (docs/decisions.md, D20).
func (m *Message) internal() bool {
	return (m.CommandNote || messages.InternalNote(m.Text)) && !m.Chat.Private()
}

// content returns the message's content, as the desk keeps it.
func (m *Message) content() *messages.Content {
	return &messages.Content{
		Text: m.Text, Entities: m.Entities, Media: m.Media, Forward: m.Forward, IsProtected: m.Protected,
		LinkPreview: m.LinkPreview, EffectId: m.EffectID,
		RichHtml: m.RichHTML, RichRtl: m.RichRTL,
	}
}

// findTicket looks up the ticket of the message's topic. The general topic of a group belongs to no ticket, and
// neither does a topic of a group that the desk does not know.
func (h *handling) findTicket(m *Message) error {
	if m.Chat.Private() {
		return h.findPrivately(m)
	}
	if !h.known || m.ThreadID == 0 && !m.Chat.Private() {
		return nil
	}
	id, err := h.directory.Ticket(h.ctx, h.origin.Place, m.ThreadID)
	if err != nil {
		return err
	}
	if id == "" {
		if id, err = h.findByBeginning(m); err != nil {
			return err
		}
	}
	h.ticket = id
	return nil
}

// findByBeginning finds the ticket by the topic's first service message, which each message that answers nothing
// carries. When both the answer to createForumTopic and our own service message are lost, nothing else tells the
// ticket of its topic (docs/decisions.md, D5).
func (h *handling) findByBeginning(m *Message) (string, error) {
	r := m.Reply
	if r == nil || r.TopicCreated == nil || r.TopicFromID != h.bot.ID || m.ThreadID == 0 {
		return "", nil
	}
	o := proto.CloneOf(h.origin)
	o.CommandId, o.MessageId = messages.MessageKey(m.Chat.ID, r.TopicMessage), r.TopicMessage
	asked, err := h.topicCreated(o, *r.TopicCreated, r.HasIcon)
	if err != nil || asked == 0 {
		return "", err
	}
	return h.directory.Ticket(h.ctx, h.origin.Place, m.ThreadID)
}

// topicCreated reports a topic that the bot created to the tickets that it may belong to, by the number in its name, or
// the short id in a former name. It returns how many tickets those are.
func (h *handling) topicCreated(o *messages.Origin, name string, icon bool) (asked int, err error) {
	var which proto.Message
	if number, ok := messages.NumberIn(name); ok {
		which = &messages.FindNumber{Number: number}
	} else if short, ok := messages.ShortIDIn(name); ok {
		which = &messages.FindShortID{ShortId: short}
	} else {
		return 0, nil
	}
	found, err := query[*messages.TicketIDs](h.ctx, h.desk, which)
	if err != nil {
		return 0, err
	}
	for _, id := range found.TicketIds {
		created := &messages.TopicCreated{Origin: o, Name: name, HasIcon: icon}
		if _, err := command(h.ctx, h.desk, messages.KindTicket, id, created); err != nil {
			return asked, err
		}
		asked++
	}
	return asked, nil
}

// onService handles a service message about a topic or a group.
func (h *handling) onService(m *Message) (string, error) {
	switch {
	case m.MigrateTo != 0:
		return h.migrate(h.origin.Place, m.MigrateTo)
	case m.MigrateFrom != 0:
		place, known, err := h.directory.GroupPlace(h.ctx, m.MigrateFrom)
		if err != nil {
			return "", err
		}
		h.known = known
		return h.migrate(place, m.Chat.ID)
	case m.TopicCreated != nil:
		if m.From.GetId() != h.bot.ID {
			return "ignored_service", nil
		}
		asked, err := h.topicCreated(h.origin, *m.TopicCreated, m.HasIcon)
		if err != nil {
			return "", err
		}
		if asked == 0 {
			return "ignored_service", nil
		}
		return "topic_created", nil
	case m.Chat.Private(): // how people name their topics there is theirs
		return "ignored_service", nil
	}
	if err := h.findTicket(m); err != nil {
		return "", err
	}
	if h.ticket == "" {
		return "left_alone", nil
	}
	var c proto.Message
	switch {
	case m.TopicClosed:
		c = &messages.CloseTicket{Origin: h.origin, ByHand: true}
	case m.TopicReopened:
		c = &messages.ReopenTicket{Origin: h.origin, ByHand: true}
	case *m.TopicEdited != "" || m.IconEdited:
		c = &messages.TopicRenamed{Origin: h.origin, Name: *m.TopicEdited, Icon: m.IconEdited}
	default:
		return "ignored_service", nil
	}
	_, err := h.askTicket(c)
	return "by_hand", err
}

// migrate tells the group's entity the group's new Telegram id. The old and the new chat both announce it; the first
// announcement counts.
func (h *handling) migrate(place string, newChatID int64) (string, error) {
	if !h.known {
		return "left_alone", nil
	}
	migrated := &messages.MigrateGroup{NewChatId: newChatID}
	if _, err := command(h.ctx, h.desk, messages.KindGroup, place, migrated); err != nil {
		return "", err
	}
	h.directory.Migrated(newChatID, place)
	return "migrated", nil
}

// askTicket sends a command to the topic's ticket. If the topic is no longer the ticket's, askTicket looks it up once
// more and asks the ticket that it belongs to now. If it belongs to none, h.ticket is "" afterwards.
func (h *handling) askTicket(c proto.Message) (*messages.Reply, error) {
	r, err := command(h.ctx, h.desk, messages.KindTicket, h.ticket, c)
	if err != nil || !misdirected(r) {
		return r, err
	}
	h.directory.Forget(h.origin.Place, h.origin.ThreadId)
	if h.ticket, err = h.directory.Ticket(h.ctx, h.origin.Place, h.origin.ThreadId); err != nil || h.ticket == "" {
		return nil, err
	}
	r, err = command(h.ctx, h.desk, messages.KindTicket, h.ticket, c)
	if err == nil && misdirected(r) {
		h.directory.Forget(h.origin.Place, h.origin.ThreadId)
		h.ticket = ""
	}
	return r, err
}

// misdirected says whether a ticket refused a command because the topic is not its own.
func misdirected(r *messages.Reply) bool {
	return r.Code == messages.Code_WRONG_TOPIC || r.Code == messages.Code_NOT_FOUND
}

var profileSeed = maphash.MakeSeed()

// learn sends the desk the profile of each person whom the update shows, when this process sees it for the first time or
// when it has changed. So the names of internal users stay up to date, and a username belongs to who showed it last. Who
// gives a command is kept from then on.
func (h *handling) learn() {
	for _, p := range h.update.people() {
		if p == nil || p.IsBot {
			continue
		}
		_, isKept := h.givers.get(p.Id)
		keep, changed := p.Id == h.gave && !isKept, h.profileChanged(p)
		if !keep && !changed {
			continue
		}
		h.desk.Tell(messages.KindUser, userIdentity(p.Id), &messages.SaveProfile{OnlyIfKnown: !keep, Origin: &messages.Origin{
			CommandId: updateCommandID(h.update.ID) + ":profile:" + userIdentity(p.Id), From: p, Lang: langOf(p),
		}})
		if keep {
			h.givers.put(p.Id, struct{}{})
		}
	}
}

// profileChanged says whether a person's profile differs from what the desk was last sent, and notes it as sent. It has
// changed, too, when their username was last seen with somebody else: to the desk it is that person's.
func (h *handling) profileChanged(p *messages.Person) bool {
	var hash maphash.Hash
	hash.SetSeed(profileSeed)
	for _, s := range [...]string{p.Username, p.FirstName, p.LastName, p.LanguageCode} {
		_, _ = hash.WriteString(s)
		_ = hash.WriteByte(0)
	}
	sum := hash.Sum64()
	name := strings.ToLower(p.Username)
	old, known := h.people.get(p.Id)
	owner, _ := h.names.get(name)
	if known && old == sum && (name == "" || owner == p.Id) {
		return false
	}
	h.people.put(p.Id, sum)
	if name != "" {
		h.names.put(name, p.Id)
	}
	return true
}

// profileOrigin returns the origin with another command id: the person's entity must not take SaveProfile for the
// command that follows it.
func (h *handling) profileOrigin() *messages.Origin {
	o := proto.CloneOf(h.origin)
	o.CommandId += ":profile"
	return o
}

func userIdentity(id int64) string { return strconv.FormatInt(id, 10) }
