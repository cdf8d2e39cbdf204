package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertTicket = define(`
		INSERT INTO tickets (ticket_id, short_id, status, priority, group_id, creator_kind, creator_id, external_id,
			number, created_at, updated_at, last_message_at, waiting_for, waiting_since, assignee, due_at, words_hash,
			indexed_hash, doc, list_id, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`)
	updateTicket = define(`
		UPDATE tickets SET short_id = ?2, status = ?3, priority = ?4, group_id = ?5, creator_kind = ?6, creator_id = ?7,
			external_id = ?8, number = ?9, created_at = ?10, updated_at = ?11, last_message_at = ?12,
			waiting_for = ?13, waiting_since = ?14, assignee = ?15, due_at = ?16, words_hash = ?17, indexed_hash = ?18,
			doc = ?19, list_id = ?20, version = version + 1
		WHERE ticket_id = ?1 AND version = ?21`)
	// Most saves change nothing that lists are sorted or filtered by. SQLite writes every index that has a column in SET,
	// even when the value is the same, so the four statements below leave those columns out.
	updateTicketWaiting = define(`
		UPDATE tickets SET last_message_at = ?2, waiting_for = ?3, waiting_since = ?4, due_at = ?5, version = version + 1,
			doc = ?6
		WHERE ticket_id = ?1 AND version = ?7`)
	updateTicketMessage = define(`
		UPDATE tickets SET last_message_at = ?2, due_at = ?3, version = version + 1, doc = ?4
		WHERE ticket_id = ?1 AND version = ?5`)
	updateTicketDocument = define(`
		UPDATE tickets SET due_at = ?2, version = version + 1, doc = ?3 WHERE ticket_id = ?1 AND version = ?4`)
	updateTicketDocumentOnly = define(`
		UPDATE tickets SET version = version + 1, doc = ?2 WHERE ticket_id = ?1 AND version = ?3`)
	readTicketBefore = define(`
		SELECT status, list_id, created_at, words_hash, indexed_hash, due_at, last_message_at, waiting_for, waiting_since
		FROM tickets
		WHERE ticket_id = ? AND version = ?`)
	readNumber   = define(`SELECT ticket_id FROM tickets WHERE number = ?`)
	hasTicket    = define(`SELECT 1 FROM tickets WHERE ticket_id = ?`)
	readExternal = define(`
		SELECT ticket_id FROM tickets WHERE creator_kind = ? AND creator_id = ? AND external_id = ?`)
	countTicket = define(`INSERT INTO ticket_counts (status, n) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = n + ?2`)
	readTopics  = define(`SELECT group_id, thread_id FROM topics WHERE ticket_id = ?`)
	deleteTopic = define(`DELETE FROM topics WHERE group_id = ? AND thread_id = ?`)
	// It changes no row while the topic belongs to another ticket.
	claimTopic = define(`
		INSERT INTO topics (group_id, thread_id, ticket_id) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET ticket_id = excluded.ticket_id WHERE ticket_id = excluded.ticket_id`)
)

// topic is a thread of a group, as a ticket claims it.
type topic struct {
	group  string
	thread int64
}

// claims returns the topics that the ticket claims, including deleted ones. A topic that is not opened yet has no
// thread to claim.
func claims(t *storage.Ticket) map[topic]bool {
	all := make(map[topic]bool, 1+len(t.Links))
	add := func(at storage.Topic) {
		if at.TelegramTopicID != 0 {
			all[topic{at.GroupID, at.TelegramTopicID}] = true
		}
		for _, former := range at.FormerThreads {
			all[topic{at.GroupID, former}] = true
		}
	}
	add(t.Home)
	for _, l := range t.Links {
		if !l.Ended {
			add(l.Topic)
		}
	}
	return all
}

// SaveTicket implements storage.Tickets.
func (s *Store) SaveTicket(ctx context.Context, t *storage.Ticket) error {
	if err := validID("id", t.TicketID); err != nil {
		return err
	}
	record, old := t.Kept(), t.Version
	record.Version++
	doc, err := encode(&record)
	if err != nil {
		return err
	}
	if err := s.write(ctx, newTicketSave(&record, old, doc).run); err != nil {
		return err
	}
	t.Version = record.Version
	return nil
}

// ticketSave is one write of a ticket. It shares nothing with the record, which belongs to the caller.
type ticketSave struct {
	id, status string
	old        int64 // the stored version; 0: a new ticket
	creator    storage.CreatorKey
	externalID string
	number     int64
	createdAt  int64
	messageAt  int64
	waitingFor any // nil: for nobody
	since      int64
	search     storage.Ticket // the fields that searchWords needs
	words      string         // searchWords of a new ticket; "": computed when needed
	wordsHash  int64
	indexed    int64 // hash of the columns that the lists' indexes are on, and of the parties
	due        any
	doc        string
	claims     map[topic]bool
	parties    []string
	columns    []any
}

func newTicketSave(t *storage.Ticket, old int64, doc string) *ticketSave {
	s := &ticketSave{
		id: t.TicketID, status: t.Status, old: old, claims: claims(t), externalID: t.ExternalID, number: t.Number,
		messageAt: millis(t.LastMessageAt), waitingFor: orNull(t.WaitingFor), since: millis(t.WaitingSince),
		creator: storage.CreatorKey{Kind: t.CreatedBy.Kind, ID: t.CreatedBy.ID}, createdAt: millis(t.CreatedAt),
		parties: t.Parties(), wordsHash: searchHash(t), due: dueAt(t.DueAt), doc: doc,
		search: storage.Ticket{
			Title: t.Title, Description: t.Description, Status: t.Status, Priority: t.Priority, GroupID: t.GroupID,
			CreatedBy: t.CreatedBy,
		},
	}
	if old == 0 {
		s.words = searchWords(t)
	}
	s.columns = []any{
		t.TicketID, t.ShortID, t.Status, t.Priority, t.GroupID, t.CreatedBy.Kind, t.CreatedBy.ID, orNull(t.ExternalID),
		numberOrNull(t.Number), s.createdAt, millis(t.UpdatedAt), s.messageAt,
		s.waitingFor, s.since, orNull(t.AssigneeID()),
	}
	s.indexed = hash(strings.Join(append([]string{
		t.ShortID, t.Status, t.Priority, t.GroupID, t.CreatedBy.Kind, t.CreatedBy.ID, t.ExternalID,
		strconv.FormatInt(t.Number, 10), strconv.FormatInt(s.createdAt, 10), strconv.FormatInt(millis(t.UpdatedAt), 10),
		t.AssigneeID(),
	}, s.parties...), "\x00"))
	s.columns = append(s.columns, s.due, s.wordsHash, s.indexed, doc)
	return s
}

func (t *ticketSave) run(w *writer) error {
	return w.atomically(func() error {
		if t.old == 0 {
			return t.insert(w)
		}
		return t.update(w)
	})
}

func (t *ticketSave) insert(w *writer) error {
	known := false
	err := w.conn.query(hasTicket, func(row) error {
		known = true
		return nil
	}, t.id)
	if err != nil {
		return err
	}
	if known {
		return exists("ticket", t.id)
	}
	if err := t.ownValues(w); err != nil {
		return err
	}
	listID, err := w.nextListID(t.createdAt)
	if err != nil {
		return err
	}
	if err := w.one(exists("ticket", t.id), insertTicket, append(t.columns, listID)...); err != nil {
		return err
	}
	w.addToSearch(listID, t.words)
	if _, err := w.exec(countTicket, t.status, int64(1)); err != nil {
		return err
	}
	if err := t.addParties(w); err != nil {
		return err
	}
	return t.claim(w)
}

// ownValues refuses an external id that another ticket of the creator has, and a number that another ticket has.
func (t *ticketSave) ownValues(w *writer) error {
	if err := t.ownExternalID(w); err != nil || t.number == 0 {
		return err
	}
	return w.conn.query(readNumber, func(r row) error {
		if owner := r.text(0); owner != t.id {
			return fmt.Errorf("number %d of %s, which %s has: %w", t.number, t.id, owner, storage.ErrNumberTaken)
		}
		return nil
	}, t.number)
}

func (t *ticketSave) ownExternalID(w *writer) error {
	if t.externalID == "" {
		return nil
	}
	return w.conn.query(readExternal, func(r row) error {
		if owner := r.text(0); owner != t.id {
			return fmt.Errorf("external id of %s, which %s has: %w", t.id, owner, storage.ErrExternalIDTaken)
		}
		return nil
	}, t.creator.Kind, t.creator.ID, t.externalID)
}

func (t *ticketSave) update(w *writer) error {
	var before struct {
		status                       string
		listID, createdAt, wordsHash int64
		indexed, messageAt           int64
		due, waitingFor              any
		since                        int64
	}
	found := false
	err := w.conn.query(readTicketBefore, func(r row) error {
		found = true
		before.status, before.listID, before.createdAt = r.text(0), r.int(1), r.int(2)
		before.wordsHash, before.indexed, before.due = r.int(3), r.int(4), r[5]
		before.messageAt, before.waitingFor, before.since = r.int(6), r[7], r.int(8)
		return nil
	}, t.id, t.old)
	if err != nil {
		return err
	}
	if !found {
		return conflict("ticket", t.id)
	}
	if err := t.ownValues(w); err != nil {
		return err
	}
	listID := before.listID
	if before.createdAt != t.createdAt {
		if listID, err = w.nextListID(t.createdAt); err != nil {
			return err
		}
	}
	switch {
	case t.indexed != before.indexed || t.wordsHash != before.wordsHash:
		err = w.one(conflict("ticket", t.id), updateTicket, append(t.columns, listID, t.old)...)
	case t.waitingFor != before.waitingFor || t.since != before.since:
		err = w.one(conflict("ticket", t.id), updateTicketWaiting, t.id, t.messageAt, t.waitingFor, t.since, t.due, t.doc, t.old)
	case t.messageAt != before.messageAt:
		err = w.one(conflict("ticket", t.id), updateTicketMessage, t.id, t.messageAt, t.due, t.doc, t.old)
	case t.due != before.due:
		err = w.one(conflict("ticket", t.id), updateTicketDocument, t.id, t.due, t.doc, t.old)
	default:
		err = w.one(conflict("ticket", t.id), updateTicketDocumentOnly, t.id, t.doc, t.old)
	}
	if err != nil {
		return err
	}
	if listID != before.listID || t.wordsHash != before.wordsHash {
		w.removeFromSearch(before.listID)
		w.addToSearch(listID, searchWords(&t.search))
	}
	if before.status != t.status {
		if _, err := w.exec(countTicket, before.status, int64(-1)); err != nil {
			return err
		}
		if _, err := w.exec(countTicket, t.status, int64(1)); err != nil {
			return err
		}
	}
	if t.indexed != before.indexed {
		if err := t.replaceParties(w); err != nil {
			return err
		}
	}
	return t.updateTopics(w)
}

// updateTopics releases the topics that the ticket no longer claims, and claims those that it has not yet.
func (t *ticketSave) updateTopics(w *writer) error {
	var released []topic
	err := w.conn.query(readTopics, func(r row) error {
		if at := (topic{r.text(0), r.int(1)}); t.claims[at] {
			delete(t.claims, at)
		} else {
			released = append(released, at)
		}
		return nil
	}, t.id)
	if err != nil {
		return err
	}
	for _, at := range released {
		if _, err := w.exec(deleteTopic, at.group, at.thread); err != nil {
			return err
		}
	}
	return t.claim(w)
}

func (t *ticketSave) claim(w *writer) error {
	for at := range t.claims {
		taken := fmt.Errorf("topic %d of %s, wanted by %s: %w", at.thread, at.group, t.id, storage.ErrTopicTaken)
		if err := w.one(taken, claimTopic, at.group, at.thread, t.id); err != nil {
			return err
		}
	}
	return nil
}

var (
	readTicket       = define(`SELECT doc FROM tickets WHERE ticket_id = ?`)
	readTopic        = define(`SELECT ticket_id FROM topics WHERE group_id = ? AND thread_id = ?`)
	ticketsByShortID = define(`SELECT ticket_id FROM tickets WHERE short_id = ? ORDER BY ticket_id LIMIT 10`)
	dueTickets       = define(`
		SELECT ticket_id, due_at FROM tickets WHERE (due_at, ticket_id) > (?, ?) AND due_at <= ?
		ORDER BY due_at, ticket_id LIMIT ?`)
	countCreated   = define(`SELECT count(*) FROM tickets WHERE status = ? AND created_at >= ? AND created_at < ?`)
	countCreatedIn = define(`
		SELECT count(*) FROM tickets WHERE group_id = ? AND status = ? AND created_at >= ? AND created_at < ?`)
	// Every save keeps the counts up to date: counting the tickets would cost more every year.
	readTicketCounts = define(`SELECT status, n FROM ticket_counts WHERE n > 0`)
	countWaiting     = define(`SELECT waiting_for, count(*) FROM tickets INDEXED BY tickets_all_waiting
		WHERE waiting_for IS NOT NULL GROUP BY waiting_for`)
)

// Ticket implements storage.Tickets.
func (s *Store) Ticket(ctx context.Context, ticketID string) (*storage.Ticket, error) {
	return readOne[storage.Ticket](ctx, s, "ticket", readTicket, ticketID)
}

// TicketByTopic implements storage.Tickets.
func (s *Store) TicketByTopic(ctx context.Context, groupID string, threadID int64) (string, error) {
	ids, err := s.ids(ctx, readTopic, groupID, threadID)
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", fmt.Errorf("ticket of topic %d of %s: %w", threadID, groupID, storage.ErrNotFound)
	}
	return ids[0], nil
}

// TicketByNumber implements storage.Tickets.
func (s *Store) TicketByNumber(ctx context.Context, number int64) (string, error) {
	ids, err := s.ids(ctx, readNumber, number)
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", fmt.Errorf("ticket %d: %w", number, storage.ErrNotFound)
	}
	return ids[0], nil
}

// TicketsByShortID implements storage.Tickets.
func (s *Store) TicketsByShortID(ctx context.Context, shortID string) ([]string, error) {
	return s.ids(ctx, ticketsByShortID, shortID)
}

func (s *Store) ids(ctx context.Context, st *statement, args ...any) (ids []string, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(st, func(r row) error {
			ids = append(ids, r.text(0))
			return nil
		}, args...)
	})
	return ids, err
}

// DueTickets implements storage.Tickets.
func (s *Store) DueTickets(
	ctx context.Context, now time.Time, after storage.Due, limit int,
) ([]storage.Due, error) {
	return s.dues(ctx, dueTickets, millis(after.At), after.ID, millis(now), atMost(limit))
}

// CountTickets implements storage.Tickets.
func (s *Store) CountTickets(ctx context.Context) (map[string]int64, error) {
	return s.counts(ctx, readTicketCounts)
}

// CountWaiting implements storage.Tickets.
func (s *Store) CountWaiting(ctx context.Context) (map[string]int64, error) {
	return s.counts(ctx, countWaiting)
}

func (s *Store) counts(ctx context.Context, st *statement) (map[string]int64, error) {
	counts := map[string]int64{}
	err := s.read(ctx, func(c *conn) error {
		return c.query(st, func(r row) error {
			counts[r.text(0)] = r.int(1)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return counts, nil
}

// CountCreated implements storage.Tickets.
func (s *Store) CountCreated(ctx context.Context, groupID, status string, from, to time.Time) (n int64, err error) {
	st, args := countCreated, []any{status, millis(from), millis(to)}
	if groupID != "" {
		st, args = countCreatedIn, append([]any{groupID}, args...)
	}
	err = s.read(ctx, func(c *conn) error {
		return c.query(st, func(r row) error {
			n = r.int(0)
			return nil
		}, args...)
	})
	return n, err
}
