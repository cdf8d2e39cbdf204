package httpedge

import (
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// entityTypes are the types of markup that a program may use.
var entityTypes = map[string]bool{"bold": true, "italic": true, "underline": true, "strikethrough": true,
	"spoiler": true, "blockquote": true, "expandable_blockquote": true, "code": true, "pre": true, "text_link": true}

// contentOf makes the content of a message from a text and its markup. What is wrong with them is a *Problem.
func contentOf(text, format string, entities []TextEntity) (*messages.Content, error) {
	text = messages.CleanText(text)
	if blank(text) {
		return nil, invalid("/text", "it has no visible text")
	}
	if format == "markdown" {
		if len(entities) > 0 {
			return nil, invalid("/entities", "they can't be combined with format markdown")
		}
		plain, marked := markdown(text)
		if blank(plain) {
			return nil, invalid("/text", "it has no visible text")
		}
		return &messages.Content{Text: plain, Entities: marked}, nil
	}
	content := &messages.Content{Text: text}
	inside := insidePairs(text)
	for i, e := range entities {
		at := "/entities/" + strconv.Itoa(i)
		end := int64(e.Offset) + int64(e.Length)
		switch {
		case !entityTypes[e.Type]:
			return nil, invalid(at+"/type", "no such type of markup")
		case end >= int64(len(inside)):
			return nil, invalid(at, "it ends beyond the text")
		case inside[e.Offset] || inside[end]:
			return nil, invalid(at, "it begins or ends within a character")
		case e.Type == "text_link" && !goodURL(e.URL):
			return nil, invalid(at+"/url", "expected an address with http, https, tg or mailto")
		case e.Type != "text_link" && e.URL != "":
			return nil, invalid(at+"/url", "only a text_link has one")
		}
		content.Entities = append(content.Entities, &messages.Entity{
			Type: e.Type, Offset: e.Offset, Length: e.Length, Url: e.URL, Language: e.Language})
	}
	return content, nil
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
