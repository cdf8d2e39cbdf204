package user

import (
	"cmp"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file keeps the shelf of the person's private chat: messages that no ticket has yet.

// onShelve keeps a message, unless the album that it belongs to has been given to a ticket. If the message only asks, it
// tells what is kept.
func (u *user) onShelve(m *messages.Shelve) (proto.Message, error) {
	said := m.GetMessage()
	if m.Asks {
		kept := desk.KeptOnShelf(u.shelf(), said.GetOrigin().GetMessageId())
		return &messages.ShelfFound{Code: messages.Code_OK, Messages: kept}, nil
	}
	if m.Corrects {
		return u.correctShelved(said)
	}
	if m.Unclear != 0 && u.record != nil && m.Unclear <= u.record.SettledID { // they have just said it
		return &messages.ShelfFound{Code: messages.Code_OK, TicketId: u.record.CurrentTicketID, Said: true}, nil
	}
	album := said.GetContent().GetMedia().GetMediaGroupId()
	if has, ok := desk.ShelvedAlbum(u.shelf(), album); ok && m.Untitled == 0 {
		return u.shelveWith(has, said)
	}
	waits := desk.WaitsForTitle(u.shelf(), album)
	if m.Unclear != 0 {
		waits = desk.AskedAbout(u.shelf(), m.Unclear, said.GetOrigin().GetMessageId(), u.Now())
		if !desk.HasRoomForUnclear(u.shelf()) && !desk.IsUnclear(u.shelf(), said.GetOrigin().GetMessageId()) {
			return &messages.ShelfFound{Code: messages.Code_OK, Full: true}, nil // it gets a question of its own
		}
	}
	next, err := desk.PutOnShelf(u.shelf(), m, u.Now())
	if err != nil {
		return nil, fmt.Errorf("keep a message: %w", err)
	}
	if next != nil {
		if err := u.introduce(said.Origin, func(r *storage.User) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{
		Code: messages.Code_OK, Done: waits, Messages: desk.OnShelf(u.shelf(), album),
	}, nil
}

// correctShelved has a kept message say what it was edited to.
func (u *user) correctShelved(said *messages.RecordMessage) (proto.Message, error) {
	next, err := desk.CorrectOnShelf(u.shelf(), said)
	if err != nil {
		return nil, fmt.Errorf("correct a message: %w", err)
	}
	if next != nil {
		if err := u.alter(func(r *storage.User) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{Code: messages.Code_OK}, nil
}

// shelveWith gives a message to the draft that has its album. When that is a ticket already, or nearly one, the answer
// says so.
func (u *user) shelveWith(has storage.ShelvedAlbum, said *messages.RecordMessage) (proto.Message, error) {
	found := &messages.ShelfFound{Code: messages.Code_OK, TicketId: has.TicketID, Said: has.Said,
		Messages: desk.OnShelf(u.record.Shelf, has.Album)}
	d := draftOf(u.record, has.TicketID)
	switch {
	case d == nil:
		return found, nil
	case d.State == draftOpening:
		found.Opening = true
		return found, nil
	}
	found.Done = true
	had := desk.EnclosuresOf(d.Enclosures)
	joined := messages.JoinEnclosures(had, messages.EnclosuresIn([]*messages.RecordMessage{said}), true)
	if len(joined) == len(had) {
		return found, nil
	}
	shelf, err := desk.PutOnShelf(u.shelf(), &messages.Shelve{Message: said}, u.Now()) // the draft may be dropped
	if err != nil {
		return nil, fmt.Errorf("keep a message: %w", err)
	}
	return found, u.alter(func(r *storage.User) {
		draftOf(r, has.TicketID).Enclosures = desk.EnclosuresToStore(joined)
		if shelf != nil {
			r.Shelf = shelf
		}
	})
}

// onTake gives a ticket what is on the shelf.
func (u *user) onTake(m *messages.TakeShelved) (proto.Message, error) {
	next, taken := desk.TakeFromShelf(u.shelf(), m, u.Now())
	if u.record != nil {
		if err := u.alter(func(r *storage.User) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{Code: messages.Code_OK, Messages: taken}, nil
}

// withShelved returns the command that makes a draft, with what is on the shelf for it.
func (u *user) withShelved(r *storage.User, m *messages.DraftTicket) *messages.DraftTicket {
	next, taken := desk.TakeFromShelf(r.Shelf, &messages.TakeShelved{
		TicketId: m.TicketId, Albums: m.Albums, Untitled: m.Untitled,
	}, u.Now())
	if len(m.Albums) > 0 || m.Untitled != 0 {
		r.Shelf = next
	}
	full, described := proto.CloneOf(m), messages.DescribedIn(taken)
	full.Enclosures = messages.JoinEnclosures(m.Enclosures, messages.EnclosuresIn(taken), true)
	own := messages.Marked{Text: m.Description, Entities: m.DescriptionEntities}
	text := own.Then("\n\n", messages.Marked{Text: described.GetText(), Entities: described.GetEntities()})
	full.Description, full.DescriptionEntities = text.Text, text.Entities
	full.Forward = cmp.Or(m.Forward, described.GetForward())
	return full
}

func (u *user) shelf() *storage.Shelf {
	if u.record == nil {
		return nil
	}
	return u.record.Shelf
}
