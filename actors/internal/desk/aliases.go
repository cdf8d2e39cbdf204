package desk

import (
	"context"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Aliases caches the Telegram ids of groups, so that a resident ticket is shown without a look into storage. A group's
// entity puts the new id here when it changes. If the entity is on another node, the old id is shown until the entry
// expires.
type Aliases struct {
	mu    sync.RWMutex
	known map[ids.Place]alias
}

type alias struct {
	chatID ids.ChatID
	until  time.Time
}

const (
	// aliasesKeep is how long an entry is used.
	aliasesKeep = time.Minute
	// aliasesAtMost is how many entries are kept. When there are more, all are dropped and read again.
	aliasesAtMost = 100_000
)

// Chat is Telegram's id of a place; 0: nobody knows the place.
func (a *Aliases) Chat(ctx context.Context, store storage.Groups, place ids.Place) (ids.ChatID, error) {
	if messages.IsPrivate(place) {
		chatID, _ := messages.ChatIn(place)
		return chatID, nil
	}
	now := time.Now() // the cache goes by this process's clock, not by the desk's
	a.mu.RLock()
	known, found := a.known[place]
	a.mu.RUnlock()
	if found && now.Before(known.until) {
		return known.chatID, nil
	}
	chatID, err := ChatOf(ctx, store, place)
	if err == nil && chatID != 0 {
		a.Put(place, chatID)
	}
	return chatID, err
}

// Put caches the id of a group.
func (a *Aliases) Put(place ids.Place, chatID ids.ChatID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) > aliasesAtMost {
		a.known = map[ids.Place]alias{}
	}
	a.known[place] = alias{chatID, time.Now().Add(aliasesKeep)}
}
