package bot

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Merged copies: several copies in one message, each with its own head, with a blank line between them
// (docs/decisions.md, D21).

const mergedSeparator = "\n\n"

// Merged returns how many of the copies, from the first on, fit into one message. 0: the first can't be merged at all.
func (c *Client) Merged(copies []*messages.SendCopyCall) int {
	units, marks, n := 0, 0, 0
	for _, one := range copies {
		if !mergeable(one) {
			break
		}
		one = mergedForm(one)
		if marks += headMarks(one) + len(one.GetContent().GetEntities()); n > 0 && marks > maxEntities {
			break // some markup would have to give way
		}
		head, preview := copyHeadUnits(one)
		if n > 0 {
			units += messages.UTF16Len(mergedSeparator)
		}
		if units += head + preview + messages.UTF16Len(one.GetContent().GetText()); units > maxText {
			break
		}
		n++
	}
	return n
}

// headMarks returns how many entities the head of a copy has at most.
func headMarks(c *messages.SendCopyCall) int {
	n := 1 // the sender
	if c.GetTurn() != nil {
		n++
	}
	if c.GetEdited() {
		n++
	}
	if c.GetContent().GetForward() != nil {
		n += 2
	}
	if c.GetReplyOrigin() != nil {
		n += 2
	}
	if referenceUnits(c) > 0 {
		n += 1 + len(c.GetPreviewEntities())
	}
	return n
}

// mergeable says whether a copy is a text that takes only one message.
func mergeable(c *messages.SendCopyCall) bool {
	return messages.ShapeOf(c.GetContent()) == messages.ShapeText && !c.GetBare() && c.GetPart() == 0 && parts(c) == 1
}

// mergedForm returns a copy as it is shown among others. Merged copies share one message, which can answer only one
// other, so each shows the beginning of what it answers instead of replying.
func mergedForm(c *messages.SendCopyCall) *messages.SendCopyCall {
	if c.GetReplyTo() == 0 {
		return c
	}
	own := proto.CloneOf(c)
	own.ReplyTo, own.Quote = 0, ""
	if own.ReplyPreview == "" {
		own.ReplyPreview = c.GetMergedPreview()
	}
	return own
}

// renderMerged renders copies as one message, and returns the position of each.
func renderMerged(lang string, copies []*messages.SendCopyCall) (Rich, []*messages.Span) {
	var b builder
	spans := make([]*messages.Span, 0, len(copies))
	texts := make([]*composed, len(copies))
	for i, one := range copies {
		texts[i] = composeCopy(lang, mergedForm(one))
	}
	makeRoom(texts...)
	for i := range copies {
		if i > 0 {
			b.plain(mergedSeparator)
		}
		from := b.units
		b.rich(texts[i].Rich)
		spans = append(spans, &messages.Span{Offset: int32(from), Length: int32(b.units - from), Index: int32(i)})
	}
	return b.done(), spans
}

// leastOfPart is how many UTF-16 units of a part, with its head, are shown at least: enough to say whose it is.
const leastOfPart = 24

// renderMergedEdit renders merged copies after a change. The copy that has changed is shortened when there is no room
// for all.
func renderMergedEdit(lang string, e *messages.EditMergedCall) (Rich, []*messages.Span) {
	copies := make([]*messages.SendCopyCall, len(e.GetCopies()))
	room, own := maxText, -1
	for i, one := range e.GetCopies() {
		copies[i] = shortened(mergedForm(one), int(one.GetLimit()))
		if i > 0 {
			room -= messages.UTF16Len(mergedSeparator)
		}
		if e.GetOriginals()[i] == e.GetOwn() {
			own = i
			copies[i] = mergedForm(one)
			continue
		}
		room -= renderCopy(lang, copies[i]).units()
	}
	if own >= 0 {
		copies[own] = shortened(copies[own], max(room, leastOfPart))
	}
	text, spans := renderMerged(lang, copies)
	for i, s := range spans {
		s.Index = e.GetIndexes()[i]
		s.Cut = copies[i].GetContent().GetText() != e.GetCopies()[i].GetContent().GetText()
	}
	return text, spans
}

func (r Rich) units() int { return messages.UTF16Len(r.Text) }

// shortened returns a copy that takes at most limit UTF-16 units, head included; limit 0 leaves it as it is.
func shortened(c *messages.SendCopyCall, limit int) *messages.SendCopyCall {
	head, more := copyHeadUnits(c)
	text := c.GetContent().GetText()
	if limit <= 0 || head+more+messages.UTF16Len(text) <= limit {
		return c
	}
	own := proto.CloneOf(c)
	own.Content.Text = messages.Shorten(text, max(limit-head-more, 1))
	return own
}
