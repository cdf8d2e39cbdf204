package sqlite

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// Lists of tickets. Each index ends with (status, time, ticket id). A list without a status merges the lists of the
// three statuses. So an index serves two kinds of lists, and the rows of a page are one range of it, or three
// (docs/decisions.md, D35).

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

// sql returns the statement of the list. Without statuses, the status is a parameter; with some, it lists the tickets
// that have one of them. The parameters are 1 group, 2 and 3 creator, 4 priority, 5 status, 6 and 7 low bound, 8 and
// 9 high bound, 10 limit.
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
	// The index is named, since the planner does not know how few tickets a group or a creator has.
	one := "SELECT doc, " + at + ", ticket_id FROM tickets INDEXED BY " + k.index() +
		" WHERE " + strings.Join(where, " AND ")
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
			page, err = examine(c, &q, s.outdated.Load())
			return err
		})
		return page, err
	}
	low, high := q.Bounds()
	st := ticketLists[listKind{
		group: q.GroupID != "", creator: q.Creator != storage.CreatorKey{}, priority: q.Priority != "",
		status: q.Status != "", byUpdated: q.ByUpdated, oldestFirst: q.OldestFirst,
	}]
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
		}, q.GroupID, q.Creator.Kind, q.Creator.ID, q.Priority, q.Status,
			millis(low.At), low.ID, millis(high.At), high.ID, int64(q.Limit)+1)
	})
	return page, err
}

// ofCreator lists the tickets of a creator, newest first.
var ofCreator = listKind{creator: true}

var openTicketsByCreator = define(ofCreator.sql(openStatuses...))

// TicketsByCreator implements storage.Tickets.
func (s *Store) TicketsByCreator(
	ctx context.Context, kind, id string, openOnly bool, limit int,
) ([]storage.Ticket, error) {
	st := ticketLists[ofCreator]
	if openOnly {
		st = openTicketsByCreator
	}
	return readAll[storage.Ticket](ctx, s, st,
		"", kind, id, "", "", int64(math.MinInt64), "", int64(math.MaxInt64), "", atMost(limit))
}

var (
	lastListID   = define(`SELECT list_id FROM tickets WHERE list_id >= ? AND list_id <= ? ORDER BY list_id DESC LIMIT 1`)
	searchNewest = define(searchSQL + "DESC")
	searchOldest = define(searchSQL + "ASC")
	externalNew  = define(externalSQL + "created_at DESC, ticket_id DESC")
	externalOld  = define(externalSQL + "created_at ASC, ticket_id ASC")
)

const (
	// The search yields its rows one by one in this order, so it can stop when a page is full.
	searchSQL = `
		SELECT t.doc FROM ticket_search CROSS JOIN tickets t ON t.list_id = ticket_search.rowid
		WHERE ticket_search MATCH ? AND ticket_search.rowid >= ? AND ticket_search.rowid <= ?
		ORDER BY ticket_search.rowid `
	externalSQL = `
		SELECT doc FROM tickets
		WHERE external_id = ?1 AND (created_at, ticket_id) > (?2, ?3) AND (created_at, ticket_id) < (?4, ?5)
		ORDER BY `
)

const (
	listIDBits = 20
	// latestListed is the last millisecond that has list ids of its own. It is in the year 2109.
	latestListed = 1<<42 - 1
)

// firstListID returns the first list id of a millisecond. All times before 1970 share one, and so do all times after
// latestListed.
func firstListID(ms int64) int64 { return min(max(ms, 0), latestListed) << listIDBits }

func lastListIDOf(ms int64) int64 { return firstListID(ms) + (1<<listIDBits - 1) }

// nextListID returns a list id of that millisecond that no ticket has.
func (w *writer) nextListID(ms int64) (id int64, err error) {
	id = firstListID(ms)
	err = w.conn.query(lastListID, func(r row) error {
		id = r.int(0) + 1
		return nil
	}, id, lastListIDOf(ms))
	return id, err
}

// examineFor is how long candidates are examined for one page.
const examineFor = 100 * time.Millisecond

// fewTickets is the number of tickets at which a page gets the rest of its memory in one piece. Up to there it grows
// by append.
const fewTickets = 9

var errPageFull = errors.New("the page is full")

// matching is what the words of a ticket must match for it to be a candidate.
func matching(q *storage.TicketQuery, search *storage.Search) string {
	all := func(grams []string) string {
		words := filterWords(q.Status, q.Priority, q.GroupID, q.Creator)
		for _, gram := range grams {
			words = append(words, word('t', gram))
		}
		return strings.Join(words, " AND ")
	}
	if former := search.FormerGrams(); len(former) > 0 {
		return "(" + all(search.Grams()) + ") OR (" + all(former) + ")"
	}
	return all(search.Grams())
}

// examine passes the candidates of a text or an external id to the page one by one.
func examine(c *conn, q *storage.TicketQuery, outdated bool) (storage.TicketPage, error) {
	low, high := q.Bounds()
	st, args := externalNew, []any{q.ExternalID, millis(low.At), low.ID, millis(high.At), high.ID}
	if q.OldestFirst {
		st = externalOld
	}
	var search *storage.Search
	if q.Text != "" {
		var err error
		if search, err = storage.NewSearch(q.Text, outdated); err != nil {
			return storage.TicketPage{}, err
		}
		st = searchNewest
		if q.OldestFirst {
			st = searchOldest
		}
		args = []any{matching(q, search), firstListID(millis(low.At)), lastListIDOf(millis(high.At))}
	}
	looker := storage.NewLooker(q, search)
	looker.Until(time.Now().Add(examineFor))
	var t storage.Ticket // one for all: the looker copies those that it keeps
	err := c.query(st, func(r row) error {
		t = storage.Ticket{}
		err := decode(r.text(0), &t)
		if err == nil && !looker.Look(&t) {
			err = errPageFull
		}
		return err
	}, args...)
	if err != nil && !errors.Is(err, errPageFull) {
		return storage.TicketPage{}, err
	}
	return looker.Page(err == nil), nil
}
