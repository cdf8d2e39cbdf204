package link

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A quote must stand in the answered message word by word, or Telegram refuses the whole call. Here it is compared with what the
// original says: a quote of a copy's first line, which the original does not have, is left out, and so is one of words that
// were edited since.

// checkQuote leaves out a quote that the answered message does not have.
func (n *lane) checkQuote(it *item) {
	r := it.replyTo
	said, err := n.quoted(r)
	if err != nil {
		return // the client leaves it out when Telegram refuses it
	}
	it.quoteAt = 0
	if strings.Contains(said.Text, r.Quote) {
		if desk.TelegramID(said.MessageID) == it.replyID { // where the answered message is the original, its place is known
			it.quoteAt = nearest(said.Text, r.Quote, int(r.QuotePosition))
		}
		return
	}
	it.replyTo = proto.CloneOf(r)
	it.replyTo.Quote, it.replyTo.QuoteEntities = "", nil
}

// quoted is the original that a reply quotes, of several that share a message the one at the quote's place.
func (n *lane) quoted(r *messages.ReplyTo) (*storage.Message, error) {
	return desk.OriginalAt(n.link.Ctx, n.link.Store, r.ChatId, r.MessageId, r)
}

// nearest is where a quote stands in a text, in UTF-16 units: of several places the last that is not behind the one at which
// it was chosen, since what stands before the text in a copy makes that greater.
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
