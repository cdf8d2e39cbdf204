package desk

import (
	"slices"
	"unicode"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Describe sets a ticket's description with its markup, and reports whether that changed it.
func Describe(r *storage.Ticket, text string, entities []*messages.Entity) (changed bool) {
	given := messages.Marked{Text: text, Entities: entities}.Clean().TrimFunc(unicode.IsSpace)
	marks := EntitiesToStore(given.Entities)
	if r.Description == given.Text && slices.Equal(r.DescriptionEntities, marks) {
		return false
	}
	r.Description, r.DescriptionEntities = given.Text, marks
	return true
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
