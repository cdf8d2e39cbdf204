package httpedge

import (
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// entityTypes are the types of markup that a program may use.
var entityTypes = map[string]bool{"bold": true, "italic": true, "underline": true, "strikethrough": true,
	"spoiler": true, "blockquote": true, "expandable_blockquote": true, "code": true, "pre": true, "text_link": true}

// contentOf makes the content of a message from a text and its markup. What is wrong with them is a *Problem.
func contentOf(text, format string, entities []view.TextEntity) (*messages.Content, error) {
	marked, err := markedOf(text, format, entities, "/entities")
	if err != nil {
		return nil, err
	}
	if blank(marked.Text) {
		return nil, invalid("/text", "it has no visible text")
	}
	return &messages.Content{Text: marked.Text, Entities: marked.Entities}, nil
}

// markedOf makes a text with markup from what a program sends. What is wrong with the entities, which the request has
// in the given field, is a *Problem.
func markedOf(text, format string, entities []view.TextEntity, field string) (messages.Marked, error) {
	none := messages.Marked{}
	if format == "markdown" {
		if len(entities) > 0 {
			return none, invalid(field, "they can't be combined with format markdown")
		}
		plain, marks := markdown(messages.CleanText(text))
		return messages.Marked{Text: plain, Entities: marks}, nil
	}
	marked := messages.Marked{Text: text}
	inside := insidePairs(text)
	for i, e := range entities {
		at := field + "/" + strconv.Itoa(i)
		end := int64(e.Offset) + int64(e.Length)
		switch {
		case !entityTypes[e.Type]:
			return none, invalid(at+"/type", "no such type of markup")
		case end >= int64(len(inside)):
			return none, invalid(at, "it ends beyond the text")
		case inside[e.Offset] || inside[end]:
			return none, invalid(at, "it begins or ends within a character")
		case e.Type == "text_link" && !goodURL(e.URL):
			return none, invalid(at+"/url", "expected an address with http, https, tg or mailto")
		case e.Type != "text_link" && e.URL != "":
			return none, invalid(at+"/url", "only a text_link has one")
		}
		marked.Entities = append(marked.Entities, &messages.Entity{
			Type: e.Type, Offset: e.Offset, Length: e.Length, Url: e.URL, Language: e.Language})
	}
	return marked.Clean(), nil
}

// insidePairs reports for every offset in a text, in UTF-16 units and including the end, whether it is within a
// character, that is within a surrogate pair.
func insidePairs(text string) []bool {
	var inside []bool
	for _, r := range text {
		inside = append(inside, false)
		if r > 0xFFFF {
			inside = append(inside, true)
		}
	}
	return append(inside, false)
}
