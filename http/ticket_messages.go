package httpedge

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Message is something said in a ticket.
type Message struct {
	MessageID   string       `json:"messageId" doc:"Names it; do not look into it." example:"-1001234567890:42"`
	Text        string       `json:"text" example:"No paper either."`
	Entities    []TextEntity `json:"entities" nullable:"false" doc:"The markup of the text."`
	Sender      Author       `json:"sender"`
	Topic       TopicRef     `json:"topic" doc:"Where it was said."`
	Internal    bool         `json:"internal" doc:"An internal note: it stays in its topic."`
	Deleted     bool         `json:"deleted" doc:"It was deleted; its text is kept."`
	SentAt      time.Time    `json:"sentAt"`
	EditedAt    *time.Time   `json:"editedAt" doc:"null: never."`
	ReplyTo     *string      `json:"replyTo" doc:"messageId of the message that it answers."`
	Forwarded   *string      `json:"forwarded" doc:"Whom or what it was forwarded from."`
	Media       *string      `json:"media" doc:"What it carries beside text: photo, document, …"`
	Attachments []string     `json:"attachments" nullable:"false" doc:"Ids of its files."`
	Deliveries  []Delivery   `json:"deliveries" nullable:"false" doc:"How it went into the ticket's other topics."`
}

// Author is whose name a message bears.
type Author struct {
	Kind string `json:"kind" enum:"user,apiKey,group,channel" example:"apiKey"`
	ID   string `json:"id" doc:"Of a user, group or channel the Telegram id; of a key its keyId." example:"k7c2m4q3x5ad"`
	Name string `json:"name" example:"Nok"`
}

// TopicRef is a topic of a ticket.
type TopicRef struct {
	TopicID         string `json:"topicId" doc:"home, or the linkId of its link; of messages written by API the ticketId and :api, which is nowhere in Telegram." example:"home"`
	GroupID         *int64 `json:"groupId" doc:"Telegram id of its group." example:"-1001234567890"`
	TelegramTopicID *int64 `json:"telegramTopicId" example:"42"`
	Name            string `json:"name" example:"Printer is on fire · FBC14E0C"`
	State           string `json:"state" enum:"pending,open,closed,failed,api" example:"open"`
	Reason          string `json:"reason,omitempty" doc:"Why it can't be opened or written to."`
}

// Delivery is how a message went into one topic.
type Delivery struct {
	Topic              TopicRef   `json:"topic"`
	State              string     `json:"state" enum:"pending,sent,failed" example:"sent"`
	Reason             string     `json:"reason,omitempty" doc:"Why it failed, in Telegram's words."`
	SentAt             *time.Time `json:"sentAt"`
	TelegramMessageIDs []int64    `json:"telegramMessageIds" nullable:"false" doc:"Of the message there; several when it was too long for one."`
}

// TextEntity marks a part of a text (Bot API, MessageEntity). Offsets and lengths count UTF-16 code units.
type TextEntity struct {
	Type     string `json:"type" example:"bold"`
	Offset   int32  `json:"offset" minimum:"0" example:"0"`
	Length   int32  `json:"length" minimum:"1" example:"4"`
	URL      string `json:"url,omitempty" maxLength:"2048" doc:"Of a text_link."`
	Language string `json:"language,omitempty" maxLength:"30" doc:"Of a pre."`
}

func (a *API) messageOperations() {
	register(a, op{
		id: "sendMessage", method: http.MethodPost, path: "/tickets/{id}/messages", tag: tagMessages, summary: "Write into a ticket", scope: "messages:write", status: http.StatusAccepted,
		codes: []string{messages.NoticeTicketIsClosed, messages.ReasonNoSuchMessage, messages.ReasonNoSuchFile},
		description: "The message goes into every topic of the ticket, under `authorName` (else the key's name). It is durable when this answers; `deliveries` says how far it is, " +
			"also later, in the list of messages. With `format: markdown` the text may have **bold**, *italic*, __underlined__, ~~struck~~, ||hidden||, `code`, fenced code, " +
			"[links](https://example.com) and quotations (`> `); or send `entities`. A text of more than 4,096 UTF-16 units becomes several messages. Files in `attachmentIds` were uploaded to this ticket, or came from Telegram; the text is the caption of the first, and each further one is a message of its own." + aboutTickets,
		request: map[string]any{"text": "No paper *either*.", "format": "markdown", "authorName": "Nok", "replyTo": "-1001234567890:42"},
		answer: SentMessage{MessageID: "api:mabcdefghijklmnopqrstuvwx", State: "pending", Deliveries: []Delivery{{Topic: exampleTopic(), State: "pending",
			TelegramMessageIDs: []int64{}}}},
	}, a.sendMessage)
	register(a, op{
		id: "listMessages", method: http.MethodGet, path: "/tickets/{id}/messages", tag: tagMessages, summary: "List the messages of a ticket", scope: "messages:read",
		description: "What was said in the ticket, in any of its topics or by API, with its deliveries: the oldest first, or with `sort=-sentAt` the newest." + aboutTickets,
		answer:      exampleList(exampleMessage()),
	}, a.listMessages)
	register(a, op{
		id: "listEvents", method: http.MethodGet, path: "/tickets/{id}/events", tag: tagTickets, summary: "List the events of a ticket", scope: "tickets:read",
		description: "The ticket's history, oldest first. Events are numbered without gaps, within a second of what caused them." + aboutTickets,
		answer: exampleList(Event{EventID: messages.EventTicketCreated + "/-1001234567890:42", Number: 1, Type: messages.EventTicketCreated, At: exampleTime,
			Data: map[string]any{"ticketId": "TICK-MWWK9D73-FBC14E0C", "title": "Printer is on fire", "status": "open", "priority": "high"}}),
	}, a.listEvents)
}

type sendMessageInput struct {
	TicketPath
	Body struct {
		Text          string       `json:"text,omitempty" maxLength:"16384" example:"No paper *either*."`
		Format        string       `json:"format,omitempty" enum:"text,markdown" default:"text" doc:"What the text is written in."`
		Entities      []TextEntity `json:"entities,omitempty" maxItems:"100" doc:"Markup of a text without a format of its own."`
		AuthorName    string       `json:"authorName,omitempty" maxLength:"128" doc:"The name above the message." example:"Nok"`
		ReplyTo       string       `json:"replyTo,omitempty" maxLength:"200" doc:"messageId of the message that it answers."`
		AttachmentIDs []string     `json:"attachmentIds,omitempty" maxItems:"10" doc:"Files that were uploaded to this ticket."`
	}
}

// SentMessage is a message on its way.
type SentMessage struct {
	MessageID  string     `json:"messageId"`
	State      string     `json:"state" enum:"pending,sent,failed" doc:"sent: in every topic; failed: in one of them for good; else pending."`
	Deliveries []Delivery `json:"deliveries" nullable:"false"`
}

type sentMessageOutput struct {
	Body SentMessage
}

func (a *API) sendMessage(ctx context.Context, c *call, in *sendMessageInput) (*sentMessageOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	content := &messages.Content{}
	if b.Text != "" || len(b.AttachmentIDs) == 0 {
		if content, err = contentOf(b.Text, b.Format, b.Entities); err != nil {
			return nil, err
		}
	}
	for _, id := range b.AttachmentIDs { // all of them before anything is said
		file, err := a.attachment(ctx, c, id)
		if err != nil && asProblem(err).Code != codeNotFound {
			return nil, err
		}
		if err != nil || file.TicketId != record.TicketId || file.State != "stored" {
			return nil, problem(messages.ReasonNoSuchFile)
		}
	}
	o := c.origin()
	if !blank(b.AuthorName) {
		o.Sender.Name = messages.CleanLine(b.AuthorName) // one line: what comes below is the text
	}
	m := &messages.SendMessage{Origin: o, Content: content, ReplyTo: b.ReplyTo}
	if len(b.AttachmentIDs) > 0 {
		m.AttachmentId = b.AttachmentIDs[0]
	}
	reply, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(b.AttachmentIDs); i++ { // each further file is a message of its own, behind the first
		further := proto.CloneOf(o)
		further.CommandId += ":" + strconv.Itoa(i+1)
		m := &messages.SendMessage{Origin: further, Content: &messages.Content{}, AttachmentId: b.AttachmentIDs[i]}
		if _, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m); err != nil {
			return nil, err
		}
	}
	found, err := ask[*messages.MessageRecords](ctx, a, messages.KindQuery, "", &messages.ListMessageRecords{TicketId: record.TicketId, MessageId: reply.MessageId, Limit: 1})
	if err != nil {
		return nil, err
	}
	sent := SentMessage{MessageID: reply.MessageId, State: "sent", Deliveries: []Delivery{}}
	if len(found.Messages) > 0 {
		sent.Deliveries = deliveriesOf(found.Messages[0].Deliveries)
	}
	for _, d := range sent.Deliveries {
		switch {
		case d.State == "failed":
			sent.State = "failed"
		case d.State == "pending" && sent.State == "sent":
			sent.State = "pending"
		}
	}
	return &sentMessageOutput{Body: sent}, nil
}

// entityTypes are those that a program may use.
var entityTypes = map[string]bool{"bold": true, "italic": true, "underline": true, "strikethrough": true, "spoiler": true, "blockquote": true,
	"expandable_blockquote": true, "code": true, "pre": true, "text_link": true}

// contentOf makes what is said of a text and its markup.
func contentOf(text, format string, entities []TextEntity) (*messages.Content, error) {
	text = messages.CleanText(text)
	if blank(text) {
		return nil, invalid("/text", "nothing that can be seen is in it")
	}
	if format == "markdown" {
		if len(entities) > 0 {
			return nil, invalid("/entities", "they can't be combined with format markdown")
		}
		plain, marked := markdown(text)
		if blank(plain) {
			return nil, invalid("/text", "nothing that can be seen is in it")
		}
		return &messages.Content{Text: plain, Entities: marked}, nil
	}
	content := &messages.Content{Text: text}
	inside := insidePairs(text)
	for i, e := range entities {
		at := "/entities/" + strconv.Itoa(i)
		end := int64(e.Offset) + int64(e.Length)
		switch {
		case !entityTypes[e.Type]:
			return nil, invalid(at+"/type", "no such type of markup")
		case end >= int64(len(inside)):
			return nil, invalid(at, "it ends behind the text")
		case inside[e.Offset] || inside[end]:
			return nil, invalid(at, "it begins or ends within a character")
		case e.Type == "text_link" && !goodURL(e.URL):
			return nil, invalid(at+"/url", "expected an address with http, https, tg or mailto")
		case e.Type != "text_link" && e.URL != "":
			return nil, invalid(at+"/url", "only a text_link has one")
		}
		content.Entities = append(content.Entities, &messages.Entity{Type: e.Type, Offset: e.Offset, Length: e.Length, Url: e.URL, Language: e.Language})
	}
	return content, nil
}

// insidePairs says of every place in a text, in UTF-16 units and with the end, whether it is within a character.
func insidePairs(text string) []bool {
	var inside []bool
	for _, r := range text {
		inside = append(inside, false)
		if r > 0xFFFF {
			inside = append(inside, true)
		}
	}
	return append(inside, false)
}

type listMessagesInput struct {
	TicketPath
	PageInput
	Sort string `query:"sort" enum:"sentAt,-sentAt" default:"sentAt" doc:"With a - the newest come first."`
}

type messageListOutput struct {
	Body List[Message]
}

func (a *API) listMessages(ctx context.Context, c *call, in *listMessagesInput) (*messageListOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ListMessageRecords{TicketId: record.TicketId, NewestFirst: in.Sort == "-sentAt", Limit: int32(in.Limit + 1)}
	list := "messages/" + record.TicketId + "/" + in.Sort
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &m.After); err != nil {
			return nil, err
		}
	}
	found, err := ask[*messages.MessageRecords](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	return &messageListOutput{Body: listOf(found.Messages, in.Limit, list, func(m *messages.MessageRecord) any { return m.Sequence }, messageOf)}, nil
}

// Event is something that happened to a ticket.
type Event struct {
	EventID string         `json:"eventId" doc:"Names it; the same cause makes the same id."`
	Number  int64          `json:"number" doc:"1, 2, 3 … within the ticket, without gaps." example:"1"`
	Type    string         `json:"type" example:"ticket.created"`
	At      time.Time      `json:"at"`
	Data    map[string]any `json:"data" doc:"What happened; the fields depend on the type."`
}

type listEventsInput struct {
	TicketPath
	PageInput
}

type eventListOutput struct {
	Body List[Event]
}

func (a *API) listEvents(ctx context.Context, c *call, in *listEventsInput) (*eventListOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ListEventRecords{TicketId: record.TicketId, Limit: int32(in.Limit + 1)}
	list := "events/" + record.TicketId
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &m.After); err != nil {
			return nil, err
		}
	}
	found, err := ask[*messages.EventRecords](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	return &eventListOutput{Body: listOf(found.Events, in.Limit, list, func(e *messages.EventRecord) any { return e.Number }, eventOf)}, nil
}

func eventOf(e *messages.EventRecord) Event {
	v := Event{EventID: e.EventId, Number: e.Number, Type: e.Type, At: time.UnixMilli(e.AtMs).UTC()}
	if json.Unmarshal(e.Data, &v.Data) != nil || v.Data == nil {
		v.Data = map[string]any{}
	}
	return v
}

func messageOf(m *messages.MessageRecord) Message {
	v := Message{MessageID: m.MessageId, Text: m.GetContent().GetText(), Entities: []TextEntity{}, Sender: authorOf(m.Sender), Topic: topicOf(m.Topic),
		Internal: m.Internal, Deleted: m.Deleted, SentAt: time.UnixMilli(m.SentMs).UTC(), EditedAt: timeOf(m.EditedMs), Attachments: []string{},
		Deliveries: deliveriesOf(m.Deliveries)}
	v.Attachments = append(v.Attachments, m.AttachmentIds...)
	for _, e := range m.GetContent().GetEntities() {
		v.Entities = append(v.Entities, TextEntity{Type: e.Type, Offset: e.Offset, Length: e.Length, URL: e.Url, Language: e.Language})
	}
	if m.ReplyTo != "" {
		v.ReplyTo = &m.ReplyTo
	}
	if media := m.GetContent().GetMedia(); media != nil {
		v.Media = &media.Kind
	}
	if f := m.GetContent().GetForward(); f != nil {
		v.Forwarded = &f.Name
	}
	return v
}

func authorOf(s *messages.Sender) Author {
	kinds := map[messages.Sender_Kind]string{messages.Sender_USER: "user", messages.Sender_GROUP: "group", messages.Sender_CHANNEL: "channel", messages.Sender_API_KEY: "apiKey"}
	v := Author{Kind: kinds[s.GetKind()], ID: strconv.FormatInt(s.GetId(), 10), Name: s.GetName()}
	if s.GetKind() == messages.Sender_API_KEY {
		v.ID = s.GetKeyId()
	}
	return v
}

func topicOf(t *messages.TopicRecord) TopicRef {
	return TopicRef{TopicID: t.TopicId, GroupID: orNull(t.ChatId), TelegramTopicID: orNull(t.TelegramTopicId), Name: t.Name, State: t.State, Reason: t.Failure}
}

func deliveriesOf(all []*messages.Delivery) []Delivery {
	list := make([]Delivery, 0, len(all))
	for _, d := range all {
		v := Delivery{Topic: topicOf(d.Topic), State: d.State, Reason: d.Reason, SentAt: timeOf(d.SentMs), TelegramMessageIDs: d.TelegramMessageIds}
		if v.TelegramMessageIDs == nil {
			v.TelegramMessageIDs = []int64{}
		}
		list = append(list, v)
	}
	return list
}

func exampleTopic() TopicRef {
	group, thread := int64(-1001234567890), int64(42)
	return TopicRef{TopicID: "home", GroupID: &group, TelegramTopicID: &thread, Name: "Printer is on fire · FBC14E0C", State: "open"}
}

func exampleMessage() Message {
	return Message{MessageID: "-1001234567890:43", Text: "No paper either.", Entities: []TextEntity{}, Sender: Author{Kind: "user", ID: "4711", Name: "Ann"},
		Topic: exampleTopic(), SentAt: exampleTime, Attachments: []string{}, Deliveries: []Delivery{}}
}
