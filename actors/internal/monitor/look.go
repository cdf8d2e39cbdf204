package monitor

import (
	"fmt"
	"net/url"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// lookEvery is how far apart looks into storage for problems are.
	lookEvery = 15 * time.Second
	// conditionsAtMost is how many of them are found at a time.
	conditionsAtMost = 500
	// failsFor is how long a webhook has failed when that is a problem.
	failsFor = 5 * time.Minute
	// nameAtMost is how much is shown of what people and programs call things, in characters.
	nameAtMost = 100
)

// look reads from storage what is wrong, now and then. After an error what was found before still holds.
func (m *monitor) look(now time.Time) error {
	if m.found != nil && now.Sub(m.looked) < lookEvery {
		return nil
	}
	found := map[string]*messages.Condition{}
	add := func(c *messages.Condition) {
		if len(found) < conditionsAtMost {
			c.Name = messages.Shorten(messages.CleanLine(c.Name), nameAtMost)
			found[problemID(c)] = c
		}
	}
	for after := ""; ; {
		page, err := m.Store.Groups(m.Ctx, after, pageOfRecords)
		if err != nil {
			return fmt.Errorf("read the groups: %w", err)
		}
		for i := range page {
			if g := &page[i]; g.SupportTopicsEnabled && lacks(g) != "" {
				add(&messages.Condition{Kind: messages.ProblemGroupRights, Subject: g.GroupID, Name: g.Title, Detail: lacks(g)})
			}
		}
		if len(page) < pageOfRecords {
			break
		}
		after = page[len(page)-1].GroupID
	}
	for after := ""; ; {
		page, err := m.Store.Webhooks(m.Ctx, "", after, pageOfRecords)
		if err != nil {
			return fmt.Errorf("read the webhooks: %w", err)
		}
		for i := range page {
			if c := conditionOf(&page[i], now); c != nil {
				add(c)
			}
		}
		if len(page) < pageOfRecords {
			break
		}
		after = page[len(page)-1].WebhookID
	}
	m.found, m.looked = found, now
	return nil
}

// lacks says what the bot lacks in a registered group; "": nothing.
func lacks(g *storage.Group) string {
	switch {
	case g.BotStatus == "left" || g.BotStatus == "kicked":
		return "the bot is not in the group"
	case !g.IsForum:
		return "the group has no topics"
	case !g.BotIsAdmin:
		return "the bot is no administrator"
	case !g.CanManageTopics:
		return "the bot may not manage topics"
	}
	return ""
}

// conditionOf is what is wrong with an endpoint; nil: nothing.
func conditionOf(w *storage.Webhook, now time.Time) *messages.Condition {
	if !w.DeletedAt.IsZero() {
		return nil
	}
	c := &messages.Condition{Subject: w.WebhookID, Name: w.Description, Detail: w.LastError}
	if c.Name == "" {
		c.Name = w.WebhookID
	}
	if u, err := url.Parse(w.URL); err == nil {
		c.Name += " (" + u.Hostname() + ")"
	}
	switch reason := w.DisabledReason; {
	case w.Enabled && !w.FailingSince.IsZero() && now.Sub(w.FailingSince) >= failsFor:
		c.Kind, c.SinceMs = messages.ProblemWebhookFailing, w.FailingSince.UnixMilli()
	case w.Enabled && w.LastError == messages.WebhookSealed:
		c.Kind = messages.ProblemWebhookFailing
	case !w.Enabled && reason != "" && reason != "program":
		c.Kind = messages.ProblemWebhookDisabled
	default:
		return nil
	}
	return c
}
