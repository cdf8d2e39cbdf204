package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readDelivery = byID("deliveries")
	deliveriesOf = define("deliveries", "event",
		bson.D{e("webhookId", arg(0)), e("eventId", bson.D{e("$in", listArg)})}, nil, nil)
	openDeliveries = define("deliveries", "open",
		bson.D{e("index.open.webhook", arg(0)), e("index.open.place", bson.D{e("$gt", arg(1))})},
		bson.D{e("index.open.place", 1)}, nil)
	missingDeliveries = define("deliveries", "missing",
		bson.D{e("index.missing.webhook", arg(0)), e("index.missing.place", bson.D{e("$gt", arg(1))})},
		bson.D{e("index.missing.place", 1)}, nil)

	// A dump goes on with the deliveries that were created at the same time, then with the webhook's newer ones, and then
	// with those of the next webhooks.
	dumpedAt = define("deliveries", "created",
		bson.D{e("webhookId", arg(0)), e("createdAt", arg(1)), e("eventId", bson.D{e("$gt", arg(2))})},
		bson.D{e("eventId", 1)}, nil)
	dumpedAfter = define("deliveries", "created",
		bson.D{e("webhookId", arg(0)), e("createdAt", bson.D{e("$gt", arg(1))})},
		bson.D{e("createdAt", 1), e("eventId", 1)}, nil)
	dumpDeliveries = define("deliveries", "created",
		bson.D{e("webhookId", bson.D{e("$gt", arg(0))})},
		bson.D{e("webhookId", 1), e("createdAt", 1), e("eventId", 1)}, nil)

	// A list goes on with the deliveries that were created at the same time, and then with the older ones.
	listedAt = define("deliveries", "created",
		bson.D{e("webhookId", arg(0)), e("createdAt", arg(1)), e("eventId", bson.D{e("$lt", arg(2))})},
		bson.D{e("eventId", -1)}, listedFields)
	listedBefore = define("deliveries", "created",
		bson.D{e("webhookId", arg(0)), e("createdAt", bson.D{e("$lt", arg(1)), e("$gte", arg(2))})},
		bson.D{e("createdAt", -1), e("eventId", -1)}, listedFields)

	oldDeliveries = define("deliveries", "created",
		bson.D{e("webhookId", arg(0)), e("createdAt", bson.D{e("$lt", arg(1))}), e("state", bson.D{e("$nin", openStates)})},
		bson.D{e("createdAt", 1), e("eventId", 1)}, onlyID)
	allDeliveries = define("deliveries", "created",
		bson.D{e("webhookId", arg(0))}, bson.D{e("createdAt", 1), e("eventId", 1)}, onlyID)

	openStates   = bson.A{storage.DeliveryPending, storage.DeliveryFailed}
	listedFields = bson.D{e("eventId", 1), e("createdAt", 1), e("state", 1), e("type", 1), e("ticketId", 1)}
)

func deliveryDocument(d *storage.Delivery) (bson.Raw, bson.ObjectID, error) {
	if err := validID("webhook or event id", d.WebhookID, d.EventID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	place := bson.D{e("webhook", d.WebhookID), e("place", storage.Place(d.Partition, d.Position))}
	var on []bson.E
	switch {
	case d.Open():
		on = append(on, e("open", place))
	case d.Missing():
		on = append(on, e("missing", place))
	}
	return encode(twoPartID(d.WebhookID, d.EventID), d.Kept(), on...)
}

// savesAtOnce is how many of several documents are saved at a time.
const savesAtOnce = 16

// SaveDeliveries implements storage.Deliveries. Each delivery is a write of its own, several at a time.
func (s *Store) SaveDeliveries(ctx context.Context, deliveries []*storage.Delivery) error {
	if len(deliveries) == 0 {
		return ctx.Err()
	}
	writes := make([]*write, len(deliveries))
	for i, d := range deliveries {
		record := d.Kept()
		record.Version++
		doc, writeID, err := deliveryDocument(&record)
		if err != nil {
			return err
		}
		writes[i] = &write{
			collection: "deliveries", what: "delivery", id: twoPartID(d.WebhookID, d.EventID),
			old: d.Version, doc: doc, writeID: writeID,
		}
	}
	var group errgroup.Group
	group.SetLimit(savesAtOnce)
	for i, w := range writes {
		group.Go(func() error {
			err := s.save(ctx, w)
			if err == nil {
				deliveries[i].Version++
			}
			return err
		})
	}
	return group.Wait()
}

// Delivery implements storage.Deliveries.
func (s *Store) Delivery(ctx context.Context, webhookID, eventID string) (*storage.Delivery, error) {
	return get[storage.Delivery](ctx, s, "delivery", readDelivery, twoPartID(webhookID, eventID))
}

// DeliveriesOf implements storage.Deliveries.
func (s *Store) DeliveriesOf(ctx context.Context, webhookID string, eventIDs []string) ([]storage.Delivery, error) {
	if len(eventIDs) == 0 {
		return nil, s.run(ctx, func(context.Context) error { return nil })
	}
	wanted := make(bson.A, len(eventIDs))
	for i, id := range eventIDs {
		wanted[i] = id
	}
	args := make([]any, listArg+1)
	args[0], args[listArg] = webhookID, wanted
	found, err := find[storage.Delivery](ctx, s, deliveriesOf, len(eventIDs), args...)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]storage.Delivery, len(found))
	for _, d := range found {
		byID[d.EventID] = d
	}
	page := found[:0]
	for _, id := range eventIDs {
		if d, ok := byID[id]; ok {
			page = append(page, d)
		}
	}
	return page, nil
}

// OpenDeliveries implements storage.Deliveries.
func (s *Store) OpenDeliveries(
	ctx context.Context, webhookID string, partition int, position int64, limit int,
) ([]storage.Delivery, error) {
	return find[storage.Delivery](ctx, s, openDeliveries, limit, webhookID, storage.Place(partition, position))
}

// MissingDeliveries implements storage.Deliveries.
func (s *Store) MissingDeliveries(
	ctx context.Context, webhookID string, partition int, position int64, limit int,
) ([]storage.Delivery, error) {
	return find[storage.Delivery](ctx, s, missingDeliveries, limit, webhookID, storage.Place(partition, position))
}

// ListDeliveries implements storage.Deliveries. It first reads what the filters need to know, then the documents that
// they accept.
func (s *Store) ListDeliveries(ctx context.Context, q storage.DeliveryQuery) (page storage.DeliveryPage, err error) {
	if q.Limit <= 0 {
		return page, s.run(ctx, func(context.Context) error { return nil })
	}
	listed, err := s.listedDeliveries(ctx, &q, storage.DeliveriesRead+1)
	if err != nil {
		return page, err
	}
	var wanted []string
	for i, d := range listed {
		if i == storage.DeliveriesRead || len(wanted) == q.Limit {
			page.Next = &storage.DeliveryCursor{CreatedAt: listed[i-1].CreatedAt, EventID: listed[i-1].EventID}
			break
		}
		if q.Wants(d.State, d.Type, d.TicketID) {
			wanted = append(wanted, d.EventID)
		}
	}
	page.Deliveries, err = s.DeliveriesOf(ctx, q.WebhookID, wanted)
	return page, err
}

func (s *Store) listedDeliveries(ctx context.Context, q *storage.DeliveryQuery, limit int) ([]storage.Delivery, error) {
	since := milli(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	if !q.Since.IsZero() {
		since = milli(storage.Kept(q.Since))
	}
	var page []storage.Delivery
	before := createdBefore(q.Before.CreatedAt)
	if !q.Before.CreatedAt.IsZero() && before >= since {
		same, err := find[storage.Delivery](ctx, s, listedAt, limit, q.WebhookID, before, q.Before.EventID)
		if err != nil {
			return nil, err
		}
		page = same
	}
	rest, err := find[storage.Delivery](ctx, s, listedBefore, limit-len(page), q.WebhookID, before, since)
	return append(page, rest...), err
}

// DeleteDeliveries implements storage.Deliveries.
func (s *Store) DeleteDeliveries(ctx context.Context, webhookID string, before time.Time, limit int) (int, error) {
	q, args := oldDeliveries, []any{webhookID, createdBefore(before)}
	if before.IsZero() {
		q, args = allDeliveries, args[:1]
	}
	found, err := find[idOnly](ctx, s, q, limit, args...)
	if err != nil {
		return 0, err
	}
	return s.deleteAll(ctx, "deliveries", found)
}
