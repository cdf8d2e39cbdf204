package messages

// Reasons for which a program is refused something about a ticket, besides the keys of notices. They are the "code"
// of the API's errors.
const (
	ReasonAsking          = "asking"              // no refusal: Telegram is asked whether the person may; who sends the command again hears
	ReasonStale           = "precondition_failed" // the ticket has changed since the program read it
	ReasonNoTitle         = "title_missing"
	ReasonExternalIDTaken = "external_id_taken"    // args: ticket
	ReasonNoSuchMessage   = "message_not_found"    // the message to reply to
	ReasonNoSuchFile      = "attachment_not_found" // the attachment is another ticket's, or not stored
	ReasonListNotServed   = "list_not_supported"   // no index serves these filters in this order
	ReasonSearchTooShort  = "search_not_possible"
	ReasonAdminsUnknown   = "admins_unknown" // Telegram is being asked who administers the ticket's groups; who sends the command again hears
	ReasonManyPending     = "many_pending"   // too much of the ticket waits for Telegram already
)
