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

// Customer is whose ticket it is: who opened it, or whose message it was opened from.
func (t *Ticket) Customer() Creator {
	if t.OpenedFor != nil {
		return *t.OpenedFor
	}
	return t.CreatedBy
}

// Is says whether two are the same one, whatever they are called.
func (c Creator) Is(other Creator) bool { return c.Kind == other.Kind && c.ID == other.ID }

// Creator is who opened a ticket.
type Creator struct {
	Kind     string `json:"kind"` // user | group | channel | apiKey
	ID       string `json:"id"`
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
}
