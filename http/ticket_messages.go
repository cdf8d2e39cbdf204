package httpedge

import (
	"context"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

func (a *API) messageOperations() {
	register(a, op{
		id: "sendMessage", method: http.MethodPost, path: "/tickets/{id}/messages",
		tag: tagMessages, summary: "Send a message to a ticket", scope: "messages:write", status: http.StatusAccepted,
		codes: []string{messages.NoticeTicketIsClosed, messages.ReasonNoSuchMessage, messages.ReasonNoSuchFile},
		description: "Sends a message to every topic of the ticket, under `authorName` or else under the key's name. The text is " +
			"taken as it is: one that begins with `//` is no internal note (see `sendNote`), and one that begins with `/` no command. The message is durable when the answer arrives. `deliveries` says how far it has come; the list of messages shows " +
			"them later. With `format: markdown` the text may have **bold**, *italic*, __underlined__, ~~struck~~, " +
			"||hidden||, `code`, fenced code, [links](https://example.com) and quotations (`> `). Without a format, " +
			"`entities` can mark up the text. A text of more than 4,096 UTF-16 units becomes several messages in Telegram. " +
			"`attachmentIds` names files that were uploaded to this ticket or came from Telegram. The text is the caption of " +
			"the first file; each further file is a message of its own." + aboutTickets,
		request: map[string]any{"text": "No paper *either*.", "format": "markdown", "authorName": "Nok",
			"replyTo": "-1001234567890:42"},
		answer: SentMessage{MessageID: "api:mabcdefghijklmnopqrstuvwx", State: "pending",
			Deliveries: []view.Delivery{{Topic: view.ExampleTopic(), State: "pending", TelegramMessageIDs: []int64{}}}},
	}, a.sendMessage)
	register(a, op{
		id: "listMessages", method: http.MethodGet, path: "/tickets/{id}/messages",
		tag: tagMessages, summary: "List the messages of a ticket", scope: scopeMessagesRead,
		description: "Lists what was written in any topic of the ticket or through the API, with its deliveries. The " +
			"oldest messages come first; with `sort=-sentAt`, the newest." + aboutTickets + aboutNotes,
		answer: exampleList(view.ExampleMessage()),
	}, a.listMessages)
}

type sendMessageInput struct {
	TicketPath
	Body struct {
		Text          string            `json:"text,omitempty" maxLength:"16384" example:"No paper *either*."`
		Format        string            `json:"format,omitempty" enum:"text,markdown" doc:"How the text is written. Absent: text."`
		Entities      []view.TextEntity `json:"entities,omitempty" maxItems:"100" doc:"The markup of a text with format text."`
		AuthorName    string            `json:"authorName,omitempty" maxLength:"128" doc:"The name that is shown above the message." example:"Nok"`
		ReplyTo       string            `json:"replyTo,omitempty" maxLength:"200" doc:"The messageId of the message to answer."`
		AttachmentIDs []string          `json:"attachmentIds,omitempty" maxItems:"10" doc:"Files of this ticket to send."`
	}
}

// SentMessage is a message that the desk has accepted.
type SentMessage struct {
	MessageID  string          `json:"messageId"`
	State      string          `json:"state" enum:"pending,sent,failed" doc:"sent: copied to every topic. failed: given up in one of them. Otherwise pending."`
	Deliveries []view.Delivery `json:"deliveries" nullable:"false"`
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
	for i, id := range b.AttachmentIDs { // check all files before anything is sent
		file, err := a.attachment(ctx, c, id)
		if err != nil && asProblem(err).Code != codeNotFound {
			return nil, err
		}
		if err != nil || file.TicketId != record.TicketId || file.State != "stored" {
			p := problem(messages.ReasonNoSuchFile)
			p.Errors[0].Pointer += "/" + strconv.Itoa(i)
			return nil, p
		}
	}
	o := c.originBy(b.AuthorName)
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
	var deliveries []*messages.Delivery
	if len(found.Messages) > 0 {
		deliveries = found.Messages[0].Deliveries
	}
	return sentAs(messageID, deliveries), nil
}

// sentAs tells how far a message is.
func sentAs(messageID string, deliveries []*messages.Delivery) SentMessage {
	sent := SentMessage{MessageID: messageID, State: "sent", Deliveries: view.DeliveriesOf(deliveries)}
	for _, d := range sent.Deliveries {
		switch {
		case d.State == "failed":
			sent.State = "failed"
		case d.State == "pending" && sent.State == "sent":
			sent.State = "pending"
		}
	}
	return sent
}

type listMessagesInput struct {
	TicketPath
	PageInput
	Sort string `query:"sort" enum:"sentAt,-sentAt" default:"sentAt" doc:"The order. With a minus sign the newest come first."`
}

type messageListOutput struct {
	Body List[view.Message]
}

func (a *API) listMessages(ctx context.Context, c *call, in *listMessagesInput) (*messageListOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ListMessageRecords{TicketId: record.TicketId, NewestFirst: in.Sort == "-sentAt",
		Limit: int32(in.Limit + 1), NotesOf: c.key.GroupId}
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
	return &messageListOutput{Body: listOf(found.Messages, in.Limit, list, key, view.MessageOf)}, nil
}
