package httpedge

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Message is a message of a ticket.
type Message struct {
	MessageID   string       `json:"messageId" doc:"The message's id. It is opaque: do not parse it." example:"-1001234567890:42"`
	Text        string       `json:"text" example:"No paper either."`
	Entities    []TextEntity `json:"entities" nullable:"false" doc:"The markup of the text."`
	Sender      Author       `json:"sender"`
	Topic       TopicRef     `json:"topic" doc:"The topic in which it was written."`
	Internal    bool         `json:"internal" doc:"Whether it is an internal note, which stays in its topic."`
	Deleted     bool         `json:"deleted" doc:"Whether it was deleted. Its text is kept."`
	SentAt      time.Time    `json:"sentAt"`
	EditedAt    *time.Time   `json:"editedAt" doc:"When it was last edited. null if never."`
	ReplyTo     *string      `json:"replyTo" doc:"The messageId of the message that it answers."`
	Forwarded   *string      `json:"forwarded" doc:"The name of the original sender of a forwarded message."`
	Media       *string      `json:"media" doc:"What it carries besides text: photo, document … More kinds may come."`
	Attachments []string     `json:"attachments" nullable:"false" doc:"The attachmentIds of its files."`
	Deliveries  []Delivery   `json:"deliveries" nullable:"false" doc:"Its copies in the ticket's other topics."`

	Reference *MessageReference `json:"reference,omitempty" doc:"What it answers, as far as Telegram shows it: also where that is in another chat, so that replyTo is null."`
	Poll      *Poll             `json:"poll,omitempty" doc:"With media poll."`
	Contact   *Contact          `json:"contact,omitempty" doc:"With media contact."`
	Location  *Location         `json:"location,omitempty" doc:"With media location or venue."`
	Venue     *Venue            `json:"venue,omitempty" doc:"With media venue."`
	Checklist *Checklist        `json:"checklist,omitempty" doc:"With media checklist."`
}

// Author is the sender whose name a message shows.
type Author struct {
	Kind string `json:"kind" enum:"user,apiKey,group,channel" example:"apiKey"`
	ID   string `json:"id" doc:"The Telegram id of a user, group or channel; the keyId of an API key." example:"k7c2m4q3x5ad"`
	Name string `json:"name" example:"Nok"`
}

// TopicRef is a topic of a ticket.
type TopicRef struct {
	TopicID         string `json:"topicId" doc:"home, or the linkId. For messages that came through the API: the ticketId with :api, which is not a topic in Telegram." example:"home"`
	GroupID         *int64 `json:"groupId" doc:"Telegram id of the topic's group." example:"-1001234567890"`
	TelegramTopicID *int64 `json:"telegramTopicId" example:"42"`
	Name            string `json:"name" example:"Printer is on fire · FBC14E0C"`
	State           string `json:"state" enum:"pending,open,closed,failed,api" example:"open"`
	Reason          string `json:"reason,omitempty" doc:"Why the topic can't be opened or written to."`
}

// Delivery is the copy of a message in one topic.
type Delivery struct {
	Topic              TopicRef   `json:"topic"`
	State              string     `json:"state" enum:"pending,sent,failed" example:"sent"`
	Reason             string     `json:"reason,omitempty" doc:"Why copying failed, in Telegram's words."`
	SentAt             *time.Time `json:"sentAt"`
	TelegramMessageIDs []int64    `json:"telegramMessageIds" nullable:"false" doc:"The ids of the copy in Telegram: several if the message was too long for one."`
}

// TextEntity marks a part of a text (Bot API, MessageEntity). Offsets and lengths count UTF-16 code units.
type TextEntity struct {
	Type     string `json:"type" example:"bold"`
	Offset   int32  `json:"offset" minimum:"0" example:"0"`
	Length   int32  `json:"length" minimum:"1" example:"4"`
	URL      string `json:"url,omitempty" maxLength:"2048" doc:"The address of a text_link."`
	Language string `json:"language,omitempty" maxLength:"30" doc:"The programming language of a pre."`
}

func (a *API) messageOperations() {
	register(a, op{
		id: "sendMessage", method: http.MethodPost, path: "/tickets/{id}/messages",
		tag: tagMessages, summary: "Send a message to a ticket", scope: "messages:write", status: http.StatusAccepted,
		codes: []string{messages.NoticeTicketIsClosed, messages.ReasonNoSuchMessage, messages.ReasonNoSuchFile},
		description: "Sends a message to every topic of the ticket, under `authorName` or else under the key's name. The " +
			"message is durable when the answer arrives. `deliveries` says how far it has come; the list of messages shows " +
			"them later. With `format: markdown` the text may have **bold**, *italic*, __underlined__, ~~struck~~, " +
			"||hidden||, `code`, fenced code, [links](https://example.com) and quotations (`> `). Without a format, " +
			"`entities` can mark up the text. A text of more than 4,096 UTF-16 units becomes several messages in Telegram. " +
			"`attachmentIds` names files that were uploaded to this ticket or came from Telegram. The text is the caption of " +
			"the first file; each further file is a message of its own." + aboutTickets,
		request: map[string]any{"text": "No paper *either*.", "format": "markdown", "authorName": "Nok",
			"replyTo": "-1001234567890:42"},
		answer: SentMessage{MessageID: "api:mabcdefghijklmnopqrstuvwx", State: "pending",
			Deliveries: []Delivery{{Topic: exampleTopic(), State: "pending", TelegramMessageIDs: []int64{}}}},
	}, a.sendMessage)
	register(a, op{
		id: "listMessages", method: http.MethodGet, path: "/tickets/{id}/messages",
		tag: tagMessages, summary: "List the messages of a ticket", scope: "messages:read",
		description: "Lists what was written in any topic of the ticket or through the API, with its deliveries. The " +
			"oldest messages come first; with `sort=-sentAt`, the newest." + aboutTickets,
		answer: exampleList(exampleMessage()),
	}, a.listMessages)
}

type sendMessageInput struct {
	TicketPath
	Body struct {
		Text          string       `json:"text,omitempty" maxLength:"16384" example:"No paper *either*."`
		Format        string       `json:"format,omitempty" enum:"text,markdown" default:"text" doc:"How the text is written."`
		Entities      []TextEntity `json:"entities,omitempty" maxItems:"100" doc:"The markup of a text with format text."`
		AuthorName    string       `json:"authorName,omitempty" maxLength:"128" doc:"The name that is shown above the message." example:"Nok"`
		ReplyTo       string       `json:"replyTo,omitempty" maxLength:"200" doc:"The messageId of the message to answer."`
		AttachmentIDs []string     `json:"attachmentIds,omitempty" maxItems:"10" doc:"Files of this ticket to send."`
	}
}

// SentMessage is a message that the desk has accepted.
type SentMessage struct {
	MessageID  string     `json:"messageId"`
	State      string     `json:"state" enum:"pending,sent,failed" doc:"sent: copied to every topic. failed: given up in one of them. Otherwise pending."`
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
	for _, id := range b.AttachmentIDs { // check all files before anything is sent
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
		o.Sender.Name = messages.CleanLine(b.AuthorName) // one line, so that nobody takes part of it for the text below
	}
	m := &messages.SendMessage{Origin: o, Content: content, ReplyTo: b.ReplyTo}
	if len(b.AttachmentIDs) > 0 {
		m.AttachmentId = b.AttachmentIDs[0]
	}
	reply, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(b.AttachmentIDs); i++ { // a message for each further file (docs/decisions.md, D41)
		further := proto.CloneOf(o)
		further.CommandId += ":" + strconv.Itoa(i+1)
		m := &messages.SendMessage{Origin: further, Content: &messages.Content{}, AttachmentId: b.AttachmentIDs[i]}
		if _, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m); err != nil {
			return nil, err
		}
	}
	sent, err := a.sentMessage(ctx, record.TicketId, reply.MessageId)
	if err != nil {
		return nil, err
	}
	return &sentMessageOutput{Body: sent}, nil
}

// sentMessage describes a message that was just recorded.
func (a *API) sentMessage(ctx context.Context, ticketID, messageID string) (SentMessage, error) {
	m := &messages.ListMessageRecords{TicketId: ticketID, MessageId: messageID, Limit: 1}
	found, err := ask[*messages.MessageRecords](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return SentMessage{}, err
	}
	sent := SentMessage{MessageID: messageID, State: "sent", Deliveries: []Delivery{}}
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
	return sent, nil
}

type listMessagesInput struct {
	TicketPath
	PageInput
	Sort string `query:"sort" enum:"sentAt,-sentAt" default:"sentAt" doc:"The order. With a minus sign the newest come first."`
}

type messageListOutput struct {
	Body List[Message]
}

func (a *API) listMessages(ctx context.Context, c *call, in *listMessagesInput) (*messageListOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ListMessageRecords{TicketId: record.TicketId, NewestFirst: in.Sort == "-sentAt",
		Limit: int32(in.Limit + 1)}
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
	key := func(m *messages.MessageRecord) any { return m.Sequence }
	return &messageListOutput{Body: listOf(found.Messages, in.Limit, list, key, messageOf)}, nil
}

func messageOf(m *messages.MessageRecord) Message {
	v := Message{
		MessageID: m.MessageId, Text: m.GetContent().GetText(), Entities: entitiesOf(m.GetContent().GetEntities()),
		Sender: authorOf(m.Sender), Topic: topicOf(m.Topic), Internal: m.Internal, Deleted: m.Deleted,
		SentAt: time.UnixMilli(m.SentMs).UTC(), EditedAt: timeOf(m.EditedMs), Attachments: []string{},
		Deliveries: deliveriesOf(m.Deliveries),
	}
	v.Attachments = append(v.Attachments, m.AttachmentIds...)
	if m.ReplyTo != "" {
		v.ReplyTo = &m.ReplyTo
	}
	v.setMedia(m.GetContent().GetMedia())
	v.Reference = referenceOf(m.Reference)
	if f := m.GetContent().GetForward(); f != nil {
		v.Forwarded = &f.Name
	}
	return v
}

func authorOf(s *messages.Sender) Author {
	kinds := map[messages.Sender_Kind]string{messages.Sender_USER: "user", messages.Sender_GROUP: "group",
		messages.Sender_CHANNEL: "channel", messages.Sender_API_KEY: "apiKey"}
	v := Author{Kind: kinds[s.GetKind()], ID: strconv.FormatInt(s.GetId(), 10), Name: s.GetName()}
	if s.GetKind() == messages.Sender_API_KEY {
		v.ID = s.GetKeyId()
	}
	return v
}

func topicOf(t *messages.TopicRecord) TopicRef {
	return TopicRef{TopicID: t.TopicId, GroupID: orNull(t.ChatId), TelegramTopicID: orNull(t.TelegramTopicId),
		Name: t.Name, State: t.State, Reason: t.Failure}
}

func deliveriesOf(all []*messages.Delivery) []Delivery {
	list := make([]Delivery, 0, len(all))
	for _, d := range all {
		v := Delivery{Topic: topicOf(d.Topic), State: d.State, Reason: d.Reason, SentAt: timeOf(d.SentMs),
			TelegramMessageIDs: d.TelegramMessageIds}
		if v.TelegramMessageIDs == nil {
			v.TelegramMessageIDs = []int64{}
		}
		list = append(list, v)
	}
	return list
}

func exampleTopic() TopicRef {
	group, thread := int64(-1001234567890), int64(42)
	return TopicRef{TopicID: "home", GroupID: &group, TelegramTopicID: &thread,
		Name: "Printer is on fire · FBC14E0C", State: "open"}
}

func exampleMessage() Message {
	return Message{
		MessageID: "-1001234567890:43", Text: "No paper either.", Entities: []TextEntity{},
		Sender: Author{Kind: "user", ID: "4711", Name: "Ann"}, Topic: exampleTopic(), SentAt: exampleTime,
		Attachments: []string{}, Deliveries: []Delivery{},
	}
}
