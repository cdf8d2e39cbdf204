package ticket

import (
	"crypto/sha256"
	"encoding/hex"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the cards of a ticket show. A change of the ticket need not change each card: the one in a private chat does not
// show who else is on the ticket. Telegram refuses an edit that changes nothing, so a topic keeps a digest of what its
// card shows, and such an edit is not made (docs/decisions.md, D134).

// card is the card of a topic, as the record would have it.
func (t *ticket) card(r *storage.Ticket, topic *storage.Topic) (*messages.SendCardCall, error) {
	view, err := desk.ViewOf(t.Ctx, t.Store, r, topic.TopicID)
	if err != nil {
		return nil, err
	}
	card := &messages.SendCardCall{Ticket: view}
	if link := desk.LinkOf(r, topic.TopicID); link != nil && !messages.IsPrivate(topic.GroupID) {
		card.AskedBy = link.By.Name
		if link.UserID != 0 && !isPerson(link.By, link.UserID) { // not of who has come back: nobody asked them
			card.Mentioned = &messages.Named{UserId: link.UserID, Name: link.UserName}
		}
	}
	return card, nil
}

// digestOf is a digest of what people see of a card.
func digestOf(card *messages.SendCardCall) string {
	seen := proto.CloneOf(card)
	seen.Ticket.Url, seen.Ticket.CreatedMs, seen.Ticket.WaitingFor = "", 0, "" // lists show these, not cards
	if seen.Ticket.Private {
		for _, l := range seen.Ticket.Links { // named, not linked: the person can't go there
			l.ChatId, l.ThreadId = 0, 0
		}
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(seen)
	if err != nil { // invalid UTF-8, which the call would not be made with either
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12])
}

// digestIn is the digest of the card that a call shows; "": it shows none.
func digestIn(op *messages.Operation) string {
	if card := op.GetSendCard(); card != nil {
		return digestOf(card)
	}
	if e := op.GetEditCard(); e != nil {
		return digestOf(&messages.SendCardCall{Ticket: e.Ticket, AskedBy: e.AskedBy, Mentioned: e.Mentioned})
	}
	return ""
}

// settleCards writes down that cards which were up to date still are where they do not show what has changed. Of a card
// whose edit is pending it is not known what it shows.
func (t *ticket) settleCards(r *storage.Ticket) {
	if t.record == nil {
		return
	}
	for _, topic := range desk.TopicsOf(r) {
		if was := desk.TopicOf(t.record, topic.TopicID); was != nil && was.CardRevision == t.record.CardRevision {
			t.settleCard(r, topic)
		}
	}
}

func (t *ticket) settleCard(r *storage.Ticket, topic *storage.Topic) {
	if topic.CardRevision >= r.CardRevision || topic.CardDigest == "" {
		return
	}
	card, err := t.card(r, topic)
	if err != nil {
		t.Log.Error("cannot compare a card with what it shows; it is edited", "topic", topic.TopicID, "error", err)
		return
	}
	if digestOf(card) == topic.CardDigest {
		topic.CardRevision = r.CardRevision
	}
}

// view is what a card in one of the ticket's topics shows.
func (t *ticket) view(at ids.TopicKey) (*messages.TicketView, error) {
	return desk.ViewOf(t.Ctx, t.Store, t.record, at)
}
