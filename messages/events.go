package messages

// Types of events, as subscribers read them in an event's "type". They never change. Each has a row in Events.
const (
	EventTicketCreated  = "ticket.created"
	EventTicketUpdated  = "ticket.updated"
	EventTicketClosed   = "ticket.closed"
	EventTicketReopened = "ticket.reopened"
	EventTicketAssigned = "ticket.assigned"
	EventTicketReleased = "ticket.released"
	EventTicketOverdue  = "ticket.overdue"
	EventTicketSnoozed  = "ticket.snoozed"

	EventMessageSent    = "message.sent"
	EventMessageEdited  = "message.edited"
	EventMessageReacted = "message.reacted"
	EventMessageDeleted = "message.deleted"
	EventMessageFailed  = "message.failed"

	EventUserMentioned = "user.mentioned"
	EventTopicCreated  = "topic.created"
	EventTopicLinked   = "topic.linked"
	EventTopicUnlinked = "topic.unlinked"
	EventTopicFailed   = "topic.failed"

	EventAttachmentStored  = "attachment.stored"
	EventAttachmentRefused = "attachment.refused"

	EventWebhookFailing   = "webhook.failing"
	EventWebhookRecovered = "webhook.recovered"
	EventWebhookDisabled  = "webhook.disabled"
	EventErrorOccurred    = "error.occurred"
)

// ReservedEvents are types that are promised and do not happen yet. Nothing else may take their names.
var ReservedEvents = []string{
	"ticket.tagged", "ticket.rated",
	"ticket.merged",
}

// Event declares a type of event. The type and an example of its data are in package view (view.EventTypes).
type Event struct {
	Type     string
	When     string // when it happens, as the catalogue says it
	NoTicket bool   // it happens to no ticket
}

// Events has a row for each type of event.
var Events = []Event{
	{Type: EventTicketCreated, When: "A ticket was opened."},
	{Type: EventTicketUpdated, When: "Its title, description, status (pending), priority or metadata, or when it closes by itself, changed."},
	{Type: EventTicketClosed, When: "It was closed; also a ticket of a private chat whose topic could not be opened."},
	{Type: EventTicketReopened, When: "It was reopened."},
	{Type: EventTicketAssigned, When: "Somebody of the desk claimed the ticket, was the first to answer it, or was given it."},
	{Type: EventTicketReleased, When: "Nobody takes care of it any more: it was released, or the claim has lapsed."},
	{Type: EventTicketOverdue, When: "An answer of the desk is overdue. Once for each time that a customer waits."},
	{Type: EventTicketSnoozed, When: "The ticket was put aside until a time, or taken up again, other than by a customer's word."},
	{Type: EventMessageSent, When: "Somebody, or a program, said something in one of the ticket's topics."},
	{Type: EventMessageEdited, When: "The author edited a message."},
	{Type: EventMessageReacted, When: "Somebody set, changed or took back a reaction."},
	{Type: EventMessageDeleted, When: "A message was deleted by `/delete`."},
	{Type: EventMessageFailed, When: "A copy of a message was given up: it is not in that topic."},
	{Type: EventUserMentioned, When: "An internal user was brought to the ticket."},
	{Type: EventTopicCreated, When: "A topic of the ticket was opened, in a group or in a private chat."},
	{Type: EventTopicLinked, When: "An existing topic joined the ticket."},
	{Type: EventTopicUnlinked, When: "A topic left the ticket."},
	{Type: EventTopicFailed, When: "A topic of the ticket could not be opened, was deleted and can't be opened again, or does not exist " +
		"although a program has linked it."},
	{Type: EventAttachmentStored, When: "A file of the ticket is stored and can be downloaded."},
	{Type: EventAttachmentRefused, When: "A file of the ticket is not kept: a rule refuses it, it is infected, or it could " +
		"not be downloaded."},
	{Type: EventWebhookFailing, NoTicket: true, When: "An endpoint fails: 5 first attempts within an hour, or nothing " +
		"has arrived for 1 day, or for 3."},
	{Type: EventWebhookRecovered, NoTicket: true, When: "An endpoint that failed takes events again."},
	{Type: EventWebhookDisabled, NoTicket: true, When: "An endpoint was disabled, because it failed for 5 days or asked " +
		"for it."},
	{Type: EventErrorOccurred, NoTicket: true, When: "The service met an error that needs an operator."},
}
