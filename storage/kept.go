package storage

import (
	"slices"
	"time"
)

// Kept returns the time as every store keeps it: in UTC, truncated to the millisecond.
func Kept(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

// The methods below return the record with its times as they are kept. A store writes that form, so what it reads back
// depends neither on the store nor on the writer's time zone.

func (u User) Kept() User {
	u.CreatedAt, u.UpdatedAt, u.DueAt = Kept(u.CreatedAt), Kept(u.UpdatedAt), Kept(u.DueAt)
	u.Drafts = keptEach(u.Drafts, func(d *Draft) { d.Forwarded = d.Forwarded.kept() })
	u.Shelf = u.Shelf.Kept()
	return u
}

func (k APIKey) Kept() APIKey {
	k.ExpiresAt, k.RevokedAt, k.LastUsedAt = Kept(k.ExpiresAt), Kept(k.RevokedAt), Kept(k.LastUsedAt)
	k.CreatedAt, k.UpdatedAt = Kept(k.CreatedAt), Kept(k.UpdatedAt)
	if len(k.Secrets) > 0 {
		secrets := make([]KeySecret, len(k.Secrets))
		for i, s := range k.Secrets {
			s.Until, s.CreatedAt = Kept(s.Until), Kept(s.CreatedAt)
			secrets[i] = s
		}
		k.Secrets = secrets
	}
	k.WebSessions = keptEach(k.WebSessions, func(s *KeySession) { s.CreatedAt, s.ExpiresAt = Kept(s.CreatedAt), Kept(s.ExpiresAt) })
	return k
}

func (i Idempotency) Kept() Idempotency {
	i.CreatedAt, i.ExpiresAt = Kept(i.CreatedAt), Kept(i.ExpiresAt)
	return i
}

func (g Group) Kept() Group {
	g.RetimingSince = Kept(g.RetimingSince)
	g.DueAt, g.CreatedAt, g.UpdatedAt = Kept(g.DueAt), Kept(g.CreatedAt), Kept(g.UpdatedAt)
	g.Shelf = g.Shelf.Kept()
	return g
}

func (t Ticket) Kept() Ticket {
	t.CreatedAt, t.UpdatedAt, t.ClosedAt, t.DueAt = Kept(t.CreatedAt), Kept(t.UpdatedAt), Kept(t.ClosedAt), Kept(t.DueAt)
	t.Timers = t.Timers.kept()
	t.LastMessageAt, t.WaitingSince = Kept(t.LastMessageAt), Kept(t.WaitingSince)
	t.Home.OpenedAt, t.Forwarded = Kept(t.Home.OpenedAt), t.Forwarded.kept()
	if len(t.Links) > 0 {
		links := make([]Link, len(t.Links))
		for i, l := range t.Links {
			l.CreatedAt, l.Topic.OpenedAt = Kept(l.CreatedAt), Kept(l.Topic.OpenedAt)
			links[i] = l
		}
		t.Links = links
	}
	if len(t.Events) > 0 {
		events := make([]Event, len(t.Events))
		for i, e := range t.Events {
			events[i] = e.Kept()
		}
		t.Events = events
	}
	return t
}

func (m Message) Kept() Message {
	m.SentAt, m.RecordedAt = Kept(m.SentAt), Kept(m.RecordedAt)
	m.EditedAt, m.DeletedAt = Kept(m.EditedAt), Kept(m.DeletedAt)
	m.Former = keptEach(m.Former, func(f *Previous) { f.Until = Kept(f.Until) })
	m.Reactions = keptEach(m.Reactions, func(r *Reaction) { r.At = Kept(r.At) })
	m.Events = keptEach(m.Events, func(e *Event) { e.At = Kept(e.At) })
	m.Forwarded = m.Forwarded.kept()
	return m
}

func (f *Forward) kept() *Forward {
	if f == nil {
		return nil
	}
	kept := *f
	kept.Date = Kept(f.Date)
	return &kept
}

// keptEach returns a copy of a list with each element as it is kept.
func keptEach[T any](list []T, keep func(*T)) []T {
	if len(list) == 0 {
		return list
	}
	kept := slices.Clone(list)
	for i := range kept {
		keep(&kept[i])
	}
	return kept
}

func (c Copy) Kept() Copy {
	c.SentAt = Kept(c.SentAt)
	return c
}

func (c Chat) Kept() Chat {
	c.BlockedUntil, c.BurstFull, c.DueAt = Kept(c.BlockedUntil), Kept(c.BurstFull), Kept(c.DueAt)
	c.RateAt, c.Oldest = Kept(c.RateAt), Kept(c.Oldest)
	if len(c.Calls) > 0 {
		calls := make([]time.Time, len(c.Calls))
		for i, at := range c.Calls {
			calls[i] = Kept(at)
		}
		c.Calls = calls
	}
	return c
}

func (e Event) Kept() Event {
	e.At = Kept(e.At)
	return e
}

func (l Lease) Kept() Lease {
	l.TakenAt = Kept(l.TakenAt)
	return l
}
