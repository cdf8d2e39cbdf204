package ticket

import (
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// How an existing topic joins a ticket. Whoever sends /link stands in the topic. A program only names it, and the Bot API
// has no call that looks a topic up: that there is one shows when the card arrives there. Until then the link is pending,
// nothing is copied into the topic, and nobody is told of it (docs/decisions.md, D162).

// reasonNoTopic is the failure of a topic that a program named and that does not exist.
const reasonNoTopic = "Telegram knows no such topic in this group"

// sides are how the notices of a link name its two topics.
type sides struct{ home, homeURL, group, topicURL string }

// sidesOf names the sides of a link. home is nil for a group that is gone.
func (t *ticket) sidesOf(home, group *storage.Group, thread ids.ThreadID) sides {
	s := sides{home: t.record.GroupID, group: group.Title, topicURL: messages.TopicURL(group.TelegramGroupID, thread)}
	if home != nil {
		s.home, s.homeURL = home.Title, messages.TopicURL(home.TelegramGroupID, t.record.Home.TelegramTopicID)
	}
	return s
}

// joined causes the event of a topic that has joined the ticket, and tells both sides.
func (t *ticket) joined(r *desk.Result, o *messages.Origin, link *storage.Link, s sides) {
	t.cause(r.Ticket, messages.EventTopicLinked, o.CommandId, t.now(), creatorOf(o),
		&view.TopicData{Topic: t.topicRef(&link.Topic)})
	desk.RespondOpenly(r, o, messages.NoticeLinked, map[string]string{
		"ticket": desk.NameOf(r.Ticket), "who": desk.Who(o), "group": s.home, "url": s.homeURL,
	})
	t.notifyTopic(r.Ticket, o, &r.Home, messages.NoticeLinkedHome,
		map[string]string{"who": desk.Who(o), "group": s.group, "url": s.topicURL}, 0)
}

// prove writes down that a topic which a program named exists: it has joined the ticket now.
func (t *ticket) prove(r *storage.Ticket, topic *storage.Topic) {
	link := desk.LinkOf(r, topic.TopicID)
	if !topic.Unproven || link == nil {
		return
	}
	topic.Unproven, topic.Suspended = false, ""
	r.LinksRevision++
	r.CardRevision++
	if link.Ended {
		return
	}
	home, homeErr := t.Store.Group(t.Ctx, r.GroupID)
	group, err := t.Store.Group(t.Ctx, topic.GroupID)
	if errors.Is(homeErr, storage.ErrNotFound) {
		homeErr = nil
	}
	if err = errors.Join(homeErr, err); err != nil {
		t.unmade = fmt.Errorf("read a group: %w", err) // the record is not written: the call is reported again
		return
	}
	o := &messages.Origin{
		CommandId: link.LinkID + "/proven", Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Lang: r.Language,
		Sender: &messages.Sender{Kind: messages.Sender_API_KEY, KeyId: link.By.ID, Name: link.By.Name},
	}
	t.joined(&desk.Result{Ticket: r}, o, link, t.sidesOf(home, group, topic.TelegramTopicID))
}

// isUnproven says whether Telegram has yet to show that there is such a topic.
func (t *ticket) isUnproven(topicID ids.TopicKey) bool {
	topic := desk.TopicOf(t.record, topicID)
	return topic != nil && topic.Unproven
}

// proves says whether the answer to a card shows that there is such a topic.
func proves(outcome *messages.Outcome) bool {
	result := outcome.GetResult()
	return result == messages.Outcome_DONE || result == messages.Outcome_TOPIC_CLOSED
}

// failUnproven writes down that the card was refused, so that nobody knows whether there is such a topic.
func (t *ticket) failUnproven(r *storage.Ticket, topic *storage.Topic, why string) {
	if link := desk.LinkOf(r, topic.TopicID); link != nil && !link.Ended {
		t.failTopic(r, topic, why)
	}
}

// neverWas writes down that there is no topic where a program named one: the link fails, and what waited for it is
// dropped.
func (t *ticket) neverWas(topicID ids.TopicKey) error {
	t.forgetSteps(topicID)
	link := desk.LinkOf(t.record, topicID)
	if link == nil || link.Ended {
		return nil
	}
	t.Log.Info("a program linked a topic that does not exist", "topic", topicID, "thread", link.Topic.TelegramTopicID)
	if err := t.change(func(r *storage.Ticket) { t.failTopic(r, desk.TopicOf(r, topicID), reasonNoTopic) }); err != nil {
		return err
	}
	t.afterChange()
	return nil
}
