package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// places lists the groups that the person belongs to, and says whether some could not be asked in time. For a page that asks again,
// a group of which Telegram has lately said that the person does not belong to it is not asked again: an open page would have it
// asked about all groups for ever.
func (s *Site) places(ctx context.Context, of *session, again bool) (theirs []place, partly bool, err error) {
	all, err := s.groups(ctx, again)
	if err != nil {
		return nil, false, err
	}
	ids := idsOf(all)
	if again {
		cached := s.standings(ctx, of, ids, true)
		outside := func(id string) bool { return cached[id].GetKnown() && !cached[id].GetMember() }
		all = slices.DeleteFunc(all, func(g place) bool { return outside(g.ID) })
		ids = slices.DeleteFunc(ids, outside)
	}
	standing := s.standings(ctx, of, ids, false)
	for _, g := range all {
		partly = partly || !standing[g.ID].GetKnown()
		if standing[g.ID].GetMember() {
			theirs = append(theirs, g)
		}
	}
	return theirs, partly, nil
}

// groupsShared is how long pages that ask again share one list of all groups.
const groupsShared = 2 * time.Second

// groupList is a list of all groups that was read lately.
type groupList struct {
	mu   sync.Mutex
	all  []place
	read time.Time
}

// groups lists all groups. again: as they were a moment ago will do. The list is the caller's.
func (s *Site) groups(ctx context.Context, again bool) (all []place, err error) {
	s.known.mu.Lock()
	if again && time.Since(s.known.read) < groupsShared {
		all = slices.Clone(s.known.all)
	}
	s.known.mu.Unlock()
	if all != nil {
		return all, nil
	}
	began := time.Now()
	for after := ""; len(all) < groupsAtMost; {
		page, err := ask[*messages.GroupList](ctx, s, messages.KindQuery, "",
			&messages.ListGroups{After: after, Limit: groupsOnPage})
		if err != nil {
			return nil, err
		}
		for _, g := range page.Groups {
			after = g.GroupId
			all = append(all, place{g.GroupId, g.GetFacts().GetChatId(), g.GetFacts().GetTitle()})
		}
		if len(page.Groups) < groupsOnPage {
			break
		}
	}
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	if began.After(s.known.read) {
		s.known.all, s.known.read = slices.Clone(all), began
	}
	return all, nil
}
