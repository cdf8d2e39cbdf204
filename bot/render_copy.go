package bot

import (
	"strconv"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// Units that the first lines of a copy take at most.
const (
	maxSender  = 128 // Telegram's first and last name have 64 each
	maxGroup   = 128
	maxPreview = 200
	maxPartNo  = len(" (999/999)")
)

const groupSeparator = " · "

// unknownSender stands for a name that is empty, as those of deleted accounts are.
const unknownSender = "?"

// Parts says how many messages an operation takes: more than one only for copies of long texts.
func (c *Client) Parts(op *messages.Operation) int { return parts(op.GetSendCopy()) }

func parts(c *messages.SendCopyCall) int {
	text := c.GetContent().GetText()
	if len(c.GetSenderName())+len(c.GetGroupTitle())+len(c.GetReplyPreview())+len(text)+maxMediaWord+16 <= maxText {
		return 1 // bytes are never fewer than units
	}
	head, preview := copyHeadUnits(c)
	if head+preview+messages.UTF16Len(text) <= maxText {
		return 1
	}
	return len(splitCopy(text, head, preview))
}

// splitCopy cuts the text of a copy that takes several messages, each with its head.
func splitCopy(text string, head, preview int) []piece {
	head += maxPartNo
	return split(text, maxText-head-preview, maxText-head)
}

// copyHeadUnits is how long the first line is with its line break, without the number of the part, and how long the line
// with the preview is.
func copyHeadUnits(c *messages.SendCopyCall) (head, preview int) {
	head = messages.UTF16Len(copySender(c)) + 1
	if group := copyGroup(c); group != "" {
		head += messages.UTF16Len(groupSeparator) + messages.UTF16Len(group)
	}
	if p := copyPreview(c); p != "" {
		preview = messages.UTF16Len(p) + 1
	} else if c.GetReplyMediaKind() != "" {
		preview = maxMediaWord + 1 // in any language: where a text is cut must not depend on that
	}
	return head, preview
}

func copySender(c *messages.SendCopyCall) string {
	if name := messages.Shorten(oneLine(c.GetSenderName()), maxSender); name != "" {
		return name
	}
	return unknownSender
}

func copyGroup(c *messages.SendCopyCall) string {
	return messages.Shorten(oneLine(c.GetGroupTitle()), maxGroup)
}

func copyPreview(c *messages.SendCopyCall) string {
	return messages.Shorten(oneLine(c.GetReplyPreview()), maxPreview)
}

// renderCopy words a copy, or the part of it that the call asks for, which must exist:
//
//	Sender · Group (2/3)
//	> beginning of the message that is answered, if that one has no counterpart here
//	text
func renderCopy(lang string, c *messages.SendCopyCall) Rich {
	text := c.GetContent().GetText()
	if m := c.GetContent().GetMedia(); text == "" && m != nil {
		text = mediaWord(lang, m.GetKind())
	}
	p := piece{to: len(text)}
	p.toUnit = messages.UTF16Len(text)
	number := ""
	if parts(c) > 1 {
		head, preview := copyHeadUnits(c)
		all := splitCopy(text, head, preview)
		i := int(c.GetPart())
		p, number = all[i], " ("+strconv.Itoa(i+1)+"/"+strconv.Itoa(len(all))+")"
	}

	var b builder
	b.text.Grow(maxPartNo + len(c.GetSenderName()) + len(c.GetGroupTitle()) + len(c.GetReplyPreview()) + p.to - p.from + 8)
	b.entities = make([]Entity, 0, 2+len(c.GetContent().GetEntities()))
	b.bold(copySender(c))
	if group := copyGroup(c); group != "" {
		b.plain(groupSeparator)
		b.plain(group)
	}
	b.plain(number)
	preview := copyPreview(c)
	if preview == "" && c.GetReplyMediaKind() != "" {
		preview = mediaWord(lang, c.GetReplyMediaKind())
	}
	if preview != "" && p.from == 0 {
		b.plain("\n")
		b.mark(models.MessageEntityTypeBlockquote, preview)
	}
	b.plain("\n")
	b.entities = clip(b.entities, text, c.GetContent().GetEntities(), p, b.units)
	b.text.WriteString(text[p.from:p.to])
	return b.done()
}

// oneLine is s without line breaks and without white space around it; it can't turn round what follows it on the line.
func oneLine(s string) string {
	s = strings.TrimSpace(unturned(s))
	if strings.ContainsAny(s, "\r\n\t\v\f\u0085\u2028\u2029") {
		s = strings.Join(strings.Fields(s), " ")
	}
	return s
}

// unturned is s without the characters that order a direction of writing. In a name they would write the words after it
// backwards, a ticket's id among them; letters of right-to-left scripts need none.
func unturned(s string) string {
	turns := func(r rune) bool { return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 }
	if strings.IndexFunc(s, turns) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if turns(r) {
			return -1
		}
		return r
	}, s)
}
