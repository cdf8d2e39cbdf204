package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

// Who is on tickets: a list of the index, written with the document.

var ticketsWith = define("tickets", "parties",
	bson.D{e("index.parties", arg(0))}, bson.D{e("createdAt", -1), e("_id", -1)}, nil)

// TicketsWith implements storage.Tickets.
func (s *Store) TicketsWith(ctx context.Context, party string, limit int) ([]storage.Ticket, error) {
	return find[storage.Ticket](ctx, s, ticketsWith, limit, party)
}

// fillingBatch is how many tickets are read at once.
const fillingBatch = 500

// fillParties writes the parties of the tickets that are there. A ticket that is saved meanwhile has them already;
// one that can't be decoded has none.
func fillParties(ctx context.Context, s *Store) error {
	after := ""
	for {
		page, err := find[scannedTicket](ctx, s, ticketsByID, fillingBatch, after)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].id
		for i := range page {
			t := &page[i].ticket
			parties := t.Parties()
			if len(parties) == 0 {
				continue
			}
			err := s.run(ctx, func(ctx context.Context) error {
				_, err := s.in("tickets").UpdateOne(ctx, bson.D{e("_id", t.TicketID), e("version", t.Version)},
					bson.D{e("$set", bson.D{e("index.parties", parties)})})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
}
