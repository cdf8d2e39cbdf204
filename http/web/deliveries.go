package web

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// copied is what became of a message in another topic, as its ticket's page says it.
type copied struct {
	State string // sent | pending | failed
	Where string // the group; "": it is not for the reader to know
	URL   string // into Telegram, for who is there; "": none
	Into  string // the id of the topic
	Why   string // key of the text that says why it waits or failed; "": there is nothing to say
	Words string // Telegram's own, where no text fits
	Until string // as <time> has it: how long Telegram asks to pause
	Again bool   // it can be tried again
}

// copiesOf tells the deliveries of a message. Whoever belongs to none of the ticket's groups reads only whether it reached the group
// that the ticket is with: who else there is, is none of their business.
func (p *ticketPage) copiesOf(r *messages.MessageRecord, titles titles, waits map[string]*messages.WebWaiting) (all []copied) {
	for _, d := range r.GetDeliveries() {
		at := d.GetTopic()
		if !p.may.inside && at.GetGroupId() != p.may.ticket.GroupId || r.Deleted && d.State != "failed" {
			continue // of what is deleted there is nothing to wait for
		}
		c := copied{State: d.State, Into: at.GetTopicId(), Where: p.may.topicTitle(titles, at)}
		if p.may.member[at.GetGroupId()] {
			c.URL = messageURL(at.GetChatId(), at.GetTelegramTopicId(), d.TelegramMessageIds)
		}
		switch d.State {
		case "pending":
			c.Why, c.Words, c.Until = waitsFor(at, waits[at.GetGroupId()])
		case "failed":
			c.Why, c.Words = failedBy(d.Reason)
			c.Again = at.GetState() != "failed" && !r.Deleted && c.Why != "why_protected"
		}
		if !p.may.inside {
			c.Words = "" // Telegram's words may name what is none of their business
		}
		all = append(all, c)
	}
	return all
}

// topicTitle is what a topic is called: by its group, and by whom it was opened for where the ticket has several topics there.
func (a *access) topicTitle(titles titles, at *messages.TopicRecord) string {
	title, name, there := titles[at.GetGroupId()], "", 0
	for _, topic := range a.topics {
		if topic.Place == at.GetGroupId() {
			there++
			if topic.TopicId == at.GetTopicId() {
				name = topic.UserName
			}
		}
	}
	if there < 2 || name == "" || title == "" {
		return title
	}
	return title + " (" + name + ")"
}

// waitsFor says what a copy waits for.
func waitsFor(at *messages.TopicRecord, w *messages.WebWaiting) (why, words, until string) {
	switch {
	case w.GetSuspended() != "":
		why, words = failedBy(w.GetSuspended())
		return cmp.Or(why, "why_held"), words, ""
	case w.GetBlockedUntilMs() > 0:
		return "why_pause", "", isoOf(w.BlockedUntilMs)
	case at.GetState() == "pending":
		return "why_opening", "", ""
	case w.GetWaiting() > manyWait:
		return "why_many", "", ""
	}
	return "", "", ""
}

// manyWait is how many operations of a chat wait when a page says that there are many.
const manyWait = 20

// failures are what Telegram says when it refuses, and the text for each. Upper case does not count.
var failures = []struct{ says, text string }{
	{"blocked by the user", "why_blocked"}, {"user is deactivated", "why_gone"},
	{"kicked", "why_out"}, {"not a member", "why_out"}, {"chat not found", "why_out"},
	{"not enough rights", "why_rights"}, {"no rights", "why_rights"}, {"write_forbidden", "why_rights"}, {"forbidden", "why_rights"},
	{"thread not found", "why_topic"}, {"topic_deleted", "why_topic"}, {"topic_closed", "why_closed"},
	{"too large", "why_large"}, {"too big", "why_large"}, {"protected content", "why_protected"},
	{"unknown", "why_unknown"}, {"transient", "why_unreachable"},
}

// failedBy words why something did not arrive; where no text fits, words are Telegram's.
func failedBy(reason string) (key, words string) {
	says := strings.ToLower(reason)
	for _, f := range failures {
		if strings.Contains(says, f.says) {
			return f.text, ""
		}
	}
	return "", reason
}

// messageURL opens a message in Telegram's clients, for members of its group; "": there is no such address.
func messageURL(chat, thread int64, parts []int64) string {
	topic := messages.TopicURL(chat, thread)
	if topic == "" || len(parts) == 0 {
		return topic
	}
	return topic + "/" + strconv.FormatInt(parts[0], 10)
}
