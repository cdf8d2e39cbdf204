package desk

import (
	"slices"
	"strings"
	"unicode"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// descriptionLimit is how many characters a description keeps: as many as the API takes, so that a program can send
	// back what it read. People can say ten times as much in a rich message, and lists show 100 descriptions.
	descriptionLimit = 4000
	// descriptionMarks is how many entities it keeps. A card shows no more.
	descriptionMarks = 100
	// textUnits is how many UTF-16 units a text may have (Bot API, sendMessage).
	textUnits = 4096
)

// Describe sets a ticket's description with its markup, and reports whether that changed it. One that is too long is
// cut, and ends with an ellipsis.
func Describe(r *storage.Ticket, text string, entities []*messages.Entity) (changed bool) {
	given := description(text, entities)
	if end := limitOf(given.Text); end < len(given.Text) {
		given = given.Shorten(messages.UTF16Len(given.Text[:end]))
	}
	given = given.Fewer(descriptionMarks)
	marks := EntitiesToStore(given.Entities)
	if r.Description == given.Text && slices.Equal(r.DescriptionEntities, marks) {
		return false
	}
	r.Description, r.DescriptionEntities = given.Text, marks
	return true
}

func description(text string, entities []*messages.Entity) messages.Marked {
	return messages.Marked{Text: text, Entities: entities}.Clean().TrimFunc(unicode.IsSpace)
}

// limitOf returns the offset in bytes at which a description is too long.
func limitOf(text string) int {
	n := 0
	for i := range text {
		if n == descriptionLimit {
			return i
		}
		n++
	}
	return len(text)
}

// LongDescription returns what shows the whole of a description that Describe cuts, below the card: texts that can be
// posted. It returns none when Describe keeps the description as it is.
func LongDescription(text string, entities []*messages.Entity) (parts []storage.Enclosure) {
	whole := description(text, entities)
	if limitOf(whole.Text) == len(whole.Text) {
		return nil
	}
	for whole.Text != "" {
		end := len(messages.CutUTF16(whole.Text, textUnits))
		if space := strings.LastIndexAny(whole.Text[:end], " \n"); end < len(whole.Text) && space > end/2 {
			end = space + 1
		}
		if part := whole.Slice(0, end).TrimFunc(unicode.IsSpace); !messages.Blank(part.Text) {
			parts = append(parts, storage.Enclosure{Text: part.Text, Entities: EntitiesToStore(part.Entities)})
		}
		whole = whole.Slice(end, len(whole.Text))
	}
	return parts
}

// Redescribed reports whether a ticket's description differs from what it was.
func Redescribed(was, is *storage.Ticket) bool {
	return was.Description != is.Description || !slices.Equal(was.DescriptionEntities, is.DescriptionEntities)
}

// Redescribe sets the description that a program sends, and reports whether that changed it. A program that knows of no
// markup and sends back what it read changes nothing.
func Redescribe(r *storage.Ticket, m *messages.UpdateTicket) (changed bool) {
	if m.KeepEntities {
		same := *r
		if !Describe(&same, *m.Description, EntitiesOf(r.DescriptionEntities)) {
			return false
		}
	}
	return Describe(r, *m.Description, m.DescriptionEntities)
}
