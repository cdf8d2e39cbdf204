package link

import (
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
)

// Once somebody takes care of a ticket, a copy of what is said on it need not sound on everybody's phone: it is for them, and for
// whom it names. Whether that is so in a group, its chat knows (docs/decisions.md, D255).

// hushes says whether the copy of a message names nobody, and somebody takes care of the ticket.
func (n *lane) hushes(it *item) bool {
	return it.taken && !n.isFor(it.turn) && !mentions(it.content) && !n.answersHere(it)
}

// isFor says whether whoever has the turn to answer is looked for in the lane's topic: that of the team, or their own.
func (n *lane) isFor(turn *messages.Named) bool {
	return turn != nil && (n.topicID == desk.HomeTopic || n.link.spec.UserID == turn.UserId)
}

// mentions says whether a content names somebody, who hears of it by that.
func mentions(c *messages.Content) bool {
	return slices.ContainsFunc(c.GetEntities(), func(e *messages.Entity) bool {
		return e.Type == "mention" || e.Type == "text_mention"
	})
}

// answersHere says whether a message answers one that a person wrote in the lane's topic, who hears of the copy by that.
func (n *lane) answersHere(it *item) bool {
	return it.replyID != 0 && desk.TelegramID(answeredKey(it.replyTo)) == it.replyID
}

// giveTurn has a copy name who is to answer, if it takes one message with that.
func (n *lane) giveTurn(call *messages.SendCopyCall, it *item, turn *messages.Named) {
	if !n.isFor(turn) || it.bare || it.parts != 1 || it.sent() > 0 || call.Content.GetRichHtml() != "" {
		return
	}
	if call.Turn = turn; n.link.messagesFor(call) > 1 {
		call.Turn = nil
	}
}

// turn is who is to answer since one of an album's messages; nil: nobody.
func (a *album) turn() *messages.Named {
	for _, it := range a.parts {
		if it.turn != nil {
			return it.turn
		}
	}
	return nil
}
