package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// quotedIn finds the copy that a reply to a joined message means: the one that it quotes, else the last. Where a part stands may
// have moved since by an edit of one before it, so its words count more than its place.
func QuotedIn(ctx context.Context, store storage.Store, copies []storage.Copy, r *messages.ReplyTo) (*storage.Copy, error) {
	last := &copies[len(copies)-1]
	if r.GetQuote() == "" || len(copies) == 1 {
		return last, nil
	}
	at := func(c *storage.Copy) bool {
		return c.Span != nil && c.Span.Offset <= r.QuotePosition && r.QuotePosition < c.Span.Offset+c.Span.Length
	}
	var says, stands *storage.Copy
	for i := range copies {
		c := &copies[i]
		if at(c) {
			stands = c
		}
		original, err := store.Message(ctx, c.MessageID)
		if err != nil {
			return nil, fmt.Errorf("read an original of a joined message: %w", err)
		}
		if strings.Contains(original.Text, r.Quote) && (says == nil || at(c)) {
			says = c
		}
	}
	switch {
	case says != nil:
		return says, nil
	case stands != nil:
		return stands, nil
	}
	return last, nil
}

func SenderOf(o *messages.Origin) storage.Sender {
	kinds := map[messages.Sender_Kind]string{messages.Sender_USER: "user", messages.Sender_GROUP: "group",
		messages.Sender_CHANNEL: "channel", messages.Sender_API_KEY: "apiKey"}
	s := o.GetSender()
	if s == nil {
		return storage.Sender{ID: o.GetFrom().GetId(), Kind: "user", Name: Who(o), Username: o.GetFrom().GetUsername()}
	}
	return storage.Sender{ID: s.Id, Kind: kinds[s.Kind], Name: s.Name, Username: s.Username, KeyID: s.KeyId}
}

// ReplyOf is what a stored message answers.
func ReplyOf(m *storage.Message) *messages.ReplyTo {
	p := m.ReplyTo
	if p == nil {
		return nil
	}
	return &messages.ReplyTo{ChatId: p.ChatID, MessageId: p.MessageID, Quote: p.Quote, Preview: p.Preview, MediaKind: p.MediaKind, Answered: p.Answered,
		QuoteEntities: EntitiesOf(p.QuoteEntities), QuotePosition: p.QuotePosition}
}

// originalAt finds the message that stands at a Telegram message: as the original, or as the original of a copy. Of several
// that a copy shows it is the one that is quoted, else the last.
func OriginalAt(ctx context.Context, store storage.Store, chatID, messageID int64, r *messages.ReplyTo) (*storage.Message, error) {
	said, err := store.Message(ctx, messages.MessageKey(chatID, messageID))
	if !errors.Is(err, storage.ErrNotFound) {
		return said, err
	}
	copies, err := store.CopiesAt(ctx, chatID, messageID)
	if err != nil {
		return nil, err
	}
	if len(copies) == 0 {
		return nil, storage.ErrNotFound
	}
	meant, err := QuotedIn(ctx, store, copies, r)
	if err != nil {
		return nil, err
	}
	return store.Message(ctx, meant.MessageID)
}

// ReactionAt is the reaction that the bot shows in a topic: the newest that somebody made elsewhere and a bot can set.
func ReactionAt(m *storage.Message, topicID string) string {
	if m.Hidden() {
		return ""
	}
	for i := len(m.Reactions) - 1; i >= 0; i-- {
		if r := &m.Reactions[i]; r.TopicID != topicID && r.Emoji != "" {
			return r.Emoji
		}
	}
	return ""
}
