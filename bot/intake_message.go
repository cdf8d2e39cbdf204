package bot

import (
	"hash/maphash"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// onMessage handles a message or a service message.
func (t *turn) onMessage(m *Message) (string, error) {
	t.chat = m.Chat
	if !m.Chat.Private() && !m.Chat.Group() {
		return "ignored_chat_type", nil
	}
	if m.FromBot && !(m.TopicCreated != nil && m.From.GetId() == t.bot.ID) {
		return "ignored_bot", nil // save for the one message of ours that matters: a topic that we created
	}
	place, err := t.place(m.Chat)
	if err != nil {
		return "", err
	}
	t.origin = &messages.Origin{
		CommandId: messages.MessageKey(m.Chat.ID, m.ID), Place: place, ChatId: m.Chat.ID, ThreadId: m.ThreadID, MessageId: m.ID,
		From: m.From, Sender: m.Sender, GroupAdmin: m.GroupAdmin, DateMs: m.DateMS, Lang: langOf(m.From), ReceivedMs: t.update.Received.UnixMilli(),
	}
	if m.Service() {
		return t.onService(m)
	}
	if messages.Blank(m.Text) && m.Media == nil {
		return "ignored_empty", nil
	}
	c, isCommand := ParseCommand(m.Text, m.Entities, t.bot.Username)
	if c.Foreign {
		return "ignored_foreign_command", nil
	}
	if !isCommand && t.answersAskTitle(m) {
		c, isCommand = Command{Verb: messages.VerbCreateTicket}, true
		c.Title, c.Description = parseTitle(m.Text)
	}
	if err := t.findTicket(m); err != nil {
		return "", err
	}
	switch {
	case isCommand:
		outcome, err := t.onCommand(m, c)
		if err == nil {
			t.meet(m) // afterwards: a command that saves the profile itself has noted it
		}
		return outcome, err
	case m.Chat.Private():
		t.meet(m)
		return t.sayPrivately(m)
	case t.ticket == "":
		return "left_alone", nil
	}
	t.meet(m)
	return t.record(m)
}

// answersAskTitle says whether the message answers our question for a ticket's title.
func (t *turn) answersAskTitle(m *Message) bool {
	return m.Reply != nil && m.Reply.MessageID != 0 && m.Reply.FromID == t.bot.ID && t.isAskTitle(m.Reply.Text)
}

// record has the ticket record what was said.
func (t *turn) record(m *Message) (string, error) {
	if _, err := t.recordOf(m); err != nil {
		return "", err
	}
	if t.ticket == "" {
		return "left_alone", nil
	}
	return "recorded", nil
}

// recordOf gives the ticket what was said. In a private chat there are no notes to oneself: who writes there is the one whom
// notes are kept from.
func (t *turn) recordOf(m *Message) (*messages.Reply, error) {
	c := &messages.RecordMessage{Origin: t.origin, Content: m.content(), Internal: InternalNote(m.Text) && !m.Chat.Private()}
	if r := m.Reply; r != nil && (r.MessageID != 0 || r.Preview != "" || r.Quote != "" || r.Media != nil) {
		c.ReplyTo = &messages.ReplyTo{ChatId: r.ChatID, MessageId: r.MessageID, Quote: r.Quote, QuotePosition: r.QuotePosition, QuoteEntities: r.QuoteEntities, Preview: r.Preview, MediaKind: r.Media.GetKind()}
		if InternalNote(r.Text) || r.Protected { // its words stay in its topic, also as what somebody answers
			c.ReplyTo.Quote, c.ReplyTo.Preview = "", ""
		}
	}
	return t.askTicket(c)
}

// content is what the message says, as the desk keeps it.
func (m *Message) content() *messages.Content {
	return &messages.Content{Text: m.Text, Entities: m.Entities, Media: m.Media, Forward: m.Forward, IsProtected: m.Protected}
}

// findTicket looks up the ticket of the message's topic. The general topic of a group belongs to no ticket, nor does any
// topic of a group that the desk does not know.
func (t *turn) findTicket(m *Message) error {
	if m.Chat.Private() {
		return t.findPrivately(m)
	}
	if !t.known || m.ThreadID == 0 && !m.Chat.Private() {
		return nil
	}
	id, err := t.directory.Ticket(t.ctx, t.origin.Place, m.ThreadID)
	if err != nil {
		return err
	}
	if id == "" {
		if id, err = t.findByBeginning(m); err != nil {
			return err
		}
	}
	t.ticket = id
	return nil
}

// findByBeginning finds the ticket by the topic's first service message, which a message that answers nothing carries: when
// the answer to createForumTopic was lost, and our own service message too, it is the ticket's only sign of its topic.
func (t *turn) findByBeginning(m *Message) (string, error) {
	r := m.Reply
	if r == nil || r.TopicCreated == nil || r.TopicFromID != t.bot.ID || m.ThreadID == 0 {
		return "", nil
	}
	o := proto.CloneOf(t.origin)
	o.CommandId, o.MessageId = messages.MessageKey(m.Chat.ID, r.TopicMessage), r.TopicMessage
	told, err := t.topicCreated(o, *r.TopicCreated)
	if err != nil || told == 0 {
		return "", err
	}
	return t.directory.Ticket(t.ctx, t.origin.Place, m.ThreadID)
}

// topicCreated tells the tickets that a topic of ours may belong to that it is there; how many, it returns.
func (t *turn) topicCreated(o *messages.Origin, name string) (told int, err error) {
	short, ok := messages.ShortIDIn(name)
	if !ok {
		return 0, nil
	}
	found, err := query[*messages.TicketIDs](t.ctx, t.desk, &messages.FindShortID{ShortId: short})
	if err != nil {
		return 0, err
	}
	for _, id := range found.TicketIds {
		if _, err := command(t.ctx, t.desk, messages.KindTicket, id, &messages.TopicCreated{Origin: o, Name: name}); err != nil {
			return told, err
		}
		told++
	}
	return told, nil
}

// onService handles what Telegram says happened to topics and groups.
func (t *turn) onService(m *Message) (string, error) {
	switch {
	case m.MigrateTo != 0:
		return t.migrate(t.origin.Place, m.MigrateTo)
	case m.MigrateFrom != 0:
		place, known, err := t.directory.GroupPlace(t.ctx, m.MigrateFrom)
		if err != nil {
			return "", err
		}
		t.known = known
		return t.migrate(place, m.Chat.ID)
	case m.TopicCreated != nil:
		if m.From.GetId() != t.bot.ID {
			return "ignored_service", nil
		}
		told, err := t.topicCreated(t.origin, *m.TopicCreated)
		if err != nil {
			return "", err
		}
		if told == 0 {
			return "ignored_service", nil
		}
		return "topic_created", nil
	}
	if err := t.findTicket(m); err != nil {
		return "", err
	}
	if t.ticket == "" {
		return "left_alone", nil
	}
	t.meet(m)
	var c proto.Message
	switch {
	case m.TopicClosed:
		c = &messages.CloseTicket{Origin: t.origin, ByHand: true}
	case m.TopicReopened:
		c = &messages.ReopenTicket{Origin: t.origin, ByHand: true}
	case *m.TopicEdited != "":
		c = &messages.TopicRenamed{Origin: t.origin, Name: *m.TopicEdited}
	default:
		return "ignored_service", nil
	}
	_, err := t.askTicket(c)
	return "by_hand", err
}

// migrate tells a group its new Telegram id. Both the old and the new chat announce it; whichever comes first counts.
func (t *turn) migrate(place string, newChatID int64) (string, error) {
	if !t.known {
		return "left_alone", nil
	}
	if _, err := command(t.ctx, t.desk, messages.KindGroup, place, &messages.MigrateGroup{NewChatId: newChatID}); err != nil {
		return "", err
	}
	t.directory.Migrated(newChatID, place)
	return "migrated", nil
}

// askTicket sends a command to the topic's ticket. If the ticket does not own the topic any more, what was known is
// forgotten and looked up once again; t.ticket is "" afterwards when the topic belongs to none.
func (t *turn) askTicket(c proto.Message) (*messages.Reply, error) {
	r, err := command(t.ctx, t.desk, messages.KindTicket, t.ticket, c)
	if err != nil || !astray(r) {
		return r, err
	}
	t.directory.Forget(t.origin.Place, t.origin.ThreadId)
	if t.ticket, err = t.directory.Ticket(t.ctx, t.origin.Place, t.origin.ThreadId); err != nil || t.ticket == "" {
		return nil, err
	}
	r, err = command(t.ctx, t.desk, messages.KindTicket, t.ticket, c)
	if err == nil && astray(r) {
		t.directory.Forget(t.origin.Place, t.origin.ThreadId)
		t.ticket = ""
	}
	return r, err
}

func astray(r *messages.Reply) bool {
	return r.Code == messages.Code_WRONG_TOPIC || r.Code == messages.Code_NOT_FOUND
}

var profileSeed = maphash.MakeSeed()

// meet tells the desk when a person is seen for the first time in this process, or under changed names: so that whoever is
// known stays up to date.
func (t *turn) meet(m *Message) {
	p := m.From
	if p == nil || p.IsBot || m.Sender.GetKind() != messages.Sender_USER {
		return
	}
	if !t.changed(p) {
		return
	}
	t.desk.Tell(messages.KindUser, userIdentity(p.Id), &messages.SaveProfile{Origin: t.profileOrigin(), OnlyIfKnown: true})
}

// changed says whether a person's profile differs from what the desk was told, and notes it as told.
func (t *turn) changed(p *messages.Person) bool {
	var h maphash.Hash
	h.SetSeed(profileSeed)
	for _, s := range [...]string{p.Username, p.FirstName, p.LastName, p.LanguageCode} {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
	sum := h.Sum64()
	if old, ok := t.people.get(p.Id); ok && old == sum {
		return false
	}
	t.people.put(p.Id, sum)
	return true
}

// profileOrigin has a command id of its own: to the person's entity it is another command than the one that follows.
func (t *turn) profileOrigin() *messages.Origin {
	o := proto.CloneOf(t.origin)
	o.CommandId += ":profile"
	return o
}

func userIdentity(id int64) string { return strconv.FormatInt(id, 10) }
