package bot

import (
	"html"
	"slices"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// Rich messages are posted as what they are, with the head of a copy as the first paragraph. When Telegram refuses
// one, the same call goes out as a text with entities (docs/decisions.md, D76).

const methodSendRich = "sendRichMessage"

// richMessage is Telegram's InputRichMessage.
type richMessage struct {
	HTML  string `json:"html"`
	IsRTL bool   `json:"is_rtl,omitempty"`
}

// isRich says whether a call posts a rich message as what it is. It takes one message, however long it is.
func isRich(c *messages.SendCopyCall) bool {
	return c.GetContent().GetRichHtml() != "" && !c.GetAsText() && c.GetPart() == 0 &&
		messages.ShapeOf(c.GetContent()) == messages.ShapeText
}

// setRich renders a copy as a rich message, by sendRichMessage or editMessageText.
func (m *outgoing) setRich(lang string, c *messages.SendCopyCall) {
	head := ""
	if !c.GetBare() {
		var b builder
		copyHead(&b, lang, c, "", true)
		head = htmlOf(b.done())
	}
	m.Rich = &richMessage{HTML: head + c.GetContent().GetRichHtml(), IsRTL: c.GetContent().GetRichIsRtl()}
	m.words = func() Rich { return renderCopy(lang, c) }
}

// fallBack makes a text of a rich message, and says whether it was one.
func (m *outgoing) fallBack() bool {
	if m.Rich == nil {
		return false
	}
	if m.method == methodSendRich {
		m.method = methodSendMessage
	}
	m.Rich = nil
	m.setText(m.words())
	return true
}

// headTags are the HTML tags of the entities that the head of a copy has.
var headTags = map[models.MessageEntityType]string{
	models.MessageEntityTypeBold: "b", models.MessageEntityTypeItalic: "i", models.MessageEntityTypeTextLink: "a",
	models.MessageEntityTypeBlockquote: "blockquote",
}

// htmlOf writes the head of a copy as HTML blocks: a paragraph, and the quotation at its end. Its entities overlap
// only where one is within the other.
func htmlOf(r Rich) string {
	opens, closes := map[int]string{}, map[int]string{}
	entities := slices.Clone(r.Entities)
	slices.SortStableFunc(entities, func(a, b Entity) int { return b.Length - a.Length })
	for _, e := range entities {
		tag, attribute := headTags[e.Type], ""
		switch e.Type {
		case models.MessageEntityTypeTextLink:
			attribute = ` href="` + html.EscapeString(e.URL) + `"`
		case models.MessageEntityTypeBlockquote:
			opens[e.Offset] += "</p>"
		}
		opens[e.Offset] += "<" + tag + attribute + ">"
		closes[e.Offset+e.Length] = "</" + tag + ">" + closes[e.Offset+e.Length]
	}
	var b strings.Builder
	b.WriteString("<p>")
	unit, quoted := 0, false
	for _, c := range r.Text {
		quoted = quoted || strings.HasPrefix(opens[unit], "</p>")
		b.WriteString(closes[unit] + opens[unit])
		switch following := strings.HasPrefix(opens[unit+1], "</p>"); {
		case c == '\n' && following: // the quotation is a block of its own
		case c == '\n':
			b.WriteString("<br/>")
		default:
			b.WriteString(html.EscapeString(string(c)))
		}
		unit += messages.UTF16Len(string(c))
	}
	b.WriteString(closes[unit])
	if !quoted {
		b.WriteString("</p>")
	}
	return b.String()
}
