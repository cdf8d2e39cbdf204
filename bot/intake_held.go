package bot

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// What a person wrote to a closed ticket waits until they say what to do with it. If they write there again, and the ticket takes that,
// the first goes ahead of it, and its question says so (docs/decisions.md, D274).

// heldFor returns what waits since a ticket of the person was closed, and the questions that it waits for.
func (h *handling) heldFor(ticketID string) (*messages.ShelfFound, error) {
	user, err := h.person()
	if err != nil || !slices.Contains(user.WaitsClosed, ticketID) {
		return &messages.ShelfFound{}, err
	}
	return h.shelf(&messages.Shelve{Asks: true, Closed: ticketID})
}

// sayHeld sends the ticket what waits since it was closed, ahead of what its person says now: that reopens it, or it is open again. While
// the ticket takes nothing, that waits on.
func (h *handling) sayHeld(reopens bool) error {
	held, err := h.heldFor(h.ticket)
	if err != nil || len(held.Messages) == 0 {
		return err
	}
	id := h.ticket
	is, err := h.titled(id)
	if err != nil || is == nil || !reopens && is.Status == statusClosed {
		return err
	}
	origin, meant := h.origin, h.meant
	defer func() { h.ticket, h.origin, h.meant = id, origin, meant }()
	words, commands := h.apart(held.Messages)
	for _, one := range words {
		h.ticket, one.Reopens = id, reopens
		if r, err := h.askTicket(one); err != nil || !recorded(r) {
			return err
		}
	}
	if err := h.carryOutHeld(id, commands); err != nil {
		return err
	}
	h.origin = origin
	args := map[string]string{"ticket": messages.TicketName(is.Title, is.Number)}
	if err := h.endQuestions(held.Questions, messages.NoticePrivateSent, args); err != nil {
		return err
	}
	return h.takeHeld(id)
}

// apart tells commands to a ticket from words to it.
func (h *handling) apart(held []*messages.RecordMessage) (words, commands []*messages.RecordMessage) {
	for _, one := range held {
		if h.isCommand(messageOf(h.chat, one)) {
			commands = append(commands, one)
		} else {
			words = append(words, one)
		}
	}
	return words, commands
}

// carryOutHeld carries out commands that waited, after the words have reopened the ticket. They say themselves what came of them.
func (h *handling) carryOutHeld(id string, commands []*messages.RecordMessage) error {
	for _, one := range commands {
		if _, err := h.carryOut(id, one, press{verb: messages.CallbackMean}); err != nil {
			return err
		}
	}
	return nil
}

// takeHeld notes that a ticket has got what waited since it was closed. It comes last: what is noted is not found again after a crash.
func (h *handling) takeHeld(id string) error {
	_, err := h.shelf(&messages.TakeShelved{TicketId: id, Closed: true, Said: true})
	return err
}

// notAmong returns those messages that are not among some.
func notAmong(some, all []*messages.RecordMessage) []*messages.RecordMessage {
	return slices.DeleteFunc(slices.Clone(all), func(m *messages.RecordMessage) bool {
		return slices.ContainsFunc(some, func(one *messages.RecordMessage) bool {
			return one.Origin.GetMessageId() == m.Origin.GetMessageId()
		})
	})
}

// inOrder joins messages in the order in which they were written.
func inOrder(some, others []*messages.RecordMessage) []*messages.RecordMessage {
	all := append(slices.Clone(some), others...)
	id := func(m *messages.RecordMessage) int64 { return m.Origin.GetMessageId() }
	slices.SortStableFunc(all, func(a, b *messages.RecordMessage) int { return cmp.Compare(id(a), id(b)) })
	return slices.CompactFunc(all, func(a, b *messages.RecordMessage) bool { return id(a) == id(b) })
}

// endQuestions has the questions about several things say the same.
func (h *handling) endQuestions(about []int64, key string, args map[string]string) error {
	for _, one := range about {
		if err := h.endQuestion(one, 0, key, args); err != nil {
			return err
		}
	}
	return nil
}

// endQuestion has the questions about something that waited, as SendNoticeCall.question names it, say what came of it. Their buttons
// go, although the answer was that of another one, or came in another way. The message but is left as it is.
func (h *handling) endQuestion(about, but int64, key string, args map[string]string) error {
	if about == 0 {
		return nil
	}
	defer h.as(h.origin.CommandId + ":ends:" + strconv.FormatInt(about, 10))()
	op := h.operation()
	op.Call = &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{
		MessageId: but, Notice: &messages.SendNoticeCall{Key: key, Args: args},
	}}
	if err := h.inTheirLanguage(op); err != nil {
		return err
	}
	_, err := command(h.ctx, h.desk, messages.KindChat, op.Place, &messages.Answer{Origin: h.origin, Ends: op, EndsQuestion: about})
	return err
}
