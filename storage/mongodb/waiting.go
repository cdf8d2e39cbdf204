package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// wakeTickets makes the open tickets due of which an earlier program has not written for whom they wait, or what their timers
// are, so that the sweep wakes them and each finds out. One that is saved meanwhile is left alone.
func wakeTickets(ctx context.Context, s *Store) error {
	after := ""
	for {
		page, err := find[scannedTicket](ctx, s, ticketsByID, fillingBatch, after)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].id
		for i := range page {
			t := &page[i].ticket
			at := t.DueWhenLoaded()
			if t.TicketID == "" || !t.DueAt.IsZero() || at.IsZero() {
				continue
			}
			err := s.run(ctx, func(ctx context.Context) error {
				_, err := s.in("tickets").UpdateOne(ctx, bson.D{e("_id", t.TicketID), e("version", t.Version)},
					bson.D{e("$set", bson.D{e("index.due", bson.D{e("at", milli(at)), e("id", t.TicketID)})})})
				return err
			})
			if err != nil {
				return err
			}
		}
	}
}
