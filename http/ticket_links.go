package httpedge

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Link is the pair of a ticket's home topic and another topic, which the desk keeps in step.
type Link struct {
	LinkID    string             `json:"linkId" example:"TICK-MWWK9D73-FBC14E0C:1"`
	State     string             `json:"state" enum:"pending,active,failed,ended" doc:"pending: the other topic is not open yet. failed: it can't be opened." example:"active"`
	Home      TopicRef           `json:"home" doc:"The ticket's home topic."`
	Topic     TopicRef           `json:"topic" doc:"The other topic."`
	User      Nullable[LinkUser] `json:"user" doc:"The person whose mention made the link. null: an existing topic was linked."`
	CreatedBy Creator            `json:"createdBy"`
	CreatedAt time.Time          `json:"createdAt"`
	Sync      LinkSync           `json:"sync" doc:"How far copying is."`
}

// LinkUser is the person for whom a link was made.
type LinkUser struct {
	UserID int64  `json:"userId" doc:"The person's id in Telegram." example:"4711"`
	Name   string `json:"name" example:"Ben Carter"`
}

// LinkSync says what a link still has to copy, and what it gave up.
type LinkSync struct {
	Pending  int64        `json:"pending" doc:"How many messages still wait to be copied, in both directions." example:"0"`
	LagMs    int64        `json:"lagMs" doc:"How long the oldest of them has waited, in ms." example:"0"`
	Failed   int64        `json:"failed" doc:"How many copies were given up; counted up to 1,000." example:"0"`
	Failures []FailedCopy `json:"failures" nullable:"false" doc:"The first 10 copies that were given up."`
}

// FailedCopy is a copy that was given up.
type FailedCopy struct {
	MessageID string `json:"messageId"`
	TopicID   string `json:"topicId" doc:"The topic of the copy: home, or the linkId."`
	Reason    string `json:"reason" doc:"Why, in Telegram's words."`
}

func (a *API) linkOperations() {
	closed := messages.NoticeTicketIsClosed
	register(a, op{
		id: "listLinks", method: http.MethodGet, path: "/tickets/{id}/links",
		tag: tagTickets, summary: "List the links of a ticket", scope: "tickets:read",
		description: "Lists the ticket's links, also the ended ones: both topics, the state, how many messages wait to be " +
			"copied and for how long, and which copies were given up." + aboutTickets,
		answer: exampleList(exampleLink()),
	}, a.listLinks)
	register(a, op{
		id: "linkTopic", method: http.MethodPost, path: "/tickets/{id}/links",
		tag: tagTickets, summary: "Link a topic to a ticket", scope: "tickets:write", status: http.StatusCreated,
		codes: []string{closed, codeGroupUnknown, messages.NoticeLinkAlready, messages.NoticeLinkOther,
			messages.NoticeGroupUnregistered, messages.NoticeLinkBotOut},
		description: "Links an existing topic of a registered group, as `/link` does. Messages from now on are copied in " +
			"both directions." + aboutTickets,
		request: map[string]any{"groupId": -1001234567891, "telegramTopicId": 43}, answer: exampleLink(),
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
	Body List[Link]
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
	out := &linkListOutput{Body: List[Link]{Data: []Link{}}}
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
func (a *API) linkWithSync(ctx context.Context, ticketID string, l *messages.LinkRecord) (Link, error) {
	m := &messages.GetLinkStatus{LinkId: l.LinkId, TicketId: ticketID}
	status, err := ask[*messages.LinkStatus](ctx, a, messages.KindLink, l.LinkId, m)
	if err != nil {
		return Link{}, err
	}
	v := linkOf(l)
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
	Body Link
}

type createdLinkOutput struct {
	Location string `header:"Location"`
	Body     Link
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
	like func(*messages.LinkRecord) bool) (Link, error) {
	links, err := a.links(ctx, ticketID)
	if err != nil {
		return Link{}, err
	}
	for i := len(links) - 1; i >= 0; i-- {
		if l := links[i]; l.LinkId == reply.LinkId || reply.LinkId == "" && like(l) {
			return a.linkWithSync(ctx, ticketID, l)
		}
	}
	return Link{}, problem(codeNotFound)
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

func linkOf(l *messages.LinkRecord) Link {
	v := Link{
		LinkID: l.LinkId, State: l.State, Home: topicOf(l.Home), Topic: topicOf(l.Topic),
		CreatedBy: creatorOf(l.CreatedBy), CreatedAt: time.UnixMilli(l.CreatedMs).UTC(),
		Sync: LinkSync{Failed: l.Failed, Failures: []FailedCopy{}},
	}
	if l.UserId != 0 {
		v.User = Nullable[LinkUser]{&LinkUser{UserID: l.UserId, Name: l.UserName}}
	}
	for _, f := range l.Failures {
		failed := FailedCopy{MessageID: f.MessageId, TopicID: f.TopicId, Reason: f.Reason}
		v.Sync.Failures = append(v.Sync.Failures, failed)
	}
	return v
}

func exampleLink() Link {
	other := exampleTopic()
	group, thread := int64(-1001234567891), int64(43)
	other.TopicID, other.GroupID, other.TelegramTopicID = "TICK-MWWK9D73-FBC14E0C:1", &group, &thread
	return Link{
		LinkID: other.TopicID, State: "active", Home: exampleTopic(), Topic: other,
		User:      Nullable[LinkUser]{&LinkUser{UserID: 4711, Name: "Ben Carter"}},
		CreatedBy: Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"}, CreatedAt: exampleTime,
		Sync: LinkSync{Failures: []FailedCopy{}},
	}
}
