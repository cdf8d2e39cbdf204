package bot

import (
	"hash/maphash"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// onMessage handles a message or a service message.
func (h *handling) onMessage(m *Message) (string, error) {
	h.chat = m.Chat
	if !m.Chat.Private() && !m.Chat.Group() {
		return "ignored_chat_type", nil
	}
	if m.FromBot && !(m.TopicCreated != nil && m.From.GetId() == h.bot.ID) {
		return "ignored_bot", nil // save for the one message of ours that matters: a topic that we created
	}
	place, err := h.place(m.Chat)
	if err != nil {
		return "", err
	}
	h.origin = &messages.Origin{
		CommandId: messages.MessageKey(m.Chat.ID, m.ID), Place: place, ChatId: m.Chat.ID, ThreadId: m.ThreadID, MessageId: m.ID,
		From: m.From, Sender: m.Sender, GroupAdmin: m.GroupAdmin, DateMs: m.DateMS, Lang: langOf(m.From), ReceivedMs: h.update.Received.UnixMilli(),
	}
	if m.Service() {
		return h.onService(m)
	}
	if messages.Blank(m.Text) && m.Media == nil {
		return "ignored_empty", nil
	}
	c, isCommand := ParseCommand(m.Text, m.Entities, h.bot.Username)
	if c.Foreign {
		return "ignored_foreign_command", nil
	}
	if !isCommand && h.answersAskTitle(m) {
		c, isCommand = Command{Verb: messages.VerbCreateTicket}, true
		c.Title, c.Description = parseTitle(m.Text)
	}
	if err := h.findTicket(m); err != nil {
		return "", err
	}
	switch {
	case isCommand:
		outcome, err := h.onCommand(m, c)
		if err == nil {
			h.noteProfile(m) // afterwards: a command that saves the profile itself has noted it
		}
		return outcome, err
	case m.Chat.Private():
		h.noteProfile(m)
		return h.passOn(m)
	case h.ticket == "":
		return "left_alone", nil
	}
	h.noteProfile(m)
	return h.record(m)
}

// answersAskTitle says whether the message answers our question for a ticket's title.
func (h *handling) answersAskTitle(m *Message) bool {
	return m.Reply != nil && m.Reply.MessageID != 0 && m.Reply.FromID == h.bot.ID && h.isAskTitle(m.Reply.Text)
}

// record has the ticket record what was said.
func (h *handling) record(m *Message) (string, error) {
	if _, err := h.recordOf(m); err != nil {
		return "", err
	}
	if h.ticket == "" {
		return "left_alone", nil
	}
	return "recorded", nil
}

// recordOf gives the ticket what was said. In a private chat there are no notes to oneself: who writes there is the one whom
// notes are kept from.
func (h *handling) recordOf(m *Message) (*messages.Reply, error) {
	c := &messages.RecordMessage{Origin: h.origin, Content: m.content(), Internal: InternalNote(m.Text) && !m.Chat.Private()}
	if r := m.Reply; r != nil && (r.MessageID != 0 || r.Preview != "" || r.Quote != "" || r.Media != nil) {
		c.ReplyTo = &messages.ReplyTo{ChatId: r.ChatID, MessageId: r.MessageID, Quote: r.Quote, QuotePosition: r.QuotePosition, QuoteEntities: r.QuoteEntities, Preview: r.Preview, MediaKind: r.Media.GetKind()}
		if InternalNote(r.Text) || r.Protected { // its words stay in its topic, also as what somebody answers
			c.ReplyTo.Quote, c.ReplyTo.Preview = "", ""
		}
	}
	return h.askTicket(c)
}

// content is what the message says, as the desk keeps it.
func (m *Message) content() *messages.Content {
	return &messages.Content{Text: m.Text, Entities: m.Entities, Media: m.Media, Forward: m.Forward, IsProtected: m.Protected}
}

// findTicket looks up the ticket of the message's topic. The general topic of a group belongs to no ticket, nor does any
// topic of a group that the desk does not know.
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

// findByBeginning finds the ticket by the topic's first service message, which a message that answers nothing carries: when
// the answer to createForumTopic was lost, and our own service message too, it is the ticket's only sign of its topic.
func (h *handling) findByBeginning(m *Message) (string, error) {
	r := m.Reply
	if r == nil || r.TopicCreated == nil || r.TopicFromID != h.bot.ID || m.ThreadID == 0 {
		return "", nil
	}
	o := proto.CloneOf(h.origin)
	o.CommandId, o.MessageId = messages.MessageKey(m.Chat.ID, r.TopicMessage), r.TopicMessage
	told, err := h.topicCreated(o, *r.TopicCreated)
	if err != nil || told == 0 {
		return "", err
	}
	return h.directory.Ticket(h.ctx, h.origin.Place, m.ThreadID)
}

// topicCreated tells the tickets that a topic of ours may belong to that it is there; how many, it returns.
func (h *handling) topicCreated(o *messages.Origin, name string) (told int, err error) {
	short, ok := messages.ShortIDIn(name)
	if !ok {
		return 0, nil
	}
	found, err := query[*messages.TicketIDs](h.ctx, h.desk, &messages.FindShortID{ShortId: short})
	if err != nil {
		return 0, err
	}
	for _, id := range found.TicketIds {
		if _, err := command(h.ctx, h.desk, messages.KindTicket, id, &messages.TopicCreated{Origin: o, Name: name}); err != nil {
			return told, err
		}
		told++
	}
	return told, nil
}

// onService handles what Telegram says happened to topics and groups.
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
		told, err := h.topicCreated(h.origin, *m.TopicCreated)
		if err != nil {
			return "", err
		}
		if told == 0 {
			return "ignored_service", nil
		}
		return "topic_created", nil
	}
	if err := h.findTicket(m); err != nil {
		return "", err
	}
	if h.ticket == "" {
		return "left_alone", nil
	}
	h.noteProfile(m)
	var c proto.Message
	switch {
	case m.TopicClosed:
		c = &messages.CloseTicket{Origin: h.origin, ByHand: true}
	case m.TopicReopened:
		c = &messages.ReopenTicket{Origin: h.origin, ByHand: true}
	case *m.TopicEdited != "":
		c = &messages.TopicRenamed{Origin: h.origin, Name: *m.TopicEdited}
	default:
		return "ignored_service", nil
	}
	_, err := h.askTicket(c)
	return "by_hand", err
}

// migrate tells a group its new Telegram id. Both the old and the new chat announce it; whichever comes first counts.
func (h *handling) migrate(place string, newChatID int64) (string, error) {
	if !h.known {
		return "left_alone", nil
	}
	if _, err := command(h.ctx, h.desk, messages.KindGroup, place, &messages.MigrateGroup{NewChatId: newChatID}); err != nil {
		return "", err
	}
	h.directory.Migrated(newChatID, place)
	return "migrated", nil
}

// askTicket sends a command to the topic's ticket. If the ticket does not own the topic any more, what was known is
// forgotten and looked up once again; h.ticket is "" afterwards when the topic belongs to none.
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

func misdirected(r *messages.Reply) bool {
	return r.Code == messages.Code_WRONG_TOPIC || r.Code == messages.Code_NOT_FOUND
}

var profileSeed = maphash.MakeSeed()

// noteProfile tells the desk when a person is seen for the first time in this process, or under changed names: so that whoever is
// known stays up to date.
func (h *handling) noteProfile(m *Message) {
	p := m.From
	if p == nil || p.IsBot || m.Sender.GetKind() != messages.Sender_USER {
		return
	}
	if !h.profileChanged(p) {
		return
	}
	h.desk.Tell(messages.KindUser, userIdentity(p.Id), &messages.SaveProfile{Origin: h.profileOrigin(), OnlyIfKnown: true})
}

// changed says whether a person's profile differs from what the desk was told, and notes it as told.
func (h *handling) profileChanged(p *messages.Person) bool {
	var hash maphash.Hash
	hash.SetSeed(profileSeed)
	for _, s := range [...]string{p.Username, p.FirstName, p.LastName, p.LanguageCode} {
		_, _ = hash.WriteString(s)
		_ = hash.WriteByte(0)
	}
	sum := hash.Sum64()
	if old, ok := h.people.get(p.Id); ok && old == sum {
		return false
	}
	h.people.put(p.Id, sum)
	return true
}

// profileOrigin has a command id of its own: to the person's entity it is another command than the one that follows.
func (h *handling) profileOrigin() *messages.Origin {
	o := proto.CloneOf(h.origin)
	o.CommandId += ":profile"
	return o
}

func userIdentity(id int64) string { return strconv.FormatInt(id, 10) }
