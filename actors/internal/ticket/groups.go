package ticket

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// groups are the groups that the tickets of a node have read for timers within the last second: thousands may ring together, most
// of the same few groups, and each new wait asks for its times. What has changed meanwhile counts for the next ones, and the group wakes
// the tickets whose times follow from other settings, again and again for longer than that (docs/decisions.md, D195).
type groups struct {
	mu    sync.Mutex
	known map[ids.Place]recentGroup
}

// recentGroup is a group, and when it was read. It is never changed in place.
type recentGroup struct {
	*storage.Group // nil: there is none
	times          desk.Times
	at             time.Time
}

const (
	groupKept    = time.Second
	groupsAtMost = 1000 // more are read each time
)

// recentGroup is a group as it was a second ago at most.
func (t *ticket) recentGroup(place ids.Place) (recentGroup, error) {
	if known, is := t.room.groups.get(place); is {
		if age := t.Now().Sub(known.at); age >= 0 && age < groupKept {
			return known, nil
		}
	}
	return t.readGroup(place)
}

// readGroup reads a group, and keeps it for the other tickets.
func (t *ticket) readGroup(place ids.Place) (recentGroup, error) {
	read := recentGroup{times: desk.NoTimes, at: t.Now()}
	group, err := t.Store.Group(t.Ctx, place)
	switch {
	case err == nil:
		read.Group, read.times = group, desk.TimesOf(group)
	case !errors.Is(err, storage.ErrNotFound):
		return recentGroup{}, fmt.Errorf("read a group: %w", err)
	}
	t.room.groups.put(place, read)
	return read, nil
}

func (g *groups) get(place ids.Place) (recentGroup, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	known, is := g.known[place]
	return known, is
}

func (g *groups) put(place ids.Place, read recentGroup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil || len(g.known) >= groupsAtMost {
		g.known = map[ids.Place]recentGroup{}
	}
	if known := g.known[place]; known.Group != nil && read.Group != nil && known.times.Revision > read.times.Revision {
		return // another ticket has read it later, and was quicker
	}
	g.known[place] = read
}

// recentTitle is what people call a group, or whose private chat it is.
func (t *ticket) recentTitle(place ids.Place) (string, error) {
	if messages.IsPrivate(place) {
		return desk.GroupTitle(t.Ctx, t.Store, place)
	}
	group, err := t.recentGroup(place)
	if err != nil || group.Group == nil {
		return place, err
	}
	return group.Title, nil
}
