package bot

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// onCallback handles a pressed button. The ticket that accepts the command answers the callback. If no ticket accepts
// it, intake answers, because Telegram shows the button as busy until then.
func (h *handling) onCallback(c *Callback) (string, error) {
	h.chat = c.Chat
	h.origin = &messages.Origin{
		CommandId: callbackCommandID(c.ID), ChatId: c.Chat.ID, ThreadId: c.ThreadID,
		CallbackId: c.ID, CallbackMessageId: c.MessageID,
		From: c.From, Sender: personSender(c.From), Lang: langOf(c.From),
		DateMs: h.update.Received.UnixMilli(), ReceivedMs: h.update.Received.UnixMilli(),
	}
	if c.Chat.ID == 0 { // a button of an inline message; the bot sends none
		h.origin.Place, h.origin.ChatId = messages.UserPlace(c.From.Id), c.From.Id
		return "stale", h.stale()
	}
	var err error
	if h.origin.Place, err = h.place(c.Chat); err != nil {
		return "", err
	}
	if outcome, handled, err := h.onPrivateCallback(c); handled {
		return outcome, err
	}
	if outcome, handled, err := h.onTicketsCallback(c); handled {
		return outcome, err
	}
	if outcome, handled, err := h.onAsIsCallback(c); handled {
		return outcome, err
	}
	if outcome, handled, err := h.onMuteCallback(c); handled {
		return outcome, err
	}
	if outcome, handled, err := h.onHoursCallback(c); handled {
		return outcome, err
	}
	if outcome, handled, err := h.onSettingsCallback(c); handled {
		return outcome, err
	}
	id, press, ok := parseCallback(c.Data)
	if !ok {
		return "stale", h.stale()
	}
	h.ticket = id
	r, err := command(h.ctx, h.desk, messages.KindTicket, id, press(h.origin))
	if err != nil {
		return "", err
	}
	if misdirected(r) {
		return "stale", h.stale()
	}
	return "pressed", nil
}

// stale answers that the button no longer works.
func (h *handling) stale() error {
	op := h.operation()
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{
		CallbackId: h.origin.CallbackId, Key: messages.NoticeButtonStale,
	}}
	return h.send(op)
}

// buttonCommand makes the command of a pressed button.
type buttonCommand = func(*messages.Origin) proto.Message

// parseCallback reads "<verb>:<ticket id>[:<argument>]" and returns what makes the ticket's command.
func parseCallback(data string) (ticketID string, press buttonCommand, ok bool) {
	verb, rest, _ := strings.Cut(data, ":")
	id, arg, hasArg := strings.Cut(rest, ":")
	if parsed, valid := messages.ParseTicketID(id); !valid || parsed != id {
		return "", nil, false
	}
	bare := func(press buttonCommand) (string, buttonCommand, bool) { return id, press, !hasArg }
	switch verb {
	case messages.CallbackMention:
		return bare(func(o *messages.Origin) proto.Message { return &messages.Mention{Origin: o} })
	case messages.CallbackPending:
		return bare(func(o *messages.Origin) proto.Message { return &messages.SetPending{Origin: o} })
	case messages.CallbackClaim:
		return bare(func(o *messages.Origin) proto.Message { return &messages.ClaimTicket{Origin: o} })
	case messages.CallbackClose:
		return bare(func(o *messages.Origin) proto.Message { return &messages.CloseTicket{Origin: o} })
	case messages.CallbackSolved:
		return bare(func(o *messages.Origin) proto.Message { return &messages.CloseTicket{Origin: o, Solved: true} })
	case messages.CallbackKeep:
		return bare(func(o *messages.Origin) proto.Message { return &messages.KeepTicket{Origin: o} })
	case messages.CallbackReopen:
		return bare(func(o *messages.Origin) proto.Message { return &messages.ReopenTicket{Origin: o} })
	case messages.CallbackLater:
		if hasArg && arg != "" {
			return id, func(o *messages.Origin) proto.Message { return &messages.SnoozeTicket{Origin: o, Wanted: arg} }, true
		}
	case messages.CallbackPriority:
		switch arg {
		case "", "low", "normal", "high", "urgent":
			return id, func(o *messages.Origin) proto.Message {
				return &messages.SetPriority{Origin: o, Priority: arg}
			}, true
		}
	case messages.CallbackMentionPage:
		if page, err := strconv.ParseInt(arg, 10, 32); err == nil && page >= 0 {
			return id, func(o *messages.Origin) proto.Message {
				return &messages.ShowMentionPage{Origin: o, Page: int32(page)}
			}, true
		}
	case messages.CallbackMentionUser:
		if user, err := strconv.ParseInt(arg, 10, 64); err == nil && user > 0 {
			return id, func(o *messages.Origin) proto.Message {
				return &messages.Mention{Origin: o, UserId: user}
			}, true
		}
	case messages.CallbackAssignUser:
		if user, err := strconv.ParseInt(arg, 10, 64); err == nil && user > 0 {
			return id, func(o *messages.Origin) proto.Message {
				return &messages.AssignTicket{Origin: o, UserId: user}
			}, true
		}
	case messages.CallbackRetry:
		return parseRetry(id, arg)
	}
	return "", nil, false
}

// parseRetry reads "<link number>:<sequence>:<h or l>".
func parseRetry(id, arg string) (string, buttonCommand, bool) {
	parts := strings.Split(arg, ":")
	if len(parts) != 3 || parts[2] != "h" && parts[2] != "l" {
		return "", nil, false
	}
	number, err := strconv.ParseUint(parts[0], 10, 31)
	if err != nil {
		return "", nil, false
	}
	sequence, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || sequence <= 0 {
		return "", nil, false
	}
	link := id + ":" + strconv.FormatUint(number, 10)
	return id, func(o *messages.Origin) proto.Message {
		return &messages.RetryCopy{Origin: o, LinkId: link, Sequence: sequence, ToHome: parts[2] == "h"}
	}, true
}
