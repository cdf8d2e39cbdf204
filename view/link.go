package view

import (
	"github.com/topicdesk/topicdesk/messages"
)

// Link is the pair of a ticket's home topic and another topic, which the desk keeps in step.
type Link struct {
	LinkID    string             `json:"linkId" example:"TICK-MWWK9D73-FBC14E0C:1"`
	State     string             `json:"state" enum:"pending,active,failed,ended" doc:"pending: the other topic is not open yet, or Telegram has not yet shown that it exists. failed: it can't be opened, or does not exist." example:"active"`
	Home      TopicRef           `json:"home" doc:"The ticket's home topic."`
	Topic     TopicRef           `json:"topic" doc:"The other topic."`
	User      Nullable[LinkUser] `json:"user" doc:"The person whose mention made the link. null: an existing topic was linked."`
	CreatedBy Creator            `json:"createdBy"`
	CreatedAt Time               `json:"createdAt"`
	Sync      LinkSync           `json:"sync" doc:"How far copying is."`
}

// LinkUser is the person for whom a link was made.
type LinkUser struct {
	UserID int64  `json:"userId" doc:"The person's id in Telegram." example:"4711"`
	Name   string `json:"name" example:"Ben Carter"`
}

// LinkSync says what a link still has to copy, and what it gave up.
type LinkSync struct {
	Pending  int64        `json:"pending" doc:"How many messages still wait to be copied, in both directions." example:"0"`
	LagMs    int64        `json:"lagMs" doc:"How long the oldest of them has waited, in ms." example:"0"`
	Failed   int64        `json:"failed" doc:"How many copies were given up; counted up to 1,000." example:"0"`
	Failures []FailedCopy `json:"failures" nullable:"false" doc:"The first 10 copies that were given up."`
}

// FailedCopy is a copy that was given up.
type FailedCopy struct {
	MessageID string `json:"messageId"`
	TopicID   string `json:"topicId" doc:"The topic of the copy: home, or the linkId."`
	Reason    string `json:"reason" doc:"Why, in Telegram's words."`
}

// LinkOf is a link, without how much it still has to copy.
func LinkOf(l *messages.LinkRecord) Link {
	v := Link{
		LinkID: l.LinkId, State: l.State, Home: TopicOf(l.Home), Topic: TopicOf(l.Topic),
		CreatedBy: CreatorOf(l.CreatedBy), CreatedAt: At(l.CreatedMs),
		Sync: LinkSync{Failed: l.Failed, Failures: []FailedCopy{}},
	}
	if l.UserId != 0 {
		v.User = Nullable[LinkUser]{&LinkUser{UserID: l.UserId, Name: l.UserName}}
	}
	for _, f := range l.Failures {
		failed := FailedCopy{MessageID: f.MessageId, TopicID: f.TopicId, Reason: f.Reason}
		v.Sync.Failures = append(v.Sync.Failures, failed)
	}
	return v
}
