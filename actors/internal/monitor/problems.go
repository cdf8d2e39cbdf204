package monitor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// nodeNews is what a node has said last.
type nodeNews struct {
	at         time.Time
	conditions []*messages.Condition
}

// newsLasts is how long what a node says holds.
const newsLasts = 4 * reportEvery

// holding is a condition that holds, or whose problem is open.
type holding struct {
	condition *messages.Condition
	since     time.Time // when it was first seen
	gone      time.Time // when it was first not seen any more; zero: it is seen
}

// patience is how long a condition must hold before its problem opens, and how long it must be gone before that closes: what
// comes and goes is told once.
type patience struct{ open, closed time.Duration }

var patienceOf = map[string]patience{
	messages.ProblemGroupRights:     {10 * time.Second, 10 * time.Second},
	messages.ProblemGroupLag:        {10 * time.Second, time.Minute},
	messages.ProblemWebhookFailing:  {10 * time.Second, 30 * time.Second},
	messages.ProblemWebhookDisabled: {0, 10 * time.Second},
	messages.ProblemStorageFailing:  {10 * time.Second, time.Minute},
	messages.ProblemStorageSlow:     {20 * time.Second, time.Minute},
	messages.ProblemDiskLow:         {20 * time.Second, 2 * time.Minute},
}

func aboutGroup(kind string) bool {
	return kind == messages.ProblemGroupRights || kind == messages.ProblemGroupLag
}

// problemID is the id of the problem that a condition is.
func problemID(c *messages.Condition) string {
	sum := sha256.Sum256([]byte(c.Kind + "\x00" + c.Subject))
	return "prb_" + hex.EncodeToString(sum[:10])
}

// hear notes what is wrong on a node.
func (m *monitor) hear(r *messages.ReportErrors, now time.Time) {
	for _, c := range r.Conditions {
		if r.Node != "" && !aboutGroup(c.Kind) {
			c.Subject, c.Name = r.Node+" "+c.Subject, joined(r.Node, c.Name)
		}
	}
	m.nodes[r.Node] = &nodeNews{at: now, conditions: r.Conditions}
}

func joined(node, name string) string {
	if name == "" {
		return node
	}
	return node + ": " + name
}

// holds are the conditions that hold now, by the ids of their problems.
func (m *monitor) holds(now time.Time) map[string]*messages.Condition {
	all := maps.Clone(m.found)
	for node, news := range m.nodes {
		if now.Sub(news.at) > newsLasts {
			delete(m.nodes, node)
			continue
		}
		for _, c := range news.conditions {
			all[problemID(c)] = c
		}
	}
	return all
}

// judge opens and closes problems.
func (m *monitor) judge(now time.Time) error {
	holds := m.holds(now)
	for id, c := range holds {
		h := m.held[id]
		if h == nil {
			h = &holding{since: now}
			m.held[id] = h
		}
		h.condition, h.gone = c, time.Time{}
		p := m.problems[id]
		if p != nil && p.ClosedAt.IsZero() || now.Sub(h.since) < patienceOf[c.Kind].open {
			continue
		}
		if err := m.open(id, h, now); err != nil {
			return err
		}
	}
	for id, p := range m.problems {
		if p.ClosedAt.IsZero() && m.held[id] == nil { // it was open when this activation began
			m.held[id] = &holding{since: p.OpenedAt, condition: &messages.Condition{Kind: p.Kind}}
		}
	}
	for id, h := range m.held {
		if holds[id] != nil {
			continue
		}
		if h.gone.IsZero() {
			h.gone = now
		}
		if p := m.problems[id]; p != nil && p.ClosedAt.IsZero() {
			if now.Sub(h.gone) < patienceOf[p.Kind].closed {
				continue
			}
			if err := m.close(p, now); err != nil {
				return err
			}
		}
		delete(m.held, id)
	}
	return m.makeRoomForProblems()
}

func (m *monitor) open(id string, h *holding, now time.Time) error {
	c := h.condition
	next := storage.Problem{ProblemID: id, Kind: c.Kind, Subject: c.Subject}
	if p := m.problems[id]; p != nil {
		next = *p
	}
	next.OpenedAt, next.ClosedAt, next.Times = h.since, time.Time{}, next.Times+1
	if c.SinceMs > 0 {
		next.OpenedAt = time.UnixMilli(c.SinceMs).UTC()
	}
	next.Name, next.Detail, next.ToPost = m.nameOf(c), c.Detail, ""
	if m.room.AlertsChat != 0 && !next.MutedUntil.After(now) {
		next.ToPost = "opened"
	}
	if err := m.saveProblem(&next); err != nil {
		return err
	}
	m.Log.Info("a problem", "kind", c.Kind, "about", next.Name, "detail", c.Detail)
	return nil
}

// nameOf is what people call what a condition is about.
func (m *monitor) nameOf(c *messages.Condition) string {
	if c.Name != "" || !aboutGroup(c.Kind) {
		return c.Name
	}
	if g, err := m.Store.Group(m.Ctx, c.Subject); err == nil {
		return g.Title
	}
	return c.Subject
}

func (m *monitor) close(p *storage.Problem, now time.Time) error {
	next := *p
	next.ClosedAt, next.ToPost = now, ""
	if m.room.AlertsChat != 0 && next.Posted == next.Times && !next.MutedUntil.After(now) {
		next.ToPost = "closed"
	}
	if err := m.saveProblem(&next); err != nil {
		return err
	}
	m.Log.Info("a problem is over", "kind", p.Kind, "about", p.Name)
	return nil
}

// saveProblem writes a problem, and then knows it.
func (m *monitor) saveProblem(p *storage.Problem) error {
	if err := m.Store.SaveProblem(m.Ctx, p); err != nil {
		if errors.Is(err, storage.ErrExists) {
			err = fmt.Errorf("%w: %w", storage.ErrConflict, err)
		}
		return fmt.Errorf("save a problem: %w", err)
	}
	m.problems[p.ProblemID] = p
	return nil
}

// makeRoomForProblems deletes the oldest of too many: first those that are over.
func (m *monitor) makeRoomForProblems() error {
	if len(m.problems) <= problemsAtMost {
		return nil
	}
	open := func(p *storage.Problem) int {
		if p.ClosedAt.IsZero() {
			return 1
		}
		return 0
	}
	all := slices.SortedFunc(maps.Values(m.problems), func(a, b *storage.Problem) int {
		return cmp.Or(cmp.Compare(open(a), open(b)), a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ProblemID, b.ProblemID))
	})
	for _, p := range all[:len(all)-problemsAtMost] {
		if err := m.Store.DeleteProblem(m.Ctx, p.ProblemID, p.Version); err != nil {
			return fmt.Errorf("delete a problem: %w", err)
		}
		delete(m.problems, p.ProblemID)
	}
	return nil
}
