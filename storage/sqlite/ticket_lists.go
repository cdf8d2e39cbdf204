package sqlite

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// Lists of tickets. Each index ends with (status, time, ticket id): without a status a list is the three of the statuses,
// merged. So an index serves two kinds of lists, and the rows of a page lie side by side in it, or in three places.

var (
	listStatuses = append(slices.Clone(openStatuses), "closed")
	openStatuses = []string{"open", "pending"}
)

// listKind is what a list is filtered by besides the status, and how it is sorted.
type listKind struct {
	group, creator, priority, status, byUpdated, oldestFirst bool
}

var ticketLists = func() map[listKind]*statement {
	all := map[listKind]*statement{}
	for n := range 64 {
		k := listKind{n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0, n&16 != 0, n&32 != 0}
		switch {
		case k.creator && k.priority:
		case k.status:
			all[k] = define(k.sql())
		default:
			all[k] = define(k.sql(listStatuses...))
		}
	}
	return all
}()

// sql lists what has one of the statuses, or, when k has status instead, the one that is a parameter. It has the parameters 1 group, 2 and 3 creator,
// 4 priority, 5 status, 6 and 7 the low bound, 8 and 9 the high one, 10 limit.
func (k listKind) sql(statuses ...string) string {
	at, order := "created_at", "DESC"
	if k.byUpdated {
		at = "updated_at"
	}
	if k.oldestFirst {
		order = "ASC"
	}
	var where []string
	for _, x := range []struct {
		on  bool
		sql string
	}{
		{k.group, "group_id = ?1"}, {k.creator, "creator_kind = ?2 AND creator_id = ?3"}, {k.priority, "priority = ?4"},
		{k.status, "status = ?5"},
	} {
		if x.on {
			where = append(where, x.sql)
		}
	}
	where = append(where, "("+at+", ticket_id) > (?6, ?7) AND ("+at+", ticket_id) < (?8, ?9)")
	// Named, since the planner does not know how few tickets a group or a creator has.
	one := "SELECT doc, " + at + ", ticket_id FROM tickets INDEXED BY " + k.index() + " WHERE " + strings.Join(where, " AND ")
	if len(statuses) == 0 {
		return one + " ORDER BY " + at + " " + order + ", ticket_id " + order + " LIMIT ?10"
	}
	var arms []string
	for _, status := range statuses {
		arms = append(arms, one+" AND status = '"+status+"'")
	}
	return strings.Join(arms, " UNION ALL ") + " ORDER BY 2 " + order + ", 3 " + order + " LIMIT ?10"
}

func (k listKind) index() string {
	name := "tickets_"
	if k.group {
		name += "group_"
	}
	if k.creator {
		name += "creator_"
	}
	if k.priority {
		name += "priority_"
	}
	if !k.group && !k.creator && !k.priority {
		name += "all_"
	}
	if k.byUpdated {
		return name + "updated"
	}
	return name + "created"
}

// ListTickets implements storage.Tickets.
func (s *Store) ListTickets(ctx context.Context, q storage.TicketQuery) (page storage.TicketPage, err error) {
	unserved := q.Served()
	if unserved != nil || q.Limit <= 0 {
		return page, s.read(ctx, func(*conn) error { return unserved })
	}
	if q.Looks() {
		err = s.read(ctx, func(c *conn) error {
			page, err = look(c, &q)
			return err
		})
		return page, err
	}
	low, high := q.Bounds()
	st := ticketLists[listKind{q.GroupID != "", q.Creator != storage.CreatorKey{}, q.Priority != "", q.Status != "", q.ByUpdated, q.OldestFirst}]
	err = s.read(ctx, func(c *conn) error {
		n := 0
		return c.query(st, func(r row) error {
			if n++; n > q.Limit {
				page.Next = q.Place(&page.Tickets[q.Limit-1])
				return nil
			}
			if n == fewTickets {
				page.Tickets = slices.Grow(page.Tickets, min(q.Limit, 100)-fewTickets+1)
			}
			page.Tickets = append(page.Tickets, storage.Ticket{})
			return decode(r.text(0), &page.Tickets[n-1])
		}, q.GroupID, q.Creator.Kind, q.Creator.ID, q.Priority, q.Status, millis(low.At), low.ID, millis(high.At), high.ID, int64(q.Limit)+1)
	})
	return page, err
}

// ofCreator are the tickets of a creator, newest first.
var ofCreator = listKind{creator: true}

var openTicketsByCreator = define(ofCreator.sql(openStatuses...))

// TicketsByCreator implements storage.Tickets.
func (s *Store) TicketsByCreator(ctx context.Context, kind, id string, openOnly bool, limit int) (page []storage.Ticket, err error) {
	st := ticketLists[ofCreator]
	if openOnly {
		st = openTicketsByCreator
	}
	err = s.read(ctx, func(c *conn) error {
		page, err = list[storage.Ticket](c, st, "", kind, id, "", "", int64(math.MinInt64), "", int64(math.MaxInt64), "", int64(max(limit, 0)))
		return err
	})
	return page, err
}

var (
	insertSearch = define(`INSERT INTO ticket_search (rowid, words) VALUES (?, ?)`)
	deleteSearch = define(`DELETE FROM ticket_search WHERE rowid = ?`)
	mergeSearch  = define(`INSERT INTO ticket_search (ticket_search, rank) VALUES ('merge', ?)`)
	totalChanges = define(`SELECT total_changes()`)
	lastListID   = define(`SELECT list_id FROM tickets WHERE list_id >= ? AND list_id <= ? ORDER BY list_id DESC LIMIT 1`)
	searchNewest = define(searchSQL + "DESC")
	searchOldest = define(searchSQL + "ASC")
	externalNew  = define(externalSQL + "created_at DESC, ticket_id DESC")
	externalOld  = define(externalSQL + "created_at ASC, ticket_id ASC")
)

const (
	// The search yields its rows one by one in this order, so that it ends when a page is full.
	searchSQL = `
		SELECT t.doc FROM ticket_search CROSS JOIN tickets t ON t.list_id = ticket_search.rowid
		WHERE ticket_search MATCH ? AND ticket_search.rowid >= ? AND ticket_search.rowid <= ?
		ORDER BY ticket_search.rowid `
	externalSQL = `
		SELECT doc FROM tickets WHERE external_id = ?1 AND (created_at, ticket_id) > (?2, ?3) AND (created_at, ticket_id) < (?4, ?5)
		ORDER BY `
)

const (
	listIDBits = 20
	// latestListed is the last moment, in ms, of which tickets have list ids of their own: in the year 2109.
	latestListed = 1<<42 - 1
)

// firstListID is the first list id of a moment. What was before 1970 is one moment, and so is what comes after latestListed.
func firstListID(ms int64) int64 { return min(max(ms, 0), latestListed) << listIDBits }

func lastListIDOf(ms int64) int64 { return firstListID(ms) + (1<<listIDBits - 1) }

// nextListID is a list id that no ticket has.
func (w *writer) nextListID(ms int64) (id int64, err error) {
	id = firstListID(ms)
	err = w.conn.query(lastListID, func(r row) error {
		id = r.int(0) + 1
		return nil
	}, id, lastListIDOf(ms))
	return id, err
}

// searchVersion is to be raised when searchWords makes other words of the same ticket: its next save writes them anew then.
const searchVersion = "1"

// searchHash tells whether two states of a ticket have the same searchWords, which take longer to make.
func searchHash(t *storage.Ticket) int64 {
	return hash(strings.Join([]string{searchVersion, t.Status, t.Priority, t.GroupID, t.CreatedBy.Kind, t.CreatedBy.ID, t.Title, t.Description}, "\x00"))
}

// searchWords are a ticket's trigrams, and what else a search may be filtered by, as words of ticket_search.
func searchWords(t *storage.Ticket) string {
	words := filterWords(t.Status, t.Priority, t.GroupID, storage.CreatorKey{Kind: t.CreatedBy.Kind, ID: t.CreatedBy.ID})
	for _, gram := range storage.Grams(t) {
		words = append(words, word('t', gram))
	}
	return strings.Join(words, " ")
}

func filterWords(status, priority, group string, creator storage.CreatorKey) (words []string) {
	if status != "" {
		words = append(words, word('s', status))
	}
	if priority != "" {
		words = append(words, word('p', priority))
	}
	if group != "" {
		words = append(words, word('g', group))
	}
	if creator != (storage.CreatorKey{}) {
		words = append(words, word('c', creator.Kind+"\x00"+creator.ID))
	}
	return words
}

// word is a word that the tokenizer leaves as it is. A long one is cut: what is found is looked at.
func word(kind byte, text string) string {
	text = text[:min(len(text), 64)]
	b := make([]byte, 1+2*len(text))
	b[0] = kind
	hex.Encode(b[1:], []byte(text))
	return string(b)
}

func hash(text string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return int64(h.Sum64())
}

// searchWrite adds a ticket to the search, or takes one away.
type searchWrite struct {
	listID int64
	words  string
	gone   bool
}

func (w *writer) searchable(listID int64, words string) {
	w.search = append(w.search, searchWrite{listID: listID, words: words})
}

func (w *writer) unsearchable(listID int64) {
	w.search = append(w.search, searchWrite{listID: listID, gone: true})
}

// forgetSearch leaves the first n of what is to be written.
func (w *writer) forgetSearch(n int) {
	clear(w.search[n:])
	w.search = w.search[:n]
}

// FTS5 merges the segments of its index, one for each transaction, as they become many. By itself it does so after every 64 pages
// that were written, and then keeps everyone waiting for 30 ms; so it is told not to (schema2), and each transaction merges a little.
// What that leaves it merges by itself when there are 16 of one size. A merge ends after the word that reached the limit, which in a
// large database may have hundreds of pages. So what it wrote is counted, and the next transactions merge nothing until that is
// made up for.
const (
	// What a ticket adds to what merging may write, in rows of FTS5's tables: so many, and one for so many of its words. Merging the
	// segments of four transactions into one writes about 36 besides the words; with what comes later this is twice what is needed.
	rowsATicket = 12
	wordsARow   = 8

	leastMerge = 20  // rows with which it is worth a try: each rewrites the list of segments, and the first page of each
	mostMerge  = 400 // rows that were not needed and may still be written later
	rowsAPage  = 4   // a page of the result, its place in the index, and what it was made of is deleted
)

// writeSearch is the end of a transaction: a savepoint after a write of the search would have it write a segment of its index
// for each ticket, which are merged later, instead of one for all. An error leaves the transaction to be rolled back.
func (w *writer) writeSearch() (err error) {
	if len(w.search) == 0 {
		return nil
	}
	if err := w.mergeSearch(); err != nil {
		return err
	}
	// FTS5 writes a segment before each ticket that is older than the one before it.
	slices.SortStableFunc(w.search, func(a, b searchWrite) int { return cmp.Compare(a.listID, b.listID) })
	for _, s := range w.search {
		if s.gone {
			_, err = w.exec(deleteSearch, s.listID)
		} else {
			_, err = w.exec(insertSearch, s.listID, s.words)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) mergeSearch() error {
	w.mergeable = min(w.mergeable, mostMerge)
	for _, s := range w.search {
		w.mergeable += int64(rowsATicket + strings.Count(s.words, " ")/wordsARow)
	}
	if w.mergeable < leastMerge {
		return nil
	}
	before, err := w.changes()
	if err != nil {
		return err
	}
	if _, err := w.exec(mergeSearch, w.mergeable/rowsAPage); err != nil {
		return err
	}
	after, err := w.changes()
	w.mergeable -= after - before
	return err
}

// changes counts the rows that the connection has written, also of FTS5's own tables.
func (w *writer) changes() (n int64, err error) {
	err = w.conn.query(totalChanges, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// lookFor is how long tickets are looked at for one page.
const lookFor = 100 * time.Millisecond

// fewTickets fit into what append makes room for by and by; a page of more gets its room at once.
const fewTickets = 9

var errEnoughLooked = errors.New("the page is full")

// look offers tickets to the page one by one.
func look(c *conn, q *storage.TicketQuery) (storage.TicketPage, error) {
	low, high := q.Bounds()
	st, args := externalNew, []any{q.ExternalID, millis(low.At), low.ID, millis(high.At), high.ID}
	if q.OldestFirst {
		st = externalOld
	}
	var search *storage.Search
	if q.Text != "" {
		var err error
		if search, err = storage.NewSearch(q.Text); err != nil {
			return storage.TicketPage{}, err
		}
		st = searchNewest
		if q.OldestFirst {
			st = searchOldest
		}
		words := filterWords(q.Status, q.Priority, q.GroupID, q.Creator)
		for _, gram := range search.Grams() {
			words = append(words, word('t', gram))
		}
		args = []any{strings.Join(words, " AND "), firstListID(millis(low.At)), lastListIDOf(millis(high.At))}
	}
	looker := storage.NewLooker(q, search)
	looker.Until(time.Now().Add(lookFor))
	var t storage.Ticket // the looker keeps a copy of what it wants
	err := c.query(st, func(r row) error {
		t = storage.Ticket{}
		err := decode(r.text(0), &t)
		if err == nil && !looker.Look(&t) {
			err = errEnoughLooked
		}
		return err
	}, args...)
	if err != nil && !errors.Is(err, errEnoughLooked) {
		return storage.TicketPage{}, err
	}
	return looker.Page(err == nil), nil
}
