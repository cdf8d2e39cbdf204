package ticket

import (
	"maps"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What is pending to people: answers to commands, and notices to the ticket's topics. The record keeps each until
// it has been sent.

func priorityKeyboard(ticketID ids.TicketID) *messages.Keyboard {
	row := &messages.KeyboardRow{}
	for _, p := range priorities {
		data := messages.CallbackPriority + ":" + ticketID + ":" + p
		row.Buttons = append(row.Buttons, &messages.Button{Key: "priority_" + p, Data: data})
	}
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{row}}
}

// dropKeyboard takes away the buttons of a choice that is made. The command must come from a button of a message that has
// no others: a card keeps its buttons.
func dropKeyboard(r *desk.Result, o *messages.Origin) {
	if o.GetCallbackMessageId() == 0 {
		return
	}
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_EditKeyboard{EditKeyboard: &messages.EditKeyboardCall{MessageId: o.CallbackMessageId}}
	desk.AddPending(r.Ticket, o.CommandId, op, 0)
}

// respondToTeam answers openly. What was asked in a private chat is said at home, too: the team would see it on the card alone.
func (t *ticket) respondToTeam(r *desk.Result, o *messages.Origin, key string, args map[string]string) {
	if messages.IsPrivate(o.GetPlace()) {
		t.notifyTopic(r.Ticket, o, &r.Home, key, maps.Clone(args), 0)
	}
	args["ticket"] = t.nameFor(o)
	desk.RespondOpenly(r, o, key, args)
}

// limitAnswers withdraws the answers of an effect when too many are pending already: somebody floods the topic
// with commands, and answering them all would keep copies waiting for hours. The effect itself stays.
func (t *ticket) limitAnswers(o *messages.Origin, do effect) effect {
	return func(r *desk.Result) {
		before := len(r.Pending)
		do(r)
		if before < desk.PendingAnswersLimit || r.Refusal != nil {
			return
		}
		kept := r.Pending[:before:before]
		for _, pending := range r.Pending[before:] {
			if pending.Kind != desk.PendingOperation || pending.AfterSequence > 0 {
				kept = append(kept, pending)
			}
		}
		if len(kept) < len(r.Pending) {
			t.noteUnanswered(o)
		}
		r.Pending = kept
	}
}

// noteUnanswered counts and logs a command that gets no answer.
func (t *ticket) noteUnanswered(o *messages.Origin) {
	t.Metrics.Unanswered.Inc()
	t.Log.Warn("a command gets no answer: too many are pending already",
		"command", o.GetCommandId(), "pending", len(t.record.Pending))
}

// nameFor is how an answer to a command names the ticket: not at all in a topic of its own.
func (t *ticket) nameFor(o *messages.Origin) string {
	if at := t.topicAt(o.GetPlace(), o.GetThreadId()); at != nil && (at.Threaded || !messages.IsPrivate(at.GroupID)) {
		return ""
	}
	return desk.NameOf(t.record)
}

// teamNamed is how many team members a refusal names.
const teamNamed = 5

// whoMay names, for a refusal in one of the ticket's groups, who may give the command there: whoever takes care of the ticket, whoever opened it, the
// team members on it, and the group whose administrators may. It is empty elsewhere: whoever is refused there may not know them.
func (t *ticket) whoMay(o *messages.Origin) (args map[string]string, err error) {
	args = map[string]string{}
	if t.topicAt(o.GetPlace(), o.GetThreadId()) == nil || !messages.IsGroup(o.GetPlace()) {
		return args, nil
	}
	if args["group"], err = desk.GroupTitle(t.Ctx, t.Store, o.GetPlace()); err != nil {
		return args, err
	}
	if by := t.record.CreatedBy; by.Kind == "user" {
		args["who"] = by.Name
	}
	if has := t.record.Assignee; has != nil && has.Name != args["who"] {
		args["name"] = has.Name
	}
	var team []string
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if link.UserID != 0 && !link.Ended && link.UserName != args["who"] && link.UserName != args["name"] && !slices.Contains(team, link.UserName) {
			team = append(team, link.UserName)
		}
	}
	if len(team) > teamNamed {
		team = append(team[:teamNamed], "…")
	}
	args["team"] = strings.Join(team, ", ")
	return args, nil
}

// nameRefused is how a refusal names the ticket. Somewhere else than in its topics, whoever is refused may not know the
// title, and a number can be guessed.
func (t *ticket) nameRefused(o *messages.Origin) string {
	if t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
		return messages.NumberName(t.record.Number)
	}
	return t.nameFor(o)
}

// isAt reports whether the ticket has a topic in a place: those who read there know what it is called.
func (t *ticket) isAt(place ids.Place) bool {
	return slices.ContainsFunc(desk.TopicsOf(t.record), func(topic *storage.Topic) bool { return topic.GroupID == place })
}

// namedTo are the arguments of an answer that says in which groups something is. Whoever asks in private reads no names: which
// groups of the team there are is none of their business (docs/decisions.md, D265).
func namedTo(o *messages.Origin, groups []string) map[string]string {
	if messages.IsPrivate(o.GetPlace()) {
		return map[string]string{"private": "yes"}
	}
	return map[string]string{"group": strings.Join(groups, ", ")}
}

// nameAt is how an answer in a place names the ticket: by its number alone where it has no topic (docs/decisions.md, D229).
func (t *ticket) nameAt(place ids.Place) string {
	if t.isAt(place) {
		return desk.NameOf(t.record)
	}
	return messages.NumberName(t.record.Number)
}
