package messages

// Reasons for which a program is refused something about a ticket, besides the keys of notices. They are the "code"
// of the API's errors.
const (
	ReasonStale           = "precondition_failed" // it was changed meanwhile
	ReasonNoTitle         = "title_missing"
	ReasonExternalIDTaken = "external_id_taken"    // args: ticket
	ReasonNoSuchMessage   = "message_not_found"    // the answered one
	ReasonNoSuchFile      = "attachment_not_found" // it is not the ticket's, or not stored
	ReasonListNotServed   = "list_not_supported"   // no index serves these filters in this order
	ReasonSearchTooShort  = "search_not_possible"
)
