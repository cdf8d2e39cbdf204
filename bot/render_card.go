package bot

import (
	"strconv"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

const statusClosed, statusPending = "closed", "pending"

// Limits of a card and of lists, in units where texts are meant.
const (
	maxCardTitle  = 256
	maxCardName   = 64
	maxCardLinks  = 10
	longText      = 400 // a description above this, or of more than longLines lines, is folded
	longLines     = 6
	maxContextRow = 800 // a single message in the context
)

// renderCard shows a ticket: who asks for help (in a linked topic), id, title, description, state, who opened it, and the
// groups that are linked. The description gives way when all of it is too long.
func renderCard(lang string, t *messages.TicketView, askedBy string) Rich {
	var head, tail builder
	if askedBy != "" {
		head.rich(textWithin(lang, textCardAskedBy, map[string]string{"who": oneLine(askedBy)}, maxSender+200))
		head.plain("\n\n")
	}
	head.plain("🎫 ")
	head.code(t.GetTicketId())
	head.plain("\n")
	head.bold(messages.Shorten(oneLine(t.GetTitle()), maxCardTitle))

	tail.plain("\n\n")
	tail.rich(textWithin(lang, textCardState, map[string]string{"status": t.GetStatus(), "priority": t.GetPriority()}, 200))
	if name := oneLine(t.GetCreatedBy()); name != "" {
		tail.plain("\n" + label(lang, textCardOpenedBy))
		tail.link(messages.Shorten(name, maxCardName), userURL(t.GetCreatedByUsername()))
	}
	if t.GetPrivate() && len(t.GetLinks()) == 1 {
		tail.plain("\n" + label(lang, textCardGroup))
		tail.bold(messages.Shorten(oneLine(t.GetLinks()[0].GetGroupTitle()), maxCardName))
	} else {
		cardLinks(&tail, lang, t.GetLinks())
	}
	cardLag(&tail, lang, t.GetBehind())

	const lineBreak = 1
	if room := maxText - head.units - tail.units - lineBreak; t.GetDescription() != "" && room > 0 {
		description := messages.Shorten(strings.TrimSpace(t.GetDescription()), room)
		kind := models.MessageEntityTypeBlockquote
		if messages.UTF16Len(description) > longText || strings.Count(description, "\n") >= longLines {
			kind = models.MessageEntityTypeExpandableBlockquote
		}
		head.plain("\n")
		head.mark(kind, description)
	}
	head.rich(tail.done())
	return head.done()
}

// cardLinks lists the groups that a ticket is linked to, each with the way to its topic.
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
		b.link(messages.Shorten(oneLine(l.GetGroupTitle()), maxCardName), messages.TopicURL(l.GetChatId(), l.GetThreadId()))
		if name := oneLine(l.GetUserName()); name != "" {
			b.plain(" (" + messages.Shorten(name, maxCardName) + ")")
		}
	}
}

// cardLag says how far copies into groups are behind.
func cardLag(b *builder, lang string, behind []*messages.GroupLag) {
	for _, g := range behind[:min(len(behind), maxCardLinks)] {
		key, args := textCardBehind, map[string]string{"group": messages.Shorten(oneLine(g.GetGroupTitle()), maxCardName),
			"lag": strconv.FormatInt((g.GetLagMs()+500)/1000, 10), "waiting": strconv.FormatInt(g.GetWaiting(), 10)}
		if g.GetPerMinute() > 0 {
			args["budget"] = strconv.FormatInt(g.GetPerMinute(), 10)
		}
		if g.GetHeld() != "" {
			key, args["why"] = textCardSuspended, messages.Shorten(oneLine(g.GetHeld()), maxCardName)
		}
		b.plain("\n")
		b.rich(Text(lang, key, args))
	}
}

// userURL opens a person's profile. Their name bears the link, since an "@name" would call them each time a card is sent.
func userURL(username string) string {
	if username == "" {
		return ""
	}
	return "https://t.me/" + username
}

// cardKeyboard has the buttons for what can be done next with a ticket.
func cardKeyboard(lang string, t *messages.TicketView) [][]button {
	b := func(key, verb string) *messages.Button {
		return &messages.Button{Key: key, Data: verb + ":" + t.GetTicketId()}
	}
	row := func(buttons ...*messages.Button) *messages.KeyboardRow {
		return &messages.KeyboardRow{Buttons: buttons}
	}
	k := &messages.Keyboard{}
	if t.GetPrivate() { // who asks for help: whom to bring in is the desk's to say
		if t.GetStatus() == statusClosed {
			return buttonRows(lang, &messages.Keyboard{Rows: []*messages.KeyboardRow{row(b(messages.ButtonReopen, messages.CallbackReopen))}})
		}
		return buttonRows(lang, &messages.Keyboard{Rows: []*messages.KeyboardRow{
			row(b(messages.ButtonPriority, messages.CallbackPriority), b(messages.ButtonClose, messages.CallbackClose))}})
	}
	switch t.GetStatus() {
	case statusClosed:
		k.Rows = append(k.Rows, row(b(messages.ButtonReopen, messages.CallbackReopen)))
	case statusPending:
		k.Rows = append(k.Rows,
			row(b(messages.ButtonMention, messages.CallbackMention), b(messages.ButtonReopen, messages.CallbackReopen)),
			row(b(messages.ButtonPriority, messages.CallbackPriority), b(messages.ButtonClose, messages.CallbackClose)))
	default:
		k.Rows = append(k.Rows,
			row(b(messages.ButtonMention, messages.CallbackMention), b(messages.ButtonPending, messages.CallbackPending)),
			row(b(messages.ButtonPriority, messages.CallbackPriority), b(messages.ButtonClose, messages.CallbackClose)))
	}
	return buttonRows(lang, k)
}

// renderContext shows the last messages of a ticket, oldest first. The oldest are left out when there is no room for all.
func renderContext(lang string, lines []*messages.ContextLine) Rich {
	var b builder
	if len(lines) == 0 {
		b.plain(label(lang, textContextNone))
		return b.done()
	}
	b.bold(label(lang, textContextHeading))
	room := maxText - b.units
	first := len(lines)
	for first > 0 {
		_, _, units := contextLine(lang, lines[first-1])
		if units > room {
			break
		}
		room -= units
		first--
	}
	for _, line := range lines[first:] {
		name, text, _ := contextLine(lang, line)
		b.plain("\n\n")
		b.bold(name)
		b.plain("\n" + text)
	}
	return b.done()
}

// contextLine words one message of the context and says how many units it takes.
func contextLine(lang string, line *messages.ContextLine) (name, text string, units int) {
	name = messages.Shorten(oneLine(line.GetSenderName()), maxCardName)
	if name == "" {
		name = unknownSender
	}
	text = messages.Shorten(strings.TrimSpace(line.GetText()), maxContextRow)
	if kind := line.GetMediaKind(); kind != "" {
		text = strings.TrimSuffix(mediaLabel(lang, kind)+" "+text, " ")
	}
	return name, text, messages.UTF16Len(name) + messages.UTF16Len(text) + len("\n\n") + len("\n")
}
