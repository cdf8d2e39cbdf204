package query

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// query reads: lists, searches, and tickets that are not resident. It owns nothing; any of the pool answers.
//
// Accepts  the questions in reads
// Replies  one response each, with a Code
type query struct {
	env     *entity.Env
	aliases *desk.Aliases
}

// queryActors is how many reads run at once; the last of them, listActors, do the long ones. Each has a mailbox of its own, and
// what finds a topic for a message must not wait there behind somebody's list.
const (
	queryActors  = 20
	listActors   = 4
	searchActors = 2 // the last of these, for searches
)

// Readers is the pool.
type Readers struct {
	pids []*actor.PID
	next atomic.Uint64 // round robin
}

func Start(env *entity.Env, node *entity.Node, aliases *desk.Aliases) (*Readers, error) {
	r := &Readers{}
	for i := range queryActors {
		pid, err := node.Spawn(fmt.Sprintf("query-%d", i), func() actor.Actor { return &query{env, aliases} })
		if err != nil {
			return nil, err
		}
		r.pids = append(r.pids, pid)
	}
	return r, nil
}

// PIDs lists the readers.
func (r *Readers) PIDs() []*actor.PID { return r.pids }

// Pick says who reads: who searches for what is not there reads a thousand tickets, and holds up no list.
func (r *Readers) Pick(command any) *actor.PID {
	n := r.next.Add(1)
	switch m, _ := command.(*messages.ListTicketRecords); {
	case m != nil && m.Text != "":
		return r.pids[queryActors-searchActors+n%searchActors]
	case reads[reflect.TypeOf(command)].long:
		return r.pids[queryActors-listActors+n%(listActors-searchActors)]
	}
	return r.pids[n%(queryActors-listActors)]
}

// read is how a type of question is answered.
type read struct {
	question reflect.Type
	answer   func(*query, proto.Message) proto.Message
	long     bool // it is of many records
}

// reads are all questions that a reader answers.
var reads = tableOf(
	// what the bot asks
	answers((*query).findTopic), answers((*query).findPlace), answers((*query).findShortID), answers((*query).findMessage),
	answers((*query).group), answers((*query).user), answers((*query).tickets), answers((*query).wake),
	// what programs ask
	answers((*query).apiKey), answers((*query).apiKeys), answers((*query).userRecord), answers((*query).users),
	answers((*query).groupRecord), answers((*query).groups), answers((*query).ticket), answers((*query).linkStatus),
	answers((*query).attachment),
	long((*query).ticketList), long((*query).messages), long((*query).events), long((*query).links),
)

// answers makes the row of a question from what answers it.
func answers[M proto.Message](f func(*query, M) proto.Message) read {
	return read{question: reflect.TypeFor[M](), answer: func(q *query, m proto.Message) proto.Message { return f(q, m.(M)) }}
}

// long is answers for a question of many records.
func long[M proto.Message](f func(*query, M) proto.Message) read {
	r := answers(f)
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

func (q *query) Receive(ctx actor.Context) {
	if ctx.Sender() == nil {
		return
	}
	m, isMessage := ctx.Message().(proto.Message)
	if !isMessage {
		return
	}
	ctx.Respond(q.answer(m))
}

func (q *query) answer(m proto.Message) proto.Message {
	r, known := reads[reflect.TypeOf(m)]
	if !known {
		return entity.Answer(messages.Code_CONFLICT, "a reader does not understand "+entity.TypeName(m))
	}
	return r.answer(q, m)
}

// code is OK, NOT_FOUND, or UNAVAILABLE with a line in the log.
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

func (q *query) wake(*messages.Wake) proto.Message { return entity.OK() }

func (q *query) findTopic(m *messages.FindTopic) proto.Message {
	if messages.IsPrivate(m.Place) {
		id, err := q.currentTicket(m.Place)
		return &messages.TopicFound{Code: q.code(m, err), TicketId: id}
	}
	id, err := q.env.Store.TicketByTopic(q.env.Ctx, m.Place, m.ThreadId)
	return &messages.TopicFound{Code: q.code(m, err), TicketId: id}
}

func (q *query) findPlace(m *messages.FindPlace) proto.Message {
	group, err := q.env.Store.GroupByTelegramID(q.env.Ctx, m.ChatId)
	answer := &messages.PlaceFound{Code: q.code(m, err)}
	if group != nil {
		answer.Place = group.GroupID
	}
	return answer
}

func (q *query) findShortID(m *messages.FindShortID) proto.Message {
	ids, err := q.env.Store.TicketsByShortID(q.env.Ctx, m.ShortId)
	return &messages.TicketIDs{Code: q.code(m, err), TicketIds: ids}
}

func (q *query) findMessage(m *messages.FindMessage) proto.Message {
	said, err := desk.OriginalAt(q.env.Ctx, q.env.Store, m.ChatId, m.MessageId, nil)
	answer := &messages.MessageFound{Code: q.code(m, err)}
	if said != nil {
		answer.TicketId, answer.MessageId = said.TicketID, said.MessageID
	}
	return answer
}

func (q *query) group(m *messages.GetGroup) proto.Message {
	r, err := q.env.Store.Group(q.env.Ctx, m.GroupId)
	answer := &messages.GroupView{Code: q.code(m, err), GroupId: m.GroupId}
	if r != nil {
		answer.Registered, answer.Public, answer.Lang = r.SupportTopicsEnabled, r.Public, r.Language
		shown := *r
		shown.IsForum = r.IsForum || m.IsForum
		answer.Standing = desk.TicketsIn(&shown)
		answer.Facts = &messages.GroupFacts{ChatId: r.TelegramGroupID, Title: r.Title, Type: r.Type, IsForum: r.IsForum,
			BotStatus: r.BotStatus, CanManageTopics: r.CanManageTopics, CanPinMessages: r.CanPinMessages}
	}
	return answer
}

func (q *query) user(m *messages.GetUser) proto.Message {
	r, err := q.env.Store.User(q.env.Ctx, m.UserId)
	answer := &messages.UserView{Code: q.code(m, err)}
	if r != nil {
		answer.Lang, answer.DefaultGroupId = r.Language, r.DefaultGroupID
		answer.CurrentTicketId, answer.Blocked = r.CurrentTicketID, r.Blocked
		answer.Person = &messages.Person{Id: r.TelegramID, Username: r.Username, FirstName: r.FirstName, LastName: r.LastName, IsBot: r.IsBot}
	}
	return answer
}

func (q *query) tickets(m *messages.ListTickets) proto.Message {
	page, err := q.env.Store.TicketsByCreator(q.env.Ctx, "user", strconv.FormatInt(m.UserId, 10), m.OpenOnly, int(m.Limit))
	answer := &messages.TicketList{Code: q.code(m, err)}
	for i := range page {
		view, err := desk.ViewOf(q.env.Ctx, q.env.Store, &page[i], page[i].Home.TopicID)
		if err != nil {
			return &messages.TicketList{Code: q.code(m, err)}
		}
		view.Private = desk.PrivateLink(&page[i], messages.UserPlace(m.UserId)) != nil
		answer.Tickets = append(answer.Tickets, view)
	}
	return answer
}

// currentTicket is the ticket that a person is talking on in their private chat.
func (q *query) currentTicket(place string) (string, error) {
	id, ok := messages.ChatIn(place)
	if !ok {
		return "", storage.ErrNotFound
	}
	user, err := q.env.Store.User(q.env.Ctx, id)
	if err != nil {
		return "", err
	}
	return user.CurrentTicketID, nil
}
