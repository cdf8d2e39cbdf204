package bot

import (
	"html"
	"slices"
	"strings"

	"github.com/go-telegram/bot/models"

	"github.com/topicdesk/topicdesk/messages"
)

// inputRich is Telegram's InputRichMessage.
type inputRich struct {
	HTML string `json:"html"`
	RTL  bool   `json:"is_rtl,omitempty"`
}

// setSaid sets what a copy of a text says: as a rich message if the original is one and its text takes one message, so
// that the text can go instead (docs/decisions.md, D84).
func (m *outgoing) setSaid(lang string, c *messages.SendCopyCall) {
	m.setText(renderCopy(lang, c))
	m.LinkPreview = copyPreviewOptions(c)
	source := c.GetContent().GetRichHtml()
	if source == "" || messages.ShapeOf(c.GetContent()) != messages.ShapeText || parts(c) > 1 {
		return
	}
	if !c.GetBare() {
		var head builder
		copyHead(&head, lang, c, "", true)
		source = paragraphs(head.done()) + source
	}
	m.Rich = &inputRich{HTML: source, RTL: c.GetContent().GetRichRtl()}
	m.plain, m.plainPreview = Rich{Text: m.Text, Entities: m.Entities}, m.LinkPreview
	m.Text, m.Entities, m.LinkPreview = "", nil, nil // rich messages have no previews of links
	if m.method == methodSendMessage {
		m.method = methodSendRich
	}
}

// dropRich makes a text of a rich message.
func (m *outgoing) dropRich() {
	m.Rich = nil
	m.setText(m.plain)
	m.LinkPreview = m.plainPreview
	if m.method == methodSendRich {
		m.method = methodSendMessage
	}
}

// paragraphs writes a text as rich HTML, each line as a paragraph or, if all of it is quoted, as a quotation.
func paragraphs(r Rich) string {
	var b strings.Builder
	from := 0
	for line := range strings.SplitSeq(r.Text, "\n") {
		units := messages.UTF16Len(line)
		tag, inline := "p", []Entity(nil)
		for _, e := range r.Entities {
			start, end := max(e.Offset-from, 0), min(e.Offset+e.Length-from, units)
			switch {
			case start >= end:
			case e.Type == models.MessageEntityTypeBlockquote:
				tag = "blockquote"
			default:
				e.Offset, e.Length = start, end-start
				inline = append(inline, e)
			}
		}
		b.WriteString("<" + tag + ">" + inlineHTML(line, inline) + "</" + tag + ">")
		from += units + 1
	}
	return b.String()
}

// inlineHTML writes a line with the entities that heads have: bold, italic, links and spoilers, which lie within each
// other or apart.
func inlineHTML(line string, entities []Entity) string {
	slices.SortStableFunc(entities, func(a, b Entity) int {
		if a.Offset != b.Offset {
			return a.Offset - b.Offset
		}
		return b.Length - a.Length
	})
	var b strings.Builder
	var closing []Entity
	unit := 0
	ends := func() {
		for n := len(closing) - 1; n >= 0 && closing[n].Offset+closing[n].Length <= unit; n-- {
			b.WriteString("</" + headTags[closing[n].Type] + ">")
			closing = closing[:n]
		}
	}
	for _, r := range line {
		ends()
		for len(entities) > 0 && entities[0].Offset <= unit {
			e := entities[0]
			if entities = entities[1:]; headTags[e.Type] == "" {
				continue
			}
			b.WriteString("<" + headTags[e.Type])
			if e.URL != "" {
				b.WriteString(` href="` + html.EscapeString(e.URL) + `"`)
			}
			b.WriteString(">")
			closing = append(closing, e)
		}
		b.WriteString(escapeHTML.Replace(string(r)))
		unit += messages.UTF16Len(string(r))
	}
	ends()
	return b.String()
}

var headTags = map[models.MessageEntityType]string{
	models.MessageEntityTypeBold: "b", models.MessageEntityTypeItalic: "i", models.MessageEntityTypeTextLink: "a",
	models.MessageEntityTypeSpoiler: "tg-spoiler",
}
