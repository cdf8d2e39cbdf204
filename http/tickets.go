package httpedge

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// Ticket is one support case as the API shows it.
type Ticket struct {
	TicketID            string       `json:"ticketId" example:"TICK-MWWK9D73-FBC14E0C"`
	Title               string       `json:"title" example:"Printer is on fire"`
	Description         string       `json:"description" example:"Third floor, next to the lift."`
	DescriptionEntities []TextEntity `json:"descriptionEntities" nullable:"false" doc:"The markup of the description."`
	Status              string       `json:"status" enum:"open,pending,closed" example:"open"`
	Priority            string       `json:"priority" enum:"low,normal,high,urgent" example:"normal"`
	GroupID             int64        `json:"groupId" doc:"Telegram id of the group with the home topic." example:"-1001234567890"`
	CreatedBy           Creator      `json:"createdBy"`
	Topic               HomeTopic    `json:"topic"`
	ExternalID          *string      `json:"externalId" doc:"The creator's own id for the ticket. null if there is none." example:"crm-4711"`
	Metadata            Metadata     `json:"metadata" doc:"An object that programs keep with the ticket. The desk does not interpret it."`
	CreatedAt           time.Time    `json:"createdAt"`
	UpdatedAt           time.Time    `json:"updatedAt" doc:"When the ticket was last changed. Messages do not count."`
	ClosedAt            *time.Time   `json:"closedAt" doc:"When the ticket was closed. null if it is not closed."`
}

// Creator is who opened a ticket, made a link or sent a file.
type Creator struct {
	Kind string `json:"kind" enum:"user,apiKey,group,channel" doc:"group: an anonymous administrator. channel: somebody who writes as a channel." example:"user"`
	ID   string `json:"id" doc:"The Telegram id of a user, group or channel; the keyId of an API key." example:"4711"`
	Name string `json:"name" example:"Ann"`
}

// HomeTopic is the topic in which a ticket was opened.
type HomeTopic struct {
	State           string `json:"state" enum:"pending,open,closed,failed" doc:"pending: Telegram has not opened the topic yet. failed: it can't be opened." example:"open"`
	TelegramTopicID *int64 `json:"telegramTopicId" doc:"The topic's message_thread_id in Telegram. null while the topic is pending." example:"42"`
	Name            string `json:"name" example:"Printer is on fire · FBC14E0C"`
	Reason          string `json:"reason,omitempty" doc:"Why the topic can't be opened or written to, in Telegram's words."`
}

const (
	aboutTickets    = " A key that is bound to a group sees only the tickets of that group."
	aboutConditions = " With `If-Match`, the change is made only if the ticket still has that ETag; otherwise the " +
		"answer is 412."
)

func (a *API) ticketOperations() {
	closed, taken := messages.NoticeTicketIsClosed, messages.ReasonExternalIDTaken
	register(a, op{
		id: "createTicket", method: http.MethodPost, path: "/tickets",
		tag: tagTickets, summary: "Open a ticket", scope: "tickets:write", status: http.StatusCreated,
		codes: []string{codeGroupUnknown, taken, messages.NoticeGroupUnregistered, messages.NoticeGroupNeedsTopics,
			messages.NoticeGroupNeedsRights},
		description: "Answers as soon as the ticket is durable. Its topic in Telegram opens afterwards; until then " +
			"`topic.state` is `pending`. `Prefer: wait=N` waits for the topic, up to N seconds and at most 30. Without " +
			"`groupId` the ticket opens in the key's own group. The description may have markup: `descriptionFormat` and " +
			"`descriptionEntities` are what `format` and `entities` are for messages.",
		request: map[string]any{"title": "Printer is on fire", "description": "Third floor, next to the lift.",
			"priority": "high", "groupId": -1001234567890, "externalId": "crm-4711",
			"metadata": map[string]any{"customer": "ACME"}},
		answer: exampleTicket("pending"),
	}, a.createTicket)
	register(a, op{
		id: "listTickets", method: http.MethodGet, path: "/tickets",
		tag: tagTickets, summary: "List and search tickets", scope: "tickets:read",
		codes: []string{messages.ReasonListNotServed, messages.ReasonSearchTooShort, codeGroupUnknown},
		description: "Lists tickets, newest first unless `sort` says otherwise. These combinations of filters are " +
			"supported, each with or without `status`: no filter; `groupId`; `createdBy`; `groupId` and `createdBy`; " +
			"`priority`; `groupId` and `priority`. `q` and `externalId` combine with any of `status`, `priority`, `groupId` " +
			"and `createdBy`, sorted by createdAt. A time range must be of the time that the list is sorted by. Everything " +
			"else is refused with `list_not_supported`. Every page costs the same. A page of a search may have fewer items " +
			"than `limit` although there is a next page." + aboutTickets,
		answer: exampleList(exampleTicket("open")), middlewares: huma.Middlewares{a.fewLists},
	}, a.listTickets)
	register(a, op{
		id: "getTicket", method: http.MethodGet, path: "/tickets/{id}",
		tag: tagTickets, summary: "Get a ticket", scope: "tickets:read",
		description: "Returns a ticket. With `If-None-Match`, an unchanged ticket is answered with 304." + aboutTickets,
		answer:      exampleTicket("open"),
	}, a.getTicket)
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		register(a, op{
			id: strings.ToLower(method) + "Ticket", method: method, path: "/tickets/{id}",
			tag: tagTickets, summary: "Change a ticket", scope: "tickets:write",
			codes: []string{codeStale, closed},
			description: "Changes the fields that are sent and leaves the others as they are; PUT and PATCH do the same. In " +
				"Telegram, topics are renamed and cards edited. `status: closed` closes the ticket as `/close_ticket` does, " +
				"and `status: open` reopens it. `metadata: null` removes the metadata. A description that is sent without " +
				"`descriptionFormat` and `descriptionEntities` keeps its markup if its text is the same, and has none otherwise." + aboutConditions + aboutTickets,
			request: map[string]any{"priority": "urgent", "status": "pending"}, answer: exampleTicket("open"),
			middlewares: huma.Middlewares{a.condition},
		}, a.updateTicket)
	}
	register(a, op{
		id: "closeTicket", method: http.MethodPost, path: "/tickets/{id}/close",
		tag: tagTickets, summary: "Close a ticket", scope: "tickets:write",
		codes: []string{messages.NoticeAlreadyClosed},
		description: "Closes a ticket. Its topics get a notice and close after all earlier messages have been copied." +
			aboutTickets,
		request: map[string]any{"reason": "Solved"}, answer: exampleTicket("open"),
	}, a.closeTicket)
	register(a, op{
		id: "reopenTicket", method: http.MethodPost, path: "/tickets/{id}/reopen",
		tag: tagTickets, summary: "Reopen a ticket", scope: "tickets:write",
		codes:       []string{messages.NoticeAlreadyOpen},
		description: "Opens a ticket that is closed or `pending` again." + aboutTickets, answer: exampleTicket("open"),
	}, a.reopenTicket)
	register(a, op{
		id: "mentionUser", method: http.MethodPost, path: "/tickets/{id}/mention",
		tag: tagTickets, summary: "Mention a person", scope: "tickets:write", status: http.StatusAccepted,
		codes: []string{closed, messages.NoticeMentionUnknown, messages.NoticeMentionNoGroup,
			messages.NoticeMentionBotOut, messages.NoticeMentionNoTopics, messages.NoticeMentionNoRights,
			messages.NoticeMentionHome, messages.NoticeMentionAlready, messages.NoticeMentionBot},
		description: "Opens a linked topic in the person's default group, as `/mention` does. Name the person by exactly " +
			"one of `username`, `userId` and `telegramId`; the last two are the same." + aboutTickets,
		request: map[string]any{"username": "ben_c"}, answer: exampleLink(),
	}, a.mentionUser)
}

// ticket reads a ticket. Its entity answers if it is resident, else a reader.
func (a *API) ticket(ctx context.Context, id string) (*messages.TicketRecord, error) {
	return ask[*messages.TicketRecord](ctx, a, messages.KindTicket, id, &messages.GetTicket{TicketId: id})
}

// TicketPath names a ticket in the path.
type TicketPath struct {
	ID string `path:"id" maxLength:"64" doc:"The ticketId, in upper or lower case." example:"TICK-MWWK9D73-FBC14E0C"`
}

// seen finds the ticket of a path. A ticket that the key can't see is not found.
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
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"The ETags that the client has already."`
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
		out.Status = http.StatusNotModified // its answer has no body
	}
	return out, nil
}

func etag(r *messages.TicketRecord) string { return `"` + r.Revision + `"` }

// matches reports whether a list of ETags contains this one. A weak one counts, too.
func matches(list, tag string) bool {
	for _, t := range strings.Split(list, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

func ticketOf(r *messages.TicketRecord) Ticket {
	t := Ticket{
		TicketID: r.TicketId, Title: r.Title, Description: r.Description,
		DescriptionEntities: entitiesOf(r.DescriptionEntities), Status: r.Status, Priority: r.Priority,
		GroupID: r.ChatId, CreatedBy: creatorOf(r.CreatedBy), Metadata: r.Metadata,
		Topic: HomeTopic{State: r.Topic.State, TelegramTopicID: orNull(r.Topic.TelegramTopicId),
			Name: r.Topic.Name, Reason: r.Topic.Failure},
		CreatedAt: time.UnixMilli(r.CreatedMs).UTC(), UpdatedAt: time.UnixMilli(r.UpdatedMs).UTC(),
		ClosedAt: timeOf(r.ClosedMs),
	}
	if r.ExternalId != "" {
		t.ExternalID = &r.ExternalId
	}
	return t
}

func creatorOf(c *messages.Creator) Creator {
	return Creator{Kind: c.GetKind(), ID: c.GetId(), Name: c.GetName()}
}

// orNull makes 0 null.
func orNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// blank reports whether nothing in a text is visible.
func blank(text string) bool { return strings.TrimSpace(messages.CleanText(text)) == "" }

func exampleTicket(state string) Ticket {
	external, thread := "crm-4711", int64(42)
	t := Ticket{
		TicketID: "TICK-MWWK9D73-FBC14E0C", Title: "Printer is on fire", Description: "Third floor, next to the lift.",
		DescriptionEntities: []TextEntity{}, Status: "open", Priority: "high", GroupID: -1001234567890,
		CreatedBy:  Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"},
		Topic:      HomeTopic{State: state, Name: "Printer is on fire · FBC14E0C"},
		ExternalID: &external, Metadata: Metadata(`{"customer":"ACME"}`), CreatedAt: exampleTime, UpdatedAt: exampleTime,
	}
	if state == "open" {
		t.Topic.TelegramTopicID = &thread
	}
	return t
}
