package ticket

import (
	"cmp"
	"reflect"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// ticketRequest is a type of message by which a ticket is asked to do something: who may ask it, and what it does. What has no row in
// ticketRequests is refused.
type request struct {
	message desk.Command // a nil one of its type

	verb    string // the command that it is, or is a step of; "" for what nobody types
	may     rule   // who may; nil: whom the command's declaration names, and nobody without one
	refused string // the notice to whom it is refused; NoticeNotAllowed when empty

	joins       bool // it comes from a topic that is not the ticket's yet
	anywhere    bool // without a verb: it fits a private chat too
	forPrograms bool // people can't ask it
	inside      bool // it comes from inside, to a handler of its own

	effect func(*ticket, desk.Command) (effect, error) // reads what it needs, and returns what changes the record
	// decide is there in place of effect where the effect is on another record: it carries out what waited for Telegram.
	decide func(t *ticket, id string, m desk.Command, may verdict, failure string) error
}

// rule says whether a command is allowed; when that is unknown, ask lists the groups whose word is needed.
type rule func(t *ticket, m desk.Command) (may verdict, ask []string, err error)

// ticketRequests are all that a ticket can be asked.
var requests = tableOf(
	asks((*ticket).closing, request{verb: messages.VerbCloseTicket, may: ruled((*ticket).mayClose)}),
	asks((*ticket).reopening, request{verb: messages.VerbReopenTicket, may: ruled((*ticket).mayReopen)}),
	asks((*ticket).pending, request{verb: messages.VerbPending}),
	asks((*ticket).prioritising, request{verb: messages.VerbPriority, may: ruled((*ticket).mayPrioritise)}),
	asks((*ticket).showing, request{verb: messages.VerbTicket}),
	asks((*ticket).mentioning, request{verb: messages.VerbMention}),
	asks((*ticket).turningPage, request{verb: messages.VerbMention}),
	asks((*ticket).linking, request{verb: messages.VerbLink, may: ruled((*ticket).mayLink),
		refused: messages.NoticeLinkNotAllowed, joins: true}),
	asks((*ticket).unlinking, request{verb: messages.VerbUnlink}),
	decides((*ticket).decideDelete, request{verb: messages.VerbDelete, may: ruled((*ticket).mayDelete)}),

	asks((*ticket).renaming, request{may: anyone, anywhere: true}),                // Telegram has looked at their rights
	asks((*ticket).reachable, request{may: anyone, anywhere: true, inside: true}), // the person's own entity says it
	asks((*ticket).updating, request{forPrograms: true}),
)

// asks makes the row of a message from what it does to the ticket.
func asks[M desk.Command](f func(*ticket, M) (effect, error), r request) request {
	r.message = messageOf[M]()
	r.effect = func(t *ticket, m desk.Command) (effect, error) { return f(t, m.(M)) }
	return r
}

// decides makes the row of a message whose effect is on another record.
func decides[M desk.Command](f func(t *ticket, id string, m M, may verdict, failure string) error, r request) request {
	r.message = messageOf[M]()
	r.decide = func(t *ticket, id string, m desk.Command, may verdict, failure string) error {
		return f(t, id, m.(M), may, failure)
	}
	return r
}

func ruled[M desk.Command](f func(*ticket, M) (verdict, []string, error)) rule {
	return func(t *ticket, m desk.Command) (verdict, []string, error) { return f(t, m.(M)) }
}

func anyone(*ticket, desk.Command) (verdict, []string, error) { return yes, nil, nil }

func messageOf[M desk.Command]() desk.Command {
	var none M
	return none
}

func tableOf(rows ...request) map[reflect.Type]request {
	table := make(map[reflect.Type]request, len(rows))
	for _, row := range rows {
		table[reflect.TypeOf(row.message)] = row
	}
	return table
}

// requestOf finds the row of a message; not ok when the ticket can't be asked that, or not by whom the message comes from.
func requestOf(m desk.Command) (r request, ok bool) {
	r, ok = requests[reflect.TypeOf(m)]
	return r, ok && (!r.forPrograms || isAPI(m.GetOrigin()))
}

// fitsPrivately says whether it can be asked from a private chat: whom to bring in is the desk's to say.
func (r *request) fitsPrivately() bool {
	if r.verb == "" {
		return r.anywhere
	}
	c, _ := messages.CommandOf(r.verb)
	return c.Where.Have(messages.InPrivate)
}

// of works out what a command does to the record.
func (r *request) of(t *ticket, m desk.Command, allowed bool) (effect, error) {
	o := m.GetOrigin()
	switch {
	case !allowed:
		return answer(o, cmp.Or(r.refused, messages.NoticeNotAllowed),
			map[string]string{"command": slash(r.verb), "ticket": t.record.TicketID}), nil
	case messages.IsPrivate(o.GetPlace()) && !r.fitsPrivately():
		return answer(o, messages.NoticeButtonStale, nil), nil
	}
	return r.effect(t, m)
}

// slash is a command as it is written.
func slash(verb string) string { return "/" + verb }

// effect makes a ticket's record what a command wants it to be, or refuses. It reads nothing and sends nothing.
type effect func(*result)

// result is a ticket's record as a command leaves it; or why a program is refused, and then nothing is written.
type result struct {
	*storage.Ticket
	refusal *messages.Reply
}

// refuse says why a program is refused: by the key of the notice that people would read, or by a reason of its own.
func (r *result) refuse(reason string, args map[string]string) {
	r.refusal = &messages.Reply{Code: messages.Code_CONFLICT, Reason: reason, TicketId: r.TicketID, Args: args}
}

// answer is the effect of a command that is only answered.
func answer(o *messages.Origin, key string, args map[string]string) effect {
	return func(r *result) { respond(r, o, key, args) }
}
