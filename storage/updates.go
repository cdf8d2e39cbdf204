package storage

import (
	"context"
	"encoding/json"
	"time"
)

// WaitingUpdates keeps Telegram's updates that were confirmed to it before the desk had accepted them.
type WaitingUpdates interface {
	// SaveWaitingUpdates stores updates. One that is stored already is left as it is. When it fails, some may be stored.
	SaveWaitingUpdates(ctx context.Context, updates []WaitingUpdate) error
	// WaitingUpdates lists a bot's updates with ids above after, ordered by id.
	WaitingUpdates(ctx context.Context, bot string, after int64, limit int) ([]WaitingUpdate, error)
	// DeleteWaitingUpdates deletes those of a bot with these ids that are stored.
	DeleteWaitingUpdates(ctx context.Context, bot string, updateIDs []int64) error
}

// WaitingUpdate is an update that Telegram will not send again.
type WaitingUpdate struct {
	Bot      string          `json:"bot"` // id of the bot that got it
	UpdateID int64           `json:"updateId"`
	Body     json.RawMessage `json:"body"` // as Telegram sent it
	At       time.Time       `json:"at"`   // when it was stored
}

// Kept returns the update with its time as it is kept.
func (u WaitingUpdate) Kept() WaitingUpdate {
	u.At = Kept(u.At)
	return u
}
