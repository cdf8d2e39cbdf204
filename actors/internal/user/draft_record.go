package user

import (
	"slices"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file says what of a draft's command is stored, and becomes the ticket.

// recordOf makes the record of a draft; asked is the encoded origin of its command.
func recordOf(m *messages.DraftTicket, asked []byte) storage.Draft {
	return storage.Draft{
		TicketID: m.TicketId, Title: m.Title,
		Description: m.Description, DescriptionEntities: desk.EntitiesToStore(m.DescriptionEntities),
		Enclosures: desk.EnclosuresToStore(m.Enclosures), Forwarded: desk.ForwardToStore(m.Forward), Asked: asked, State: draftListing,
		Sources: desk.SourcesToStore(m.Sources),
		Follows: m.Follows, TitleElsewhere: m.TitleElsewhere,
	}
}

// opening makes the command that opens the ticket of a draft in the group that was chosen.
func opening(d *storage.Draft) *messages.OpenTicket {
	return &messages.OpenTicket{
		Origin: originIn(d.Asked), TicketId: d.TicketID, GroupId: d.Chosen, Title: d.Title,
		Description: d.Description, DescriptionEntities: desk.EntitiesOf(d.DescriptionEntities),
		Enclosures: desk.EnclosuresOf(d.Enclosures), Forward: desk.ForwardOf(d.Forwarded),
		Sources: desk.SourcesOf(d.Sources),
		Follows: d.Follows,
	}
}

// giveUpDraft drops a draft whose ticket will not be opened. What comes late of its albums is an ordinary message.
func giveUpDraft(r *storage.User, ticketID ids.TicketID) {
	dropDraft(r, ticketID)
	r.Shelf = desk.ReturnToShelf(r.Shelf, ticketID)
	if !asksForGroup(r) {
		r.Shelf = desk.NoGroupAsked(r.Shelf)
	}
}

// cancel gives a draft up with what its author said was about it, and returns the arguments of the text that says so.
func (u *user) cancel(r *storage.User, d *storage.Draft) map[string]string {
	args := givenUp(d)
	next, said := desk.CancelOnShelf(r.Shelf, d.TicketID)
	if r.Shelf = next; said {
		args["words"] = "yes"
	}
	giveUpDraft(r, d.TicketID)
	return args
}

// givenUp are the arguments of a text that says that a ticket will not be opened: also whether several messages were to go into it.
func givenUp(d *storage.Draft) map[string]string {
	args := map[string]string{"title": d.Title}
	if len(messagesOf(d)) > 1 {
		args["words"] = "yes"
	}
	return args
}

// takeHomeless adds to a draft what the person has written without a ticket since they asked for it.
func (u *user) takeHomeless(r *storage.User, d *storage.Draft) {
	next, words, media := desk.TakeHomeless(r.Shelf, d.TicketID, u.Now())
	r.Shelf = next
	describe(d, words, media)
}

// describe adds words and media to the description of a draft.
func describe(d *storage.Draft, words []*messages.Source, media []*messages.Enclosure) {
	text := messages.Marked{Text: d.Description, Entities: desk.EntitiesOf(d.DescriptionEntities)}
	text = text.Then("\n\n", messages.WordsOfSources(words))
	d.Sources = append(slices.Clone(d.Sources), desk.SourcesToStore(words)...)
	d.Description, d.DescriptionEntities = text.Text, desk.EntitiesToStore(text.Entities)
	d.Enclosures = desk.EnclosuresToStore(messages.JoinEnclosures(desk.EnclosuresOf(d.Enclosures), media, true))
}
