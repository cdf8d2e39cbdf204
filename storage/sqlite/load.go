package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	setUserVersion        = define(`UPDATE users SET version = ? WHERE telegram_id = ?`)
	setGroupVersion       = define(`UPDATE groups SET version = ? WHERE group_id = ?`)
	setTicketVersion      = define(`UPDATE tickets SET version = ? WHERE ticket_id = ?`)
	setMessageVersion     = define(`UPDATE messages SET version = ? WHERE message_id = ?`)
	setCopyVersion        = define(`UPDATE copies SET version = ? WHERE message_id = ? AND topic_id = ?`)
	setFileVersion        = define(`UPDATE attachments SET version = ? WHERE attachment_id = ?`)
	setChatVersion        = define(`UPDATE chats SET version = ? WHERE chat_id = ?`)
	setAPIKeyVersion      = define(`UPDATE api_keys SET version = ? WHERE key_id = ?`)
	setIdempotencyVersion = define(`UPDATE idempotency SET version = ? WHERE request_id = ?`)
	setWebhookVersion     = define(`UPDATE webhooks SET version = ? WHERE webhook_id = ?`)
	setDeliveryVersion    = define(`UPDATE deliveries SET version = ? WHERE webhook_id = ? AND event_at = ? AND event_id = ?`)
	setReplayVersion      = define(`UPDATE replays SET version = ? WHERE replay_id = ?`)
	setConsumerVersion    = define(`UPDATE consumers SET version = ? WHERE key_id = ? AND name = ?`)
	setErrorVersion       = define(`UPDATE errors SET version = ? WHERE fingerprint = ?`)
	setProblemVersion     = define(`UPDATE problems SET version = ? WHERE problem_id = ?`)
	setTallyVersion       = define(`UPDATE tallies SET version = ? WHERE tally_id = ?`)
	insertLease           = define(`INSERT INTO leases (entity, epoch, owner, taken_at) VALUES (?, ?, ?, ?)`)
	insertOffset          = define(`INSERT INTO offsets (name, value) VALUES (?, ?)`)
)

// loading is a record to be loaded: how to find it if it is stored already, and how to store it.
type loading struct {
	what  string // for errors
	doc   string
	find  *statement
	key   []any
	found func(r row) string // the exported form of the stored record; nil: the document is the first column
	store func(w *writer) error
}

// Load implements storage.Dumper. It stores all of them or none.
func (s *Store) Load(ctx context.Context, records []any) error {
	if len(records) == 0 {
		return ctx.Err()
	}
	all := make([]*loading, len(records))
	for i, record := range records {
		l, err := newLoading(record)
		if err != nil {
			return err
		}
		all[i] = l
	}
	return s.write(ctx, func(w *writer) error {
		return w.atomically(func() error {
			for _, l := range all {
				if err := w.load(l); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (w *writer) load(l *loading) error {
	stored, known := "", false
	err := w.conn.query(l.find, func(r row) error {
		stored, known = r.text(0), true
		if l.found != nil {
			stored = l.found(r)
		}
		return nil
	}, l.key...)
	switch {
	case err != nil:
		return err
	case known && stored != l.doc:
		return fmt.Errorf("%s is stored with other content: %w", l.what, storage.ErrConflict)
	case known:
		return nil
	}
	err = l.store(w)
	for _, taken := range []error{
		storage.ErrExists, storage.ErrTopicTaken, storage.ErrExternalIDTaken, storage.ErrNumberTaken,
		storage.ErrNameTaken,
	} {
		if errors.Is(err, taken) {
			return fmt.Errorf("%s: another record has one of its unique values: %w", l.what, storage.ErrConflict)
		}
	}
	return err
}

// versioned stores a record, which gives it version 1, and then sets its version.
func versioned(store func(w *writer) error, set *statement, args ...any) func(w *writer) error {
	return func(w *writer) error {
		err := store(w)
		if err == nil {
			_, err = w.exec(set, args...)
		}
		return err
	}
}

func newLoading(record any) (*loading, error) {
	doc, err := encode(record)
	if err != nil {
		return nil, err
	}
	switch r := record.(type) {
	case *storage.User:
		return loadUser(r.Kept(), doc), nil
	case *storage.Group:
		return loadGroup(r.Kept(), doc), validID("id", r.GroupID)
	case *storage.Ticket:
		return loadTicket(r.Kept(), doc), validID("id", r.TicketID)
	case *storage.Message:
		return loadMessage(r.Kept(), doc), validID("message or ticket id", r.MessageID, r.TicketID)
	case *storage.Copy:
		return loadCopy(r.Kept(), doc), validID("message or topic id", r.MessageID, r.TopicID)
	case *storage.Attachment:
		return loadAttachment(r.Kept(), doc), validAttachment(r)
	case *storage.Chat:
		return loadChat(r.Kept(), doc), validID("id", r.ChatID)
	case *storage.Event:
		return loadEvent(r.Kept(), doc), errors.Join(validEvent(r), r.CheckPlace())
	case *storage.APIKey:
		return loadAPIKey(r.Kept(), doc), validID("id", r.KeyID)
	case *storage.Idempotency:
		return loadIdempotency(r.Kept(), doc), validID("id", r.RequestID)
	case *storage.Webhook:
		return loadWebhook(r.Kept(), doc), validID("id", r.WebhookID)
	case *storage.Delivery:
		return loadDelivery(r.Kept(), doc), validID("webhook or event id", r.WebhookID, r.EventID)
	case *storage.Replay:
		return loadReplay(r.Kept(), doc), validID("replay or webhook id", r.ReplayID, r.WebhookID)
	case *storage.Consumer:
		return loadConsumer(r.Kept(), doc), validID("key id or name", r.KeyID, r.Name)
	case *storage.ErrorGroup:
		return loadErrorGroup(r.Kept(), doc), validID("fingerprint", r.Fingerprint)
	case *storage.Problem:
		return loadProblem(r.Kept(), doc), validID("id", r.ProblemID)
	case *storage.Tally:
		return loadTally(r.Kept(), doc), validID("id", r.TallyID)
	case *storage.Lease:
		return loadLease(r.Kept(), doc), validID("entity", r.Entity)
	case *storage.SavedOffset:
		return loadOffset(*r, doc), validID("name", r.Name)
	case *storage.WaitingUpdate:
		return loadUpdate(r.Kept(), doc), validID("bot", r.Bot)
	}
	return nil, fmt.Errorf("sqlite: a %T is not a record", record)
}
