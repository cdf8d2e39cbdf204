package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func (m *model) AppendEvents(ctx context.Context, events []storage.Event) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if len(events) == 0 {
		return nil
	}
	if err := storage.CheckLog(events); err != nil {
		return err
	}
	log := slices.Clone(m.events[events[0].Partition])
	for _, e := range events {
		if err := validID([2]string{e.EventID, e.EventID + e.TicketID}); err != nil {
			return err
		}
		at := slices.IndexFunc(log, func(o storage.Event) bool { return o.Position == e.Position })
		switch {
		case at >= 0 && log[at].EventID == e.EventID:
			continue
		case at >= 0, len(log) > 0 && e.Position != log[len(log)-1].Position+1, m.taken(log, e):
			return fmt.Errorf("event %s: %w", e.EventID, storage.ErrConflict)
		}
		log = append(log, isolated(e.Kept()))
	}
	m.events[events[0].Partition] = log
	return nil
}

// taken reports whether another event has the id or the number. log is the partition as it would be.
func (m *model) taken(log []storage.Event, e storage.Event) bool {
	same := func(o storage.Event) bool {
		return o.EventID == e.EventID || e.TicketID != "" && o.TicketID == e.TicketID && o.Number == e.Number
	}
	return slices.ContainsFunc(log, same) || slices.ContainsFunc(m.allEvents(), same)
}

func (m *model) allEvents() (all []storage.Event) {
	for p := range storage.Partitions {
		all = append(all, m.events[p]...)
	}
	return all
}

// eventsWhere returns copies of the events for which keep is true, by number.
func (m *model) eventsWhere(limit int, keep func(e storage.Event) bool) (page []storage.Event) {
	for _, e := range m.allEvents() {
		if keep(e) {
			page = append(page, isolated(e))
		}
	}
	slices.SortFunc(page, func(a, b storage.Event) int { return cmp.Compare(a.Number, b.Number) })
	return page[:min(max(limit, 0), len(page))]
}

func (m *model) EventsAfter(ctx context.Context, ticketID string, after int64, limit int) ([]storage.Event, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return m.eventsWhere(limit, func(e storage.Event) bool { return e.TicketID == ticketID && e.Number > after }), nil
}

func (m *model) Event(ctx context.Context, eventID string) (*storage.Event, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	found := m.eventsWhere(1, func(e storage.Event) bool { return e.EventID == eventID })
	if len(found) == 0 {
		return nil, storage.ErrNotFound
	}
	return &found[0], nil
}

// log returns what is there of a partition, oldest first. The caller has the lock when there is no error.
func (m *model) log(ctx context.Context, partition int) ([]storage.Event, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	if err := storage.CheckPartition(partition); err != nil {
		m.mu.Unlock()
		return nil, err
	}
	return m.events[partition], nil
}

func (m *model) LogAfter(ctx context.Context, partition int, after int64, limit int) (page []storage.Event, err error) {
	log, err := m.log(ctx, partition)
	if err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	for _, e := range log {
		if e.Position > after && len(page) < limit {
			page = append(page, isolated(e))
		}
	}
	return page, nil
}

func (m *model) LastPosition(ctx context.Context, partition int) (int64, error) {
	log, err := m.log(ctx, partition)
	if err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if len(log) == 0 {
		return 0, nil
	}
	return log[len(log)-1].Position, nil
}

func (m *model) LogBounds(ctx context.Context) ([]storage.LogBounds, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	bounds := make([]storage.LogBounds, storage.Partitions)
	for p, log := range m.events {
		if len(log) > 0 {
			bounds[p] = storage.LogBounds{First: log[0].Position, Last: log[len(log)-1].Position}
		}
	}
	return bounds, nil
}

func (m *model) DeleteEvents(ctx context.Context, partition int, before time.Time, limit int) (int, error) {
	log, err := m.log(ctx, partition)
	if err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	n := 0
	for n < len(log)-1 && n < limit && log[n].At.Before(before) {
		n++
	}
	m.events[partition] = slices.Clone(log[n:])
	return n, nil
}
