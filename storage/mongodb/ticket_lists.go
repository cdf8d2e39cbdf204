package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

// Lists of tickets. Each index ends with (status, time, id). For a list without a status MongoDB reads three ranges
// of it, one for each status, and merges them (docs/decisions.md, D35).

// listKind is what a list is filtered by, and how it is sorted. Without several statuses or priorities, a list has one
// of each that it is filtered by.
type listKind struct {
	group, creator, priority, priorities, status, oldestFirst, assignee bool
	by                                                                  storage.TicketTime
}

// served says whether an index serves the list, as TicketQuery.Served does.
func (k listKind) served() bool {
	some := k.priority || k.priorities
	more := k.creator || some
	return !(k.priority && k.priorities) && !(k.creator && some) && !(k.by >= storage.ByLastMessage && more) &&
		!(k.assignee && (more || k.by != storage.ByCreated))
}

// listQueries are the two queries of a page: then finds the other tickets of the millisecond at which the last page
// ended, rest finds what comes after it.
type listQueries struct{ then, rest *query }

// Arguments of the queries of lists.
const (
	listGroup arg = iota
	listCreatorKind
	listCreatorID
	listPriority
	listStatus
	listLowAt
	listHighAt
	listAfterAt
	listAfterID
	listWaitingFor
	listAssignee
	listExternal = listGroup
	listGrams    = listGroup
)

var ticketLists = func() map[listKind]listQueries {
	all := map[listKind]listQueries{}
	for n := range 128 {
		for by := storage.ByCreated; by <= storage.ByWaiting; by++ {
			k := listKind{n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0, n&16 != 0, n&32 != 0, n&64 != 0, by}
			if k.served() {
				all[k] = k.define()
			}
		}
	}
	return all
}()

func (k listKind) define() listQueries {
	name := ""
	at := map[storage.TicketTime]string{
		storage.ByCreated: "createdAt", storage.ByUpdated: "updatedAt", storage.ByLastMessage: "lastMessageAt",
		storage.ByWaiting: "waitingSince",
	}[k.by]
	var filter bson.D
	if k.group {
		name += "group_"
		filter = append(filter, e("groupId", listGroup))
	}
	if k.creator {
		name += "creator_"
		filter = append(filter, e("createdBy.kind", listCreatorKind), e("createdBy.id", listCreatorID))
	}
	switch {
	case k.priority:
		name += "priority_"
		filter = append(filter, e("priority", listPriority))
	case k.priorities:
		name += "priority_"
		filter = append(filter, e("priority", bson.D{e("$in", listPriority)}))
	}
	if k.assignee {
		name += "assignee_"
		filter = append(filter, e("assignee.id", listAssignee))
	}
	if name == "" {
		name = "all_"
	}
	if k.by == storage.ByWaiting {
		filter = append(filter, e("waitingFor", listWaitingFor))
	}
	if k.status {
		filter = append(filter, e("status", listStatus))
	} else {
		filter = append(filter, e("status", bson.D{e("$in", listStatus)}))
	}
	return pageOf(name+at, filter, at, "_id", k.oldestFirst)
}

func pageOf(index string, filter bson.D, at, id string, oldestFirst bool) listQueries {
	direction, beyond := -1, "$lt"
	if oldestFirst {
		direction, beyond = 1, "$gt"
	}
	order := bson.D{e(at, direction), e(id, direction)}
	with := func(more ...bson.E) bson.D { return append(append(bson.D{}, filter...), more...) }
	return listQueries{
		then: define("tickets", index, with(e(at, listAfterAt), e(id, bson.D{e(beyond, listAfterID)})), order, nil),
		rest: define("tickets", index, with(e(at, bson.D{e("$gt", listLowAt), e("$lt", listHighAt)})), order, nil),
	}
}

var (
	externalNewest = ofExternalID(false)
	externalOldest = ofExternalID(true)
	searchNewest   = pageOf("search", bson.D{e("index.grams", bson.D{e("$in", listGrams)})}, "createdAt", "_id", false)
	searchOldest   = pageOf("search", bson.D{e("index.grams", bson.D{e("$in", listGrams)})}, "createdAt", "_id", true)
)

func ofExternalID(oldestFirst bool) listQueries {
	filter := bson.D{e("index.external.id", listExternal)}
	return pageOf("external_list", filter, "index.external.at", "index.external.ticket", oldestFirst)
}

// ListTickets implements storage.Tickets.
func (s *Store) ListTickets(ctx context.Context, q storage.TicketQuery) (page storage.TicketPage, err error) {
	unserved := q.Served()
	if unserved != nil || q.Limit <= 0 {
		if err := s.begin(ctx); err != nil {
			return page, err
		}
		s.end()
		return page, unserved
	}
	if q.Looks() {
		return s.examine(ctx, &q)
	}
	queries := ticketLists[listKind{
		group: q.GroupID != "", creator: q.Creator != storage.CreatorKey{}, priority: len(q.Priorities) == 1,
		priorities: len(q.Priorities) > 1, status: len(q.Statuses) == 1, by: q.By, oldestFirst: q.OldestFirst,
		assignee: q.Assignee != "",
	}]
	statuses := q.Statuses
	if len(statuses) == 0 {
		statuses = storage.Statuses
	}
	args := []any{q.GroupID, q.Creator.Kind, q.Creator.ID, oneOrAll(q.Priorities), oneOrAll(statuses)}
	page.Tickets, err = s.ticketsAfter(ctx, &q, queries, q.After, q.Limit+1, args)
	if len(page.Tickets) > q.Limit {
		page.Tickets = page.Tickets[:q.Limit]
		page.Next = q.Place(&page.Tickets[q.Limit-1])
	}
	return page, err
}

// oneOrAll returns the only value, or all.
func oneOrAll(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// ticketsAfter lists the tickets after a cursor. args are the values that the list is filtered by.
func (s *Store) ticketsAfter(
	ctx context.Context, q *storage.TicketQuery, queries listQueries, after *storage.Cursor, limit int, args []any,
) (page []storage.Ticket, err error) {
	bounded := *q
	bounded.After = nil
	low, high := bounded.Bounds()
	// Here both bounds are whole milliseconds and exclusive: all of the low one is before the list, all of the high one
	// after it.
	lowAt, highAt := milli(low.At), milli(high.At)
	if low.ID == "" {
		lowAt--
	}
	if high.ID != "" {
		highAt++
	}
	args = append(append(make([]any, 0, 11), args...), make([]any, int(listLowAt)-len(args))...)
	if after != nil {
		at := milli(storage.Kept(after.At))
		if at > lowAt && at < highAt {
			page, err = find[storage.Ticket](ctx, s, queries.then, limit, append(args, lowAt, highAt, at, after.ID, q.WaitingFor, q.Assignee)...)
			if err != nil {
				return nil, err
			}
		}
		if q.OldestFirst {
			lowAt = max(lowAt, at)
		} else {
			highAt = min(highAt, at)
		}
	}
	rest, err := find[storage.Ticket](ctx, s, queries.rest, limit-len(page), append(args, lowAt, highAt, nil, nil, q.WaitingFor, q.Assignee)...)
	if err != nil {
		return nil, err
	}
	return append(page, rest...), nil
}

// candidates is how many candidates are read together.
const candidates = 100

// examine fills a page with tickets that have the text or the external id. For a text, the candidates are the tickets
// that have the first gram of its longest word (docs/decisions.md, D36).
func (s *Store) examine(ctx context.Context, q *storage.TicketQuery) (storage.TicketPage, error) {
	queries, args := externalNewest, []any{q.ExternalID}
	if q.OldestFirst {
		queries = externalOldest
	}
	var search *storage.Search
	if q.Text != "" {
		var err error
		if search, err = storage.NewSearch(q.Text, s.outdated.Load()); err != nil {
			return storage.TicketPage{}, err
		}
		queries = searchNewest
		if q.OldestFirst {
			queries = searchOldest
		}
	}
	looker := storage.NewLooker(q, search)
	if search != nil {
		if err := s.lookAtNumber(ctx, looker, search); err != nil {
			return storage.TicketPage{}, err
		}
		if len(search.Grams()) == 0 {
			return looker.Page(true), nil
		}
		first := search.Grams()[:1]
		if former := search.FormerGrams(); len(former) > 0 {
			first = []string{first[0], former[0]}
		}
		args = []any{first}
	}
	for after := q.After; ; {
		batch, err := s.ticketsAfter(ctx, q, queries, after, candidates, args)
		if err != nil {
			return storage.TicketPage{}, err
		}
		for i := range batch {
			if !looker.Look(&batch[i]) {
				return looker.Page(false), nil
			}
			after = q.Place(&batch[i])
		}
		if len(batch) < candidates {
			return looker.Page(true), nil
		}
	}
}

// lookAtNumber adds the ticket with the number that is searched for.
func (s *Store) lookAtNumber(ctx context.Context, looker *storage.Looker, search *storage.Search) error {
	if search.Number() == 0 {
		return nil
	}
	found, err := find[storage.Ticket](ctx, s, ticketWithNumber, 1, search.Number())
	if err == nil && len(found) > 0 {
		looker.Also(&found[0])
	}
	return err
}

// ticketTaken returns storage.ErrExternalIDTaken when another ticket has the ticket's external id,
// storage.ErrNumberTaken when another has its number, and otherwise nil.
func (s *Store) ticketTaken(ctx context.Context, t *storage.Ticket) error {
	if err := s.externalIDTaken(ctx, t); err != nil || t.Number == 0 {
		return err
	}
	owner, err := s.TicketByNumber(ctx, t.Number)
	if errors.Is(err, storage.ErrNotFound) || err == nil && owner == t.TicketID {
		return nil
	}
	if err != nil {
		return err
	}
	return storage.ErrNumberTaken
}

func (s *Store) externalIDTaken(ctx context.Context, t *storage.Ticket) error {
	if t.ExternalID == "" {
		return nil
	}
	owner, err := get[ticketID](ctx, s, "external id", ticketByExternal, t.CreatedBy.Kind, t.CreatedBy.ID, t.ExternalID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && owner.ID == t.TicketID {
		return nil
	}
	if err != nil {
		return err
	}
	return storage.ErrExternalIDTaken
}

var ticketByExternal = define("tickets", "external",
	bson.D{e("index.external.kind", arg(0)), e("index.external.creator", arg(1)), e("index.external.id", arg(2))},
	nil, bson.D{e("_id", 1)})
