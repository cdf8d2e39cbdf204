package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sync/errgroup"

	"github.com/topicdesk/topicdesk/storage"
)

// Tickets of programs that knew no numbers get theirs here, and the time of their last message.

var (
	// ticketsToNumber are in the order of their creation.
	ticketsToNumber = func() listQueries {
		all := listKind{oldestFirst: true}.define()
		all.then.fields, all.rest.fields = toNumberFields, toNumberFields
		return all
	}()
	toNumberFields = bson.D{e("number", 1), e("createdAt", 1)}
	// ticketsUndated have no lastMessageAt, so a program that knew no numbers saved them last.
	ticketsUndated = define("tickets", "all_lastMessageAt",
		bson.D{e("status", bson.D{e("$in", listArg)}), e("lastMessageAt", nil)}, nil, toNumberFields)
	newestMessage = define("messages", "sequence",
		bson.D{e("ticketId", arg(0))}, bson.D{e("sequence", -1)}, bson.D{e("recordedAt", 1)})
)

// toNumber is a ticket as far as numbering needs it.
type toNumber struct {
	ID        string    `bson:"_id"`
	Number    int64     `bson:"number"`
	CreatedAt time.Time `bson:"createdAt"`
}

const (
	numberedTogether = 1000 // tickets that get their numbers with one command
	numberedAtMost   = 10   // how often a ticket is given a number that another one has meanwhile
	datedAtOnce      = 4    // tickets whose newest message is looked for concurrently
)

// numberTickets numbers the tickets of earlier schemas in the order of their creation, and leaves those alone that have
// their number. Several nodes that do it at the same time come to the same numbers. Only when a program that knows no
// numbers adds or saves a ticket meanwhile, the order is not that of creation any more: then this goes on with numbers
// that nobody has.
func numberTickets(ctx context.Context, s *Store) error {
	number, last := int64(0), toNumber{}
	for {
		taken, err := s.numbersAreTaken(ctx) // before the read: whoever took one had numbered all that were there
		if err != nil {
			return err
		}
		page, err := s.ticketsToNumber(ctx, last)
		if err != nil {
			return err
		}
		if len(page) == 0 && number == 0 {
			return nil // tickets with numbers may be copied here, and the first that is taken must be above them
		}
		if len(page) == 0 {
			return s.run(ctx, s.raiseNumbers)
		}
		number, err = s.numberPage(ctx, page, number, taken)
		if errors.Is(err, storage.ErrNumberTaken) {
			if err = s.run(ctx, s.raiseNumbers); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		last = page[len(page)-1]
	}
}

// numberRest numbers the tickets that a program without numbers has saved since the migration: while a service is
// upgraded node by node, the nodes that wait for their turn go on, and drop the fields that they don't know.
func (s *Store) numberRest(ctx context.Context) error {
	for again, first := 0, ""; ; {
		page, err := find[toNumber](ctx, s, ticketsUndated, numberedTogether, append(make([]any, listArg), storage.Statuses)...)
		page = slices.DeleteFunc(page, func(t toNumber) bool { return t.Number > 0 })
		if err != nil || len(page) == 0 {
			return err
		}
		if again++; first != page[0].ID {
			again, first = 0, page[0].ID
		}
		if again == numberedAtMost {
			return fmt.Errorf("mongodb: ticket %s can't be numbered", first)
		}
		if err := s.run(ctx, s.raiseNumbers); err != nil {
			return err
		}
		if _, err := s.numberPage(ctx, page, 0, true); err != nil && !errors.Is(err, storage.ErrNumberTaken) {
			return err
		}
	}
}

// numberPage numbers those tickets of a page that have no number, and returns the highest one. Unless numbers are to be
// taken, it counts on from the given one. ErrNumberTaken: another ticket has one of these numbers. An entity that has
// loaded such a ticket meets a conflict with its next save, and then reads the number.
func (s *Store) numberPage(ctx context.Context, page []toNumber, number int64, take bool) (int64, error) {
	times, err := s.lastMessagesAt(ctx, page)
	if err != nil {
		return 0, err
	}
	if take && len(times) > 0 {
		first, err := s.TakeNumbers(ctx, len(times))
		if err != nil {
			return 0, err
		}
		number = first - 1
	}
	var updates []mongo.WriteModel
	for _, t := range page {
		if t.Number > 0 {
			number = max(number, t.Number)
			continue
		}
		number++
		updates = append(updates, mongo.NewUpdateOneModel().
			SetFilter(bson.D{e("_id", t.ID), e("number", bson.D{e("$exists", false)})}).
			SetUpdate(bson.D{
				e("$set", bson.D{
					e("number", number), e("index.number", number), e("lastMessageAt", milli(times[t.ID])),
				}),
				e("$inc", bson.D{e("version", int64(1))}),
			}))
	}
	if len(updates) == 0 {
		return number, nil
	}
	return number, s.run(ctx, func(ctx context.Context) error {
		_, err := s.in("tickets").BulkWrite(ctx, updates)
		if mongo.IsDuplicateKeyError(err) {
			return storage.ErrNumberTaken
		}
		return err
	})
}

// ticketsToNumber returns a page of all tickets, after the given one.
func (s *Store) ticketsToNumber(ctx context.Context, after toNumber) (page []toNumber, err error) {
	at := milli(after.CreatedAt)
	args := []any{"", "", "", "", storage.Statuses, at, milli(time.Unix(1<<40, 0)), at, after.ID}
	if after.ID != "" {
		if page, err = find[toNumber](ctx, s, ticketsToNumber.then, numberedTogether, args...); err != nil || len(page) > 0 {
			return page, err
		}
	}
	return find[toNumber](ctx, s, ticketsToNumber.rest, numberedTogether, args...)
}

// lastMessagesAt returns, for each ticket without a number, when its newest message was recorded, or when it was opened.
func (s *Store) lastMessagesAt(ctx context.Context, page []toNumber) (map[string]time.Time, error) {
	type recorded struct {
		At time.Time `bson:"recordedAt"`
	}
	times, mu := map[string]time.Time{}, sync.Mutex{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(datedAtOnce)
	for _, t := range page {
		if t.Number > 0 {
			continue
		}
		g.Go(func() error {
			found, err := find[recorded](ctx, s, newestMessage, 1, t.ID)
			at := t.CreatedAt
			if len(found) > 0 && found[0].At.After(at) {
				at = found[0].At
			}
			mu.Lock()
			defer mu.Unlock()
			times[t.ID] = at
			return err
		})
	}
	return times, g.Wait()
}
