package messages

// Kinds of entities, as Ask and Tell name them. The comments say what identifies an entity of the kind.
const (
	KindTicket   = "ticket"   // ticket id
	KindLink     = "link"     // link id
	KindChat     = "chat"     // internal id of a group ("g…") or of a person's private chat ("u…")
	KindGroup    = "group"    // internal id
	KindUser     = "user"     // Telegram user id
	KindAPIKey   = "apikey"   // key id
	KindLog      = "log"      // number of a partition of the log of events
	KindWebhook  = "webhook"  // webhook id
	KindConsumer = "consumer" // <key id>/<name> of a reader of the feed
	KindPoller   = "poller"   // bot id
	KindBudget   = "budget"   // "telegram": the calls per second of all nodes together
	KindMonitor  = "monitor"  // "desk": errors and problems of all nodes
	KindReport   = "report"   // "desk": what the desk has done, counted for reports
	KindQuery    = "query"    // none: any of the node's readers answers
)
