package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var _ storage.Dumper = (*Store)(nil)

var (
	dumpGroups   = define(`SELECT doc FROM groups WHERE group_id > ? ORDER BY group_id`)
	dumpUsers    = define(`SELECT doc FROM users WHERE telegram_id >= ? ORDER BY telegram_id`)
	dumpTickets  = define(`SELECT doc FROM tickets WHERE ticket_id > ? ORDER BY ticket_id`)
	dumpMessages = define(`
		SELECT doc FROM messages WHERE (ticket_id, sequence) > (?, ?) ORDER BY ticket_id, sequence`)
	dumpCopies = define(`
		SELECT doc FROM copies WHERE (message_id, topic_id) > (?, ?) ORDER BY message_id, topic_id`)
	dumpAttachments = define(`SELECT doc FROM attachments WHERE attachment_id > ? ORDER BY attachment_id`)
	dumpChats       = define(`SELECT doc FROM chats WHERE chat_id > ? ORDER BY chat_id`)
	dumpEvents      = define(`SELECT doc FROM events WHERE place > ? ORDER BY place`)
	dumpAPIKeys     = define(`SELECT doc FROM api_keys WHERE key_id > ? ORDER BY key_id`)
	dumpIdempotency = define(`SELECT doc FROM idempotency WHERE request_id > ? ORDER BY request_id`)
	dumpWebhooks    = define(`SELECT doc FROM webhooks WHERE webhook_id > ? ORDER BY webhook_id`)
	dumpDeliveries  = define(`
		SELECT doc FROM deliveries WHERE (webhook_id, created_at, event_id) > (?, ?, ?)
		ORDER BY webhook_id, created_at, event_id`)
	dumpReplays   = define(`SELECT doc FROM replays WHERE replay_id > ? ORDER BY replay_id`)
	dumpConsumers = define(`SELECT doc FROM consumers WHERE (key_id, name) > (?, ?) ORDER BY key_id, name`)
	dumpErrors    = define(`SELECT doc FROM errors WHERE fingerprint > ? ORDER BY fingerprint`)
	dumpProblems  = define(`SELECT doc FROM problems WHERE problem_id > ? ORDER BY problem_id`)
	dumpTallies   = define(`SELECT doc FROM tallies WHERE tally_id > ? ORDER BY tally_id`)
	dumpLeases    = define(`SELECT entity, epoch, owner, taken_at FROM leases WHERE entity > ? ORDER BY entity`)
	dumpOffsets   = define(`SELECT name, value FROM offsets WHERE name > ? ORDER BY name`)
	dumpUpdates   = define(`SELECT doc FROM waiting_updates WHERE (bot, update_id) > (?, ?) ORDER BY bot, update_id`)

	// Each count reads an index from end to end. Only those who copy the whole database wait for it.
	counts = map[string]*statement{
		"users": define(`SELECT count(*) FROM users`), "groups": define(`SELECT count(*) FROM groups`),
		"tickets": define(`SELECT count(*) FROM tickets`), "messages": define(`SELECT count(*) FROM messages`),
		"copies": define(`SELECT count(*) FROM copies`), "attachments": define(`SELECT count(*) FROM attachments`),
		"chats": define(`SELECT count(*) FROM chats`), "events": define(`SELECT count(*) FROM events`),
		"api_keys": define(`SELECT count(*) FROM api_keys`), "idempotency": define(`SELECT count(*) FROM idempotency`),
		"webhooks": define(`SELECT count(*) FROM webhooks`), "deliveries": define(`SELECT count(*) FROM deliveries`),
		"replays": define(`SELECT count(*) FROM replays`), "consumers": define(`SELECT count(*) FROM consumers`),
		"errors": define(`SELECT count(*) FROM errors`), "problems": define(`SELECT count(*) FROM problems`),
		"tallies": define(`SELECT count(*) FROM tallies`),
		"leases":  define(`SELECT count(*) FROM leases`), "offsets": define(`SELECT count(*) FROM offsets`),
		"waiting_updates": define(`SELECT count(*) FROM waiting_updates`),
	}
)

// Dump implements storage.Dumper. It occupies one of the read connections until it ends.
func (s *Store) Dump(ctx context.Context, collection string, after any) iter.Seq2[any, error] {
	switch collection {
	case "users":
		from := int64(math.MinInt64)
		if u, ok := after.(*storage.User); ok {
			if u.TelegramID == math.MaxInt64 {
				return func(func(any, error) bool) {}
			}
			from = u.TelegramID + 1
		}
		return s.dump(ctx, dumpUsers, document[storage.User], from)
	case "groups":
		return s.dump(ctx, dumpGroups, document[storage.Group], orNew[storage.Group](after).GroupID)
	case "tickets":
		return s.dump(ctx, dumpTickets, document[storage.Ticket], orNew[storage.Ticket](after).TicketID)
	case "messages":
		m := orNew[storage.Message](after)
		return s.dump(ctx, dumpMessages, document[storage.Message], m.TicketID, m.Sequence)
	case "copies":
		c := orNew[storage.Copy](after)
		return s.dump(ctx, dumpCopies, document[storage.Copy], c.MessageID, c.TopicID)
	case "attachments":
		return s.dump(ctx, dumpAttachments, document[storage.Attachment], orNew[storage.Attachment](after).AttachmentID)
	case "chats":
		return s.dump(ctx, dumpChats, document[storage.Chat], orNew[storage.Chat](after).ChatID)
	case "events":
		event := orNew[storage.Event](after)
		return s.dump(ctx, dumpEvents, document[storage.Event], place(event.Partition, event.Position))
	case "api_keys":
		return s.dump(ctx, dumpAPIKeys, document[storage.APIKey], orNew[storage.APIKey](after).KeyID)
	case "idempotency":
		return s.dump(ctx, dumpIdempotency, document[storage.Idempotency], orNew[storage.Idempotency](after).RequestID)
	case "webhooks":
		return s.dump(ctx, dumpWebhooks, document[storage.Webhook], orNew[storage.Webhook](after).WebhookID)
	case "deliveries":
		d := orNew[storage.Delivery](after)
		return s.dump(ctx, dumpDeliveries, document[storage.Delivery], d.WebhookID, millis(d.CreatedAt), d.EventID)
	case "replays":
		return s.dump(ctx, dumpReplays, document[storage.Replay], orNew[storage.Replay](after).ReplayID)
	case "consumers":
		c := orNew[storage.Consumer](after)
		return s.dump(ctx, dumpConsumers, document[storage.Consumer], c.KeyID, c.Name)
	case "errors":
		return s.dump(ctx, dumpErrors, document[storage.ErrorGroup], orNew[storage.ErrorGroup](after).Fingerprint)
	case "problems":
		return s.dump(ctx, dumpProblems, document[storage.Problem], orNew[storage.Problem](after).ProblemID)
	case "tallies":
		return s.dump(ctx, dumpTallies, document[storage.Tally], orNew[storage.Tally](after).TallyID)
	case "leases":
		return s.dump(ctx, dumpLeases, func(r row) (any, error) {
			taken := time.UnixMilli(r.int(3)).UTC()
			return &storage.Lease{Entity: r.text(0), Epoch: r.int(1), Owner: r.text(2), TakenAt: taken}, nil
		}, orNew[storage.Lease](after).Entity)
	case "offsets":
		return s.dump(ctx, dumpOffsets, func(r row) (any, error) {
			return &storage.SavedOffset{Name: r.text(0), Value: r.int(1)}, nil
		}, orNew[storage.SavedOffset](after).Name)
	case "waiting_updates":
		u := orNew[storage.WaitingUpdate](after)
		return s.dump(ctx, dumpUpdates, document[storage.WaitingUpdate], u.Bot, u.UpdateID)
	}
	return func(yield func(any, error) bool) {
		yield(nil, fmt.Errorf("sqlite: there is no collection %q", collection))
	}
}

// orNew returns the record to continue after, or an empty one, which is before all others.
func orNew[T any](after any) *T {
	if record, ok := after.(*T); ok {
		return record
	}
	return new(T)
}

var errEnough = errors.New("the reader has enough")

func ignoreEnough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (s *Store) dump(
	ctx context.Context, st *statement, record func(row) (any, error), args ...any,
) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		err := s.read(ctx, func(c *conn) error {
			return c.query(st, func(r row) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				one, err := record(r)
				if err == nil && !yield(one, nil) {
					err = errEnough
				}
				return err
			}, args...)
		})
		if err := ignoreEnough(err); err != nil {
			yield(nil, err)
		}
	}
}

func document[T any](r row) (any, error) {
	record := new(T)
	return record, decode(r.text(0), record)
}

// Count implements storage.Dumper.
func (s *Store) Count(ctx context.Context, collection string) (n int64, err error) {
	st, ok := counts[collection]
	if !ok {
		return 0, fmt.Errorf("sqlite: there is no collection %q", collection)
	}
	err = s.read(ctx, func(c *conn) error {
		return c.query(st, func(r row) error {
			n = r.int(0)
			return nil
		})
	})
	return n, err
}
