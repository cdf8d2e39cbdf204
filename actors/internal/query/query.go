package query

import (
	"errors"
	"log/slog"
	"reflect"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// query is a reader. It reads storage, and owns nothing, so any of the pool can serve a read.
//
// It takes the reads that the table reads lists, and replies to each with the response of its type, which has a code.
// It stops with the node.
type query struct {
	env     readerEnv
	aliases *desk.Aliases
	log     *eventlog.Log
	pace    pace.Pace
	teams   teams // waiting.go
}

// readerEnv is the environment of a reader, whose Ctx and Log are in the trace of the read.
type readerEnv struct {
	*entity.Env
	Ctx *tracing.Changing
	Log *slog.Logger
}

func newReaderEnv(env *entity.Env) readerEnv {
	e := readerEnv{env, &tracing.Changing{Context: env.Ctx}, env.Log}
	if env.Tracer != nil {
		e.Log = slog.New(tracing.HandlerIn(e.Ctx, env.Log.Handler()))
	}
	return e
}

// read is one row of the table: how a reader replies to a type of read.
type read struct {
	question reflect.Type
	reply    func(*query, proto.Message) proto.Message
	long     bool // it reads many records
}

// reads are all reads that a reader takes.
var reads = tableOf(
	// What the bot looks up.
	replies((*query).findTopic), replies((*query).findPlace), replies((*query).findShortID), replies((*query).findNumber),
	replies((*query).findMessage), replies((*query).group), replies((*query).user), replies((*query).tickets),
	replies((*query).openTickets), replies((*query).teamGroups), replies((*query).findWord),
	// What the API reads.
	replies((*query).apiKey), replies((*query).apiKeys),
	replies((*query).userRecord), replies((*query).userRecords),
	replies((*query).groupRecord), replies((*query).groupRecords),
	replies((*query).ticketRecord), lists((*query).ticketRecords),
	lists((*query).messageRecords), lists((*query).eventRecords),
	lists((*query).linkRecords), replies((*query).linkStatus),
	replies((*query).attachment), replies((*query).eventsOfLog), lists((*query).consumers),
	replies((*query).webhook), replies((*query).webhookByName), lists((*query).webhooks),
	lists((*query).deliveries), replies((*query).replay),
	lists((*query).series), lists((*query).groupStates),
	// What the web desk reads.
	replies((*query).webAccess), lists((*query).webTickets), lists((*query).webTimeline),
	lists((*query).webPeople),
	// What was done.
	replies((*query).timesReport), replies((*query).activityReport), lists((*query).openReport),
	// What checks that a reader is there.
	replies((*query).wake),
)

// replies is the row of a read that f replies to.
func replies[M proto.Message](f func(*query, M) proto.Message) read {
	reply := func(q *query, m proto.Message) proto.Message { return f(q, m.(M)) }
	return read{question: reflect.TypeFor[M](), reply: reply}
}

// lists is replies for a read of many records.
func lists[M proto.Message](f func(*query, M) proto.Message) read {
	r := replies(f)
	r.long = true
	return r
}

func tableOf(rows ...read) map[reflect.Type]read {
	table := make(map[reflect.Type]read, len(rows))
	for _, r := range rows {
		table[r.question] = r
	}
	return table
}

// Receive implements actor.Actor.
func (q *query) Receive(ctx actor.Context) {
	if ctx.Sender() == nil {
		return
	}
	if _, waits := ctx.ActorSystem().ProcessRegistry.GetLocal(ctx.Sender().Id); !waits {
		return // whoever asked, on this node, has given up: others wait behind it
	}
	m, mark := entity.Unmarked(ctx.Message())
	if m == nil {
		return
	}
	span := mark.Child("read "+string(m.ProtoReflect().Descriptor().Name()), tracing.Inside, time.Now())
	if span != nil {
		mark = span.Mark()
		defer span.End()
	}
	q.env.Ctx.Set(mark)
	defer q.env.Ctx.Set(nil)
	ctx.Respond(q.reply(m))
}

func (q *query) reply(m proto.Message) proto.Message {
	r, known := reads[reflect.TypeOf(m)]
	if !known {
		return q.env.RefuseUnknown(messages.KindQuery, "", m)
	}
	return r.reply(q, m)
}

func (q *query) wake(*messages.Wake) proto.Message { return entity.OK() }

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
