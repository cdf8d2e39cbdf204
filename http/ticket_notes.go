package httpedge

import (
	"cmp"
	"context"
	"net/http"

	"github.com/topicdesk/topicdesk/messages"
)

// noteUnits is how long a note may be, in UTF-16 units: it stays one message in Telegram, with its head.
const noteUnits = 3500

func (a *API) noteOperations() {
	register(a, op{
		id: "sendNote", method: http.MethodPost, path: "/tickets/{id}/notes",
		tag: tagMessages, summary: "Write an internal note", scope: "messages:write", status: http.StatusAccepted,
		codes: []string{messages.NoticeTicketIsClosed, codeGroupUnknown, codeNoTopic, messages.ReasonManyPending},
		description: "Writes an internal note into the ticket's topic in one group, for those who read there. It goes to no other topic, " +
			"and to no customer. The bot posts it as `// name: text`, under `authorName` or else under the key's name. The text is taken " +
			"as it is, without markup. Without `groupId`, the note is the group's that the ticket is with. The note is durable when the " +
			"answer arrives; the list of messages has it as `internal`." + aboutTickets,
		request: map[string]any{"text": "The warranty has ended.", "authorName": "Nok", "groupId": -1001234567890},
		answer:  SentNote{MessageID: "api:mabcdefghijklmnopqrstuvwx"},
	}, a.sendNote)
}

type sendNoteInput struct {
	TicketPath
	Body struct {
		Text       string `json:"text" minLength:"1" maxLength:"3500" doc:"At most 3,500 UTF-16 units." example:"The warranty has ended."`
		AuthorName string `json:"authorName,omitempty" maxLength:"128" doc:"The name that is shown before the note." example:"Nok"`
		GroupID    int64  `json:"groupId,omitempty" maximum:"-1" minimum:"-4503599627370495" doc:"The id in Telegram of the group whose topic gets the note. Absent: the ticket's group." example:"-1001234567890"`
	}
}

// SentNote is an internal note that the desk has accepted.
type SentNote struct {
	MessageID string `json:"messageId"`
}

type sentNoteOutput struct {
	Body SentNote
}

func (a *API) sendNote(ctx context.Context, c *call, in *sendNoteInput) (*sentNoteOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	content, err := contentOf(in.Body.Text, "", nil)
	if err != nil {
		return nil, err
	}
	if messages.UTF16Len(content.Text) > noteUnits {
		return nil, invalid("/text", "expected at most 3500 UTF-16 units")
	}
	topic, noTopic := a.noteTopic(ctx, c, record, in.Body.GroupID)
	if noTopic != nil && !c.repeatable {
		return nil, noTopic
	}
	o := c.originBy(in.Body.AuthorName)
	o.Place, o.ChatId, o.ThreadId = topic.GetGroupId(), topic.GetChatId(), topic.GetTelegramTopicId()
	m := &messages.SendMessage{Origin: o, Content: content, Internal: true}
	reply, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m)
	if err != nil && noTopic != nil { // the ticket would know if the note had been written while there was one
		return nil, noTopic
	}
	if err != nil && asProblem(err).Code == messages.NoticeUnlinkNone { // it was the ticket's until now
		err = problem(codeNoTopic)
	}
	if err != nil {
		return nil, err
	}
	return &sentNoteOutput{Body: SentNote{MessageID: reply.MessageId}}, nil
}

// noteTopic is the ticket's topic in the group for which a note is: the given one, by its id in Telegram, or else the ticket's.
func (a *API) noteTopic(ctx context.Context, c *call, record *messages.TicketRecord, groupID int64) (*messages.TopicRecord, error) {
	place := cmp.Or(c.key.GroupId, record.GroupId)
	if groupID != 0 {
		var err error
		if place, err = a.place(ctx, c, groupID); err != nil {
			return nil, unknownGroup(err, "/groupId")
		}
	}
	topics := []*messages.TopicRecord{record.Topic}
	links, err := a.links(ctx, record.TicketId)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if l.State == "active" {
			topics = append(topics, l.Topic)
		}
	}
	for _, topic := range topics {
		if topic.GetGroupId() == place && topic.TelegramTopicId != 0 && topic.State != "failed" {
			return topic, nil
		}
	}
	return nil, problem(codeNoTopic)
}
