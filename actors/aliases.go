package actors

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// aliases remembers the Telegram ids of groups, so that a ticket in memory is shown without a look into storage. The group's
// entity says when one changes; what another node's says is seen when the memory is too old.
type aliases struct {
	mu    sync.RWMutex
	known map[string]alias
}

type alias struct {
	chatID int64
	until  time.Time
}

// aliasesKeep is how long an alias is believed.
const aliasesKeep = time.Minute

// chat is Telegram's id of a place; 0 for one that nobody knows.
func (a *aliases) chat(s *System, place string) (int64, error) {
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
	g, err := s.store.Group(s.ctx, place)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read a group: %w", err)
	}
	a.put(place, g.TelegramGroupID)
	return g.TelegramGroupID, nil
}

func (a *aliases) put(place string, chatID int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) > 100_000 {
		a.known = map[string]alias{}
	}
	a.known[place] = alias{chatID, time.Now().Add(aliasesKeep)}
}
