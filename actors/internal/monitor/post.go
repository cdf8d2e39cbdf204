package monitor

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// postsAtMost is how many problems are posted within postsWithin. The others wait; one that is over by then is not posted.
	postsAtMost = 5
	postsWithin = time.Minute
	// warnEvery is how far apart lines are that say that nothing can be posted.
	warnEvery = time.Hour
)

// alertsGroup is the group of ALERTS_CHAT; nil: the bot is not in it.
func (m *monitor) alertsGroup() (*storage.Group, error) {
	chat, err := m.Store.GroupByTelegramID(m.Ctx, m.room.AlertsChat)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find the chat for alerts: %w", err)
	case desk.IsOut(chat):
		return nil, nil
	}
	return chat, nil
}

// warnOfAlerts says in the log that nothing can be posted, before there is something to post.
func (m *monitor) warnOfAlerts(now time.Time) error {
	if m.room.AlertsChat == 0 || now.Sub(m.warned) < warnEvery {
		return nil
	}
	chat, err := m.alertsGroup()
	if err != nil || chat != nil {
		return err
	}
	m.warned = now
	m.Log.Warn("problems can't be posted: the desk knows no group of ALERTS_CHAT in which the bot is. Add the bot there, and if it is there "+
		"already, have an administrator send /register; or correct the id", "telegramChat", strconv.FormatInt(m.room.AlertsChat, 10))
	return nil
}

// post posts in the chat of ALERTS_CHAT which problems have opened and which are over.
func (m *monitor) post(now time.Time) error {
	if m.room.AlertsChat == 0 {
		return nil
	}
	var due []*storage.Problem
	for _, p := range m.problems {
		if p.ToPost != "" {
			due = append(due, p)
		}
	}
	if len(due) == 0 {
		return nil
	}
	chat, err := m.alertsGroup()
	if err != nil || chat == nil {
		return err
	}
	slices.SortFunc(due, func(a, b *storage.Problem) int { return a.OpenedAt.Compare(b.OpenedAt) })
	m.posts = slices.DeleteFunc(m.posts, func(at time.Time) bool { return now.Sub(at) >= postsWithin })
	for _, p := range due[:min(len(due), max(postsAtMost-len(m.posts), 0))] {
		m.Tell(messages.KindChat, chat.GroupID, m.posting(p, chat))
		m.posts = append(m.posts, now)
		next := *p
		if next.ToPost == "opened" {
			next.Posted = next.Times
		}
		next.ToPost = ""
		if err := m.saveProblem(&next); err != nil { // it is told again, under the same id
			return err
		}
	}
	return nil
}

// posting is the post about a problem. The chat posts it once.
func (m *monitor) posting(p *storage.Problem, chat *storage.Group) *messages.Answer {
	lang := chat.Language
	if lang == "" {
		lang = chat.Spoken
	}
	n := &messages.SendNoticeCall{Key: messages.NoticeProblemClosed, Args: map[string]string{"problem": p.Kind, "subject": p.Name}}
	if p.ToPost == "opened" {
		n.Key, n.Args["detail"] = messages.NoticeProblemOpened, p.Detail
		n.Args["advice"], _ = messages.AdviceOf(p.Kind, p.Detail)
		n.Keyboard = &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{
			{Key: messages.ButtonMute, Data: messages.CallbackMute + ":" + p.ProblemID},
		}}}}
	} else {
		n.Args["minutes"] = strconv.Itoa(max(1, int(p.ClosedAt.Sub(p.OpenedAt).Round(time.Minute).Minutes())))
	}
	return &messages.Answer{
		Origin: &messages.Origin{CommandId: fmt.Sprintf("%s/%d/%s", p.ProblemID, p.Times, p.ToPost), Place: chat.GroupID,
			ChatId: m.room.AlertsChat, ThreadId: m.room.AlertsTopic, Lang: lang},
		Operation: &messages.Operation{Lang: lang, ThreadId: m.room.AlertsTopic,
			Call: &messages.Operation_SendNotice{SendNotice: n}},
	}
}
