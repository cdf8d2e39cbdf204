package messages

// Types of events, as subscribers read them in an event's "type". They never change. Each has a row in Events.
const (
	EventTicketCreated  = "ticket.created"
	EventTicketUpdated  = "ticket.updated"
	EventTicketClosed   = "ticket.closed"
	EventTicketReopened = "ticket.reopened"

	EventMessageSent    = "message.sent"
	EventMessageEdited  = "message.edited"
	EventMessageReacted = "message.reacted"
	EventMessageDeleted = "message.deleted"

	EventUserMentioned = "user.mentioned"
	EventTopicCreated  = "topic.created"
	EventTopicLinked   = "topic.linked"
	EventTopicUnlinked = "topic.unlinked"
)

// Event declares a type of event.
type Event struct {
	Type string
	When string // when it happens, as the API's guide says it
}

// Events has a row for each type of event.
var Events = []Event{
	{EventTicketCreated, "A ticket was opened."},
	{EventTicketUpdated, "Its title, description, status (pending), priority or metadata changed."},
	{EventTicketClosed, "It was closed; also a ticket of a private chat whose topic could not be opened."},
	{EventTicketReopened, "It was reopened."},
	{EventMessageSent, "Somebody, or a program, said something in one of the ticket's topics."},
	{EventMessageEdited, "The author edited a message."},
	{EventMessageReacted, "Somebody set, changed or took back a reaction."},
	{EventMessageDeleted, "A message was deleted by `/delete`."},
	{EventUserMentioned, "An internal user was brought to the ticket."},
	{EventTopicCreated, "A topic of the ticket was opened, in a group or in a private chat."},
	{EventTopicLinked, "An existing topic joined the ticket."},
	{EventTopicUnlinked, "A topic left the ticket."},
}
