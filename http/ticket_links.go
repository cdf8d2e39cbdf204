package httpedge

import (
	"context"
	"net/http"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

func (a *API) linkOperations() {
	closed := messages.NoticeTicketIsClosed
	register(a, op{
		id: "listLinks", method: http.MethodGet, path: "/tickets/{id}/links",
		tag: tagTickets, summary: "List the links of a ticket", scope: "tickets:read",
		description: "Lists the ticket's links, also the ended ones: both topics, the state, how many messages wait to be " +
			"copied and for how long, and which copies were given up." + aboutTickets,
		answer: exampleList(view.ExampleLink()),
	}, a.listLinks)
	register(a, op{
		id: "linkTopic", method: http.MethodPost, path: "/tickets/{id}/links",
		tag: tagTickets, summary: "Link a topic to a ticket", scope: "tickets:write", status: http.StatusCreated,
		codes: []string{closed, codeGroupUnknown, messages.NoticeLinkAlready, messages.NoticeLinkOther,
			messages.NoticeGroupUnregistered, messages.NoticeLinkBotOut},
		description: "Links an existing topic of a registered group, as `/link` does. Messages from now on are copied in " +
			"both directions. The link is `pending` until Telegram has taken the ticket's card in that topic, usually a second later. " +
			"Then it is `active`, and `topic.linked` happens; or, if there is no such topic, it has `failed`, and `topic.failed` " +
			"happens." + aboutTickets,
		request: map[string]any{"groupId": -1001234567891, "telegramTopicId": 43}, answer: view.ExamplePendingLink(),
	}, a.linkTopic)
	register(a, op{
		id: "unlinkTopic", method: http.MethodDelete, path: "/tickets/{id}/links/{linkId}",
		tag: tagTickets, summary: "End a link", scope: "tickets:write", status: http.StatusNoContent,
		codes: []string{messages.NoticeUnlinkNone},
		description: "Ends a link, as `/unlink` does. Messages from before the end are still copied." +
			aboutTickets,
	}, a.unlinkTopic)
}

type listLinksInput struct {
	TicketPath
	PageInput
}

type linkListOutput struct {
	Body List[view.Link]
}

func (a *API) listLinks(ctx context.Context, c *call, in *listLinksInput) (*linkListOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	links, err := a.links(ctx, record.TicketId)
	if err != nil {
		return nil, err
	}
	list, after := "links/"+record.TicketId, 0
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	links = links[min(max(after, 0), len(links)):] // no link is ever removed: ended ones stay
	out := &linkListOutput{Body: List[view.Link]{Data: []view.Link{}}}
	for i, l := range links {
		if i == in.Limit {
			next := cursorOf(list, after+in.Limit)
			out.Body.NextCursor = &next
			break
		}
		view, err := a.linkWithSync(ctx, record.TicketId, l)
		if err != nil {
			return nil, err
		}
		out.Body.Data = append(out.Body.Data, view)
	}
	return out, nil
}

func (a *API) links(ctx context.Context, ticketID string) ([]*messages.LinkRecord, error) {
	m := &messages.ListLinkRecords{TicketId: ticketID}
	found, err := ask[*messages.LinkRecords](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	return found.Links, nil
}

// linkWithSync asks the link's entity how far copying is.
func (a *API) linkWithSync(ctx context.Context, ticketID string, l *messages.LinkRecord) (view.Link, error) {
	m := &messages.GetLinkStatus{LinkId: l.LinkId, TicketId: ticketID}
	status, err := ask[*messages.LinkStatus](ctx, a, messages.KindLink, l.LinkId, m)
	if err != nil {
		return view.Link{}, err
	}
	v := view.LinkOf(l)
	v.Sync.Pending = status.Pending
	if status.OldestMs > 0 {
		v.Sync.LagMs = max(0, a.now().UnixMilli()-status.OldestMs)
	}
	return v, nil
}

type linkTopicInput struct {
	TicketPath
	Body struct {
		GroupID         int64 `json:"groupId" maximum:"-1" minimum:"-4503599627370495" doc:"The group's id in Telegram." example:"-1001234567891"`
		TelegramTopicID int64 `json:"telegramTopicId" minimum:"2" maximum:"4503599627370495" doc:"The topic's message_thread_id in Telegram." example:"43"`
	}
}

type linkOutput struct {
	Body view.Link
}

type createdLinkOutput struct {
	Location string `header:"Location"`
	Body     view.Link
}

func (a *API) linkTopic(ctx context.Context, c *call, in *linkTopicInput) (*createdLinkOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	place, err := a.place(ctx, c, in.Body.GroupID)
	if err != nil {
		return nil, unknownGroup(err, "/groupId")
	}
	find := &messages.FindTopic{Place: place, ThreadId: in.Body.TelegramTopicID}
	here, err := ask[*messages.TopicFound](ctx, a, messages.KindQuery, "", find)
	if err != nil && asProblem(err).Code != codeNotFound {
		return nil, err
	}
	o := c.origin()
	o.Place, o.ThreadId, o.ChatId = place, in.Body.TelegramTopicID, in.Body.GroupID
	m := &messages.LinkTopic{Origin: o}
	if err == nil {
		m.CurrentTicketId = here.TicketId
	}
	reply, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m)
	if err != nil {
		return nil, err
	}
	v, err := a.madeLink(ctx, record.TicketId, reply, func(l *messages.LinkRecord) bool {
		return l.Topic.GroupId == place && l.Topic.TelegramTopicId == in.Body.TelegramTopicID
	})
	if err != nil {
		return nil, err
	}
	location := apiPrefix + "/tickets/" + record.TicketId + "/links/" + v.LinkID
	return &createdLinkOutput{Location: location, Body: v}, nil
}

// madeLink finds the link that a command made. The reply to a repeated command does not name it: then it is the
// newest link that is like it.
func (a *API) madeLink(ctx context.Context, ticketID string, reply *messages.Reply,
	like func(*messages.LinkRecord) bool) (view.Link, error) {
	links, err := a.links(ctx, ticketID)
	if err != nil {
		return view.Link{}, err
	}
	for i := len(links) - 1; i >= 0; i-- {
		if l := links[i]; l.LinkId == reply.LinkId || reply.LinkId == "" && like(l) {
			return a.linkWithSync(ctx, ticketID, l)
		}
	}
	return view.Link{}, problem(codeNotFound)
}

type unlinkTopicInput struct {
	TicketPath
	LinkID string `path:"linkId" maxLength:"80" doc:"The link's id." example:"TICK-MWWK9D73-FBC14E0C:1"`
}

func (a *API) unlinkTopic(ctx context.Context, c *call, in *unlinkTopicInput) (*struct{}, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.UnlinkTopic{Origin: c.origin(), LinkId: in.LinkID}
	_, err = ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m)
	return nil, err
}

type mentionInput struct {
	TicketPath
	Body struct {
		Username   string `json:"username,omitempty" pattern:"^@?[A-Za-z0-9_]{1,32}$" doc:"The person's username in Telegram, with or without @." example:"ben_c"`
		UserID     int64  `json:"userId,omitempty" minimum:"1" maximum:"4503599627370495" doc:"The person's id in Telegram."`
		TelegramID int64  `json:"telegramId,omitempty" minimum:"1" maximum:"4503599627370495" doc:"The same as userId."`
	}
}

func (a *API) mentionUser(ctx context.Context, c *call, in *mentionInput) (*linkOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	given, id := 0, in.Body.UserID
	for _, sent := range []bool{in.Body.Username != "", in.Body.UserID != 0, in.Body.TelegramID != 0} {
		if sent {
			given++
		}
	}
	if given != 1 {
		return nil, invalid("", "expected one of username, userId and telegramId")
	}
	if id == 0 {
		id = in.Body.TelegramID
	}
	m := &messages.Mention{Origin: c.origin(), Username: strings.TrimPrefix(in.Body.Username, "@"), UserId: id}
	reply, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m)
	if err != nil {
		return nil, err
	}
	v, err := a.madeLink(ctx, record.TicketId, reply, func(l *messages.LinkRecord) bool {
		return l.UserId != 0 && (id == 0 || l.UserId == id)
	})
	if err != nil {
		return nil, err
	}
	return &linkOutput{Body: v}, nil
}
