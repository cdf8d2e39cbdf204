package messages

// Reasons for which only programs are refused something; reasons that people meet too are the keys of notices. They are
// the "code" of the API's errors.
const (
	ReasonKeyRevoked = "api_key_revoked" // a revoked key can't be changed
	ReasonKeyShown   = "api_key_shown"   // the secret was already shown to whoever asked first
	ReasonUserExists = "user_exists"     // PUT changes an existing user

	ReasonUsernameTaken = "username_taken" // the desk knows somebody else by it

	ReasonWebhookInvalid = "webhook_invalid"    // its settings are at fault: WebhookView has the faults
	ReasonWebhookLimit   = "webhook_limit"      // the API key has made as many as it may
	ReasonWebhookName    = "webhook_name_taken" // the owner has another one of this name
	ReasonWebhookOff     = "webhook_disabled"   // a replay or retry needs an enabled one
	ReasonEventUnheard   = "event_not_heard"    // the endpoint's settings leave the event out
	ReasonReplayRunning  = "replay_running"     // one replay of an endpoint at a time
	ReasonRevision       = "webhook_revision"   // the settings are no longer those that the program has seen
	ReasonConsumerLeased = "consumer_leased"    // somebody else reads as this consumer
	ReasonConsumerLimit  = "consumer_limit"     // the API key has as many as it may

	ReasonReportTooLarge = "report_too_large" // it would be made of too many tickets or hours
	ReasonReportSpan     = "report_span"      // the days, the time zone or the kind of rows can't be understood
)
