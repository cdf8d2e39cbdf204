package monitor

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// place is where a list goes on: after the record with that time and id.
type place struct {
	ms int64
	id string
}

// pageOf are the records of a list that come after a place, those with the latest times first.
func pageOf[T any](all map[string]T, want func(T) bool, at func(T) place, after place, limit int32) []T {
	newest := func(a, b place) int { return cmp.Or(cmp.Compare(b.ms, a.ms), strings.Compare(a.id, b.id)) }
	var page []T
	for record := range maps.Values(all) {
		if want(record) && (after.id == "" || newest(after, at(record)) < 0) {
			page = append(page, record)
		}
	}
	slices.SortFunc(page, func(a, b T) int { return newest(at(a), at(b)) })
	return page[:min(len(page), max(int(limit), 0))]
}

// wants reports whether something in these states is asked for, by one state, by several, or by none, which are all.
func wants(state string, states []string, is map[string]bool) bool {
	if state != "" {
		states = append(states[:len(states):len(states)], state)
	}
	return len(states) == 0 || slices.ContainsFunc(states, func(one string) bool { return is[one] })
}

func (m *monitor) onListErrors(q *messages.ListErrors) (proto.Message, error) {
	now := m.now()
	want := func(g *storage.ErrorGroup) bool {
		muted, resolved := g.MutedUntil.After(now), !g.ResolvedAt.IsZero()
		return wants(q.State, q.States, map[string]bool{"open": !resolved && !muted, "resolved": resolved, "muted": muted})
	}
	at := func(g *storage.ErrorGroup) place { return place{g.LastAt.UnixMilli(), g.Fingerprint} }
	list := &messages.ErrorList{Code: messages.Code_OK}
	for _, g := range pageOf(m.groups, want, at, place{q.BeforeMs, q.After}, q.Limit) {
		v, err := m.viewOf(g)
		if err != nil {
			return nil, err
		}
		list.Errors = append(list.Errors, v)
	}
	return list, nil
}

func (m *monitor) onGetError(q *messages.GetError) (proto.Message, error) {
	return m.answer(m.groups[q.Fingerprint])
}

// answer is the answer that shows a group; nil: there is none.
func (m *monitor) answer(g *storage.ErrorGroup) (proto.Message, error) {
	if g == nil {
		return &messages.ErrorAnswer{Code: messages.Code_NOT_FOUND}, nil
	}
	v, err := m.viewOf(g)
	if err != nil {
		return nil, err
	}
	return &messages.ErrorAnswer{Code: messages.Code_OK, Error: v}, nil
}

func (m *monitor) onResolveError(c *messages.ResolveError) (proto.Message, error) {
	return m.change(c.Fingerprint, func(g *storage.ErrorGroup) bool {
		if !g.ResolvedAt.IsZero() {
			return false
		}
		g.ResolvedAt, g.Told = m.now(), g.Occurrence
		return true
	})
}

func (m *monitor) onMuteError(c *messages.MuteError) (proto.Message, error) {
	until := time.Time{}
	if c.UntilMs > 0 {
		until = time.UnixMilli(c.UntilMs).UTC()
	}
	return m.change(c.Fingerprint, func(g *storage.ErrorGroup) bool {
		if g.MutedUntil.Equal(until) {
			return false
		}
		g.MutedUntil, g.Told = until, g.Occurrence
		return true
	})
}

// change writes what somebody says of a group, if it changes anything.
func (m *monitor) change(fingerprint string, f func(*storage.ErrorGroup) bool) (proto.Message, error) {
	g := m.groups[fingerprint]
	if g == nil {
		return m.answer(nil)
	}
	next := *g
	if !f(&next) {
		return m.answer(g)
	}
	next.Revision++
	if err := m.save([]*storage.ErrorGroup{&next}); err != nil {
		return nil, err
	}
	return m.answer(&next)
}

func (m *monitor) viewOf(g *storage.ErrorGroup) (*messages.ErrorView, error) {
	v := &messages.ErrorView{
		Fingerprint: g.Fingerprint, Component: g.Component, Place: g.Place, Message: g.Message, Kind: g.Kind, Level: g.Level,
		Resolved: !g.ResolvedAt.IsZero(), Count: g.Count, FirstMs: g.FirstAt.UnixMilli(), LastMs: g.LastAt.UnixMilli(),
		ResolvedMs: desk.MillisOf(g.ResolvedAt), MutedUntilMs: desk.MillisOf(g.MutedUntil), TicketIds: g.TicketIDs,
		WebhookIds: g.WebhookIDs, Revision: g.Revision,
	}
	if !g.MutedUntil.After(m.Now()) {
		v.MutedUntilMs = 0
	}
	for _, id := range g.GroupIDs {
		chat, err := m.room.Aliases.Chat(m.Ctx, m.Store, id)
		if err != nil {
			return nil, fmt.Errorf("find a group: %w", err)
		}
		if chat != 0 {
			v.ChatIds = append(v.ChatIds, chat)
		}
	}
	for _, f := range g.Facts {
		v.Facts = append(v.Facts, &messages.ErrorFact{Name: f.Name, Value: f.Value})
	}
	return v, nil
}

func (m *monitor) onListProblems(q *messages.ListProblems) (proto.Message, error) {
	want := func(p *storage.Problem) bool {
		open := p.ClosedAt.IsZero()
		return wants(q.State, q.States, map[string]bool{"open": open, "closed": !open})
	}
	at := func(p *storage.Problem) place { return place{p.OpenedAt.UnixMilli(), p.ProblemID} }
	list := &messages.ProblemList{Code: messages.Code_OK}
	for _, p := range pageOf(m.problems, want, at, place{q.BeforeMs, q.After}, q.Limit) {
		v := &messages.ProblemView{
			ProblemId: p.ProblemID, Kind: p.Kind, Subject: p.Subject, Name: p.Name, Detail: p.Detail, Times: p.Times,
			OpenedMs: p.OpenedAt.UnixMilli(), ClosedMs: desk.MillisOf(p.ClosedAt), MutedUntilMs: desk.MillisOf(p.MutedUntil),
		}
		if !p.MutedUntil.After(m.Now()) {
			v.MutedUntilMs = 0
		}
		if aboutGroup(p.Kind) {
			chat, err := m.room.Aliases.Chat(m.Ctx, m.Store, p.Subject)
			if err != nil {
				return nil, fmt.Errorf("find a group: %w", err)
			}
			v.ChatId = chat
		}
		list.Problems = append(list.Problems, v)
	}
	return list, nil
}

// mutedFor is for how long the button on a post mutes a problem.
const mutedFor = 24 * time.Hour

// onMuteProblem is a button. It works only where problems are posted.
func (m *monitor) onMuteProblem(c *messages.MuteProblem) (proto.Message, error) {
	none := &messages.Reply{Code: messages.Code_NOT_FOUND}
	p := m.problems[c.ProblemId]
	if p == nil || m.room.AlertsChat == 0 {
		return none, nil
	}
	chat, err := m.Store.GroupByTelegramID(m.Ctx, m.room.AlertsChat) // its id may be another one by now
	if errors.Is(err, storage.ErrNotFound) || err == nil && chat.GroupID != c.Origin.GetPlace() {
		return none, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the chat for alerts: %w", err)
	}
	next := *p
	next.MutedUntil, next.ToPost = m.now().Add(mutedFor), ""
	if err := m.saveProblem(&next); err != nil {
		return nil, err
	}
	return entity.OK(), nil
}
