package sqlite

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var _ storage.Dumper = (*Store)(nil)

var (
	dumpUsers    = define(`SELECT doc FROM users WHERE telegram_id >= ? ORDER BY telegram_id LIMIT ?`)
	dumpTickets  = define(`SELECT doc FROM tickets WHERE ticket_id > ? ORDER BY ticket_id LIMIT ?`)
	dumpMessages = define(`
		SELECT doc FROM messages WHERE (ticket_id, sequence) > (?, ?) ORDER BY ticket_id, sequence LIMIT ?`)
	dumpCopies = define(`
		SELECT doc FROM copies WHERE (message_id, topic_id) > (?, ?) ORDER BY message_id, topic_id LIMIT ?`)
	dumpChats   = define(`SELECT doc FROM chats WHERE chat_id > ? ORDER BY chat_id LIMIT ?`)
	dumpEvents  = define(`SELECT doc FROM events WHERE (ticket_id, number) > (?, ?) ORDER BY ticket_id, number LIMIT ?`)
	dumpLeases  = define(`SELECT entity, epoch, owner, taken_at FROM leases WHERE entity > ? ORDER BY entity LIMIT ?`)
	dumpOffsets = define(`SELECT name, value FROM offsets WHERE name > ? ORDER BY name LIMIT ?`)

	// To count is to read an index from end to end. Nobody waits for it but who copies the whole.
	counts = map[string]*statement{
		"users": define(`SELECT count(*) FROM users`), "groups": define(`SELECT count(*) FROM groups`),
		"tickets": define(`SELECT count(*) FROM tickets`), "messages": define(`SELECT count(*) FROM messages`),
		"copies": define(`SELECT count(*) FROM copies`), "chats": define(`SELECT count(*) FROM chats`),
		"events": define(`SELECT count(*) FROM events`), "leases": define(`SELECT count(*) FROM leases`),
		"offsets": define(`SELECT count(*) FROM offsets`),
	}
)

// Dump implements storage.Dumper.
func (s *Store) Dump(ctx context.Context, collection string, after any, limit int) ([]any, error) {
	n := int64(max(limit, 0))
	switch collection {
	case "users":
		from := int64(math.MinInt64)
		if u, ok := after.(*storage.User); ok {
			if u.TelegramID == math.MaxInt64 {
				return nil, ctx.Err()
			}
			from = u.TelegramID + 1
		}
		return dump[storage.User](ctx, s, dumpUsers, from, n)
	case "groups":
		return dump[storage.Group](ctx, s, listGroups, orNew[storage.Group](after).GroupID, n)
	case "tickets":
		return dump[storage.Ticket](ctx, s, dumpTickets, orNew[storage.Ticket](after).TicketID, n)
	case "messages":
		m := orNew[storage.Message](after)
		return dump[storage.Message](ctx, s, dumpMessages, m.TicketID, m.Sequence, n)
	case "copies":
		c := orNew[storage.Copy](after)
		return dump[storage.Copy](ctx, s, dumpCopies, c.MessageID, c.TopicID, n)
	case "chats":
		return dump[storage.Chat](ctx, s, dumpChats, orNew[storage.Chat](after).ChatID, n)
	case "events":
		event := orNew[storage.Event](after)
		return dump[storage.Event](ctx, s, dumpEvents, event.TicketID, event.Number, n)
	case "leases":
		return dumpRows(ctx, s, dumpLeases, func(r row) any {
			return &storage.Lease{Entity: r.text(0), Epoch: r.int(1), Owner: r.text(2), TakenAt: time.UnixMilli(r.int(3)).UTC()}
		}, orNew[storage.Lease](after).Entity, n)
	case "offsets":
		return dumpRows(ctx, s, dumpOffsets, func(r row) any {
			return &storage.SavedOffset{Name: r.text(0), Value: r.int(1)}
		}, orNew[storage.SavedOffset](after).Name, n)
	}
	return nil, fmt.Errorf("sqlite: there is no collection %q", collection)
}

// orNew returns the record to go on after, or an empty one, before all others.
func orNew[T any](after any) *T {
	if record, ok := after.(*T); ok {
		return record
	}
	return new(T)
}

func dump[T any](ctx context.Context, s *Store, st *statement, args ...any) (page []any, err error) {
	err = s.read(ctx, func(c *conn) error {
		records, err := list[T](c, st, args...)
		for i := range records {
			page = append(page, &records[i])
		}
		return err
	})
	return page, err
}

func dumpRows(ctx context.Context, s *Store, st *statement, record func(row) any, args ...any) (page []any, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(st, func(r row) error {
			page = append(page, record(r))
			return nil
		}, args...)
	})
	return page, err
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
