package httpedge

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// Ticket is one support case as the API shows it.
type Ticket struct {
	TicketID    string     `json:"ticketId" example:"TICK-MWWK9D73-FBC14E0C"`
	Title       string     `json:"title" example:"Printer is on fire"`
	Description string     `json:"description" example:"Third floor, next to the lift."`
	Status      string     `json:"status" enum:"open,pending,closed" example:"open"`
	Priority    string     `json:"priority" enum:"low,normal,high,urgent" example:"normal"`
	GroupID     int64      `json:"groupId" doc:"Telegram id of the group in which its home topic is." example:"-1001234567890"`
	CreatedBy   Creator    `json:"createdBy"`
	Topic       HomeTopic  `json:"topic"`
	ExternalID  *string    `json:"externalId" doc:"The creator's own name for it." example:"crm-4711"`
	Metadata    Metadata   `json:"metadata" doc:"An object of the creator's, kept as it is."`
	CreatedAt   time.Time  `json:"createdAt"`
	UpdatedAt   time.Time  `json:"updatedAt" doc:"When it was changed; messages do not count."`
	ClosedAt    *time.Time `json:"closedAt" doc:"null: it is not closed."`
}

// Creator is who opened a ticket, or made a link.
type Creator struct {
	Kind string `json:"kind" enum:"user,apiKey,group,channel" doc:"group and channel: an anonymous administrator, or somebody who writes as a channel." example:"user"`
	ID   string `json:"id" doc:"Of a user, group or channel the Telegram id; of a key its keyId." example:"4711"`
	Name string `json:"name" example:"Ann"`
}

// HomeTopic is the topic in which a ticket was opened.
type HomeTopic struct {
	State           string `json:"state" enum:"pending,open,closed,failed" doc:"pending: Telegram has not opened it yet." example:"open"`
	TelegramTopicID *int64 `json:"telegramTopicId" doc:"message_thread_id in Telegram; null while it is pending." example:"42"`
	Name            string `json:"name" example:"Printer is on fire · FBC14E0C"`
	Reason          string `json:"reason,omitempty" doc:"Why it can't be opened or written to, in Telegram's words."`
}

// Metadata is a JSON object that the desk does not look into.
type Metadata json.RawMessage

// MarshalJSON writes null for none.
func (m Metadata) MarshalJSON() ([]byte, error) {
	if len(m) == 0 {
		return []byte("null"), nil
	}
	return m, nil
}

// UnmarshalJSON keeps the object as it was sent.
func (m *Metadata) UnmarshalJSON(data []byte) error {
	*m = nil
	if !bytes.Equal(data, []byte("null")) {
		*m = bytes.Clone(data)
	}
	return nil
}

// Schema is that of any object.
func (Metadata) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "object", Nullable: true, AdditionalProperties: true, Description: "Any object of at most 8 kB."}
}

const maxMetadata = 8 << 10

// compact is the object as it is stored; a *Problem when it is too large.
func (m Metadata) compact() ([]byte, error) {
	if len(m) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, m); err != nil || b.Len() == 0 || b.Bytes()[0] != '{' {
		return nil, invalid("/metadata", "expected an object")
	}
	if b.Len() > maxMetadata {
		return nil, invalid("/metadata", "it is larger than 8192 bytes")
	}
	if b.String() == "{}" {
		return nil, nil
	}
	return b.Bytes(), nil
}

const (
	aboutTickets    = " A key that is bound to a group sees the tickets of that group."
	aboutConditions = " With `If-Match` the change is made only while the ticket still has that ETag; else 412."
)

func (a *API) ticketOperations() {
	closed, taken := messages.NoticeTicketIsClosed, messages.ReasonExternalIDTaken
	register(a, op{
		id: "createTicket", method: http.MethodPost, path: "/tickets", tag: tagTickets, summary: "Open a ticket", scope: "tickets:write", status: http.StatusCreated,
		codes: []string{codeGroupUnknown, taken, messages.NoticeGroupUnregistered, messages.NoticeGroupNeedsTopics, messages.NoticeGroupNeedsRights},
		description: "Answers as soon as the ticket is durable; its topic in Telegram is opened then (`topic.state` is `pending` until it is). " +
			"`Prefer: wait=N` waits up to N seconds (30 at most) for that. Without `groupId` the key's own group is taken.",
		request: map[string]any{"title": "Printer is on fire", "description": "Third floor, next to the lift.", "priority": "high", "groupId": -1001234567890,
			"externalId": "crm-4711", "metadata": map[string]any{"customer": "ACME"}},
		answer: exampleTicket("pending"),
	}, a.createTicket)
	register(a, op{
		id: "listTickets", method: http.MethodGet, path: "/tickets", tag: tagTickets, summary: "List and search tickets", scope: "tickets:read",
		codes: []string{messages.ReasonListNotServed, messages.ReasonSearchTooShort, codeGroupUnknown},
		description: "Newest first, unless `sort` says otherwise. Served are these combinations of filters, each with or without `status`: none, `groupId`, " +
			"`createdBy`, `groupId` and `createdBy`, `priority`, `groupId` and `priority`; `q` or `externalId` with any of status, priority, groupId and " +
			"createdBy, sorted by createdAt. A range must be of the time that is sorted by. Everything else is refused with `list_not_supported`. " +
			"Every page costs the same. A page of a search may be shorter than `limit` although there is a next one." + aboutTickets,
		answer: exampleList(exampleTicket("open")), middlewares: huma.Middlewares{a.fewLists},
	}, a.listTickets)
	register(a, op{
		id: "getTicket", method: http.MethodGet, path: "/tickets/{id}", tag: tagTickets, summary: "Get a ticket", scope: "tickets:read",
		description: "With `If-None-Match` an unchanged ticket is answered by 304." + aboutTickets, answer: exampleTicket("open"),
	}, a.getTicket)
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		register(a, op{
			id: strings.ToLower(method) + "Ticket", method: method, path: "/tickets/{id}", tag: tagTickets, summary: "Change a ticket", scope: "tickets:write",
			codes: []string{codeStale, closed},
			description: "Changes the fields that are sent and leaves the others (PUT and PATCH are the same): topics are renamed and cards edited in Telegram. " +
				"`status: closed` closes the ticket as `/close_ticket` does, `open` reopens it. `metadata: null` takes it away." + aboutConditions + aboutTickets,
			request: map[string]any{"priority": "urgent", "status": "pending"}, answer: exampleTicket("open"),
			middlewares: huma.Middlewares{a.condition},
		}, a.updateTicket)
	}
	register(a, op{
		id: "closeTicket", method: http.MethodPost, path: "/tickets/{id}/close", tag: tagTickets, summary: "Close a ticket", scope: "tickets:write",
		codes:       []string{messages.NoticeAlreadyClosed},
		description: "Its topics are told and closed, once everything said before has arrived." + aboutTickets,
		request:     map[string]any{"reason": "Solved"}, answer: exampleTicket("open"),
	}, a.closeTicket)
	register(a, op{
		id: "reopenTicket", method: http.MethodPost, path: "/tickets/{id}/reopen", tag: tagTickets, summary: "Reopen a ticket", scope: "tickets:write",
		codes:       []string{messages.NoticeAlreadyOpen},
		description: "Also ends `pending`." + aboutTickets, answer: exampleTicket("open"),
	}, a.reopenTicket)
	register(a, op{
		id: "mentionUser", method: http.MethodPost, path: "/tickets/{id}/mention", tag: tagTickets, summary: "Mention somebody", scope: "tickets:write", status: http.StatusAccepted,
		codes: []string{closed, messages.NoticeMentionUnknown, messages.NoticeMentionNoGroup, messages.NoticeMentionBotOut, messages.NoticeMentionNoTopics,
			messages.NoticeMentionNoRights, messages.NoticeMentionHome, messages.NoticeMentionAlready, messages.NoticeMentionBot},
		description: "Opens a linked topic in the person's default group, as `/mention` does. Name them by `username`, or by `userId` or `telegramId`, which are the same." + aboutTickets,
		request:     map[string]any{"username": "ben_c"}, answer: exampleLink(),
	}, a.mentionUser)
}

type createTicketInput struct {
	Prefer string `header:"Prefer" maxLength:"200" doc:"wait=N: wait up to N seconds until Telegram has opened the topic." example:"wait=5"`
	Body   struct {
		Title       string   `json:"title" minLength:"1" maxLength:"255" example:"Printer is on fire"`
		Description string   `json:"description,omitempty" maxLength:"4000" example:"Third floor, next to the lift."`
		Priority    string   `json:"priority,omitempty" enum:"low,normal,high,urgent" default:"normal"`
		GroupID     int64    `json:"groupId,omitempty" maximum:"0" minimum:"-4503599627370495" doc:"Telegram id of the group in which its topic opens." example:"-1001234567890"`
		ExternalID  string   `json:"externalId,omitempty" maxLength:"255" doc:"Your own name for it; no two tickets of a key may have the same." example:"crm-4711"`
		Metadata    Metadata `json:"metadata,omitempty"`
	}
}

type createdTicketOutput struct {
	Location string `header:"Location" doc:"Where the ticket is."`
	ETag     string `header:"ETag"`
	Applied  string `header:"Preference-Applied" doc:"What of Prefer was done."`
	Body     Ticket
}

func (a *API) createTicket(ctx context.Context, c *call, in *createTicketInput) (*createdTicketOutput, error) {
	b := &in.Body
	if blank(b.Title) {
		return nil, invalid("/title", "nothing that can be seen is in it")
	}
	metadata, err := b.Metadata.compact()
	if err != nil {
		return nil, err
	}
	place, err := a.ticketGroup(ctx, c, b.GroupID)
	if err != nil {
		return nil, err
	}
	o := c.origin()
	id := messages.TicketID(o.CommandId, o.DateMs)
	if c.repeatable { // the same request later becomes the same ticket
		id = messages.TicketIDOf(o.CommandId)
	}
	if _, err := ask[*messages.Reply](ctx, a, messages.KindTicket, id, &messages.OpenTicket{Origin: o, TicketId: id, GroupId: place, Title: b.Title,
		Description: b.Description, Priority: b.Priority, ExternalId: b.ExternalID, Metadata: metadata}); err != nil {
		return nil, err
	}
	record, err := a.ticket(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &createdTicketOutput{Location: apiPrefix + "/tickets/" + id}
	if seconds := waitSeconds(in.Prefer); seconds > 0 {
		out.Applied = "wait=" + strconv.Itoa(seconds)
		if record, err = a.awaitTopic(ctx, record, time.Duration(seconds)*time.Second); err != nil {
			return nil, err
		}
	}
	out.ETag, out.Body = etag(record), ticketOf(record)
	return out, nil
}

// ticketGroup finds the group in which a ticket is to be opened, and makes sure that it can be.
func (a *API) ticketGroup(ctx context.Context, c *call, telegramID int64) (string, error) {
	question := &messages.GetGroupRecord{ChatId: telegramID}
	if telegramID == 0 {
		if c.key.GroupId == "" {
			return "", invalid("/groupId", "expected the Telegram id of a group, since this key is bound to none")
		}
		question.GroupId = c.key.GroupId
	}
	group, err := ask[*messages.GroupRecord](ctx, a, messages.KindQuery, "", question)
	if err == nil && !c.sees(group.GroupId) {
		err = problem(codeNotFound)
	}
	if err != nil {
		return "", unknownGroup(err, "/groupId")
	}
	if missing := group.Standing.Notice(); missing != "" {
		return "", problem(missing)
	}
	return group.GroupId, nil
}

const (
	waitAtMost = 30 // seconds
	waitLook   = 50 * time.Millisecond
)

// waitSeconds reads "wait=N" in a Prefer header (RFC 7240).
func waitSeconds(prefer string) int {
	for _, p := range strings.FieldsFunc(prefer, func(r rune) bool { return r == ',' || r == ';' }) {
		if n, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "wait="); ok {
			if seconds, err := strconv.Atoi(n); err == nil && seconds > 0 {
				return min(seconds, waitAtMost)
			}
		}
	}
	return 0
}

// awaitTopic looks at the ticket until its topic is open, or can't be opened, or the time is over, or the service's.
func (a *API) awaitTopic(ctx context.Context, record *messages.TicketRecord, atMost time.Duration) (*messages.TicketRecord, error) {
	over := time.NewTimer(atMost)
	defer over.Stop()
	look := time.NewTicker(waitLook)
	defer look.Stop()
	for record.Topic.State == "pending" {
		select {
		case <-ctx.Done():
			return record, nil
		case <-a.ending:
			return record, nil
		case <-over.C:
			return record, nil
		case <-look.C:
		}
		next, err := a.ticket(ctx, record.TicketId)
		if err != nil {
			return nil, err
		}
		record = next
	}
	return record, nil
}

// ticket asks for a ticket: its entity answers if it is in memory, else a reader.
func (a *API) ticket(ctx context.Context, id string) (*messages.TicketRecord, error) {
	return ask[*messages.TicketRecord](ctx, a, messages.KindTicket, id, &messages.GetTicket{TicketId: id})
}

// TicketPath names a ticket in the path.
type TicketPath struct {
	ID string `path:"id" maxLength:"64" doc:"Its ticketId, in any case." example:"TICK-MWWK9D73-FBC14E0C"`
}

// seen finds the ticket of a path; one that the key can't see is none.
func (a *API) seen(ctx context.Context, c *call, given string) (*messages.TicketRecord, error) {
	id, ok := messages.ParseTicketID(given)
	if !ok {
		return nil, problem(codeNotFound)
	}
	record, err := a.ticket(ctx, id)
	if err == nil && !c.sees(record.GroupId) {
		err = problem(codeNotFound)
	}
	return record, err
}

type getTicketInput struct {
	TicketPath
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"ETags that are known already."`
}

type ticketOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Ticket
}

func (a *API) getTicket(ctx context.Context, c *call, in *getTicketInput) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	out := &ticketOutput{Status: http.StatusOK, ETag: etag(record), Body: ticketOf(record)}
	if matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified // HTTP has no body then
	}
	return out, nil
}

func etag(r *messages.TicketRecord) string { return `"` + r.Revision + `"` }

// matches says whether a list of ETags has one that is the same; a weak one is as good for what it is used for here.
func matches(list, tag string) bool {
	for _, t := range strings.Split(list, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

// condition answers a change whose If-Match is stale, before anything is said of its body.
func (a *API) condition(ctx huma.Context, next func(huma.Context)) {
	match := humafiber.UnwrapV2(ctx).Get(fiber.HeaderIfMatch)
	c, ok := ctx.Context().Value(callKey{}).(*call)
	if match == "" || !ok {
		next(ctx)
		return
	}
	record, err := a.seen(ctx.Context(), c, ctx.Param("id"))
	if err == nil && !matches(match, etag(record)) {
		err = problem(codeStale)
	}
	if err != nil {
		a.fail(ctx, err)
		return
	}
	next(ctx)
}

type updateTicketInput struct {
	TicketPath
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag of the ticket that was read."`
	Body    struct {
		Title       *string            `json:"title,omitempty" minLength:"1" maxLength:"255" example:"Printer is on fire"`
		Description *string            `json:"description,omitempty" maxLength:"4000"`
		Priority    *string            `json:"priority,omitempty" enum:"low,normal,high,urgent"`
		Status      *string            `json:"status,omitempty" enum:"open,pending,closed"`
		Metadata    Optional[Metadata] `json:"metadata,omitempty"`
	}
}

func (a *API) updateTicket(ctx context.Context, c *call, in *updateTicketInput) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	if b.Title != nil && blank(*b.Title) {
		return nil, invalid("/title", "nothing that can be seen is in it")
	}
	m := &messages.UpdateTicket{Origin: c.origin(), Title: b.Title, Description: b.Description, Priority: b.Priority, Status: b.Status}
	if b.Metadata.Sent {
		if m.Metadata, err = b.Metadata.Value.compact(); err != nil {
			return nil, err
		}
		if m.Metadata == nil {
			m.Metadata = []byte{}
		}
	}
	if in.IfMatch != "" && strings.TrimSpace(in.IfMatch) != "*" {
		if !matches(in.IfMatch, etag(record)) {
			return nil, problem(codeStale)
		}
		m.Expected = record.Revision // the ticket looks again, in its own turn
	}
	return a.changed(ctx, record.TicketId, m)
}

// changed sends a command and returns the ticket as it is then.
func (a *API) changed(ctx context.Context, id string, m ticketCommand) (*ticketOutput, error) {
	if _, err := ask[*messages.Reply](ctx, a, messages.KindTicket, id, m); err != nil {
		return nil, err
	}
	record, err := a.ticket(ctx, id)
	if err != nil {
		return nil, err
	}
	return &ticketOutput{Status: http.StatusOK, ETag: etag(record), Body: ticketOf(record)}, nil
}

type closeTicketInput struct {
	TicketPath
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Told in the ticket's topics." example:"Solved"`
	}
}

func (a *API) closeTicket(ctx context.Context, c *call, in *closeTicketInput) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.CloseTicket{Origin: c.origin()}
	if in.Body != nil {
		m.Reason = in.Body.Reason
	}
	return a.changed(ctx, record.TicketId, m)
}

func (a *API) reopenTicket(ctx context.Context, c *call, in *TicketPath) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return a.changed(ctx, record.TicketId, &messages.ReopenTicket{Origin: c.origin()})
}

func ticketOf(r *messages.TicketRecord) Ticket {
	t := Ticket{TicketID: r.TicketId, Title: r.Title, Description: r.Description, Status: r.Status, Priority: r.Priority, GroupID: r.ChatId,
		CreatedBy: creatorOf(r.CreatedBy), Metadata: r.Metadata,
		Topic:     HomeTopic{State: r.Topic.State, Name: r.Topic.Name, Reason: r.Topic.Failure, TelegramTopicID: orNull(r.Topic.TelegramTopicId)},
		CreatedAt: time.UnixMilli(r.CreatedMs).UTC(), UpdatedAt: time.UnixMilli(r.UpdatedMs).UTC(), ClosedAt: timeOf(r.ClosedMs)}
	if r.ExternalId != "" {
		t.ExternalID = &r.ExternalId
	}
	return t
}

func creatorOf(c *messages.Creator) Creator {
	return Creator{Kind: c.GetKind(), ID: c.GetId(), Name: c.GetName()}
}

// orNull is null for 0.
func orNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// blank says that a text has nothing in it that can be seen.
func blank(text string) bool { return strings.TrimSpace(messages.CleanText(text)) == "" }

func exampleTicket(state string) Ticket {
	external, thread := "crm-4711", int64(42)
	t := Ticket{TicketID: "TICK-MWWK9D73-FBC14E0C", Title: "Printer is on fire", Description: "Third floor, next to the lift.", Status: "open", Priority: "high",
		GroupID: -1001234567890, CreatedBy: Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"}, ExternalID: &external,
		Topic:    HomeTopic{State: state, Name: "Printer is on fire · FBC14E0C"},
		Metadata: Metadata(`{"customer":"ACME"}`), CreatedAt: exampleTime, UpdatedAt: exampleTime}
	if state == "open" {
		t.Topic.TelegramTopicID = &thread
	}
	return t
}
