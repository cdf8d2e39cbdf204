package bot

import (
	"github.com/topicdesk/topicdesk/messages"
)

// answered returns what the message answers, as the desk keeps it; nil: nothing.
func (r *Reply) answered() *messages.ReplyTo {
	// One that only refers to its topic tells of nothing that is answered.
	if r == nil || r.MessageID == 0 && r.Preview == "" && r.Media == nil && r.Origin == nil {
		return nil
	}
	return &messages.ReplyTo{
		ChatId: r.ChatID, MessageId: r.MessageID, MediaKind: r.Media.GetKind(),
		Quote: r.Quote, QuotePosition: r.QuotePosition, QuoteEntities: r.QuoteEntities,
		Preview: r.Preview, PreviewEntities: r.PreviewEntities, Item: r.Item, Origin: r.Origin, Url: r.URL,
	}
}

// confine takes the words of the answered message out of a reply if they must not leave their topic, neither as a
// quote nor as a preview. Of a message in another topic Telegram shows only a quote, so the desk is asked what it is.
func (h *handling) confine(r *Reply) error {
	if r == nil {
		return nil
	}
	confined := messages.InternalNote(r.Text) || h.answersCommand(r) || r.Protected || r.Origin != nil && messages.InternalNote(r.Preview)
	if !confined && r.Origin != nil && r.ChatID != 0 && r.MessageID != 0 {
		found, err := query[*messages.MessageFound](h.ctx, h.desk,
			&messages.FindMessage{ChatId: r.ChatID, MessageId: r.MessageID, Quote: r.Quote, QuotePosition: r.QuotePosition})
		if err != nil {
			return err
		}
		confined = found.Hidden
	}
	if confined {
		r.Quote, r.QuotePosition, r.QuoteEntities = "", 0, nil
		r.Preview, r.PreviewEntities, r.Item = "", nil, ""
	}
	return nil
}

// answersCommand says whether what is answered is a command to the bot: what is written after it may be meant for somebody alone, or for
// the team (docs/decisions.md, D231). What opens a ticket is read wherever that is.
func (h *handling) answersCommand(r *Reply) bool {
	c, is := ParseCommand(r.Text, r.Entities, h.bot.Username)
	noted := h.hasNote(&Message{Chat: h.chat, Text: r.Text, Entities: r.Entities})
	return !h.chat.Private() && (is && !c.Foreign && c.Verb != messages.VerbCreateTicket || noted)
}

// answeredInWords is inWords for what a kept message answers.
func answeredInWords(r *messages.ReplyTo) messages.Marked {
	return (&Reply{
		Origin: r.GetOrigin(), URL: r.GetUrl(), Item: r.GetItem(),
		Preview: r.GetPreview(), PreviewEntities: r.GetPreviewEntities(),
	}).inWords()
}

// keepAnswered keeps a message that answers something until a button gives it to a ticket: the button shows it without
// what it answers. The parts of an album are kept already.
func (h *handling) keepAnswered(m *Message) error {
	if m.album() != "" || m.Reply.answered() == nil {
		return nil
	}
	_, err := h.shelf(&messages.Shelve{Message: h.saying(m)})
	return err
}

// recall adds to a message that a button is about what it answers, if the message is kept, and returns what is known of it.
func (h *handling) recall(m *messages.RecordMessage) (*messages.ShelfFound, error) {
	found, err := h.shelf(&messages.Shelve{Message: m, Asks: true})
	if err != nil {
		return nil, err
	}
	for _, kept := range found.Messages {
		m.ReplyTo = kept.ReplyTo
	}
	return found, nil
}

// describeByReference adds to the description what the command answers in another chat or topic. Without a title, the
// quote is the title.
func (h *handling) describeByReference(m *Message, c *SlashCommand) {
	r := m.Reply
	if r == nil || r.Origin == nil {
		return
	}
	if c.Title == "" {
		quote := messages.Marked{Text: r.Preview, Entities: r.PreviewEntities}
		c.Title = messages.ShortenAtWord(quote.Shown(), titleOfText)
	}
	words := r.inWords()
	c.Description = c.Description.Then("\n\n", words)
	c.Sources = append(c.Sources, &messages.Source{Text: words.Text, Entities: words.Entities})
}

// inWords returns what is answered elsewhere, for the description of a ticket; nothing, if nothing is.
//
//	↩️ Shop: “Returns end on Friday” https://t.me/shop/17
func (r *Reply) inWords() messages.Marked {
	if r == nil || r.Origin == nil {
		return messages.Marked{}
	}
	words := messages.Marked{Text: "↩️ " + originName(r.Origin) + originSignature(r.Origin)}
	said := messages.Marked{Text: r.Preview, Entities: r.PreviewEntities}
	if said = said.Then(" ", messages.Marked{Text: r.Item}); said.Text != "" {
		words = words.Then(": “", said)
		words.Text += "”"
	}
	return words.Then(" ", messages.Marked{Text: r.URL})
}
