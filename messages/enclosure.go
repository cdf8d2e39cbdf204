package messages

import (
	"cmp"
	"slices"
)

// enclosuresAtMost is how many a description has; what comes later is left out.
const enclosuresAtMost = 100

// EnclosuresIn are messages as enclosures of a ticket's description. Messages without a medium are none, unless
// they are protected, and neither are internal notes.
func EnclosuresIn(said []*RecordMessage) (out []*Enclosure) {
	for _, m := range said {
		if m.GetContent().GetMedia() == nil && !m.GetContent().GetIsProtected() || m.Internal {
			continue
		}
		o := m.Origin
		out = append(out, &Enclosure{MessageId: MessageKey(o.GetChatId(), o.GetMessageId()), Content: m.Content})
	}
	return out
}

// DescribedIn returns what messages on a shelf say of the ticket that has no title yet: the text with its entities, and
// the forward. It is nil if they say nothing.
func DescribedIn(shelved []*RecordMessage) *Content {
	var text Marked
	var forward *Forward
	for _, m := range shelved {
		d := m.GetDescribed()
		text = text.Then("\n\n", Marked{Text: d.GetText(), Entities: d.GetEntities()})
		forward = cmp.Or(forward, d.GetForward())
	}
	if text.Text == "" && forward == nil {
		return nil
	}
	return &Content{Text: text.Text, Entities: text.Entities, Forward: forward}
}

// CustomerIn returns whose message a ticket is opened from that has no title yet; nil: from none of somebody else.
func CustomerIn(shelved []*RecordMessage) *Person {
	for _, m := range shelved {
		if m.GetCustomer() != nil {
			return m.GetCustomer()
		}
	}
	return nil
}

// JoinEnclosures adds to enclosures those others that are not among them. With inOrder they are sorted as their
// messages were sent.
func JoinEnclosures(enclosures, others []*Enclosure, inOrder bool) []*Enclosure {
	joined := slices.Clone(enclosures)
	for _, other := range others {
		same := func(e *Enclosure) bool { return e.MessageId == other.MessageId }
		if len(joined) < enclosuresAtMost && !slices.ContainsFunc(joined, same) {
			joined = append(joined, other)
		}
	}
	if inOrder {
		slices.SortStableFunc(joined, func(a, b *Enclosure) int {
			_, x, _ := ParseMessageKey(a.MessageId)
			_, y, _ := ParseMessageKey(b.MessageId)
			return cmp.Compare(x, y)
		})
	}
	return joined
}
