package webhook

import (
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// toldAtMost is how many people are told of an endpoint that fails, and groupsAtMost of how many groups.
	toldAtMost, groupsAtMost = 20, 200
	// tellEvery is how far apart words about the same are. Who enables an endpoint again and again that answers 410 must not
	// fill the chats of others.
	tellEvery = time.Hour
	// shownDescription is how much people see of what a program calls its endpoint, in characters.
	shownDescription = 100
)

// mayTell reports whether people may be told something now, and has the record remember it.
func (w *webhook) mayTell(about string) (bool, error) {
	same := func(t storage.WebhookWord) bool { return t.About == about }
	if i := slices.IndexFunc(w.record.Told, same); i >= 0 && w.Now().Sub(w.record.Told[i].At) < tellEvery {
		return false, nil
	}
	return true, w.change(func(r *storage.Webhook) {
		r.Told = append(slices.DeleteFunc(slices.Clone(r.Told), same), storage.WebhookWord{About: about, At: w.now()})
	})
}

// tellPeople tells those who registered the groups that an endpoint hears that something is wrong with it, in their private
// chats. Each chat sends it once, and repeats what Telegram did not take.
func (w *webhook) tellPeople(about, notice string, args map[string]string) {
	groups, err := w.groups()
	if err != nil {
		w.Log.Warn("nobody is told that a webhook fails: its groups can't be read", "error", err)
		return
	}
	switch may, err := w.mayTell(about); {
	case err != nil:
		w.Log.Warn("nobody is told that a webhook fails: when they were last told can't be written", "error", err)
		return
	case !may:
		return
	}
	args["webhook"], args["host"] = messages.Shorten(messages.CleanLine(w.record.Description), shownDescription), hostOf(w.record.URL)
	if args["webhook"] == "" {
		args["webhook"] = w.ID
	}
	told := map[ids.UserID]bool{}
	for i := range groups {
		person := groups[i].RegisteredBy
		if person == 0 || told[person] || len(told) >= toldAtMost {
			continue
		}
		told[person] = true
		lang := groups[i].Language
		if user, err := w.Store.User(w.Ctx, person); err == nil && user.Language != "" {
			lang = user.Language
		}
		place := messages.UserPlace(person)
		id := fmt.Sprintf("%s/%s/%d/%d", w.ID, about, w.health.failingSince.UnixMilli(), w.record.Revision)
		w.Tell(messages.KindChat, place, &messages.Answer{
			Origin: &messages.Origin{CommandId: id, Place: place, ChatId: person, Lang: lang},
			Operation: &messages.Operation{Lang: lang, Call: &messages.Operation_SendNotice{
				SendNotice: &messages.SendNoticeCall{Key: notice, Args: args}}},
		})
	}
}

// groups are the groups that an endpoint hears, but for those that can't be read.
func (w *webhook) groups() ([]storage.Group, error) {
	of := w.record.Filter.GroupIDs
	if w.record.GroupID != "" {
		of = []string{w.record.GroupID}
	}
	if len(of) == 0 {
		return w.Store.Groups(w.Ctx, "", groupsAtMost)
	}
	var groups []storage.Group
	for _, id := range of {
		if g, err := w.Store.Group(w.Ctx, id); err == nil {
			groups = append(groups, *g)
		} else {
			w.Log.Warn("who registered a group is not told that a webhook fails: it can't be read", "group", id, "error", err)
		}
	}
	return groups, nil
}
