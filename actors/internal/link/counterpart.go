package link

import (
	"errors"
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Counterparts: which message in a lane's topic stands for a message of another topic.

// counterpart finds the Telegram message in the lane's topic that stands for the message that an item replies to; 0
// if there is none. waits says that it is enqueued and will come.
func (n *lane) counterpart(it *item) (id int64, waits bool, err error) {
	answeredID := answeredKey(it.replyTo)
	store, ctx := n.link.Store, n.link.Ctx
	if id, found, err := n.recall(answeredID); found || err != nil {
		return id, false, err
	}
	// A person wrote the message that is replied to: its copy here is wanted.
	id, err = n.copyHere(answeredID)
	if err != nil || id != 0 {
		return id, false, err
	}
	if it.replyTo.Answered != "" { // it names an original, which may have been said here
		original, err := store.Message(ctx, answeredID)
		if err == nil && n.said(original) {
			id, err := n.reachable(refOf(answeredID))
			return id, false, err
		}
		if errors.Is(err, storage.ErrNotFound) {
			err = nil
		}
		return 0, false, err
	}
	// It is a copy that the bot posted: its original is wanted, or another copy of that.
	copies, err := store.CopiesAt(ctx, it.replyTo.ChatId, it.replyTo.MessageId)
	if err != nil || len(copies) == 0 {
		return 0, false, err
	}
	meant, err := desk.QuotedIn(ctx, store, copies, it.replyTo)
	if err != nil {
		return 0, false, err
	}
	original, err := store.Message(ctx, meant.MessageID)
	if err != nil {
		return 0, false, err
	}
	if n.said(original) {
		id, err := n.reachable(refOf(original.MessageID))
		return id, false, err
	}
	if n.isEnqueued(original.MessageID) {
		return 0, true, nil
	}
	id, err = n.copyHere(original.MessageID)
	return id, false, err
}

// said says whether a message was said in the lane's topic.
func (n *lane) said(m *storage.Message) bool {
	return m.TicketID == n.link.ticketID && slices.Contains(n.aliases(), m.TopicID)
}

// answeredKey is the id of the message that is replied to: the one that the desk knows, else Telegram's.
func answeredKey(p *messages.ReplyTo) string {
	if p.Answered != "" {
		return p.Answered
	}
	return messages.MessageKey(p.ChatId, p.MessageId)
}

// copyHere finds the copy of a message in the lane's topic, perhaps made by a previous link; 0 if there is none.
func (n *lane) copyHere(messageID string) (int64, error) {
	for _, topicID := range n.aliases() {
		stored, err := n.link.Store.Copy(n.link.Ctx, messageID, topicID)
		switch {
		case err == nil && stored.TicketID != n.link.ticketID: // of another ticket, to which a reply elsewhere may lead
			return 0, nil
		case err == nil:
			return n.reachable(messageRef{stored.ChatID, mainPart(stored)})
		}
		if !errors.Is(err, storage.ErrNotFound) {
			return 0, fmt.Errorf("read a copy: %w", err)
		}
	}
	return 0, nil
}

// aliases are all ids that the lane's topic has and had: one for each link that it had with this ticket.
func (n *lane) aliases() []string {
	if n.topicID == desk.HomeTopic {
		return []string{desk.HomeTopic}
	}
	return n.link.aliases
}

// mainPart is the message that stands for the original; 0 if none is posted.
func mainPart(c *storage.Copy) int64 {
	switch {
	case c.Main < len(c.Parts):
		return c.Parts[c.Main]
	case len(c.Parts) > 0:
		return c.Parts[0]
	}
	return 0
}

func (n *lane) recall(messageID string) (id int64, found bool, err error) {
	if n.recent == nil {
		return 0, false, nil
	}
	at, found := n.recent.Get(messageID)
	if found {
		id, err = n.reachable(at)
	}
	return id, found, err
}

// forget forgets where a copy was that was deleted: nothing can reply to it any more.
func (n *lane) forget(messageID string) {
	if n.recent == nil {
		return
	}
	if _, known := n.recent.Get(messageID); known {
		n.recent.Put(messageID, messageRef{})
	}
}
