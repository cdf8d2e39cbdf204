package bot

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// UTF-16 units that the first lines of a copy take at most.
const (
	maxSender    = 128 // Telegram's first and last name have 64 each
	maxGroup     = 128
	maxPreview   = 200
	maxOrigin    = 128 // of a forwarded message
	maxSignature = 64
	maxPartNo    = len(" (999/999)")

	maxEditedLabel = 40 // bytes, with the separator
)

// maxCaption is how many UTF-16 units a caption may have, after its entities are parsed.
const maxCaption = 1024

const groupSeparator = " · "

// unknownSender replaces an empty name; those of deleted accounts are empty.
const unknownSender = "?"

// Parts returns how many messages an operation takes. It is more than one for copies of long texts and captions, and
// for media without a caption, which follow a text with the sender's name.
func (c *Client) Parts(op *messages.Operation) int { return parts(op.GetSendCopy()) }

func parts(c *messages.SendCopyCall) int {
	switch messages.ShapeOf(c.GetContent()) {
	case messages.ShapeWords:
		return 1
	case messages.ShapeLabelled:
		if c.GetBare() {
			return 1
		}
		return 2
	}
	text, limit := c.GetContent().GetText(), firstLimit(c)
	// The usual case, without counting units: there are never more units than bytes.
	bytes := len(c.GetSenderName()) + len(copyTurn(c)) + len(c.GetGroupTitle()) + len(c.GetReplyPreview()) + len(text) +
		maxMediaLabel + maxEditedLabel + 16
	plain := c.GetContent().GetForward() == nil && c.GetReplyOrigin() == nil && c.GetReplyItem() == ""
	if len(text) == 0 || plain && bytes <= limit && fitsMarked(c) {
		return 1
	}
	head, more := copyHeadUnits(c)
	if c.GetBare() {
		head, more = 0, 0
	}
	if head+more+messages.UTF16Len(text) <= limit && fitsMarked(c) {
		return 1
	}
	return len(splitCopy(c))
}

// firstLimit returns how many UTF-16 units the first message of a copy may have: a text, or the caption of a medium.
func firstLimit(c *messages.SendCopyCall) int {
	if messages.ShapeOf(c.GetContent()) == messages.ShapeCaptioned {
		return maxCaption
	}
	return maxText
}

// splitCopy splits the text of a copy that takes several messages, each with its own head.
func splitCopy(c *messages.SendCopyCall) []piece {
	head, more := copyHeadUnits(c)
	head += maxPartNo
	marks := max(maxEntities-headMarks(c), maxEntities/2)
	first := room{firstLimit(c) - head - more, marks}
	if c.GetBare() {
		first.units = firstLimit(c)
	}
	return split(c.GetContent().GetText(), c.GetContent().GetEntities(), first, room{maxText - head, marks})
}

// fitsMarked reports whether one message keeps the markup of a copy, which then has precedence over that of the head. A
// rich message keeps all.
func fitsMarked(c *messages.SendCopyCall) bool {
	rich := c.GetContent().GetRichHtml() != "" && messages.ShapeOf(c.GetContent()) == messages.ShapeText
	return rich || len(c.GetContent().GetEntities()) <= maxEntities
}

// copyHeadUnits returns the UTF-16 units of the first line with its line break but without the part's number (head),
// and of the lines that only the first part has (more). They are the same in all languages, because the language must
// not decide where a text is split.
func copyHeadUnits(c *messages.SendCopyCall) (head, more int) {
	head = messages.UTF16Len(copySender(c)) + 1 + messages.UTF16Len(copyTurn(c))
	if group := copyGroup(c); group != "" {
		head += messages.UTF16Len(groupSeparator) + messages.UTF16Len(group)
	}
	if c.GetEdited() {
		head += messages.UTF16Len(groupSeparator) + longestLabel(textCopyEdited)
	}
	if f := c.GetContent().GetForward(); f != nil {
		more += longestLabel(textForwarded) + messages.UTF16Len(originName(f)+originSignature(f)) + 1
	}
	return head, more + referenceUnits(c)
}

func copySender(c *messages.SendCopyCall) string {
	if name := messages.Shorten(oneLine(c.GetSenderName()), maxSender); name != "" {
		return name
	}
	return unknownSender
}

// turnSign stands between the sender of a message and who is to answer it.
const turnSign = " → "

// copyTurn names who is to answer, which is shown where the group is quiet; "": nobody.
func copyTurn(c *messages.SendCopyCall) string {
	if name := oneLine(c.GetTurn().GetName()); name != "" {
		return turnSign + messages.Shorten(name, maxSender)
	}
	return ""
}

// silent says whether a message makes no sound: all copies in it are hushed, in a group that wants it so.
func silent(copies ...*messages.SendCopyCall) bool {
	return len(copies) > 0 && !slices.ContainsFunc(copies, func(c *messages.SendCopyCall) bool { return !c.GetQuiet() || !c.GetHushed() })
}

func copyGroup(c *messages.SendCopyCall) string {
	return messages.Shorten(oneLine(c.GetGroupTitle()), maxGroup)
}

// copyHead writes whose message follows:
//
//	Sender · Group → Who is to answer · edited (2/3)
//	Forwarded from News (Editor)
//	In reply to Shop (Editor)
//	> beginning of the answered message, if that has no counterpart here
func copyHead(b *builder, lang string, c *messages.SendCopyCall, number string, first bool) {
	b.bold(copySender(c))
	if group := copyGroup(c); group != "" {
		b.plain(groupSeparator)
		b.plain(group)
	}
	if name, is := strings.CutPrefix(copyTurn(c), turnSign); is && c.GetQuiet() {
		b.plain(turnSign)
		b.mention(name, c.GetTurn().GetUserId())
	}
	if c.GetEdited() {
		b.plain(groupSeparator)
		b.mark(models.MessageEntityTypeItalic, label(lang, textCopyEdited))
	}
	b.plain(number)
	if !first {
		return
	}
	if f := c.GetContent().GetForward(); f != nil {
		b.plain("\n")
		forwardedFrom(b, lang, f)
	}
	copyReference(b, lang, c)
}

// forwardedFrom writes where a message was forwarded from.
func forwardedFrom(b *builder, lang string, f *messages.Forward) {
	b.plain(label(lang, textForwarded))
	from := b.units
	b.link(originName(f), originURL(f))
	b.entity(models.MessageEntity{Type: models.MessageEntityTypeBold}, from)
	b.plain(originSignature(f))
}

func originName(f *messages.Forward) string {
	if name := messages.Shorten(oneLine(f.GetName()), maxOrigin); name != "" {
		return name
	}
	return unknownSender
}

func originSignature(f *messages.Forward) string {
	if s := messages.Shorten(oneLine(f.GetSignature()), maxSignature); s != "" {
		return " (" + s + ")"
	}
	return ""
}

// originURL is the link to the forwarded message, or else to its author; "" when Telegram has no link to either.
func originURL(f *messages.Forward) string {
	url := userURL(f.GetUsername())
	if url != "" && f.GetMessageId() > 0 {
		url += "/" + strconv.FormatInt(f.GetMessageId(), 10)
	}
	return url
}

// renderCopy renders the head and the text of a copy. Of a longer text or caption it renders the part that the call
// asks for, which must exist.
func renderCopy(lang string, c *messages.SendCopyCall) Rich {
	t := composeCopy(lang, c)
	makeRoom(t)
	return t.Rich
}

// composeCopy is renderCopy, with all markup.
func composeCopy(lang string, c *messages.SendCopyCall) *composed {
	var b builder
	i := int(c.GetPart())
	switch shape := messages.ShapeOf(c.GetContent()); {
	case shape == messages.ShapeWords:
		if !c.GetBare() {
			copyHead(&b, lang, c, "", true)
			b.plain("\n")
		}
		heads := len(b.entities)
		describeContent(&b, lang, c.GetContent())
		return &composed{Rich: b.done(), heads: heads}
	case shape == messages.ShapeLabelled:
		copyHead(&b, lang, c, "", true)
		b.plain("\n" + mediaLabel(lang, c.GetContent().GetMedia().GetKind()))
		return &composed{Rich: b.done(), heads: len(b.entities)}
	}
	text := c.GetContent().GetText()
	p, number := pieceOf(c)
	b.text.Grow(maxPartNo + len(c.GetSenderName()) + len(c.GetGroupTitle()) + len(c.GetReplyPreview()) +
		p.to - p.from + 8)
	b.entities = make([]Entity, 0, 2+len(c.GetContent().GetEntities()))
	if i > 0 || !c.GetBare() {
		copyHead(&b, lang, c, number, i == 0)
		if text != "" || c.GetContent().GetMedia() == nil {
			b.plain("\n")
		}
	}
	heads := len(b.entities)
	b.entities = clip(b.entities, text, c.GetContent().GetEntities(), p, b.units)
	b.text.WriteString(text[p.from:p.to])
	return &composed{Rich: b.done(), heads: heads, found: foundIn(c.GetContent().GetEntities(), p)}
}

// pieceOf returns the piece of the text that a part of a copy shows, and its number, " (2/3)": "" when it is the only
// one.
func pieceOf(c *messages.SendCopyCall) (p piece, number string) {
	if parts(c) > 1 {
		all, i := splitCopy(c), int(c.GetPart())
		return all[i], " (" + strconv.Itoa(i+1) + "/" + strconv.Itoa(len(all)) + ")"
	}
	text := c.GetContent().GetText()
	return piece{to: len(text), toUnit: messages.UTF16Len(text)}, ""
}

// foundIn returns how many entities Telegram finds by itself in a piece of a text.
func foundIn(entities []*messages.Entity, p piece) (n int) {
	for _, e := range entities {
		_, sent := entityOf(e)
		if !sent && int(e.GetOffset()) < p.toUnit && int(e.GetOffset())+int(e.GetLength()) > p.fromUnit {
			n++
		}
	}
	return n
}

// oneLine returns s without line breaks, without white space around it, and without characters that reverse the text
// after it.
func oneLine(s string) string {
	s = strings.TrimSpace(messages.WithoutDirection(s))
	if strings.ContainsAny(s, "\r\n\t\v\f\u0085\u2028\u2029") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return s
}
