package link

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A quote must stand in the message that is replied to, word by word, or Telegram refuses the whole call. So a quote
// is compared with the original: it is left out if it is of a copy's first line, which the original does not have, or
// of words that were edited since.

// checkQuote drops a quote that the message does not contain.
func (n *lane) checkQuote(it *item) {
	r := it.replyTo
	said, err := n.quoted(r)
	if err != nil {
		return // the client leaves it out when Telegram refuses it
	}
	it.quoteAt = 0
	if !said.Hidden() && strings.Contains(said.Text, r.Quote) {
		if desk.TelegramID(said.MessageID) == it.replyID { // where the answered message is the original, its place is known
			it.quoteAt = nearest(said.Text, r.Quote, int(r.QuotePosition))
		}
		return
	}
	it.replyTo = proto.CloneOf(r)
	it.replyTo.Quote, it.replyTo.QuoteEntities = "", nil
}

// quoted is the original that a reply quotes: of several that share a message, the one where the quote stands.
func (n *lane) quoted(r *messages.ReplyTo) (*storage.Message, error) {
	said, _, err := desk.AnsweredBy(n.link.Ctx, n.link.Store, r)
	return said, err
}

// nearest is where a quote stands in a text, in UTF-16 units: of several positions the last that is not behind the
// one at which it was chosen, since the text before it in a copy makes that position greater.
func nearest(text, quote string, at int) int32 {
	found, from := 0, 0
	for {
		i := strings.Index(text[from:], quote)
		if i < 0 {
			return int32(found)
		}
		unit := messages.UTF16Len(text[:from+i])
		if from > 0 && unit > at {
			return int32(found)
		}
		found, from = unit, from+i+len(quote)
	}
}
