package bot

import (
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// monitorDesk is the identity of the one monitor.
const monitorDesk = "desk"

// onMuteCallback mutes a problem: the button of a post in the chat of ALERTS_CHAT, where it works.
func (h *handling) onMuteCallback(c *Callback) (outcome string, handled bool, err error) {
	verb, id, _ := strings.Cut(c.Data, ":")
	if verb != messages.CallbackMute {
		return "", false, nil
	}
	m := &messages.MuteProblem{Origin: h.origin, ProblemId: id}
	r, err := command(h.ctx, h.desk, messages.KindMonitor, monitorDesk, m)
	if err != nil {
		return "", true, err
	}
	if r.Code == messages.Code_NOT_FOUND {
		return "stale", true, h.stale()
	}
	return "pressed", true, h.answerCallback(messages.NoticeProblemMuted)
}
