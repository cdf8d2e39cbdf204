package bot

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// createTicket opens a ticket in the group, or answers what is missing for that.
func (h *handling) createTicket(m *Message, c SlashCommand) error {
	if m.Chat.Private() {
		return h.createPrivately(m, c)
	}
	if !h.groupAllowed(h.origin.Place, m.Chat.ID) {
		return h.answer(messages.NoticeGroupNotAllowed, nil)
	}
	group, err := h.group()
	if err != nil {
		return err
	}
	if missing := group.Standing.Notice(); missing != "" {
		return h.answer(missing, map[string]string{"title": m.Chat.Title})
	}
	if stays, err := h.answersNote(m); err != nil {
		return err
	} else if stays {
		return h.answer(messages.NoticeCreateNote, nil)
	}
	h.describe(m, &c)
	if messages.Blank(messages.CleanLine(c.Title)) {
		return h.askTitle(m, c)
	}
	id := messages.TicketID(h.origin.CommandId, h.origin.DateMs)
	enclosures, shelved, err := h.enclosed(id, m)
	if err != nil {
		return err
	}
	described := messages.DescribedIn(shelved)
	c.Description = c.Description.Then("\n\n", messages.Marked{Text: described.GetText(), Entities: described.GetEntities()})
	r, err := command(h.ctx, h.desk, messages.KindTicket, id, &messages.OpenTicket{
		Origin: h.origin, TicketId: id, GroupId: h.origin.Place, Title: c.Title, Description: c.Description.Text,
		DescriptionEntities: c.Description.Entities, Enclosures: enclosures, Forward: cmp.Or(h.forwarded(m), described.GetForward()),
		Sources: append(c.Sources, messages.SourcesIn(shelved)...), Customer: cmp.Or(h.customer(m), messages.CustomerIn(shelved)),
	})
	if err != nil {
		return err
	}
	switch r.Code {
	case messages.Code_NOT_FOUND:
		return h.answer(messages.NoticeGroupUnregistered, nil)
	case messages.Code_CONFLICT: // the cleaned title is empty
		return h.askTitle(m, c)
	}
	h.ticket = id
	h.untitledIn.drop(inGroup(m))
	return nil
}

// askTitle asks for the title of the ticket that a message opens. The title comes as a reply to the question
// (answersAskTitle). What else the ticket consists of waits on the shelf.
func (h *handling) askTitle(m *Message, c SlashCommand) error {
	id := h.origin.MessageId
	former, err := h.untitled(m)
	if err != nil {
		return err
	}
	waiting := h.enclosures(m)
	own := &messages.Enclosure{MessageId: messages.MessageKey(h.chat.ID, id)} // what waited for the former waits on
	for _, e := range messages.JoinEnclosures(waiting, []*messages.Enclosure{own}, false) {
		o := proto.CloneOf(h.origin)
		_, o.MessageId, _ = messages.ParseMessageKey(e.MessageId)
		kept := &messages.RecordMessage{Origin: o, Content: e.Content}
		if e.MessageId == own.MessageId {
			kept.Described = &messages.Content{
				Text: c.Description.Text, Entities: c.Description.Entities, Forward: h.forwarded(m),
			}
			kept.Sources, kept.Customer = c.Sources, h.customer(m)
		}
		_, err := h.shelf(&messages.Shelve{Message: kept, Untitled: id, Former: former})
		if err != nil {
			return err
		}
	}
	op := h.notice(messages.NoticeAskTitle, nil)
	op.GetSendNotice().ForceReply = true
	if err := h.answerWith(op); err != nil {
		return err
	}
	if !m.Chat.Private() {
		h.untitledIn.put(inGroup(m), h.update.Received)
	}
	return nil
}

// describe completes the title and the description of a command with what it answers, and says which message has given what.
func (h *handling) describe(m *Message, c *SlashCommand) {
	own := &messages.Source{Text: c.Description.Text, Entities: c.Description.Entities}
	if m.Text != "" { // else the words are of what a button's message answers
		own.MessageId, own.Titles = messages.MessageKey(m.Chat.ID, m.ID), true
	}
	c.Sources = append(c.Sources, own)
	h.describeByReply(m, c)
	h.describeByReference(m, c)
}

// describeByReply makes the message that the command answers the description, and its first line the title if the
// command has none.
func (h *handling) describeByReply(m *Message, c *SlashCommand) {
	r := h.described(m)
	if r == nil || messages.Blank(r.Text) || r.Protected {
		return
	}
	answered := trimmed(messages.Marked{Text: r.Text, Entities: r.Entities})
	if c.Title == "" {
		c.Title = messages.TitleOf(answered)
	}
	c.Description = c.Description.Then("\n\n", answered)
	c.Sources = append(c.Sources, &messages.Source{
		MessageId: messages.MessageKey(r.ChatID, r.MessageID), Text: answered.Text, Entities: answered.Entities,
	})
}

// described returns the message that the command replies to, which becomes the description; nil: none does.
func (h *handling) described(m *Message) *Reply {
	if r := m.Reply; r != nil && r.MessageID != 0 && !h.answersAskTitle(m) {
		return r
	}
	return nil
}

// answersNote says whether a command in a group would open a ticket from an internal note. It stays in its topic, even where its message
// does not show any more that it is one (docs/decisions.md, D266).
func (h *handling) answersNote(m *Message) (bool, error) {
	r := h.described(m)
	switch {
	case r == nil || r.Protected:
		return false, nil
	case messages.InternalNote(r.Text) || h.hasNote(&Message{Chat: h.chat, Text: r.Text, Entities: r.Entities}):
		return true, nil
	}
	found, err := query[*messages.MessageFound](h.ctx, h.desk, &messages.FindMessage{ChatId: r.ChatID, MessageId: r.MessageID})
	return found.GetInternal(), err
}

// customer returns whose message the ticket of a group is opened from; nil: from none, from an own one, or from what a bot, a
// group or a channel wrote.
func (h *handling) customer(m *Message) *messages.Person {
	r := h.described(m)
	if r == nil || r.AsChat || r.From.GetId() == 0 || r.From.GetIsBot() || r.From.GetId() == m.From.GetId() {
		return nil
	}
	return r.From
}

// describedHere returns the id of the message that the command replies to, if it stands in the same chat; 0: none.
func (h *handling) describedHere(m *Message) int64 {
	if r := h.described(m); r != nil && r.ChatID == m.Chat.ID {
		return r.MessageID
	}
	return 0
}

// forwarded returns where the described message was forwarded from; nil: nowhere, or no message is described.
func (h *handling) forwarded(m *Message) *messages.Forward {
	if r := h.described(m); r != nil {
		return r.Forward
	}
	return nil
}

// enclosures returns the media of a new ticket's description: those of the described message, and those whose caption
// the command is. Their words are in title and description.
func (h *handling) enclosures(m *Message) (out []*messages.Enclosure) {
	if r := h.described(m); r != nil && (r.Media != nil || r.Protected) { // of what is protected, it says that it is there
		out = append(out, &messages.Enclosure{
			MessageId: messages.MessageKey(r.ChatID, r.MessageID),
			Content:   &messages.Content{Media: r.Media, IsProtected: r.Protected},
		})
	}
	if m.Media != nil {
		out = append(out, &messages.Enclosure{
			MessageId: messages.MessageKey(m.Chat.ID, m.ID),
			Content:   &messages.Content{Media: m.Media, IsProtected: m.Protected},
		})
	}
	return out
}

// enclosed returns the media of a new ticket's description, with those that wait on the group's shelf: the rest of the
// albums, and what waited for the title. Parts of the albums that come later find the ticket. shelved is all that waited.
func (h *handling) enclosed(ticketID string, m *Message) (
	_ []*messages.Enclosure, shelved []*messages.RecordMessage, _ error,
) {
	own := h.enclosures(m)
	albums := albumsOf(own)
	untitled, err := h.untitled(m)
	if err != nil || len(albums) == 0 && untitled == 0 {
		return own, nil, err
	}
	taken, err := h.shelf(&messages.TakeShelved{TicketId: ticketID, Albums: albums, Untitled: untitled})
	if err != nil {
		return nil, nil, err
	}
	said, err := h.saidOf(albums)
	if err != nil {
		return nil, nil, err
	}
	others := append(messages.EnclosuresIn(taken.Messages), said...)
	return messages.JoinEnclosures(own, others, true), taken.Messages, nil
}

func albumsOf(enclosures []*messages.Enclosure) (ids []string) {
	for _, e := range enclosures {
		if id := e.Content.GetMedia().GetMediaGroupId(); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// untitled returns the message for which the bot asked the question for a title that the message answers; 0: it answers
// none, or one that nobody knows any more.
func (h *handling) untitled(m *Message) (int64, error) {
	if h.title != 0 {
		return h.title, nil
	}
	if !h.answersAskTitle(m) {
		return 0, nil
	}
	found, err := queryOf[*messages.QuestionFound](h.ctx, h.desk, messages.KindChat, h.origin.Place,
		&messages.FindQuestion{MessageId: m.Reply.MessageID})
	return found.GetUntitled(), err
}
