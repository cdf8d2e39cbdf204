package messages

// Types of events: what happened, as subscribers read it in an event's "type". Each says in its comment what caused
// it; every event of a ticket also tells the ticket's id. They never change.
const (
	EventTicketCreated  = "ticket.created"
	EventTicketUpdated  = "ticket.updated" // its title, description, status (pending), priority or metadata changed
	EventTicketClosed   = "ticket.closed"
	EventTicketReopened = "ticket.reopened"

	EventMessageSent    = "message.sent"    // somebody, or a program, said something in one of the ticket's topics
	EventMessageEdited  = "message.edited"  // by its author
	EventMessageReacted = "message.reacted" // somebody set, changed or took back a reaction
	EventMessageDeleted = "message.deleted" // by /delete

	EventUserMentioned = "user.mentioned" // an internal user was brought to the ticket
	EventTopicCreated  = "topic.created"  // a topic of the ticket was opened in a group
	EventTopicLinked   = "topic.linked"   // an existing topic joined the ticket
	EventTopicUnlinked = "topic.unlinked" // a topic left the ticket
)
