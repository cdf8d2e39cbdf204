package httpedge

import (
	"context"
	"net/http"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

func (a *API) retryOperations() {
	pending := view.Delivery{Topic: view.ExampleTopic(), State: "pending", TelegramMessageIDs: []int64{}}
	register(a, op{
		id: "retryMessage", method: http.MethodPost, path: "/tickets/{id}/messages/{messageId}/retry",
		tag: tagMessages, summary: "Try failed copies of a message again", scope: "tickets:write", status: http.StatusAccepted,
		codes: []string{messages.NoticeNothingToRetry},
		description: "Tries each copy of the message again that was given up (`deliveries` with the state `failed`), as **Try again** does " +
			"in Telegram. They are `pending` from then on; the list of messages shows what came of them." + aboutTickets,
		answer: SentMessage{MessageID: "-1001234567890:42", State: "pending", Deliveries: []view.Delivery{pending}},
	}, a.retryMessage)
}

type retryMessageInput struct {
	TicketPath
	MessageID string `path:"messageId" maxLength:"200" doc:"The message's id." example:"-1001234567890:42"`
}

// retryMessage gives a command for each copy, whose id follows from the request's: repeated, also after a crash between two of them, the
// request changes nothing more.
func (a *API) retryMessage(ctx context.Context, c *call, in *retryMessageInput) (*sentMessageOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	find := &messages.ListMessageRecords{TicketId: record.TicketId, MessageId: in.MessageID, Limit: 1, NotesOf: c.key.GroupId}
	found, err := ask[*messages.MessageRecords](ctx, a, messages.KindQuery, "", find)
	if err != nil {
		return nil, err
	}
	if len(found.Messages) == 0 {
		return nil, problem(codeNotFound)
	}
	message, again := found.Messages[0], false
	for _, d := range message.Deliveries {
		into := d.GetTopic().GetTopicId()
		m := &messages.RetryCopy{Origin: c.origin(), LinkId: into, Sequence: message.Sequence}
		if m.Origin.CommandId += ":" + into; into == record.GetTopic().GetTopicId() {
			m.LinkId, m.ToHome = message.GetTopic().GetTopicId(), true // the link of a topic makes its copies into the home topic, too
		}
		_, err := ask[*messages.Reply](ctx, a, messages.KindTicket, record.TicketId, m)
		if err != nil && asProblem(err).Code == messages.NoticeNothingToRetry {
			continue // this one is well, or waits
		}
		if err != nil {
			return nil, err
		}
		if again = true; d.State == "failed" {
			d.State, d.Reason = "pending", ""
		}
	}
	if !again {
		return nil, problem(messages.NoticeNothingToRetry)
	}
	return &sentMessageOutput{Body: sentAs(message.MessageId, message.Deliveries)}, nil
}
