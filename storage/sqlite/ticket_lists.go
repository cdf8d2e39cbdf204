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

// listKind is what a list is filtered by, and how it is sorted. Without several statuses or priorities, a list has one
// of each that it is filtered by.
type listKind struct {
	group, creator, priority, priorities, status, oldestFirst, assignee bool
	by                                                                  storage.TicketTime
}

// Parameters of the statements: 1 group, 2 and 3 creator, 4 and 5 low bound, 6 and 7 high bound, 8 to 10 statuses, 11 to
// 14 priorities, 15 limit, 16 for whom they wait, 17 assignee. A list of one status or priority has it first. Parameters that are not needed are empty, and no
// ticket has that status or priority.
func listArgs(q *storage.TicketQuery, low, high storage.Cursor) []any {
	args := append(make([]any, 0, 17),
		q.GroupID, q.Creator.Kind, q.Creator.ID, millis(low.At), low.ID, millis(high.At), high.ID)
	statuses := q.Statuses
	if len(statuses) == 0 {
		statuses = storage.Statuses
	}
	for i := range len(storage.Statuses) {
		args = append(args, nth(statuses, i))
	}
	for i := range len(storage.Priorities) {
		args = append(args, nth(q.Priorities, i))
	}
	return append(args, int64(q.Limit)+1, q.WaitingFor, q.Assignee)
}

func nth(values []string, i int) string {
	if i < len(values) {
		return values[i]
	}
	return ""
}

var ticketLists = func() map[listKind]*statement {
	all := map[listKind]*statement{}
	for n := range 128 {
		for by := storage.ByCreated; by <= storage.ByWaiting; by++ {
			k := listKind{n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0, n&16 != 0, n&32 != 0, n&64 != 0, by}
			if k.served() {
				all[k] = define(k.sql())
			}
		}
	}
	return all
}()

// served says whether an index serves the list, as TicketQuery.Served does.
func (k listKind) served() bool {
	some := k.priority || k.priorities
	more := k.creator || some
	return !(k.priority && k.priorities) && !(k.creator && some) && !(k.by >= storage.ByLastMessage && more) &&
		!(k.assignee && (more || k.by != storage.ByCreated))
}

// sql returns the statement of the list.
func (k listKind) sql() string {
	statuses, priorities := []string{"?8"}, []string(nil)
	if !k.status {
		statuses = []string{"?8", "?9", "?10"}
	}
	switch {
	case k.priority:
		priorities = []string{"?11"}
	case k.priorities:
		priorities = []string{"?11", "?12", "?13", "?14"}
	}
	return k.union(statuses, priorities)
}

// union returns the statement of the tickets that have one of the statuses and, if there are some, of the priorities.
func (k listKind) union(statuses, priorities []string) string {
	order := "DESC"
	at := map[storage.TicketTime]string{
		storage.ByCreated: "created_at", storage.ByUpdated: "updated_at", storage.ByLastMessage: "last_message_at",
		storage.ByWaiting: "waiting_since",
	}[k.by]
	if k.oldestFirst {
		order = "ASC"
	}
	var where []string
	for _, x := range []struct {
		on  bool
		sql string
	}{
		{k.group, "group_id = ?1"}, {k.creator, "creator_kind = ?2 AND creator_id = ?3"},
		{k.by == storage.ByWaiting, "waiting_for = ?16"}, {k.assignee, "assignee = ?17"},
	} {
		if x.on {
			where = append(where, x.sql)
		}
	}
	where = append(where, "("+at+", ticket_id) > (?4, ?5) AND ("+at+", ticket_id) < (?6, ?7)")
	// The index is named, since the planner does not know how few tickets a group or a creator has.
	one := "SELECT doc, " + at + ", ticket_id FROM tickets INDEXED BY " + k.index() +
		" WHERE " + strings.Join(where, " AND ")
	var arms []string
	for _, status := range statuses {
		arm := one + " AND status = " + status
		for _, priority := range priorities {
			arms = append(arms, arm+" AND priority = "+priority)
		}
		if len(priorities) == 0 {
			arms = append(arms, arm)
		}
	}
	if len(arms) == 1 {
		return arms[0] + " ORDER BY " + at + " " + order + ", ticket_id " + order + " LIMIT ?15"
	}
	return strings.Join(arms, " UNION ALL ") + " ORDER BY 2 " + order + ", 3 " + order + " LIMIT ?15"
}

func (k listKind) index() string {
	name := "tickets_"
	if k.group {
		name += "group_"
	}
	if k.creator {
		name += "creator_"
	}
	if k.priority || k.priorities {
		name += "priority_"
	}
	if k.assignee {
		name += "assignee_"
	}
	if name == "tickets_" {
		name += "all_"
	}
	switch k.by {
	case storage.ByUpdated:
		return name + "updated"
	case storage.ByLastMessage:
		return name + "message"
	case storage.ByWaiting:
		return name + "waiting"
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
		group: q.GroupID != "", creator: q.Creator != storage.CreatorKey{}, priority: len(q.Priorities) == 1,
		priorities: len(q.Priorities) > 1, status: len(q.Statuses) == 1, by: q.By, oldestFirst: q.OldestFirst,
		assignee: q.Assignee != "",
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
		}, listArgs(&q, low, high)...)
	})
	return page, err
}

// ofCreator lists the tickets of a creator, newest first.
var ofCreator = listKind{creator: true}

var openTicketsByCreator = define(ofCreator.union([]string{"'open'", "'pending'"}, nil))

// TicketsByCreator implements storage.Tickets.
func (s *Store) TicketsByCreator(
	ctx context.Context, kind, id string, openOnly bool, limit int,
) ([]storage.Ticket, error) {
	st := ticketLists[ofCreator]
	if openOnly {
		st = openTicketsByCreator
	}
	q := storage.TicketQuery{Creator: storage.CreatorKey{Kind: kind, ID: id}, Limit: max(limit, 0) - 1}
	low, high := q.Bounds()
	args := listArgs(&q, low, high)
	args[3], args[5] = int64(math.MinInt64), int64(math.MaxInt64) // also one whose time is not set
	return readAll[storage.Ticket](ctx, s, st, args...)
}

var (
	lastListID   = define(`SELECT list_id FROM tickets WHERE list_id >= ? AND list_id <= ? ORDER BY list_id DESC LIMIT 1`)
	searchNewest = define(searchSQL + "DESC")
	searchOldest = define(searchSQL + "ASC")
	externalNew  = define(externalSQL + "created_at DESC, ticket_id DESC")
	externalOld  = define(externalSQL + "created_at ASC, ticket_id ASC")

	ticketWithNumber = define(`SELECT doc FROM tickets WHERE number = ?`)
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

// groupsMatched is up to how many groups the index itself leaves out the tickets of others. Of more, each candidate is examined.
const groupsMatched = 100

// matching is what the words of a ticket must match for it to be a candidate.
func matching(q *storage.TicketQuery, search *storage.Search) string {
	all := func(grams []string) string {
		words := filterWords("", "", q.GroupID, q.Creator)
		if len(q.Groups) <= groupsMatched {
			words = append(words, anyWord('g', q.Groups)...)
		}
		words = append(words, anyWord('s', q.Statuses)...)
		words = append(words, anyWord('p', q.Priorities)...)
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

// anyWord matches a ticket that has one of the values; without values, nothing is asked for.
func anyWord(kind byte, values []string) []string {
	var words []string
	for _, value := range values {
		words = append(words, word(kind, value))
	}
	if len(words) == 0 {
		return nil
	}
	return []string{"(" + strings.Join(words, " OR ") + ")"}
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
		args = []any{"", firstListID(millis(low.At)), lastListIDOf(millis(high.At))}
	}
	looker := storage.NewLooker(q, search)
	looker.Until(time.Now().Add(examineFor))
	var t storage.Ticket // one for all: the looker copies those that it keeps
	if search != nil {
		if number := search.Number(); number > 0 {
			numbered, err := list[storage.Ticket](c, ticketWithNumber, number)
			if err != nil {
				return storage.TicketPage{}, err
			}
			if len(numbered) > 0 {
				looker.Also(&numbered[0])
			}
		}
		if len(search.Grams()) == 0 {
			return looker.Page(true), nil
		}
		args[0] = matching(q, search)
	}
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
