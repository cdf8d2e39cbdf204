package storage

import (
	"context"
	"time"
)

// Tallies keeps what reports are made of: how each ticket went, what was counted in each hour, and how far the log is counted.
type Tallies interface {
	Tally(ctx context.Context, tallyID string) (*Tally, error)
	// SaveTallies inserts (Version 0; ErrExists) or updates (ErrConflict) each. When it fails, some may be saved; their
	// versions say so.
	SaveTallies(ctx context.Context, tallies []*Tally) error
	// Tallies lists tallies with ids between two, without either, ordered by id.
	Tallies(ctx context.Context, after, before string, limit int) ([]Tally, error)
	// TalliesBy lists tallies by one of their times, ordered by (time, id): those after the given place whose time is before
	// another. A place without an id comes before all tallies of its time.
	TalliesBy(ctx context.Context, by TallyTime, after Due, before time.Time, limit int) ([]Tally, error)
	// DeleteTallies deletes tallies whose ChangedAt is before a time, the oldest first, and returns their number. Those that
	// have none stay.
	DeleteTallies(ctx context.Context, before time.Time, limit int) (int, error)
}

// TallyTime names a time of tallies that they are listed by.
type TallyTime int

const (
	TallyAnswered TallyTime = iota
	TallyFirstClosed
	TallyClosed
)

// Known is the time itself, or another if there is none of that value.
func (by TallyTime) Known() TallyTime { return min(max(by, TallyAnswered), TallyClosed) }

// Tally is what is counted of a ticket, or of an hour of a group; or how far the log is counted. Which it is, the id says.
type Tally struct {
	TallyID   string    `json:"tallyId"`
	GroupID   string    `json:"groupId,omitempty"`  // internal id of the home group
	ChangedAt time.Time `json:"changedAt,omitzero"` // of the newest event in it; of an hour, when it began; zero: it is kept for ever
	// Batch is the newest batch of events that is counted in it, so that none is counted twice.
	Batch int64 `json:"batch,omitempty"`

	// Of a ticket.
	Number        int64     `json:"number,omitempty"`  // of its newest event in it
	Partial       bool      `json:"partial,omitempty"` // some of its events were deleted before they were counted
	CreatedAt     time.Time `json:"createdAt,omitzero"`
	AnsweredAt    time.Time `json:"answeredAt,omitzero"`    // the first answer
	FirstClosedAt time.Time `json:"firstClosedAt,omitzero"` // by whoever FirstClosedBy is
	ClosedAt      time.Time `json:"closedAt,omitzero"`      // zero: it is not closed
	AnsweredBy    Creator   `json:"answeredBy,omitzero"`
	FirstClosedBy Creator   `json:"firstClosedBy,omitzero"`
	ClosedBy      Creator   `json:"closedBy,omitzero"`

	// Of an hour.
	Counts []TallyCount `json:"counts,omitempty"`

	// Of the log, by partition: up to which position it is counted, and up to which the newest batch goes, which may be
	// counted in part. CompleteSince is from when on everything is counted; zero: from the beginning.
	Positions     []int64   `json:"positions,omitempty"`
	Next          []int64   `json:"next,omitempty"`
	CompleteSince time.Time `json:"completeSince,omitzero"`

	Version int64 `json:"version"`
}

// TallyCount is what somebody did in a quarter of an hour.
type TallyCount struct {
	Quarter  int     `json:"quarter,omitempty"` // of the hour, 0 to 3
	By       Creator `json:"by,omitzero"`
	Opened   int64   `json:"opened,omitempty"`
	Closed   int64   `json:"closed,omitempty"`
	Reopened int64   `json:"reopened,omitempty"`
	Asked    int64   `json:"asked,omitempty"`    // messages in tickets that they had opened
	Answered int64   `json:"answered,omitempty"` // messages in other tickets
	Notes    int64   `json:"notes,omitempty"`
}

// At is one of the times that tallies are listed by.
func (t *Tally) At(by TallyTime) time.Time {
	switch by.Known() {
	case TallyAnswered:
		return t.AnsweredAt
	case TallyFirstClosed:
		return t.FirstClosedAt
	}
	return t.ClosedAt
}

// Kept returns the tally with its times as they are kept.
func (t Tally) Kept() Tally {
	t.ChangedAt, t.CreatedAt, t.AnsweredAt = Kept(t.ChangedAt), Kept(t.CreatedAt), Kept(t.AnsweredAt)
	t.FirstClosedAt, t.ClosedAt, t.CompleteSince = Kept(t.FirstClosedAt), Kept(t.ClosedAt), Kept(t.CompleteSince)
	return t
}
