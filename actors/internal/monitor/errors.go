package monitor

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

const (
	// returnsAfter is after how long a silence an error that occurs again is news.
	returnsAfter = 24 * time.Hour
	// eventsAtMost is how many events there are within eventsWithin.
	eventsAtMost = 10
	eventsWithin = time.Minute
	// bootsKnown is of how many processes a group knows what it has counted.
	bootsKnown = 16
	// savedTogether is how many groups are one transaction: while it is written, the writes of tickets wait.
	savedTogether = 20
	// namesAtMost and webhooksAtMost are of how many tickets, groups and endpoints an error is known to be about.
	namesAtMost, webhooksAtMost = 20, 50
)

// onReport counts what a node has met. A report that comes again changes nothing that it has changed before.
func (m *monitor) onReport(r *messages.ReportErrors) (proto.Message, error) {
	now := m.now()
	var changed, fresh []*storage.ErrorGroup
	occurrence := m.occurrence
	for _, e := range r.Errors {
		next, news := m.counted(r, e, now)
		if next == nil {
			continue
		}
		if changed = append(changed, next); news {
			occurrence++
			next.Occurrence, next.ResolvedAt = occurrence, time.Time{}
			if next.MutedUntil.After(now) {
				next.Told = occurrence
			}
			fresh = append(fresh, next)
		}
	}
	others, err := m.tell(changed, fresh, now)
	if err != nil {
		return nil, err
	}
	if err := m.save(append(changed, others...)); err != nil {
		return nil, err
	}
	if err := m.makeRoom(); err != nil {
		return nil, err
	}
	if !r.Part {
		m.hear(r, now)
	}
	m.publish()
	return entity.OK(), nil
}

// counted is a group with what a report says of it; nil: that is counted already. news says that the error is new, or that it
// has come back.
func (m *monitor) counted(r *messages.ReportErrors, e *messages.ErrorReport, now time.Time) (next *storage.ErrorGroup, news bool) {
	first, last := time.UnixMilli(e.FirstMs).UTC(), time.UnixMilli(e.LastMs).UTC()
	next = &storage.ErrorGroup{Fingerprint: e.Fingerprint, FirstAt: first}
	if g := m.groups[e.Fingerprint]; g != nil {
		copied := *g
		next = &copied
		next.TicketIDs, next.GroupIDs = slices.Clone(g.TicketIDs), slices.Clone(g.GroupIDs)
		next.WebhookIDs, next.Reports = slices.Clone(g.WebhookIDs), slices.Clone(g.Reports)
		news = !g.ResolvedAt.IsZero() && !last.Before(g.ResolvedAt) || first.Sub(g.LastAt) >= returnsAfter
	} else {
		news = true
	}
	if i := slices.IndexFunc(next.Reports, func(c storage.Report) bool { return c.Boot == r.Boot }); i >= 0 {
		if next.Reports[i].Sequence >= r.Sequence {
			return nil, false
		}
		next.Reports = slices.Delete(next.Reports, i, i+1)
	}
	next.Reports = append(next.Reports[max(0, len(next.Reports)+1-bootsKnown):], storage.Report{Boot: r.Boot, Sequence: r.Sequence})
	next.Component, next.Place, next.Message, next.Kind, next.Level = e.Component, e.Place, e.Message, e.Kind, e.Level
	next.Count += e.Count
	if first.Before(next.FirstAt) { // another node met it earlier
		next.FirstAt = first
	}
	if last.After(next.LastAt) {
		next.LastAt = last
	}
	next.TicketIDs, _ = remember(next.TicketIDs, e.TicketIds, namesAtMost)
	next.GroupIDs, _ = remember(next.GroupIDs, e.GroupIds, namesAtMost)
	var more bool
	next.WebhookIDs, more = remember(next.WebhookIDs, e.WebhookIds, webhooksAtMost)
	next.MoreWebhooks = next.MoreWebhooks || e.MoreWebhooks || more
	if len(e.Facts) > 0 {
		next.Facts = nil
		for _, f := range e.Facts {
			next.Facts = append(next.Facts, storage.Fact{Name: f.Name, Value: f.Value})
		}
	}
	return next, news
}

// remember adds names to a list, of which it keeps the newest. forgot says that some are not in it any more.
func remember(list, names []string, atMost int) (all []string, forgot bool) {
	for _, name := range names {
		list = append(slices.DeleteFunc(list, func(known string) bool { return known == name }), name)
	}
	if len(list) <= atMost {
		return list, false
	}
	return list[len(list)-atMost:], true
}

// untold reports whether nobody was told that a group is new or has come back, and no event has told of it with others.
func (m *monitor) untold(g *storage.ErrorGroup) bool {
	return g.Told < g.Occurrence && g.Occurrence > m.through
}

// tell makes events of what is new, as many as there may be; the rest waits. What has waited is told first, all of it in one
// event, which is that of one of them: it is returned, to be saved too.
// Of changed, which are to be saved, fresh are those that are new or have come back.
func (m *monitor) tell(changed, fresh []*storage.ErrorGroup, now time.Time) (others []*storage.ErrorGroup, err error) {
	m.told = slices.DeleteFunc(m.told, func(at time.Time) bool { return now.Sub(at) >= eventsWithin })
	left := eventsAtMost - len(m.told)
	next := map[string]*storage.ErrorGroup{}
	for _, g := range changed {
		next[g.Fingerprint] = g
	}
	var late []*storage.ErrorGroup
	for _, g := range m.groups {
		if m.untold(g) && !slices.Contains(fresh, next[g.Fingerprint]) {
			late = append(late, g)
		}
	}
	if len(late) > 0 && left > 0 {
		slices.SortFunc(late, func(a, b *storage.ErrorGroup) int { return cmp.Compare(a.Occurrence, b.Occurrence) })
		g := next[late[0].Fingerprint]
		if g == nil {
			copied := *late[0]
			g = &copied
			others = append(others, g)
		}
		g.Through = late[len(late)-1].Occurrence
		if err := occurred(g, now, len(late)-1); err != nil {
			return nil, err
		}
		left--
	}
	for _, g := range fresh {
		if left <= 0 || g.Told == g.Occurrence {
			continue
		}
		if err := occurred(g, now, 0); err != nil {
			return nil, err
		}
		left--
	}
	return others, nil
}

// occurred gives a group its event. heldBack is how many others it tells of.
func occurred(g *storage.ErrorGroup, now time.Time, heldBack int) error {
	data, err := json.Marshal(view.ErrorOccurredData{
		Fingerprint: g.Fingerprint, Component: g.Component, Message: g.Message, Count: g.Count,
		FirstAt: view.Time{Time: g.FirstAt}, LastAt: view.Time{Time: g.LastAt}, Level: g.Level, HeldBack: int64(heldBack), WebhookIDs: append([]string{}, g.WebhookIDs...), MoreWebhooks: g.MoreWebhooks,
	})
	if err != nil {
		return fmt.Errorf("an event about an error: %w", err)
	}
	g.Told, g.ToldAt = g.Occurrence, now
	g.Unlogged = append(slices.Clone(g.Unlogged), storage.Event{
		EventID: ids.EventID(fmt.Sprintf("%s/%s/%d", messages.EventErrorOccurred, g.Fingerprint, g.Occurrence)),
		Type:    messages.EventErrorOccurred, At: now, Data: data,
	})
	return nil
}

// tellLate tells what was held back, if there may be another event now.
func (m *monitor) tellLate(now time.Time) error {
	others, err := m.tell(nil, nil, now)
	if err != nil || len(others) == 0 {
		return err
	}
	if err := m.save(others); err != nil {
		return err
	}
	m.publish()
	return nil
}

// save writes groups, and then knows them.
func (m *monitor) save(groups []*storage.ErrorGroup) error {
	for chunk := range slices.Chunk(groups, savedTogether) {
		if err := m.Store.SaveErrorGroups(m.Ctx, chunk); err != nil {
			if errors.Is(err, storage.ErrExists) {
				err = fmt.Errorf("%w: %w", storage.ErrConflict, err)
			}
			if !errors.Is(err, storage.ErrConflict) {
				m.known(chunk, true)
			}
			return fmt.Errorf("save errors: %w", err)
		}
		m.known(chunk, false)
	}
	return nil
}

// known notes groups that are written; of some that a store without transactions has written only in part, those whose version
// says so.
func (m *monitor) known(groups []*storage.ErrorGroup, part bool) {
	for _, g := range groups {
		was := m.groups[g.Fingerprint]
		if part && (was == nil && g.Version == 0 || was != nil && g.Version == was.Version) {
			continue
		}
		if !g.ToldAt.IsZero() && (was == nil || !g.ToldAt.Equal(was.ToldAt)) {
			m.told = append(m.told, g.ToldAt)
		}
		m.groups[g.Fingerprint] = g
		m.occurrence, m.through = max(m.occurrence, g.Occurrence), max(m.through, g.Through)
	}
}

// makeRoom deletes the oldest of too many groups: first those that are dealt with.
func (m *monitor) makeRoom() error {
	if len(m.groups) <= groupsAtMost {
		return nil
	}
	all := slices.SortedFunc(maps.Values(m.groups), func(a, b *storage.ErrorGroup) int {
		if open := cmp.Compare(openness(a), openness(b)); open != 0 {
			return open
		}
		return cmp.Or(a.LastAt.Compare(b.LastAt), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	for _, g := range all[:len(all)-groupsAtMost] {
		if len(g.Unlogged) > 0 {
			continue // its event is on its way
		}
		if err := m.Store.DeleteErrorGroup(m.Ctx, g.Fingerprint, g.Version); err != nil {
			return fmt.Errorf("delete an error: %w", err)
		}
		delete(m.groups, g.Fingerprint)
	}
	return nil
}

func openness(g *storage.ErrorGroup) int {
	if g.ResolvedAt.IsZero() {
		return 1
	}
	return 0
}
