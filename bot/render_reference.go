package bot

import (
	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// What the original of a copy answers, as far as nothing in the copy's topic stands for that:
//
//	↩️ In reply to Shop (Editor)
//	> [photo] Returns end on Friday
//	> › the answered option of a poll, or task of a checklist
//
// Of one that was deleted it says so, and who had said it.

const itemMark = "› "

// UTF-16 units of what a head shows of an answered message. With everything else that a head may have, they leave room
// in a caption.
const (
	maxAnswered  = 64 // the name of who said it
	maxSignedOff = 32 // the author's signature
	maxItem      = 80 // a task of a checklist, or an option of a poll
)

func copyPreview(c *messages.SendCopyCall) string {
	return messages.Shorten(oneLine(c.GetReplyPreview()), maxPreview)
}

func copyItem(c *messages.SendCopyCall) string {
	return messages.Shorten(oneLine(c.GetReplyItem()), maxItem)
}

func answeredName(o *messages.Forward) string { return messages.Shorten(originName(o), maxAnswered) }

func answeredSignature(o *messages.Forward) string {
	return messages.Shorten(originSignature(o), maxSignedOff)
}

// referenceUnits returns how many UTF-16 units copyReference writes at most, in any language.
func referenceUnits(c *messages.SendCopyCall) (units int) {
	if o := c.GetReplyOrigin(); o != nil {
		units += 1 + longestLabel(textInReplyTo) + messages.UTF16Len(answeredName(o)+answeredSignature(o))
	}
	if c.GetReplyMediaKind() != "" {
		units += 1 + maxMediaLabel
	}
	if c.GetReplyDeleted() {
		units += 1 + longestLabel(textReplyDeleted)
	}
	if p := copyPreview(c); p != "" {
		units += 1 + messages.UTF16Len(p)
	}
	if item := copyItem(c); item != "" {
		units += 1 + messages.UTF16Len(itemMark+item)
	}
	return units
}

func copyReference(b *builder, lang string, c *messages.SendCopyCall) {
	if o := c.GetReplyOrigin(); o != nil {
		b.plain("\n" + label(lang, textInReplyTo))
		from := b.units
		b.link(answeredName(o), c.GetReplyUrl())
		b.entity(models.MessageEntity{Type: models.MessageEntityTypeBold}, from)
		b.plain(answeredSignature(o))
	}
	preview, item := copyPreview(c), copyItem(c)
	if preview == "" && item == "" && c.GetReplyMediaKind() == "" && !c.GetReplyDeleted() {
		return
	}
	b.plain("\n")
	from := b.units
	separate := func(with string) {
		if b.units > from {
			b.plain(with)
		}
	}
	if kind := c.GetReplyMediaKind(); kind != "" {
		b.plain(mediaLabel(lang, kind))
	}
	if c.GetReplyDeleted() {
		b.plain(label(lang, textReplyDeleted))
	}
	if preview != "" {
		separate(" ")
		whole := piece{to: len(preview), toUnit: messages.UTF16Len(preview)}
		b.entities = clip(b.entities, preview, c.GetPreviewEntities(), whole, b.units)
		b.plain(preview)
	}
	if item != "" {
		separate("\n")
		b.plain(itemMark + item)
	}
	b.entity(models.MessageEntity{Type: models.MessageEntityTypeBlockquote}, from)
}
