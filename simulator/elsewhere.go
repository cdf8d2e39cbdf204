package simulator

import (
	"encoding/json"
	"errors"
	"strings"
)

// Elsewhere is what a post answers that is not a message of its own topic.
type Elsewhere struct {
	ReplyChat   int64    `json:"replyChat"`   // the chat of the answered message, if it is in another chat or topic
	ReplyStory  *StoryOf `json:"replyStory"`  // a story
	ReplyTask   int      `json:"replyTask"`   // the task of the answered checklist
	ReplyOption string   `json:"replyOption"` // the option of the answered poll

	// External is an answered message that the simulator does not have: the Bot API's ExternalReplyInfo. Quote is then
	// what Telegram itself quotes, unless QuoteChosen.
	External    json.RawMessage `json:"external"`
	QuoteChosen bool            `json:"quoteChosen"`
}

// StoryOf is a story of a channel.
type StoryOf struct {
	Channel Channel `json:"channel"`
	ID      int     `json:"id"`
}

// answerElsewhere fills in what a post answers in another chat or topic.
func (s *Server) answerElsewhere(m *Message, c *chat, p *Post) error {
	m.ReplyTask, m.ReplyOption = p.ReplyTask, p.ReplyOption
	switch {
	case p.ReplyStory != nil:
		m.Story = jsonOf(map[string]any{"chat": s.senderChat(c, &p.ReplyStory.Channel), "id": p.ReplyStory.ID})
	case len(p.External) > 0:
		m.External = p.External
		if p.Quote != "" {
			m.Quote = &Quote{Text: p.Quote, Manual: p.QuoteChosen}
		}
	case p.ReplyChat != 0:
		from, err := s.w.chatFor(p.ReplyChat)
		if err != nil {
			return err
		}
		r := from.live(p.ReplyTo)
		switch {
		case r == nil || r.Service != nil:
			return errors.New("the message to answer is not there")
		case r.Protected:
			return errors.New("protected content can't be answered elsewhere")
		case from.private() && from.id != p.From, !from.private() && !from.role(p.From).in():
			return errNotIn
		}
		m.External = s.externalReply(from, r)
		m.Quote, err = quoteElsewhere(r, p.Quote)
		return err
	}
	return nil
}

// quoteElsewhere is the quote of a message in another chat. Telegram chooses one where the person did not.
func quoteElsewhere(r *Message, chosen string) (*Quote, error) {
	at := strings.Index(r.Text, chosen)
	switch {
	case chosen != "" && at < 0:
		return nil, errors.New("the quote is not in the message")
	case chosen != "":
		return &Quote{Text: chosen, Position: utf16Len(r.Text[:at]), Manual: true}, nil
	case r.Text == "":
		return nil, nil
	}
	quote := &Quote{Text: utf16Cut(r.Text, 0, maxCaption)}
	for _, e := range r.Entities {
		switch e.Type {
		case "bold", "italic", "underline", "strikethrough", "spoiler", "custom_emoji", "date_time":
			quote.Entities = append(quote.Entities, e)
		}
	}
	return quote, nil
}

// externalReply renders what is told of an answered message in another chat. Its place is told only of supergroups and
// channels.
func (s *Server) externalReply(from *chat, r *Message) json.RawMessage {
	fields := map[string]json.RawMessage{"origin": s.originJSON(s.origin(r))}
	if from.group != nil && !from.group.Basic {
		fields["chat"], fields["message_id"] = jsonOf(s.chatJSON(from)), jsonOf(r.ID)
	}
	if r.Media != nil {
		fields[r.Media.Kind] = r.Media.Value
	}
	return jsonOf(fields)
}
