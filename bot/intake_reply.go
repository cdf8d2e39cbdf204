package bot

import (
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// replyTo returns what the message answers, as the desk keeps it; nil: nothing.
func (h *handling) replyTo(m *Message) (*messages.ReplyTo, error) {
	r := m.Reply
	if !r.answers() {
		return nil, nil
	}
	to := &messages.ReplyTo{
		ChatId: r.ChatID, MessageId: r.MessageID, MediaKind: r.Media.GetKind(), Origin: r.Origin, Url: r.URL,
	}
	confined, err := h.confined(r)
	if err != nil {
		return nil, err
	}
	if !confined {
		to.Quote, to.QuotePosition, to.QuoteEntities = r.Quote, r.QuotePosition, r.QuoteEntities
		to.Preview, to.PreviewEntities, to.Item = r.Preview, r.PreviewEntities, r.Item
	}
	return to, nil
}

// answers says whether the reply tells of anything that is answered. One that only refers to its topic does not.
func (r *Reply) answers() bool {
	return r != nil && (r.MessageID != 0 || r.Preview != "" || r.Media != nil || r.Origin != nil)
}

// confined says whether the words of the answered message must not leave their topic, neither as a quote nor as a
// preview. Of a message in another topic Telegram shows only a quote, so the desk is asked what it is.
func (h *handling) confined(r *Reply) (bool, error) {
	if InternalNote(r.Text) || r.Protected {
		return true, nil
	}
	if r.Origin == nil || r.ChatID == 0 || r.MessageID == 0 {
		return false, nil
	}
	if InternalNote(r.Preview) {
		return true, nil
	}
	found, err := query[*messages.MessageFound](h.ctx, h.desk,
		&messages.FindMessage{ChatId: r.ChatID, MessageId: r.MessageID})
	if err != nil {
		return false, err
	}
	return found.Hidden, nil
}

// describeByReference adds to the description what the command answers in another chat or topic. Without a title, the
// beginning of the quote is the title.
func (h *handling) describeByReference(m *Message, c *Command) error {
	r := m.Reply
	if r == nil || r.Origin == nil {
		return nil
	}
	confined, err := h.confined(r)
	if err != nil || confined {
		return err
	}
	if c.Title == "" {
		c.Title = messages.Shorten(r.Preview, titleOfReply)
	}
	if c.Description != "" {
		c.Description += "\n\n"
	}
	c.Description += r.inWords()
	return nil
}

// inWords returns what is answered elsewhere, for the description of a ticket. "": nothing is.
//
//	↩️ Shop: “Returns end on Friday” https://t.me/shop/17
func (r *Reply) inWords() string {
	if r == nil || r.Origin == nil {
		return ""
	}
	words := []string{"↩️ " + originName(r.Origin) + originSignature(r.Origin)}
	if said := strings.TrimSpace(r.Preview + " " + r.Item); said != "" {
		words[0] += ": “" + said + "”"
	}
	if r.URL != "" {
		words = append(words, r.URL)
	}
	return strings.Join(words, " ")
}
