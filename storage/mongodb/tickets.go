package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readTicket       = byID("tickets")
	ticketByTopic    = define("tickets", "topics", bson.D{e("index.topics", arg(0))}, nil, bson.D{e("_id", 1)})
	ticketByNumber   = define("tickets", "number", bson.D{e("index.number", arg(0))}, nil, bson.D{e("_id", 1)})
	ticketWithNumber = define("tickets", "number", bson.D{e("index.number", arg(0))}, nil, nil)
	ticketsByShortID = define("tickets", "short", bson.D{e("shortId", arg(0))}, bson.D{e("_id", 1)}, bson.D{e("_id", 1)})
	ticketsByCreator = define("tickets", "creator",
		bson.D{e("createdBy.kind", arg(0)), e("createdBy.id", arg(1))}, bson.D{e("createdAt", -1), e("_id", -1)}, nil)
	openTicketsByCreator = define("tickets", "open",
		bson.D{e("index.open.kind", arg(0)), e("index.open.id", arg(1))},
		bson.D{e("index.open.at", -1), e("index.open.ticket", -1)}, nil)
	dueTickets = define("tickets", "due",
		bson.D{e("index.due.at", bson.D{e("$gt", arg(0)), e("$lte", arg(1))})}, dueOrder, dueFields)
	// The remaining tickets that are due in the millisecond at which a page ended.
	dueTicketsThen = define("tickets", "due",
		bson.D{e("index.due.at", arg(0)), e("index.due.id", bson.D{e("$gt", arg(1))})}, dueOrder, dueFields)
)

// topicKey names a thread of a group. The thread comes first and ends at the first space, since a group's id may have
// spaces.
func topicKey(group string, thread int64) string { return strconv.FormatInt(thread, 10) + " " + group }

// claims returns the topics that the ticket claims, including deleted ones. A topic that is not opened yet has no
// thread to claim.
func claims(t *storage.Ticket) (keys []string) {
	add := func(at storage.Topic) {
		if at.TelegramTopicID != 0 {
			keys = append(keys, topicKey(at.GroupID, at.TelegramTopicID))
		}
		for _, former := range at.FormerThreads {
			keys = append(keys, topicKey(at.GroupID, former))
		}
	}
	add(t.Home)
	for _, l := range t.Links {
		if !l.Ended {
			add(l.Topic)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func ticketDocument(t *storage.Ticket, dueAt time.Time) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", t.TicketID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	on := due(t.TicketID, dueAt)
	// An empty list would be in the unique index too, so only one ticket could be without topics.
	if topics := claims(t); len(topics) > 0 {
		on = append(on, e("topics", topics))
	}
	if parties := t.Parties(); len(parties) > 0 {
		on = append(on, e("parties", parties))
	}
	if t.Status != "closed" {
		on = append(on, e("open", bson.D{
			e("kind", t.CreatedBy.Kind), e("id", t.CreatedBy.ID), e("at", milli(t.CreatedAt)), e("ticket", t.TicketID),
		}))
	}
	if t.ExternalID != "" {
		on = append(on, e("external", bson.D{
			e("kind", t.CreatedBy.Kind), e("creator", t.CreatedBy.ID), e("id", t.ExternalID),
			e("at", milli(t.CreatedAt)), e("ticket", t.TicketID),
		}))
	}
	if t.Number != 0 {
		on = append(on, e("number", t.Number))
	}
	on = append(on, e("fold", int64(storage.FoldVersion)))
	if grams := storage.Grams(t); len(grams) > 0 {
		on = append(on, e("grams", grams))
	}
	return encode(t.TicketID, t.Kept(), on...)
}

// SaveTicket implements storage.Tickets.
func (s *Store) SaveTicket(ctx context.Context, t *storage.Ticket) error {
	record, old := t.Kept(), t.Version
	record.Version++
	doc, writeID, err := ticketDocument(&record, record.DueAt)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "tickets", what: "ticket", id: record.TicketID, old: old, doc: doc, writeID: writeID,
		taken: fmt.Errorf("one of the topics of ticket %s: %w", record.TicketID, storage.ErrTopicTaken),
	})
	if errors.Is(err, storage.ErrTopicTaken) {
		if other := s.ticketTaken(ctx, &record); other != nil {
			err = fmt.Errorf("external id or number of ticket %s: %w", record.TicketID, other)
		}
	}
	if err == nil {
		t.Version = record.Version
	}
	return err
}

// Ticket implements storage.Tickets.
func (s *Store) Ticket(ctx context.Context, ticketID string) (*storage.Ticket, error) {
	return get[storage.Ticket](ctx, s, "ticket", readTicket, ticketID)
}

// ticketID is the result of a query for ids of tickets.
type ticketID struct {
	ID string `bson:"_id"`
}

// TicketByTopic implements storage.Tickets.
func (s *Store) TicketByTopic(ctx context.Context, groupID string, threadID int64) (string, error) {
	found, err := get[ticketID](ctx, s, "ticket of topic", ticketByTopic, topicKey(groupID, threadID))
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// TicketByNumber implements storage.Tickets.
func (s *Store) TicketByNumber(ctx context.Context, number int64) (string, error) {
	found, err := get[ticketID](ctx, s, "ticket", ticketByNumber, number)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

// TicketsByShortID implements storage.Tickets.
func (s *Store) TicketsByShortID(ctx context.Context, shortID string) (ids []string, err error) {
	found, err := find[ticketID](ctx, s, ticketsByShortID, 10, shortID)
	for _, t := range found {
		ids = append(ids, t.ID)
	}
	return ids, err
}

// TicketsByCreator implements storage.Tickets.
func (s *Store) TicketsByCreator(
	ctx context.Context, kind, id string, openOnly bool, limit int,
) ([]storage.Ticket, error) {
	q := ticketsByCreator
	if openOnly {
		q = openTicketsByCreator
	}
	return find[storage.Ticket](ctx, s, q, limit, kind, id)
}

// DueTickets implements storage.Tickets.
func (s *Store) DueTickets(
	ctx context.Context, now time.Time, after storage.Due, limit int,
) (page []storage.Due, err error) {
	if !after.At.IsZero() && !after.At.After(now) {
		if page, err = findDue(ctx, s, dueTicketsThen, limit, milli(after.At), after.ID); err != nil {
			return nil, err
		}
	}
	rest, err := findDue(ctx, s, dueTickets, limit-len(page), milli(after.At), milli(now))
	if err != nil {
		return nil, err
	}
	return append(page, rest...), nil
}

// countTickets reads only an index that begins with the status, and no document.
var countTickets = bson.A{
	bson.D{e("$match", bson.D{e("status", bson.D{e("$gte", "")})})},
	bson.D{e("$group", bson.D{e("_id", "$status"), e("n", bson.D{e("$sum", 1)})})},
}

// countWaiting reads only the part of an index that has those that wait.
var countWaiting = bson.A{
	bson.D{e("$match", bson.D{e("waitingFor", bson.D{e("$gt", "")})})},
	bson.D{e("$group", bson.D{e("_id", "$waitingFor"), e("n", bson.D{e("$sum", 1)})})},
}

// CountTickets implements storage.Tickets.
func (s *Store) CountTickets(ctx context.Context) (map[string]int64, error) {
	return s.counts(ctx, countTickets, "all_createdAt")
}

// CountWaiting implements storage.Tickets.
func (s *Store) CountWaiting(ctx context.Context) (map[string]int64, error) {
	return s.counts(ctx, countWaiting, "all_waitingSince")
}

// counts returns the groups of an aggregation that reads only an index.
func (s *Store) counts(ctx context.Context, stages bson.A, index string) (counts map[string]int64, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		counts = map[string]int64{}
		cursor, err := s.in("tickets").Aggregate(ctx, stages, options.Aggregate().SetHint(index))
		if err != nil {
			return err
		}
		var rows []struct {
			Status string `bson:"_id"`
			N      int64  `bson:"n"`
		}
		if err := cursor.All(ctx, &rows); err != nil {
			return err
		}
		for _, r := range rows {
			counts[r.Status] = r.N
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}

var (
	createdTickets = define("tickets", "all_createdAt",
		bson.D{e("status", arg(0)), e("createdAt", bson.D{e("$gte", arg(1)), e("$lt", arg(5))})}, nil, bson.D{e("_id", 1)})
	createdTicketsOf = define("tickets", "group_createdAt",
		bson.D{e("groupId", arg(2)), e("status", arg(0)), e("createdAt", bson.D{e("$gte", arg(1)), e("$lt", arg(5))})},
		nil, bson.D{e("_id", 1)})
)

// CountCreated implements storage.Tickets.
func (s *Store) CountCreated(ctx context.Context, groupID, status string, from, to time.Time) (n int64, err error) {
	q := createdTickets
	if groupID != "" {
		q = createdTicketsOf
	}
	filter := bind(q.filter, []any{status, milli(from), groupID, nil, nil, milli(to)})
	err = s.run(ctx, func(ctx context.Context) (err error) {
		n, err = s.in(q.collection).CountDocuments(ctx, filter, options.Count().SetHint(q.index))
		return err
	})
	return n, err
}
