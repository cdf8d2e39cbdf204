package httpedge

import (
	"context"
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Link keeps a topic in step with the home topic of a ticket, with what it still has to copy.
type Link struct {
	LinkID    string             `json:"linkId" example:"TICK-MWWK9D73-FBC14E0C:1"`
	State     string             `json:"state" enum:"pending,active,failed,ended" doc:"pending: its topic is not open yet; failed: it can't be opened." example:"active"`
	Home      TopicRef           `json:"home" doc:"The ticket's home topic."`
	Topic     TopicRef           `json:"topic" doc:"The other topic."`
	User      Nullable[LinkUser] `json:"user" doc:"Who was mentioned; null: the topic was joined."`
	CreatedBy Creator            `json:"createdBy"`
	CreatedAt time.Time          `json:"createdAt"`
	Sync      LinkSync           `json:"sync" doc:"How far it is."`
}

// LinkUser is the person for whom a link was made.
type LinkUser struct {
	UserID int64  `json:"userId" doc:"Their id in Telegram." example:"4711"`
	Name   string `json:"name" example:"Ben Carter"`
}

// LinkSync is what a link still has to copy, and what it gave up.
type LinkSync struct {
	Pending  int64        `json:"pending" doc:"Messages that are to be copied still, in both directions." example:"0"`
	LagMs    int64        `json:"lagMs" doc:"How long the oldest of them waits, in ms." example:"0"`
	Failed   int64        `json:"failed" doc:"Copies that were given up; counted up to 1,000." example:"0"`
	Failures []FailedCopy `json:"failures" nullable:"false" doc:"The first 10 of them."`
}

// FailedCopy is a copy that was given up.
type FailedCopy struct {
	MessageID string `json:"messageId"`
	TopicID   string `json:"topicId" doc:"Into which topic: home or the linkId."`
	Reason    string `json:"reason" doc:"In Telegram's words."`
}

func (a *API) linkOperations() {
	closed := messages.NoticeTicketIsClosed
	register(a, op{
		id: "listLinks", method: http.MethodGet, path: "/tickets/{id}/links", tag: tagTickets, summary: "List the links of a ticket", scope: "tickets:read",
		description: "Both topics of each link, its state, how many messages wait to be copied and for how long, and which copies were given up." + aboutTickets,
		answer:      exampleList(exampleLink()),
	}, a.listLinks)
	register(a, op{
		id: "linkTopic", method: http.MethodPost, path: "/tickets/{id}/links", tag: tagTickets, summary: "Join a topic to a ticket", scope: "tickets:write", status: http.StatusCreated,
		codes:       []string{closed, codeGroupUnknown, messages.NoticeLinkAlready, messages.NoticeLinkOther, messages.NoticeGroupUnregistered, messages.NoticeLinkBotOut},
		description: "Links an existing topic of a registered group, as `/link` does: what is said from now on goes both ways." + aboutTickets,
		request:     map[string]any{"groupId": -1001234567891, "telegramTopicId": 43}, answer: exampleLink(),
	}, a.linkTopic)
	register(a, op{
		id: "unlinkTopic", method: http.MethodDelete, path: "/tickets/{id}/links/{linkId}", tag: tagTickets, summary: "End a link", scope: "tickets:write", status: http.StatusNoContent,
		codes:       []string{messages.NoticeUnlinkNone},
		description: "As `/unlink` does: what was said before still goes over." + aboutTickets,
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
	links = links[min(max(after, 0), len(links)):] // links are never taken away: ended ones stay
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
	found, err := ask[*messages.LinkRecords](ctx, a, messages.KindQuery, "", &messages.ListLinkRecords{TicketId: ticketID})
	if err != nil {
		return nil, err
	}
	return found.Links, nil
}

// linkWithSync asks the link how far it is.
func (a *API) linkWithSync(ctx context.Context, ticketID string, l *messages.LinkRecord) (Link, error) {
	status, err := ask[*messages.LinkStatus](ctx, a, messages.KindLink, l.LinkId, &messages.GetLinkStatus{LinkId: l.LinkId, TicketId: ticketID})
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
		GroupID         int64 `json:"groupId" maximum:"-1" minimum:"-4503599627370495" doc:"Telegram id of the group." example:"-1001234567891"`
		TelegramTopicID int64 `json:"telegramTopicId" minimum:"2" maximum:"4503599627370495" doc:"message_thread_id of the topic." example:"43"`
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
	here, err := ask[*messages.TopicFound](ctx, a, messages.KindQuery, "", &messages.FindTopic{Place: place, ThreadId: in.Body.TelegramTopicID})
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
	v, err := a.linkMade(ctx, record.TicketId, reply, func(l *messages.LinkRecord) bool {
		return l.Topic.GroupId == place && l.Topic.TelegramTopicId == in.Body.TelegramTopicID
	})
	if err != nil {
		return nil, err
	}
	return &createdLinkOutput{Location: apiPrefix + "/tickets/" + record.TicketId + "/links/" + v.LinkID, Body: v}, nil
}

// linkMade is the link that a command has made; of one that was repeated, the newest that is like it.
func (a *API) linkMade(ctx context.Context, ticketID string, reply *messages.Reply, like func(*messages.LinkRecord) bool) (Link, error) {
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
	_, err = ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, &messages.UnlinkTopic{Origin: c.origin(), LinkId: in.LinkID})
	return nil, err
}

type mentionInput struct {
	TicketPath
	Body struct {
		Username   string `json:"username,omitempty" pattern:"^@?[A-Za-z0-9_]{1,32}$" doc:"With or without @." example:"ben_c"`
		UserID     int64  `json:"userId,omitempty" minimum:"1" maximum:"4503599627370495" doc:"Their id."`
		TelegramID int64  `json:"telegramId,omitempty" minimum:"1" maximum:"4503599627370495" doc:"Their id in Telegram, which is the same."`
	}
}

func (a *API) mentionUser(ctx context.Context, c *call, in *mentionInput) (*linkOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	given, id := 0, in.Body.UserID
	for _, is := range []bool{in.Body.Username != "", in.Body.UserID != 0, in.Body.TelegramID != 0} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, invalid("", "expected one of username, userId and telegramId")
	}
	if id == 0 {
		id = in.Body.TelegramID
	}
	name := in.Body.Username
	if name != "" && name[0] == '@' {
		name = name[1:]
	}
	reply, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, &messages.Mention{Origin: c.origin(), Username: name, UserId: id})
	if err != nil {
		return nil, err
	}
	v, err := a.linkMade(ctx, record.TicketId, reply, func(l *messages.LinkRecord) bool { return l.UserId != 0 && (id == 0 || l.UserId == id) })
	if err != nil {
		return nil, err
	}
	return &linkOutput{Body: v}, nil
}

func linkOf(l *messages.LinkRecord) Link {
	v := Link{LinkID: l.LinkId, State: l.State, Home: topicOf(l.Home), Topic: topicOf(l.Topic), CreatedBy: creatorOf(l.CreatedBy),
		CreatedAt: time.UnixMilli(l.CreatedMs).UTC(), Sync: LinkSync{Failed: l.Failed, Failures: []FailedCopy{}}}
	if l.UserId != 0 {
		v.User = Nullable[LinkUser]{&LinkUser{UserID: l.UserId, Name: l.UserName}}
	}
	for _, f := range l.Failures {
		v.Sync.Failures = append(v.Sync.Failures, FailedCopy{MessageID: f.MessageId, TopicID: f.TopicId, Reason: f.Reason})
	}
	return v
}

func exampleLink() Link {
	other := exampleTopic()
	group, thread := int64(-1001234567891), int64(43)
	other.TopicID, other.GroupID, other.TelegramTopicID = "TICK-MWWK9D73-FBC14E0C:1", &group, &thread
	return Link{LinkID: other.TopicID, State: "active", Home: exampleTopic(), Topic: other, User: Nullable[LinkUser]{&LinkUser{UserID: 4711, Name: "Ben Carter"}},
		CreatedBy: Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"}, CreatedAt: exampleTime, Sync: LinkSync{Failures: []FailedCopy{}}}
}
