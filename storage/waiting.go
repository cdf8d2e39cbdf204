package storage

import "time"

// For whom a ticket waits, which is also whose word a message is.
const (
	WaitsForDesk     = "desk"
	WaitsForCustomer = "customer"
)

// Unjudged says that it is unknown for whom an open ticket waits, since an earlier program saved it last. Its entity finds
// out from the messages when it is loaded.
func (t *Ticket) Unjudged() bool { return t.WaitingFor == "" && t.Status != "closed" }

// DueWhenLoaded is when a ticket is due that comes from another database or an earlier schema: immediately while it is
// Unjudged or Untimed, so that its entity is woken.
func (t *Ticket) DueWhenLoaded() time.Time {
	if (t.Unjudged() || t.Untimed()) && t.DueAt.IsZero() {
		return t.CreatedAt
	}
	return t.DueAt
}

// AssigneeID is the Telegram id of the person who has claimed the ticket; "": nobody has.
func (t *Ticket) AssigneeID() string {
	if t.Assignee == nil {
		return ""
	}
	return t.Assignee.ID
}

// Creator is who opened a ticket.
type Creator struct {
	Kind     string `json:"kind"` // user | group | channel | apiKey
	ID       string `json:"id"`
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
}
