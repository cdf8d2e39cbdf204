package desk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Aliases remembers the Telegram ids of groups, so that a ticket in memory is shown without a look into storage. The group's
// entity says when one changes; what another node's says is seen when the memory is too old.
type Aliases struct {
	mu    sync.RWMutex
	known map[string]alias
}

type alias struct {
	chatID int64
	until  time.Time
}

// aliasesKeep is how long an alias is believed.
const aliasesKeep = time.Minute

// Chat is Telegram's id of a place; 0 for one that nobody knows.
func (a *Aliases) Chat(ctx context.Context, store storage.Groups, place string) (int64, error) {
	if messages.IsPrivate(place) {
		chatID, _ := messages.ChatIn(place)
		return chatID, nil
	}
	now := time.Now() // of this process's memory, not of the desk
	a.mu.RLock()
	known, found := a.known[place]
	a.mu.RUnlock()
	if found && now.Before(known.until) {
		return known.chatID, nil
	}
	g, err := store.Group(ctx, place)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read a group: %w", err)
	}
	a.Put(place, g.TelegramGroupID)
	return g.TelegramGroupID, nil
}

// Put remembers one.
func (a *Aliases) Put(place string, chatID int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) > 100_000 {
		a.known = map[string]alias{}
	}
	a.known[place] = alias{chatID, time.Now().Add(aliasesKeep)}
}
