package view

import (
	"cmp"

	"github.com/topicdesk/topicdesk/messages"
)

// Ticket is one support case as the API shows it.
type Ticket struct {
	TicketID            string            `json:"ticketId" example:"TICK-MWWK9D73-FBC14E0C"`
	Number              int64             `json:"number" doc:"The ticket's number in the desk, which people call it by: 42 is #42. Numbers are never used again, and some may be missing. Not to be confused with the number of an event." example:"42"`
	Title               string            `json:"title" example:"Printer is on fire"`
	Description         string            `json:"description" example:"Third floor, next to the lift."`
	DescriptionEntities []TextEntity      `json:"descriptionEntities" nullable:"false" doc:"The markup of the description."`
	Status              string            `json:"status" enum:"open,pending,closed" example:"open"`
	Priority            string            `json:"priority" enum:"low,normal,high,urgent" example:"normal"`
	GroupID             int64             `json:"groupId" doc:"Telegram id of the group with the home topic." example:"-1001234567890"`
	CreatedBy           Creator           `json:"createdBy" doc:"Who opened the ticket."`
	Customer            Creator           `json:"customer" doc:"Whose ticket it is: who opened it, or whose message it was opened from. For whom a ticket waits, and who may not claim it, goes by this."`
	Topic               HomeTopic         `json:"topic"`
	ExternalID          *string           `json:"externalId" doc:"The creator's own id for the ticket. null if there is none." example:"crm-4711"`
	Metadata            Metadata          `json:"metadata" doc:"An object that programs keep with the ticket. The desk does not interpret it."`
	CreatedAt           Time              `json:"createdAt"`
	UpdatedAt           Time              `json:"updatedAt" doc:"When the ticket was last changed. Messages do not count: see lastMessageAt."`
	LastMessageAt       Time              `json:"lastMessageAt" doc:"When the desk took in the newest message, a second late at most. Internal notes count. Without messages, when the ticket was opened."`
	WaitingFor          string            `json:"waitingFor" enum:"desk,customer,nobody" doc:"Whose turn it is: desk: a customer has said something that nobody of the desk has answered. customer: the desk has said the last word. nobody: the ticket is closed. Notes, reactions and thanks change nothing." example:"desk"`
	WaitingSince        *Time             `json:"waitingSince" doc:"When the first word was taken in that waits for an answer; more words do not move it. null: it waits for nobody."`
	AnswerDueAt         *Time             `json:"answerDueAt" doc:"When the desk's answer is due, by its working hours and the priority; a second late at most. null: no answer is due, or the ticket is put aside."`
	OverdueSince        *Time             `json:"overdueSince" doc:"Since when the answer is overdue. null: it is not."`
	SnoozedUntil        *Time             `json:"snoozedUntil" doc:"Until when the ticket is put aside. null: it is not. A customer's word ends it."`
	ClosesAt            *Time             `json:"closesAt" doc:"When the ticket closes by itself: the customer was told, or somebody has set it. null: it does not. A customer's word ends it."`
	Follows             *string           `json:"follows" doc:"The ticketId of the closed ticket that this one goes on from: its customer wrote again when that was closed for too long to be reopened. null: of none." example:"TICK-M4K2P0-1A2B3C4D"`
	Assignee            Nullable[Creator] `json:"assignee" doc:"The person who has claimed the ticket. null: nobody has."`
	ClosedAt            *Time             `json:"closedAt" doc:"When the ticket was closed. null if it is not closed."`
}

// Creator is who opened a ticket, made a link or sent a file.
type Creator struct {
	Kind string `json:"kind" enum:"user,apiKey,group,channel" doc:"group: an anonymous administrator. channel: somebody who writes as a channel." example:"user"`
	ID   string `json:"id" doc:"The Telegram id of a user, group or channel; the keyId of an API key." example:"4711"`
	Name string `json:"name" example:"Ann"`
}

// HomeTopic is the topic in which a ticket was opened.
type HomeTopic struct {
	State           string  `json:"state" enum:"pending,open,closed,failed" doc:"pending: Telegram has not opened the topic yet. failed: it can't be opened." example:"open"`
	TelegramTopicID *int64  `json:"telegramTopicId" doc:"The topic's message_thread_id in Telegram. null while the topic is pending." example:"42"`
	Link            *string `json:"link" doc:"The link that opens the topic in Telegram, for members of its group. null if there is none: the topic is pending, or in no supergroup." example:"https://t.me/c/1234567890/42"`
	Name            string  `json:"name" example:"#42 Printer is on fire"`
	Reason          string  `json:"reason,omitempty" doc:"Why the topic can't be opened or written to, in Telegram's words."`
}

// TicketOf is a ticket.
func TicketOf(r *messages.TicketRecord) Ticket {
	t := Ticket{
		TicketID: r.TicketId, Number: r.Number, Title: r.Title, Description: r.Description,
		DescriptionEntities: EntitiesOf(r.DescriptionEntities), Status: r.Status, Priority: r.Priority,
		GroupID: r.ChatId, CreatedBy: CreatorOf(r.CreatedBy), Customer: CreatorOf(cmp.Or(r.Customer, r.CreatedBy)),
		Metadata: r.Metadata,
		Topic: HomeTopic{State: r.Topic.State, TelegramTopicID: orNull(r.Topic.TelegramTopicId), Link: linkTo(r.Topic),
			Name: r.Topic.Name, Reason: r.Topic.Failure},
		CreatedAt: At(r.CreatedMs), UpdatedAt: At(r.UpdatedMs),
		LastMessageAt: At(r.LastMessageMs), ClosedAt: TimeOf(r.ClosedMs),
		WaitingFor: r.WaitingFor, WaitingSince: TimeOf(r.WaitingSinceMs),
		AnswerDueAt: TimeOf(r.AnswerDueMs), OverdueSince: TimeOf(r.OverdueMs), SnoozedUntil: TimeOf(r.SnoozedUntilMs),
		ClosesAt: TimeOf(r.ClosesMs),
	}
	if r.Assignee != nil {
		by := CreatorOf(r.Assignee)
		t.Assignee.Value = &by
	}
	if r.Follows != "" {
		t.Follows = &r.Follows
	}
	if r.ExternalId != "" {
		t.ExternalID = &r.ExternalId
	}
	return t
}

// CreatorOf is who opened, made or sent something.
func CreatorOf(c *messages.Creator) Creator {
	return Creator{Kind: c.GetKind(), ID: c.GetId(), Name: c.GetName()}
}

// linkTo is the link to a topic. It is nil if Telegram has none.
func linkTo(t *messages.TopicRecord) *string {
	link := messages.TopicURL(t.ChatId, t.TelegramTopicId)
	if link == "" || t.TelegramTopicId == 0 {
		return nil
	}
	return &link
}

// orNull makes 0 null.
func orNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}
