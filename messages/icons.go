package messages

// What the icon of a topic says about its ticket. The bot chooses an emoji for each (bot/icons.go).
const (
	IconNew      = "new"      // nobody has answered the customer's last word, and nobody takes care of the ticket
	IconClaimed  = "claimed"  // somebody takes care of it, and the customer waits
	IconCustomer = "customer" // it waits for the customer
	IconSnoozed  = "snoozed"
	IconOverdue  = "overdue"
	IconClosed   = "closed"
	IconNone     = "" // the topic has none of the desk's
)

// Icons are all icons of topics that say something.
var Icons = []string{IconNew, IconClaimed, IconCustomer, IconSnoozed, IconOverdue, IconClosed}
