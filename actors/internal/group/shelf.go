package group

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file keeps the shelf of the group: messages in it that no ticket has yet.

// onShelve keeps a message, unless the album that it belongs to has been given to a ticket.
func (g *group) onShelve(m *messages.Shelve) (proto.Message, error) {
	if g.record == nil {
		return &messages.ShelfFound{Code: messages.Code_NOT_FOUND}, nil
	}
	album := m.Message.GetContent().GetMedia().GetMediaGroupId()
	if has, ok := desk.ShelvedAlbum(g.record.Shelf, album); ok && m.Untitled == 0 {
		return &messages.ShelfFound{Code: messages.Code_OK, TicketId: has.TicketID, Said: has.Said}, nil
	}
	id := m.Message.GetOrigin().GetMessageId()
	switch {
	case m.Asks:
		return &messages.ShelfFound{Code: messages.Code_OK, Messages: desk.KeptOnShelf(g.record.Shelf, id),
			Withdrawn: desk.IsWithdrawn(g.record.Shelf, id)}, nil
	case m.Withdraws:
		return g.withdrawShelved(id)
	}
	waits := desk.WaitsForTitle(g.record.Shelf, album)
	next, err := desk.PutOnShelf(g.record.Shelf, m, g.Now())
	if err != nil {
		return nil, fmt.Errorf("keep a message: %w", err)
	}
	if next != nil {
		if err := g.change("", func(r *storage.Group) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{
		Code: messages.Code_OK, Done: waits, Messages: desk.OnShelf(g.record.Shelf, album),
	}, nil
}

// withdrawShelved has no button send a kept message any more.
func (g *group) withdrawShelved(id int64) (proto.Message, error) {
	if next := desk.WithdrawFromShelf(g.record.Shelf, id); next != nil {
		if err := g.change("", func(r *storage.Group) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{Code: messages.Code_OK, Withdrawn: desk.IsWithdrawn(g.record.Shelf, id)}, nil
}

// onTake gives a ticket what is on the shelf.
func (g *group) onTake(m *messages.TakeShelved) (proto.Message, error) {
	if g.record == nil {
		return &messages.ShelfFound{Code: messages.Code_NOT_FOUND}, nil
	}
	next, taken := desk.TakeFromShelf(g.record.Shelf, m, g.Now())
	if err := g.change("", func(r *storage.Group) { r.Shelf = next }); err != nil {
		return nil, err
	}
	return &messages.ShelfFound{Code: messages.Code_OK, Messages: taken}, nil
}
