package ticket

import (
	"cmp"
	"reflect"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// ticketRequest says, for one type of message, who may ask it of a ticket, and what it does. A ticket refuses a
// message that has no row in ticketRequests.
type ticketRequest struct {
	message desk.Command // a nil pointer of its type

	verb    string // the slash command that it is, or is a step of; empty if nobody types it
	may     rule   // who may; nil: those whom the declaration of the verb names, and nobody if there is none
	refused string // the key of the notice that refuses it; NoticeNotAllowed if empty

	joins       bool // it comes from a topic that is not the ticket's yet
	anywhere    bool // without a verb: it may come from a private chat too
	forPrograms bool // people can't ask it
	inside      bool // another entity sends it, and it has a handler of its own

	effect func(*ticket, desk.Command) (effect, error) // reads what it needs, and returns the change of the record
	// decide replaces effect where the change is in another record. It carries out a command that waited for Telegram
	// to say who administers a group.
	decide func(t *ticket, id string, m desk.Command, may verdict, failure string) error
}

// rule says whether a command is allowed. If that is unknown, ask lists the groups that must be asked.
type rule func(t *ticket, m desk.Command) (may verdict, ask []ids.Place, err error)

// ticketRequests lists all that a ticket can be asked.
var ticketRequests = tableOf(
	asks((*ticket).closing, ticketRequest{verb: messages.VerbCloseTicket, may: ruled((*ticket).mayClose)}),
	asks((*ticket).reopening, ticketRequest{verb: messages.VerbReopenTicket, may: ruled((*ticket).mayReopen)}),
	asks((*ticket).pending, ticketRequest{verb: messages.VerbPending}),
	// People who write in Telegram rename a topic instead.
	asks((*ticket).retitling, ticketRequest{may: ruled((*ticket).mayRetitle), anywhere: true}),
	asks((*ticket).prioritising, ticketRequest{verb: messages.VerbPriority, may: ruled((*ticket).mayPrioritise)}),
	asks((*ticket).showing, ticketRequest{verb: messages.VerbTicket}),
	asks((*ticket).mentioning, ticketRequest{verb: messages.VerbMention}),
	asks((*ticket).turningPage, ticketRequest{verb: messages.VerbMention}),
	asks((*ticket).linking, ticketRequest{verb: messages.VerbLink, may: ruled((*ticket).mayLink),
		refused: messages.NoticeLinkNotAllowed, joins: true}),
	asks((*ticket).unlinking, ticketRequest{verb: messages.VerbUnlink}),
	asks((*ticket).claiming, ticketRequest{verb: messages.VerbClaim, may: (*ticket).mayTake,
		refused: messages.NoticeClaimNotAllowed}),
	asks((*ticket).assigning, ticketRequest{verb: messages.VerbAssign, may: (*ticket).mayTake,
		refused: messages.NoticeClaimNotAllowed}),
	asks((*ticket).releasing, ticketRequest{verb: messages.VerbRelease, may: (*ticket).mayTake,
		refused: messages.NoticeClaimNotAllowed}),
	asks((*ticket).snoozing, ticketRequest{verb: messages.VerbLater, may: (*ticket).mayTake,
		refused: messages.NoticeLaterNotAllowed}),
	asks((*ticket).keeping, ticketRequest{may: anyone, anywhere: true}),
	decides((*ticket).decideDelete, ticketRequest{verb: messages.VerbDelete, may: ruled((*ticket).mayDelete)}),

	// Telegram has checked the rights of whoever renames a topic.
	asks((*ticket).renaming, ticketRequest{may: anyone, anywhere: true}),
	// The person's own entity sends it.
	asks((*ticket).reachable, ticketRequest{may: anyone, anywhere: true, inside: true}),
	asks((*ticket).updating, ticketRequest{forPrograms: true}),
)

// asks makes a row from the method that works out the effect.
func asks[M desk.Command](f func(*ticket, M) (effect, error), r ticketRequest) ticketRequest {
	r.message = messageOf[M]()
	r.effect = func(t *ticket, m desk.Command) (effect, error) { return f(t, m.(M)) }
	return r
}

// decides makes a row for a message whose effect is in another record.
func decides[M desk.Command](
	f func(t *ticket, id string, m M, may verdict, failure string) error, r ticketRequest,
) ticketRequest {
	r.message = messageOf[M]()
	r.decide = func(t *ticket, id string, m desk.Command, may verdict, failure string) error {
		return f(t, id, m.(M), may, failure)
	}
	return r
}

// ruled makes a rule from a method that takes one type of message.
func ruled[M desk.Command](f func(*ticket, M) (verdict, []ids.Place, error)) rule {
	return func(t *ticket, m desk.Command) (verdict, []ids.Place, error) { return f(t, m.(M)) }
}

func anyone(*ticket, desk.Command) (verdict, []ids.Place, error) { return yes, nil, nil }

func messageOf[M desk.Command]() desk.Command {
	var none M
	return none
}

func tableOf(rows ...ticketRequest) map[reflect.Type]ticketRequest {
	table := make(map[reflect.Type]ticketRequest, len(rows))
	for _, row := range rows {
		table[reflect.TypeOf(row.message)] = row
	}
	return table
}

// requestOf finds the row of a message. It is not ok if the ticket can't be asked that, or can't be asked it by
// people.
func requestOf(m desk.Command) (r ticketRequest, ok bool) {
	r, ok = ticketRequests[reflect.TypeOf(m)]
	return r, ok && (!r.forPrograms || desk.IsAPI(m.GetOrigin()))
}

// fitsPrivately reports whether it can be asked from a private chat. Some things only the desk decides, such as
// whom to bring in.
func (r *ticketRequest) fitsPrivately() bool {
	if r.verb == "" {
		return r.anywhere
	}
	c, _ := messages.CommandOf(r.verb)
	return c.Where.Have(messages.InPrivate)
}

// of works out what a command does to the record.
func (r *ticketRequest) of(t *ticket, m desk.Command, allowed bool) (effect, error) {
	o := m.GetOrigin()
	switch {
	case !allowed && staysQuiet(m):
		return func(*desk.Result) {}, nil
	case !allowed:
		args, err := t.whoMay(o)
		args["command"], args["ticket"] = slash(r.verb), t.nameRefused(o)
		key := cmp.Or(r.refused, messages.NoticeNotAllowed)
		if err == nil && (key == messages.NoticeClaimNotAllowed || key == messages.NoticeLaterNotAllowed) {
			key, err = t.refuseTaking(key, args)
		}
		return answer(o, key, args), err
	case messages.IsPrivate(o.GetPlace()) && !r.fitsPrivately():
		return answer(o, messages.NoticeButtonStale, nil), nil
	}
	return r.effect(t, m)
}

// slash is a slash command as people type it.
func slash(verb string) string { return "/" + verb }

// effect turns a ticket's record into what a command wants it to be, or refuses. It reads nothing from storage and
// sends nothing.
type effect func(*desk.Result)

// answer is the effect of a command that only gets an answer.
func answer(o *messages.Origin, key string, args map[string]string) effect {
	return func(r *desk.Result) { desk.Respond(r, o, key, args) }
}
