package httpedge

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

const (
	aboutTickets    = " A key that is bound to a group sees only the tickets of that group."
	aboutNotes      = " Of internal notes it sees those that were written in a topic of that group."
	aboutConditions = " With `If-Match`, the change is made only if there was no other since that ETag; otherwise " +
		"the answer is 412."
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
		answer: view.ExampleTicket("pending"),
	}, a.createTicket)
	register(a, op{
		id: "listTickets", method: http.MethodGet, path: "/tickets",
		tag: tagTickets, summary: "List and search tickets", scope: "tickets:read",
		codes: []string{messages.ReasonListNotServed, messages.ReasonSearchTooShort, codeGroupUnknown},
		description: "Lists tickets, newest first unless `sort` says otherwise. These combinations of filters are " +
			"supported, each with or without `status`: no filter; `groupId`; `createdBy`; `groupId` and `createdBy`; " +
			"`priority`; `groupId` and `priority`. By `lastMessageAt`: no filter, or `groupId`. By `waitingSince`: `waitingFor`, or `waitingFor` and `groupId`. By `createdAt`: `assignee`, or `assignee` and `groupId`. `q` and `externalId` combine " +
			"with any of `status`, `priority`, `groupId`, `createdBy`, `waitingFor` and `assignee`, sorted by createdAt. A time range must be of the time that the list is sorted by. Everything " +
			"else is refused with `list_not_supported`. Every page costs the same. A page of a search may have fewer items " +
			"than `limit` although there is a next page." + aboutTickets,
		answer: exampleList(view.ExampleTicket("open")), middlewares: huma.Middlewares{a.fewLists},
	}, a.listTickets)
	register(a, op{
		id: "getTicket", method: http.MethodGet, path: "/tickets/{id}",
		tag: tagTickets, summary: "Get a ticket", scope: "tickets:read",
		description: "Returns a ticket. With `If-None-Match`, a ticket that is unchanged, and in which nobody has written " +
			"since, is answered with 304." + aboutTickets,
		answer: view.ExampleTicket("open"),
	}, a.getTicket)
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		register(a, op{
			id: strings.ToLower(method) + "Ticket", method: method, path: "/tickets/{id}",
			tag: tagTickets, summary: "Change a ticket", scope: "tickets:write",
			codes: []string{codeStale, closed, messages.NoticeAssignUnknown, messages.NoticeAssignNotTeam, messages.NoticeSnoozeUnclear,
				messages.NoticeCloseUnclear, messages.NoticeCloseUnanswered},
			description: "Changes the fields that are sent and leaves the others as they are; PUT and PATCH do the same. In " +
				"Telegram, topics are renamed and cards edited. `status: closed` closes the ticket as `/close_ticket` does, " +
				"and `status: open` reopens it. `metadata: null` removes the metadata. `assigneeId` gives the ticket to somebody of the desk, as " +
				"`/assign` does, who is told in Telegram; `assigneeId: null` releases it. `snoozedUntil` puts the ticket aside, as `/later` does. A description that is sent without " +
				"`descriptionFormat` and `descriptionEntities` keeps its markup if its text is the same, and has none otherwise." + aboutConditions +
				" Messages are no change." + aboutTickets,
			request: map[string]any{"priority": "urgent", "status": "pending"}, answer: view.ExampleTicket("open"),
			middlewares: huma.Middlewares{a.condition},
		}, a.updateTicket)
	}
	register(a, op{
		id: "closeTicket", method: http.MethodPost, path: "/tickets/{id}/close",
		tag: tagTickets, summary: "Close a ticket", scope: "tickets:write",
		codes: []string{codeStale, messages.NoticeAlreadyClosed},
		description: "Closes a ticket. Its topics get a notice and close after all earlier messages have been copied." +
			aboutConditions + aboutTickets,
		middlewares: huma.Middlewares{a.condition},
		request:     map[string]any{"reason": "Solved"}, answer: view.ExampleTicket("open"),
	}, a.closeTicket)
	register(a, op{
		id: "reopenTicket", method: http.MethodPost, path: "/tickets/{id}/reopen",
		tag: tagTickets, summary: "Reopen a ticket", scope: "tickets:write",
		codes:       []string{codeStale, messages.NoticeAlreadyOpen},
		middlewares: huma.Middlewares{a.condition},
		description: "Opens a ticket that is closed or `pending` again." + aboutConditions + aboutTickets, answer: view.ExampleTicket("open"),
	}, a.reopenTicket)
	register(a, op{
		id: "mentionUser", method: http.MethodPost, path: "/tickets/{id}/mention",
		tag: tagTickets, summary: "Mention a person", scope: "tickets:write", status: http.StatusAccepted,
		codes: []string{closed, messages.NoticeMentionUnknown, messages.NoticeMentionNoGroup,
			messages.NoticeMentionBotOut, messages.NoticeMentionNoTopics, messages.NoticeMentionNoRights,
			messages.NoticeMentionHome, messages.NoticeMentionAlready, messages.NoticeMentionBot},
		description: "Opens a linked topic in the person's default group, as `/mention` does. Name the person by exactly " +
			"one of `username`, `userId` and `telegramId`; the last two are the same." + aboutTickets,
		request: map[string]any{"username": "ben_c"}, answer: view.ExampleLink(),
	}, a.mentionUser)
}

// ticket reads a ticket. Its entity answers if it is resident, else a reader.
func (a *API) ticket(ctx context.Context, id string) (*messages.TicketRecord, error) {
	return ask[*messages.TicketRecord](ctx, a, messages.KindTicket, id, &messages.GetTicket{TicketId: id})
}

// TicketPath names a ticket in the path.
type TicketPath struct {
	ID string `path:"id" maxLength:"64" doc:"The ticketId, in upper or lower case; or the ticket's number." example:"TICK-MWWK9D73-FBC14E0C"`
}

// seen finds the ticket of a path. A ticket that the key can't see is not found.
func (a *API) seen(ctx context.Context, c *call, given string) (*messages.TicketRecord, error) {
	id, ok := messages.ParseTicketID(given)
	if number, named := messages.ParseNumber(given); named {
		found, err := ask[*messages.TicketIDs](ctx, a, messages.KindQuery, "", &messages.FindNumber{Number: number})
		if err != nil {
			return nil, err
		}
		for _, id = range found.TicketIds {
			ok = true
		}
	}
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
	Body   view.Ticket
}

func (a *API) getTicket(ctx context.Context, c *call, in *getTicketInput) (*ticketOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	out := &ticketOutput{Status: http.StatusOK, ETag: etag(record), Body: view.TicketOf(record)}
	if matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified // its answer has no body
	}
	return out, nil
}

// etag is a ticket's ETag. What follows the point changes when somebody writes, or when a time has come, so that a
// reader learns of that.
func etag(r *messages.TicketRecord) string {
	written := strconv.FormatInt(r.LastMessageMs, 36) + strconv.FormatInt(r.WaitingSinceMs, 36) +
		strconv.FormatInt(r.AnswerDueMs, 36) + strconv.FormatInt(r.OverdueMs, 36) + strconv.FormatInt(r.SnoozedUntilMs, 36) +
		strconv.FormatInt(r.ClosesMs, 36)
	return `"` + r.Revision + "." + written + `"`
}

// sinceWritten is the part of an ETag that says when somebody wrote.
var sinceWritten = regexp.MustCompile(`\.[0-9a-z]*"`)

// isAsIn reports whether the ticket is as in one of these ETags. What was written meanwhile is no change of the ticket: else,
// on a busy one, no program would get a change through.
func isAsIn(list string, r *messages.TicketRecord) bool {
	return matches(sinceWritten.ReplaceAllString(list, `"`), `"`+r.Revision+`"`)
}

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

// blank reports whether nothing in a text is visible.
func blank(text string) bool { return strings.TrimSpace(messages.CleanText(text)) == "" }
