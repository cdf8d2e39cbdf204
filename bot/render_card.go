package bot

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

const statusClosed, statusPending = "closed", "pending"

// Limits of a card and of lists: of texts in UTF-16 units.
const (
	maxCardTitle  = 256
	maxCardName   = 64
	maxCardLinks  = 10  // links
	longText      = 400 // a longer description, or one of more than longLines lines, is folded
	longLines     = 6
	maxContextRow = 800 // one message in the context
)

// card is a call that shows a ticket.
type card interface {
	GetTicket() *messages.TicketView
	GetAskedBy() string
	GetMentioned() *messages.Named
}

// renderCard shows a ticket: who asks whom for help (in a linked topic), id, title, description, state, who opened it,
// and the linked groups. The description is shortened when the card would be too long.
func renderCard(lang string, c card) Rich {
	t := c.GetTicket()
	var head, tail builder
	if by := oneLine(c.GetAskedBy()); by != "" {
		whom := c.GetMentioned()
		args := map[string]string{"who": by, "name": oneLine(whom.GetName())}
		head.rich(textMentioning(lang, textCardAskedBy, args, special{userID: whom.GetUserId()}, 2*maxSender+200))
		head.plain("\n\n")
	}
	head.plain("🎫 ")
	if name := messages.NumberName(t.GetNumber()); name != "" {
		head.code(name)
		head.plain("\n")
	}
	head.bold(messages.Shorten(oneLine(t.GetTitle()), maxCardTitle))
	if f := t.GetForward(); f != nil {
		head.plain("\n")
		forwardedFrom(&head, lang, f)
	}

	tail.plain("\n\n")
	tail.rich(ticketState(lang, t))
	if closes := t.GetClosesMs(); closes != 0 {
		tail.plain("\n")
		tail.rich(textMentioning(lang, textCardCloses, nil, special{atMs: closes, zone: t.GetClosesZone()}, 2*maxCardName))
	}
	if former := oneLine(t.GetFollows()); former != "" {
		tail.plain("\n")
		tail.rich(textWithin(lang, textCardFollows, map[string]string{"ticket": former}, 2*maxCardName))
	}
	if name := oneLine(t.GetCreatedBy()); name != "" {
		tail.plain("\n" + label(lang, textCardOpenedBy))
		tail.link(messages.Shorten(name, maxCardName), userURL(t.GetCreatedByUsername()))
	}
	if name := oneLine(t.GetCustomer()); name != "" {
		tail.plain("\n" + label(lang, textCardCustomer))
		tail.link(messages.Shorten(name, maxCardName), userURL(t.GetCustomerUsername()))
	}
	if name := oneLine(t.GetAssignee()); name != "" && !t.GetPrivate() {
		tail.plain("\n" + label(lang, textCardAssignee))
		tail.link(messages.Shorten(name, maxCardName), userURL(t.GetAssigneeUsername()))
	}
	if t.GetPrivate() && len(t.GetLinks()) == 1 {
		tail.plain("\n" + label(lang, textCardGroup))
		tail.bold(messages.Shorten(oneLine(t.GetLinks()[0].GetGroupTitle()), maxCardName))
	} else {
		cardLinks(&tail, lang, t.GetLinks())
	}
	cardReader(&tail, lang, t)
	cardLag(&tail, lang, t.GetBehind())

	const lineBreak = 1
	if room := maxText - head.units - tail.units - lineBreak; untitled(t).Text != "" && room > 0 {
		head.plain("\n")
		cardDescription(&head, t, room, maxEntities-len(head.entities)-len(tail.entities))
	}
	head.rich(tail.done())
	return head.done()
}

// cardDescription shows a description as a quotation, a long one folded. Telegram has no quotations within quotations,
// so a description that quotes by itself stands as it is.
func cardDescription(b *builder, t *messages.TicketView, units, entities int) {
	description := fitted(untitled(t).TrimFunc(unicode.IsSpace), units, entities-1)
	kind := models.MessageEntityTypeBlockquote
	switch {
	case slices.ContainsFunc(description.Entities, isQuotation):
		kind = ""
	case messages.UTF16Len(description.Text) > longText || strings.Count(description.Text, "\n") >= longLines:
		kind = models.MessageEntityTypeExpandableBlockquote
	}
	from := b.units
	b.rich(description)
	if kind != "" {
		b.entity(models.MessageEntity{Type: kind}, from)
	}
}

// untitled returns a description without a first line that only repeats the title, which stands right above.
func untitled(t *messages.TicketView) messages.Marked {
	given := messages.Marked{Text: t.GetDescription(), Entities: t.GetDescriptionEntities()}
	line, rest, _ := strings.Cut(given.Text, "\n")
	marked := func(e *messages.Entity) bool { return int(e.GetOffset()) < messages.UTF16Len(line) }
	if oneLine(line) != oneLine(t.GetTitle()) || slices.ContainsFunc(given.Entities, marked) {
		return given
	}
	return given.Slice(len(given.Text)-len(rest), len(given.Text))
}

func isQuotation(e Entity) bool {
	return e.Type == models.MessageEntityTypeBlockquote || e.Type == models.MessageEntityTypeExpandableBlockquote
}

// ticketState shows a ticket's status and priority.
func ticketState(lang string, t *messages.TicketView) Rich {
	const limit = 200
	args := map[string]string{"status": t.GetStatus(), "priority": t.GetPriority()}
	return textWithin(lang, textCardState, args, limit)
}

// cardLinks lists the groups that a ticket is linked to, each with a link to its topic.
func cardLinks(b *builder, lang string, links []*messages.LinkView) {
	if len(links) == 0 {
		return
	}
	b.plain("\n" + label(lang, textCardLinked))
	for i, l := range links {
		if i == maxCardLinks {
			b.plain("\n")
			b.rich(Text(lang, textMore, map[string]string{"count": strconv.Itoa(len(links) - i)}))
			return
		}
		b.plain("\n• ")
		if l.GetPrivate() {
			b.plain(label(lang, textCardPrivate) + " (" + messages.Shorten(oneLine(l.GetUserName()), maxCardName) + ")")
			continue
		}
		title := messages.Shorten(oneLine(l.GetGroupTitle()), maxCardName)
		b.link(title, messages.TopicURL(l.GetChatId(), l.GetThreadId()))
		if name := oneLine(l.GetUserName()); name != "" {
			b.plain(" (" + messages.Shorten(name, maxCardName) + ")")
		}
	}
}

// cardReader tells a team that a customer reads in private what is written in its topic.
func cardReader(b *builder, lang string, t *messages.TicketView) {
	for _, l := range t.GetLinks() {
		if name := messages.Shorten(oneLine(l.GetUserName()), maxCardName); l.GetPrivate() && name != "" && !t.GetPrivate() {
			b.plain("\n\n")
			b.rich(textWithin(lang, textCardReader, map[string]string{"name": name}, 2*maxCardName+200))
		}
	}
}

// cardLag says how far copies into groups are behind.
func cardLag(b *builder, lang string, behind []*messages.GroupLag) {
	for _, g := range behind[:min(len(behind), maxCardLinks)] {
		key, args := textCardBehind, map[string]string{
			"group":   messages.Shorten(oneLine(g.GetGroupTitle()), maxCardName),
			"lag":     strconv.FormatInt((g.GetLagMs()+500)/1000, 10),
			"waiting": strconv.FormatInt(g.GetWaiting(), 10),
		}
		if g.GetPerMinute() > 0 {
			args["budget"] = strconv.FormatInt(g.GetPerMinute(), 10)
		}
		if name := g.GetBlockedBy(); name != "" {
			key, args = textCardBlocked, map[string]string{"name": messages.Shorten(oneLine(name), maxCardName)}
		}
		if g.GetSuspended() != "" {
			key, args["why"] = textCardSuspended, messages.Shorten(oneLine(g.GetSuspended()), maxCardName)
		}
		b.plain("\n")
		b.rich(Text(lang, key, args))
	}
}

// userURL is the link to a person's profile. A card links the name instead of showing "@name", which would notify the
// person each time.
func userURL(username string) string {
	if username == "" {
		return ""
	}
	return "https://t.me/" + username
}

// cardKeyboard has the buttons for what can be done next with a ticket. Whoever asks for help in private can't bring in
// others (docs/decisions.md, D20).
func cardKeyboard(lang string, t *messages.TicketView) [][]button {
	b := func(key, verb string) *messages.Button {
		return &messages.Button{Key: key, Data: verb + ":" + t.GetTicketId()}
	}
	var (
		claim    = b(messages.ButtonClaim, messages.CallbackClaim)
		mention  = b(messages.ButtonMention, messages.CallbackMention)
		pending  = b(messages.ButtonPending, messages.CallbackPending)
		reopen   = b(messages.ButtonReopen, messages.CallbackReopen)
		priority = b(messages.ButtonPriority, messages.CallbackPriority)
		closing  = b(messages.ButtonClose, messages.CallbackClose)
	)
	var rows []*messages.KeyboardRow
	going := b(messages.ButtonContinue, messages.CallbackReopen)
	switch {
	case t.GetStatus() == statusClosed:
		rows = append(rows, buttonRow(reopen))
	case t.GetPrivate() && t.GetStatus() == statusPending:
		rows = append(rows, buttonRow(going), buttonRow(priority, closing))
	case t.GetPrivate():
		rows = append(rows, buttonRow(priority, closing))
	case t.GetStatus() == statusPending:
		rows = append(rows, buttonRow(mention, going), buttonRow(priority, closing))
	default:
		rows = append(rows, buttonRow(mention, pending), buttonRow(priority, closing))
	}
	if t.GetAssignee() == "" && !t.GetPrivate() && t.GetStatus() != statusClosed {
		rows[0].Buttons = append([]*messages.Button{claim}, rows[0].Buttons...)
	}
	return buttonRows(lang, &messages.Keyboard{Rows: rows})
}

// renderContext shows the last messages of a ticket, oldest first. It leaves out the oldest when there is no room for
// all.
func renderContext(lang string, lines []*messages.ContextLine) Rich {
	var b builder
	if len(lines) == 0 {
		b.plain(label(lang, textContextNone))
		return b.done()
	}
	b.bold(label(lang, textContextHeading))
	var shown []builder // newest first
	units, entities := maxText-b.units, maxEntities-len(b.entities)-len(lines)
	for _, line := range slices.Backward(lines) {
		one := contextLine(lang, line, entities)
		if one.units > units {
			break
		}
		units -= one.units
		entities -= len(one.entities) - 1
		shown = append(shown, one)
	}
	for _, one := range slices.Backward(shown) {
		b.rich(one.done())
	}
	return b.done()
}

// renderEditedContext shows what is left of the last messages of a ticket.
func renderEditedContext(lang string, lines []*messages.ContextLine) Rich {
	if len(lines) > 0 {
		return renderContext(lang, lines)
	}
	var b builder
	b.plain(label(lang, textContextDeleted))
	return b.done()
}

// contextLine renders one message of the context: the sender's name, and a text with at most so many entities.
func contextLine(lang string, line *messages.ContextLine, entities int) (b builder) {
	name := messages.Shorten(oneLine(line.GetSenderName()), maxCardName)
	if name == "" {
		name = unknownSender
	}
	b.plain("\n\n")
	b.bold(name)
	b.plain("\n")
	text := messages.Marked{Text: line.GetText(), Entities: line.GetEntities()}.TrimFunc(unicode.IsSpace)
	if kind := line.GetMediaKind(); kind != "" {
		b.plain(mediaLabel(lang, kind))
		if text.Text != "" {
			b.plain(" ")
		}
	}
	b.rich(fitted(text, maxContextRow, entities))
	return b
}
