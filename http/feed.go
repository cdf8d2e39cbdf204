package httpedge

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// The feed is the log of events for those who can't receive calls.

const aboutFeed = " Events come at least once and in order within each ticket; over all tickets about in the order of time." + aboutFeedKeys

const aboutFeedKeys = " A key that is bound to a group sees the events of the tickets whose home group it is, and none that are about no ticket." + aboutNotes

func (a *API) feedOperations() {
	register(a, op{
		id: "listFeed", method: http.MethodGet, path: "/events",
		tag: tagEvents, summary: "Read the feed of events", scope: messages.ScopeEventsRead,
		codes: []string{codeEventsExpired, codeNotFound, messages.ReasonConsumerLeased, messages.ReasonConsumerLimit},
		description: "Returns the events after a cursor; without one, the oldest that are kept. `nextCursor` is never null: read on " +
			"with it as `after`. A page may be empty and yet lead on: `hasMore` says whether to read on at once. `wait=N` holds " +
			"the request until there is something, up to N seconds. `after=now` begins with what happens from now on." + aboutConsumers + aboutFeed,
		answer: FeedPage{Data: []view.Envelope{view.EventTypes[0].Example()}, NextCursor: "AQAA", HasMore: false},
	}, a.listFeed)
	register(a, op{
		id: "getEvent", method: http.MethodGet, path: "/events/by-id/{eventId}",
		tag: tagEvents, summary: "Get an event", scope: messages.ScopeEventsRead,
		description: "Returns an event, as long as it is kept. Endpoints with `content: ids` are told this address. An event of an internal " +
			"note needs the scope `messages:read`, too; to other keys it does not exist." + aboutFeedKeys,
		answer: view.EventTypes[0].Example(),
	}, a.getEvent)
	a.streamOperations()
	a.consumerOperations()
}

// FeedPage is a page of the feed.
type FeedPage struct {
	Data       []view.Envelope `json:"data" nullable:"false"`
	NextCursor string          `json:"nextCursor" doc:"Where the next page begins."`
	HasMore    bool            `json:"hasMore" doc:"Whether there is more to read at once."`
	Lease      string          `json:"lease,omitempty" doc:"With consumer: send it with the next request and with the commit."`
}

// FeedFilter holds the parameters that select events.
type FeedFilter struct {
	Types    []string `query:"types" maxItems:"50" doc:"Types and patterns such as ticket.*, separated by commas, or the parameter repeated. Absent: all." example:"ticket.*,message.sent"`
	TicketID string   `query:"ticketId" maxLength:"64" doc:"Only the events of this ticket: its ticketId or its number."`
	Internal bool     `query:"includeInternal" doc:"Internal notes too. The key needs the scope messages:read."`
}

type listFeedInput struct {
	FeedFilter
	ConsumerInput
	After string `query:"after" maxLength:"4000" doc:"The nextCursor of the page before, or now."`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"The most events that a page may have."`
	Wait  int    `query:"wait" minimum:"0" maximum:"30" default:"0" doc:"Seconds to wait until there is something."`
	Order string `query:"order" enum:"oldest,newest" default:"oldest" doc:"newest: the newest events, newest first; after and wait do not count."`
}

type feedOutput struct {
	Body FeedPage
}

// logFilter makes the filter of a reader, within what its key may see.
func (a *API) logFilter(ctx context.Context, c *call, in *FeedFilter) (*messages.LogFilter, error) {
	f := &messages.LogFilter{Types: in.Types, GroupId: c.key.GroupId, IncludeInternal: in.Internal}
	if in.Internal && !messages.ScopeAllows(c.key.Scopes, scopeMessagesRead) {
		return nil, problem(codeScopeMissing, "includeInternal needs the scope messages:read.")
	}
	for i, t := range in.Types {
		if !knownType(t) {
			return nil, invalidQuery("types", fmt.Sprintf("value %d is no type of event, nor a pattern of some; see /events/types", i+1))
		}
	}
	if in.TicketID != "" {
		record, err := a.seen(ctx, c, in.TicketID)
		if err != nil {
			return nil, err
		}
		f.TicketId = record.TicketId
	}
	return f, nil
}

// scopeMessagesRead is what somebody needs to see internal notes.
const scopeMessagesRead = "messages:read"

// feedScopes are what a key needs to go on reading with a filter.
func feedScopes(filter *messages.LogFilter) []string {
	if filter.IncludeInternal {
		return []string{messages.ScopeEventsRead, scopeMessagesRead}
	}
	return []string{messages.ScopeEventsRead}
}

// knownType says whether a type, or a pattern such as ticket.*, names events that there may be.
func knownType(t string) bool {
	prefix, pattern := strings.CutSuffix(t, "*")
	for _, e := range messages.Events {
		if e.Type == t || pattern && (prefix == "" || strings.HasSuffix(prefix, ".") && strings.HasPrefix(e.Type, prefix)) {
			return true
		}
	}
	return false
}

func invalidQuery(name, detail string) error {
	p := problem(codeInvalid)
	p.Errors = []FieldError{{In: "query", Name: name, Detail: detail}}
	return p
}

func (a *API) listFeed(ctx context.Context, c *call, in *listFeedInput) (*feedOutput, error) {
	filter, err := a.logFilter(ctx, c, &in.FeedFilter)
	if err != nil {
		return nil, err
	}
	m := &messages.ReadLog{Filter: filter, Limit: int32(in.Limit), Newest: in.Order == "newest"}
	if m.Newest && in.Consumer != "" {
		return nil, invalidQuery("order", "a consumer reads the oldest first")
	}
	reader, end, err := a.feeds.begin(c.key.KeyId)
	if err != nil {
		return nil, err
	}
	defer end()
	wait := time.Duration(in.Wait) * time.Second
	lease, err := a.leaseConsumer(ctx, c, &in.ConsumerInput, "", wait)
	if err != nil {
		return nil, err
	}
	page, err := a.feedFrom(ctx, reader, m, lease.from(in.After), wait)
	if err == nil && wait > 0 { // the key may have been revoked meanwhile
		err = a.still(ctx, c, feedScopes(filter)...)
	}
	if err != nil {
		lease.endIfNew()
		return nil, err
	}
	out := &feedOutput{Body: feedPageOf(page)}
	out.Body.Lease = lease.token()
	return out, nil
}

type getEventInput struct {
	ID string `path:"eventId" minLength:"1" maxLength:"200" doc:"The event's id." example:"evt_a5kt2mmmwfx5ttk4mzdkzc2d3q"`
}

type eventOutput struct {
	Body view.Envelope
}

func (a *API) getEvent(ctx context.Context, c *call, in *getEventInput) (*eventOutput, error) {
	page, err := ask[*messages.LogPage](ctx, a, messages.KindQuery, "", &messages.ReadLog{EventId: in.ID,
		Filter: &messages.LogFilter{GroupId: c.key.GroupId, IncludeInternal: messages.ScopeAllows(c.key.Scopes, scopeMessagesRead)}})
	if err != nil {
		return nil, err
	}
	if len(page.Events) == 0 {
		return nil, problem(codeNotFound)
	}
	return &eventOutput{Body: envelopeOf(page.Events[0])}, nil
}

// feedFrom reads a page after a cursor.
func (a *API) feedFrom(ctx context.Context, k *feedKey, m *messages.ReadLog, after string, wait time.Duration) (
	page *messages.LogPage, err error) {
	if !m.Newest {
		if m.Positions, err = a.feedPositions(ctx, after); err != nil {
			return nil, err
		}
	}
	return a.readFeed(ctx, k, m, wait)
}

// feedPositions are those of a cursor, of now, or none, which is the oldest.
func (a *API) feedPositions(ctx context.Context, after string) ([]int64, error) {
	switch after {
	case "":
		return nil, nil
	case "now":
		newest, err := ask[*messages.LogPage](ctx, a, messages.KindQuery, "", &messages.ReadLog{Newest: true})
		if err != nil {
			return nil, err
		}
		return newest.Positions, nil
	}
	return readFeedCursor(after)
}

// readFeed reads a page, and waits for something to be in it.
func (a *API) readFeed(ctx context.Context, k *feedKey, m *messages.ReadLog, wait time.Duration) (*messages.LogPage, error) {
	var woken <-chan struct{}
	if wait > 0 && !m.Newest {
		var stop func()
		woken, stop = a.desk.WatchLog(m.Filter)
		defer stop()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		page, err := a.readPage(ctx, k, m)
		if err != nil {
			return nil, err
		}
		if page.Expired {
			p := problem(codeEventsExpired)
			if page.Beyond {
				p.Detail = "This cursor is beyond the end of the feed: the desk was restored from an older backup, and what came after " +
					"that is undone. Read on from oldestCursor."
			}
			p.OldestCursor = feedCursor(page.Positions)
			return nil, p
		}
		if len(page.Events) > 0 || page.More || woken == nil {
			return page, nil
		}
		m.Positions = page.Positions
		select {
		case <-woken:
		case <-timer.C:
			return page, nil
		case <-a.ending:
			return page, nil
		case <-ctx.Done():
			return page, nil
		}
	}
}

func feedPageOf(page *messages.LogPage) FeedPage {
	out := FeedPage{Data: make([]view.Envelope, 0, len(page.Events)), NextCursor: feedCursor(page.Positions), HasMore: page.More}
	for _, e := range page.Events {
		out.Data = append(out.Data, envelopeOf(e))
	}
	return out
}

func envelopeOf(e *messages.LoggedEvent) view.Envelope {
	return view.EnvelopeOf(e.TicketId, &messages.EventRecord{EventId: e.EventId, Number: e.Number, Type: e.Type, AtMs: e.AtMs,
		Data: e.Data})
}

const feedCursorVersion = 1

// feedCursor is the position in each partition of the log: a version, and numbers of variable length.
func feedCursor(positions []int64) string {
	b := []byte{feedCursorVersion}
	for _, p := range positions {
		b = binary.AppendUvarint(b, uint64(p))
	}
	return base64.RawURLEncoding.EncodeToString(append(markOf("feed", b), b...))
}

func readFeedCursor(cursor string) ([]int64, error) {
	refused := invalidQuery("after", "not a cursor of the feed; begin without one, or with now")
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) <= cursorMark || string(b[:cursorMark]) != string(markOf("feed", b[cursorMark:])) ||
		b[cursorMark] != feedCursorVersion {
		return nil, refused
	}
	var positions []int64
	for b = b[cursorMark+1:]; len(b) > 0; {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<62 {
			return nil, refused
		}
		positions, b = append(positions, int64(v)), b[n:]
	}
	return positions, nil
}
