package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// OriginalAt finds the message that a Telegram message shows: itself, if it is an original, else the original of the
// copy. Of merged copies it takes the one that r means (QuotedIn); r may be nil.
func OriginalAt(
	ctx context.Context, store storage.Store, chatID ids.ChatID, messageID int64, r *messages.ReplyTo,
) (*storage.Message, error) {
	original, err := store.Message(ctx, messages.MessageKey(chatID, messageID))
	if !errors.Is(err, storage.ErrNotFound) {
		return original, err
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

// QuotedIn finds which of several merged copies a reply means: the one that it quotes, else the last. The text of the
// quote counts more than its position, since an edit of an earlier copy may have moved the later ones.
func QuotedIn(
	ctx context.Context, store storage.Store, copies []storage.Copy, r *messages.ReplyTo,
) (*storage.Copy, error) {
	last := &copies[len(copies)-1]
	if r.GetQuote() == "" || len(copies) == 1 {
		return last, nil
	}
	atPosition := func(c *storage.Copy) bool {
		return c.Span != nil && c.Span.Offset <= r.QuotePosition && r.QuotePosition < c.Span.Offset+c.Span.Length
	}
	var byText, byPosition *storage.Copy
	for i := range copies {
		c := &copies[i]
		if atPosition(c) {
			byPosition = c
		}
		original, err := store.Message(ctx, c.MessageID)
		if err != nil {
			return nil, fmt.Errorf("read the original of a merged copy: %w", err)
		}
		if strings.Contains(original.Text, r.Quote) && (byText == nil || atPosition(c)) {
			byText = c
		}
	}
	switch {
	case byText != nil:
		return byText, nil
	case byPosition != nil:
		return byPosition, nil
	}
	return last, nil
}

// ReactionAt is the reaction that the bot shows in a topic: the newest one that somebody made in another topic, and
// that a bot can set; "": none.
func ReactionAt(m *storage.Message, topicID ids.TopicKey) string {
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
