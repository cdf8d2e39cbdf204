package bot

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Icons of topics are custom emoji of a set that Telegram offers to everybody (getForumTopicIconStickers). It has no 🆕, 👤 or
// ⏰ in 2026, so each icon has alternatives, the best first. No two icons share one.

// iconEmoji are the emoji for each icon of messages.Icons.
var iconEmoji = map[string][]string{
	messages.IconNew:      {"🆕", "⚡", "🔥", "📣"},
	messages.IconClaimed:  {"👤", "👀", "💼"},
	messages.IconCustomer: {"💬", "🗣", "☕"},
	messages.IconSnoozed:  {"⏰", "📆", "📁"},
	messages.IconOverdue:  {"❗", "‼", "⁉"},
	messages.IconClosed:   {"✅", "🏁", "🏆"},
}

// icons are the custom emoji that may be icons of topics, by emoji. Telegram is asked once; while it does not answer, not more
// often than every iconsAskedEvery.
type icons struct {
	mu     sync.Mutex
	ids    map[string]string // nil: not known
	asking chan struct{}     // closed when the question is answered; nil: nobody asks
	failed *APIError
	at     time.Time // of failed
}

const (
	iconsAskedEvery = time.Minute
	// iconsAwaited is how long the opening of a topic waits for the answer: a topic without an icon is better than none.
	iconsAwaited = 5 * time.Second
)

// plainEmoji is an emoji without the sign that asks for its coloured form, which Telegram writes for some.
func plainEmoji(s string) string { return strings.ReplaceAll(s, "\ufe0f", "") }

// iconID returns the custom emoji of an icon; "": Telegram offers none of its emoji.
func (c *Client) iconID(ctx context.Context, icon string) (string, *APIError) {
	if icon == messages.IconNone {
		return "", nil
	}
	ids, err := c.topicIcons(ctx)
	for _, emoji := range iconEmoji[icon] {
		if id := ids[emoji]; id != "" {
			return id, nil
		}
	}
	return "", err
}

func (c *Client) topicIcons(ctx context.Context) (map[string]string, *APIError) {
	s := &c.icons
	for {
		s.mu.Lock()
		switch asking := s.asking; {
		case s.ids != nil:
			defer s.mu.Unlock()
			return s.ids, nil
		case s.failed != nil && time.Since(s.at) < iconsAskedEvery:
			defer s.mu.Unlock()
			return nil, s.failed
		case asking != nil:
			s.mu.Unlock()
			select {
			case <-asking:
			case <-ctx.Done():
				return nil, &APIError{Method: methodIconStickers, Description: "another call waits for the answer"}
			}
		default:
			s.asking = make(chan struct{})
			s.mu.Unlock()
			ids, err := c.askIcons(ctx)
			s.mu.Lock()
			s.ids, s.failed, s.at = ids, err, time.Now()
			close(s.asking)
			s.asking = nil
			s.mu.Unlock()
		}
	}
}

func (c *Client) askIcons(ctx context.Context) (map[string]string, *APIError) {
	var stickers []struct {
		Emoji string `json:"emoji"`
		ID    string `json:"custom_emoji_id"`
	}
	if err := c.post(ctx, methodIconStickers, struct{}{}, &stickers); err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, s := range stickers {
		if emoji := plainEmoji(s.Emoji); s.ID != "" && ids[emoji] == "" {
			ids[emoji] = s.ID
		}
	}
	return ids, nil
}

// setIcon gives a topic an icon, or takes it away. One for which Telegram offers no emoji is refused without a call.
func (c *Client) setIcon(ctx context.Context, chatID int64, thread int, icon string) *messages.Outcome {
	id, err := c.iconID(ctx, icon)
	switch {
	case err != nil: // it says nothing about the chat, not even that it is flooded
		return &messages.Outcome{Result: messages.Outcome_TRANSIENT, Description: err.Description}
	case id == "" && icon != messages.IconNone:
		return rejected("Telegram offers no emoji for this icon")
	}
	// The library leaves out an empty icon, which takes it away.
	params := map[string]any{"chat_id": chatID, "message_thread_id": thread, "icon_custom_emoji_id": id}
	if err := c.post(ctx, methodEditTopic, params, new(bool)); err != nil {
		return outcomeOf(err, true)
	}
	return &messages.Outcome{Result: messages.Outcome_DONE}
}
