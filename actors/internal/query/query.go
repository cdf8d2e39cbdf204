package query

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// query is a reader. It reads storage, and owns nothing, so any of the pool can serve a read.
//
// It takes the reads that reply lists, and Wake, which checks that it is there. It replies to each with the response of
// its type, which has a code. It stops with the node.
type query struct {
	env     *entity.Env
	aliases *desk.Aliases
}

// Receive implements actor.Actor.
func (q *query) Receive(ctx actor.Context) {
	if ctx.Sender() == nil {
		return
	}
	if m, ok := ctx.Message().(proto.Message); ok {
		ctx.Respond(q.reply(m))
	}
}

func (q *query) reply(m proto.Message) proto.Message {
	switch m := m.(type) {
	// What the bot looks up.
	case *messages.FindTopic:
		return q.findTopic(m)
	case *messages.FindPlace:
		return q.findPlace(m)
	case *messages.FindShortID:
		return q.findShortID(m)
	case *messages.FindMessage:
		return q.findMessage(m)
	case *messages.GetGroup:
		return q.group(m)
	case *messages.GetUser:
		return q.user(m)
	case *messages.ListTickets:
		return q.tickets(m)

	// What the API reads.
	case *messages.GetAPIKey:
		return q.apiKey(m)
	case *messages.ListAPIKeys:
		return q.apiKeys(m)
	case *messages.GetUserRecord:
		return q.userRecord(m)
	case *messages.ListUsers:
		return q.userRecords(m)
	case *messages.GetGroupRecord:
		return q.groupRecord(m)
	case *messages.ListGroups:
		return q.groupRecords(m)
	case *messages.GetTicket:
		return q.ticketRecord(m)
	case *messages.ListTicketRecords:
		return q.ticketRecords(m)
	case *messages.ListMessageRecords:
		return q.messageRecords(m)
	case *messages.ListEventRecords:
		return q.eventRecords(m)
	case *messages.ListLinkRecords:
		return q.linkRecords(m)
	case *messages.GetLinkStatus:
		return q.linkStatus(m)
	case *messages.GetAttachment:
		return q.attachment(m)

	case *messages.Wake:
		return entity.OK()
	}
	return entity.Answer(messages.Code_CONFLICT, "a reader does not understand "+entity.TypeName(m))
}

// code is OK or NOT_FOUND, or else UNAVAILABLE, with a line in the log.
func (q *query) code(m proto.Message, err error) messages.Code {
	switch {
	case err == nil:
		return messages.Code_OK
	case errors.Is(err, storage.ErrNotFound):
		return messages.Code_NOT_FOUND
	}
	if q.env.Ctx.Err() == nil {
		q.env.Log.Error("a read failed", "message", entity.TypeName(m), "error", err)
	}
	return messages.Code_UNAVAILABLE
}
