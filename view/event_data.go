package view

// What events carry in data: all that a program needs so that it need not ask back. These types only ever gain fields
// (TestSchemasOnlyGainFields).

// TicketData is what every event of a ticket carries.
type TicketData struct {
	Ticket Ticket            `json:"ticket" doc:"The ticket as the API showed it after this."`
	Actor  Nullable[Creator] `json:"actor" doc:"Who did it. null: nobody; it happened by itself."`
}

// About says to which ticket it happened, and who did it; nil: nobody.
func (d *TicketData) About(t Ticket, actor *Creator) { d.Ticket, d.Actor.Value = t, actor }

// OfTicket is the data of an event of a ticket.
type OfTicket interface {
	About(t Ticket, actor *Creator)
}

// TicketUpdatedData is the data of ticket.updated.
type TicketUpdatedData struct {
	TicketData
	Changes Changes `json:"changes" doc:"The fields that changed; one that did not is not there."`
}

// Changes are the fields of a ticket that an update changed.
type Changes struct {
	Title               *Change[string]       `json:"title,omitempty"`
	Description         *Change[string]       `json:"description,omitempty"`
	DescriptionEntities *Change[[]TextEntity] `json:"descriptionEntities,omitempty"`
	Status              *Change[string]       `json:"status,omitempty"`
	Priority            *Change[string]       `json:"priority,omitempty"`
	Metadata            *Change[Metadata]     `json:"metadata,omitempty"`
	ClosesAt            *Change[*Time]        `json:"closesAt,omitempty" doc:"In an event of its own: the bot, or a customer's word, changes it, too."`
}

// Change is a field before and after an update.
type Change[T any] struct {
	Before T `json:"before"`
	After  T `json:"after"`
}

// TicketClosedData is the data of ticket.closed.
type TicketClosedData struct {
	TicketData
	Reason string `json:"reason" doc:"What whoever closed it gave as the reason; or why it has closed by itself, or its topic could not be opened. Empty: nothing." example:"Solved"`
}

// The reasons of a ticket that has closed by itself, in TicketClosedData.
const (
	ReasonQuiet   = "The customer did not answer."
	ReasonPlanned = "The time had come at which it was to close."
)

// TicketAssignedData is the data of ticket.assigned.
type TicketAssignedData struct {
	TicketData
	Assignee Creator           `json:"assignee" doc:"Who takes care of the ticket now."`
	Previous Nullable[Creator] `json:"previous" doc:"Who did before. null: nobody."`
}

// TicketReleasedData is the data of ticket.released.
type TicketReleasedData struct {
	TicketData
	Previous Creator `json:"previous" doc:"Who took care of the ticket before."`
	Reason   string  `json:"reason" enum:"released,lapsed" doc:"released: somebody gave it back. lapsed: whoever had claimed it said nothing for 8 working hours while a customer waited." example:"released"`
}

// TicketOverdueData is the data of ticket.overdue.
type TicketOverdueData struct {
	TicketData
	DueAt Time `json:"dueAt" doc:"When an answer was due."`
}

// TicketSnoozedData is the data of ticket.snoozed.
type TicketSnoozedData struct {
	TicketData
	Until *Time `json:"until" doc:"Until when the ticket is put aside. null: it is taken up again."`
}

// MessageData is the data of message.sent and message.deleted.
type MessageData struct {
	TicketData
	Message Message `json:"message" doc:"The message as the API showed it after this. Its deliveries go on; message.failed tells of those that are given up."`
}

// Says sets the message that it happened to.
func (d *MessageData) Says(m Message) { d.Message = m }

// OfMessage is the data of an event of a message.
type OfMessage interface {
	OfTicket
	Says(m Message)
}

// MessageEditedData is the data of message.edited.
type MessageEditedData struct {
	MessageData
	Previous Nullable[PreviousContent] `json:"previous" doc:"What the message said before. null if that was an internal note and the message no longer is."`
}

// PreviousContent is what a message said before it was edited.
type PreviousContent struct {
	Text     string       `json:"text" example:"No paper ether."`
	Entities []TextEntity `json:"entities" nullable:"false" doc:"The markup of the text."`
	Media    *string      `json:"media" doc:"What it carried besides text: photo, document …"`
}

// MessageReactedData is the data of message.reacted.
type MessageReactedData struct {
	MessageData
	Reaction Reaction `json:"reaction" doc:"The actor's reaction from now on."`
}

// Reaction is how somebody reacts to a message. With neither emoji they took their reaction back.
type Reaction struct {
	Emoji         *string `json:"emoji" example:"👍"`
	CustomEmojiID *string `json:"customEmojiId" doc:"Telegram's id of a custom emoji, in place of emoji."`
	TopicID       string  `json:"topicId" doc:"The topic in which they reacted, to the message or to its copy: home, or the linkId." example:"home"`
}

// MessageFailedData is the data of message.failed.
type MessageFailedData struct {
	MessageData
	Topic  TopicRef `json:"topic" doc:"The topic that the message could not be copied into."`
	Reason string   `json:"reason" doc:"Why, in Telegram's words." example:"Bad Request: message is too long"`
}

// UserMentionedData is the data of user.mentioned.
type UserMentionedData struct {
	TicketData
	User  LinkUser `json:"user" doc:"Who was mentioned."`
	Topic TopicRef `json:"topic" doc:"The topic that opens for them."`
}

// TopicData is the data of topic.created, topic.linked and topic.unlinked.
type TopicData struct {
	TicketData
	Topic TopicRef `json:"topic"`
}

// TopicFailedData is the data of topic.failed.
type TopicFailedData struct {
	TopicData
	Reason string `json:"reason" doc:"Why, mostly in Telegram's words." example:"Telegram knows no such topic in this group"`
}

// AttachmentData is the data of attachment.stored and attachment.refused.
type AttachmentData struct {
	TicketData
	Attachment Attachment `json:"attachment" doc:"Its state says what became of it, and its reason why it is not kept."`
	MessageID  *string    `json:"messageId" doc:"The message that has it. null: the description of the ticket." example:"-1001234567890:43"`
}

// WebhookRef names an endpoint. Its URL is not told, since it may hold a secret.
type WebhookRef struct {
	WebhookID   string `json:"webhookId" example:"wh_m5kt2mmmwfx5ttk4mzdk"`
	Description string `json:"description" example:"CRM"`
	Host        string `json:"host" doc:"The host of its URL." example:"hooks.example.com"`
}

// WebhookFailingData is the data of webhook.failing.
type WebhookFailingData struct {
	Webhook      WebhookRef `json:"webhook"`
	Stage        string     `json:"stage" enum:"early,day1,day3" doc:"early: the first attempts at several events failed. day1, day3: nothing has arrived for so long." example:"early"`
	FailingSince Time       `json:"failingSince" doc:"When the first of the failures was that no success has followed."`
	LastError    string     `json:"lastError" example:"answered 503"`
	Pending      int64      `json:"pending" doc:"How many events wait for it." example:"12"`
}

// WebhookRecoveredData is the data of webhook.recovered.
type WebhookRecoveredData struct {
	Webhook      WebhookRef `json:"webhook"`
	FailingSince Time       `json:"failingSince"`
	Late         int64      `json:"late" doc:"How many events were late for it." example:"12"`
}

// WebhookDisabledData is the data of webhook.disabled.
type WebhookDisabledData struct {
	Webhook      WebhookRef `json:"webhook"`
	Reason       string     `json:"reason" enum:"failing,gone,asked" doc:"failing: nothing arrived for 5 days. gone: it answered 410. asked: it answered webhook-delivery: disable." example:"failing"`
	FailingSince *Time      `json:"failingSince" doc:"null: it did not fail before."`
	LastError    string     `json:"lastError" example:"answered 503"`
	Pending      int64      `json:"pending" doc:"How many events wait for it. They are kept." example:"4711"`
}

// ErrorOccurredData is the data of error.occurred.
type ErrorOccurredData struct {
	Fingerprint string   `json:"fingerprint" doc:"The same for the same error." example:"9f2c4e11"`
	Component   string   `json:"component" doc:"The part of the service that met it." example:"storage"`
	Message     string   `json:"message" example:"the disk is full"`
	Count       int64    `json:"count" doc:"How often it has occurred." example:"1"`
	FirstAt     Time     `json:"firstAt"`
	LastAt      Time     `json:"lastAt"`
	Level       string   `json:"level" enum:"warning,error" example:"error"`
	HeldBack    int64    `json:"heldBack" doc:"How many other errors were new, or came back, and have no event of their own, since there are at most 10 events in a minute. GET /errors has them." example:"0"`
	WebhookIDs  []string `json:"webhookIds" nullable:"false" doc:"Some of the endpoints that it is about. They are not told of it."`
	// MoreWebhooks has no endpoint told: whether it is about one of them is not known.
	MoreWebhooks bool `json:"moreWebhooks" doc:"It is about more endpoints than webhookIds has, so no endpoint is told of it." example:"false"`
}
