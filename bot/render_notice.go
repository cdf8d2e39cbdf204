package bot

import (
	"maps"
	"strconv"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// maxCallbackText is how long the answer to a pressed button may be, in characters (Bot API, answerCallbackQuery).
const maxCallbackText = 200

// roomForMore is how many UTF-16 units are kept free for "and 12 more" at the end of a list.
const roomForMore = 64

// renderNotice renders a notice and the tickets that it lists, as many as there is room for.
func renderNotice(lang string, n *messages.SendNoticeCall) Rich {
	var b builder
	b.rich(textMentioning(lang, n.GetKey(), n.GetArgs(), special{n.GetUserId(), n.GetAtMs(), n.GetAtZone()}, maxText))
	for i, t := range n.GetTickets() {
		row := ticketRow(lang, t)
		if n.GetBrief() {
			row = waitingRow(lang, t, n.GetAtZone())
		}
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

// ticketRow shows a ticket in a list: its number and title, which are a link to its topic, its state, who opened it and
// when.
func ticketRow(lang string, t *messages.TicketView) Rich {
	var b builder
	b.plain("\n\n• ")
	title := messages.Shorten(messages.TicketName(oneLine(t.GetTitle()), t.GetNumber()), maxCardTitle)
	from := b.units
	b.bold(title)
	if url := t.GetUrl(); url != "" {
		b.entity(models.MessageEntity{Type: models.MessageEntityTypeTextLink, URL: url}, from)
	}
	b.plain("\n")
	b.rich(ticketState(lang, t))
	ticketTurn(&b, lang, t)
	if name := oneLine(t.GetCreatedBy()); name != "" {
		const limit = 200
		b.plain("\n")
		b.rich(textWithin(lang, textListOpened, map[string]string{
			"who": messages.Shorten(name, maxCardName), "age": ticketAge(lang, t.GetAgeMs()),
		}, limit))
	}
	return b.done()
}

// waitingRow shows a ticket in a list of what waits: its number and title, which are a link to its topic, whether an
// answer is overdue, since when it waits, whose ticket it is if the reader's group only helps, and who takes care of it.
func waitingRow(lang string, t *messages.TicketView, zone string) Rich {
	var b builder
	b.plain("\n\n")
	if b.plain("• "); t.GetOverdue() {
		b.plain(overdueMark)
	}
	from := b.units
	b.bold(messages.Shorten(messages.TicketName(oneLine(t.GetTitle()), t.GetNumber()), maxCardTitle))
	if url := t.GetUrl(); url != "" {
		b.entity(models.MessageEntity{Type: models.MessageEntityTypeTextLink, URL: url}, from)
	}
	const limit = 200
	b.plain("\n")
	b.rich(textMentioning(lang, textListSince, nil, special{atMs: t.GetWaitingMs(), zone: zone}, limit))
	if group := oneLine(t.GetHelpedGroup()); group != "" {
		b.plain(" · ")
		b.rich(textWithin(lang, textListHelped, map[string]string{"group": messages.Shorten(group, maxCardName)}, limit))
	}
	if name := oneLine(t.GetAssignee()); name != "" {
		b.plain(" · ")
		b.rich(textWithin(lang, textListAssignee, map[string]string{"who": messages.Shorten(name, maxCardName)}, limit))
	}
	return b.done()
}

// overdueMark stands before a ticket whose answer is overdue, as on its topic.
const overdueMark = "❗ "

// ticketTurn says whose turn it is, when the ticket closes by itself, and who takes care of it. In their private chat, a customer
// reads of these only when it closes.
func ticketTurn(b *builder, lang string, t *messages.TicketView) {
	waits := t.GetWaitingFor()
	switch {
	case t.GetPrivate():
	case waits == "desk":
		b.plain(" · " + label(lang, textListDesk))
	case waits == "customer":
		b.plain(" · " + label(lang, textListCustomer))
	}
	if closes := t.GetClosesMs(); closes != 0 {
		b.plain("\n")
		b.rich(textMentioning(lang, textCardCloses, nil, special{atMs: closes, zone: t.GetClosesZone()}, 2*maxCardName))
	}
	if name := oneLine(t.GetAssignee()); name != "" && !t.GetPrivate() {
		const limit = 200
		b.plain("\n")
		b.rich(textWithin(lang, textListAssignee, map[string]string{"who": messages.Shorten(name, maxCardName)}, limit))
	}
}

// ticketAge says how long ago a ticket was opened, in the largest unit of which there is a whole one.
func ticketAge(lang string, ms int64) string {
	const minute, hour, day = 60_000, 60 * 60_000, 24 * 60 * 60_000
	key, n := textAgeMinutes, max(ms/minute, 1)
	switch {
	case ms >= 2*day:
		key, n = textAgeDays, ms/day
	case ms >= hour:
		key, n = textAgeHours, ms/hour
	}
	return Text(lang, key, map[string]string{"count": strconv.FormatInt(n, 10)}).Text
}

// noticeMarkup returns a notice's keyboard, or the request to reply to it. The request is selective: it addresses
// only the person whose message the notice answers. Otherwise the reply box would open for every member of the group.
func noticeMarkup(lang string, n *messages.SendNoticeCall) any {
	if n.GetForceReply() {
		return models.ForceReply{ForceReply: true, Selective: n.GetReplyTo() > 0}
	}
	return markupOf(buttonRows(lang, n.GetKeyboard()))
}

// callbackText renders the answer to a pressed button. It has no markup, and therefore no links.
func callbackText(lang string, a *messages.AnswerCallbackCall) string {
	if a.GetKey() == "" {
		return ""
	}
	args := maps.Clone(a.GetArgs())
	delete(args, "url")
	return messages.Shorten(textWithin(lang, a.GetKey(), args, maxCallbackText).Text, maxCallbackText)
}
