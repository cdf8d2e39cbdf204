package bot

import (
	"maps"
	"strconv"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// maxCallbackText is how long the answer to a pressed button may be, in characters (Bot API, answerCallbackQuery).
const maxCallbackText = 200

// roomForMore is what "and 12 more" takes at the end of a list.
const roomForMore = 64

// renderNotice words a notice and the tickets that it lists, as many as there is room for.
func renderNotice(lang string, n *messages.SendNoticeCall) Rich {
	var b builder
	b.rich(Text(lang, n.GetKey(), n.GetArgs()))
	for i, t := range n.GetTickets() {
		row := ticketRow(lang, t)
		room := maxText - b.units
		if i+1 < len(n.GetTickets()) {
			room -= roomForMore
		}
		if messages.UTF16Len(row.Text) > room {
			if room > 0 {
				b.plain("\n\n")
				b.rich(Text(lang, textMore, map[string]string{"count": strconv.Itoa(len(n.GetTickets()) - i)}))
			}
			break
		}
		b.rich(row)
	}
	return b.done()
}

// ticketRow shows a ticket in a list: its title, which leads to its topic, its id and its state.
func ticketRow(lang string, t *messages.TicketView) Rich {
	var b builder
	b.plain("\n\n• ")
	title := messages.Shorten(oneLine(t.GetTitle()), maxCardTitle)
	from := b.units
	b.bold(title)
	if url := t.GetUrl(); url != "" && b.units > from {
		b.entities = append(b.entities, Entity{MessageEntity: models.MessageEntity{
			Type: models.MessageEntityTypeTextLink, Offset: from, Length: b.units - from, URL: url}})
	}
	b.plain("\n")
	b.code(t.GetTicketId())
	b.plain(" ")
	b.rich(textWithin(lang, textCardState, map[string]string{"status": t.GetStatus(), "priority": t.GetPriority()}, 200))
	return b.done()
}

// noticeMarkup is a notice's keyboard, or the request to answer it. That request addresses only the person whose message the
// notice replies to; otherwise every member of the group would find the reply box open.
func noticeMarkup(lang string, n *messages.SendNoticeCall) any {
	if n.GetForceReply() {
		return models.ForceReply{ForceReply: true, Selective: n.GetReplyTo() > 0}
	}
	return markupOf(buttonRows(lang, n.GetKeyboard()))
}

// callbackText words the answer to a pressed button; it has no markup, and so no links.
func callbackText(lang string, a *messages.AnswerCallbackCall) string {
	if a.GetKey() == "" {
		return ""
	}
	args := maps.Clone(a.GetArgs())
	delete(args, "url")
	return messages.Shorten(textWithin(lang, a.GetKey(), args, maxCallbackText).Text, maxCallbackText)
}
