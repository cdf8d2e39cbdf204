package storage

import (
	"context"
	"time"
)

// Monitor keeps what has gone wrong: groups of errors, and problems. There are at most some thousands of either.
type Monitor interface {
	ErrorGroup(ctx context.Context, fingerprint string) (*ErrorGroup, error)
	// ErrorGroups lists the groups after the given fingerprint, ordered by it.
	ErrorGroups(ctx context.Context, after string, limit int) ([]ErrorGroup, error)
	// SaveErrorGroups inserts (Version 0; ErrExists) or updates (ErrConflict) each. When it fails, some may be saved; their
	// versions say so.
	SaveErrorGroups(ctx context.Context, groups []*ErrorGroup) error
	// DeleteErrorGroup deletes the group if the stored version is the given one (ErrConflict).
	DeleteErrorGroup(ctx context.Context, fingerprint string, version int64) error

	Problem(ctx context.Context, problemID string) (*Problem, error)
	// Problems lists the problems after the given id, ordered by it.
	Problems(ctx context.Context, after string, limit int) ([]Problem, error)
	// SaveProblem inserts (Version 0; ErrExists) or updates (ErrConflict).
	SaveProblem(ctx context.Context, p *Problem) error
	// DeleteProblem deletes the problem if the stored version is the given one (ErrConflict).
	DeleteProblem(ctx context.Context, problemID string, version int64) error
}

// ErrorGroup is all warnings and errors of one fingerprint.
type ErrorGroup struct {
	Fingerprint string    `json:"fingerprint"`
	Component   string    `json:"component"` // the part of the service
	Place       string    `json:"place"`     // in the code
	Message     string    `json:"message"`
	Kind        string    `json:"kind,omitempty"` // of the error
	Level       string    `json:"level"`          // warning | error
	Count       int64     `json:"count"`
	FirstAt     time.Time `json:"firstAt"`
	LastAt      time.Time `json:"lastAt"`
	ResolvedAt  time.Time `json:"resolvedAt,omitzero"` // zero: it is open
	MutedUntil  time.Time `json:"mutedUntil,omitzero"`
	// Occurrence is the number, in the desk, of the newest time that it was new or came back. Told is the occurrence of which
	// there is an event, and Through the number up to which that event has told of others, too. ToldAt is when it was made.
	Occurrence int64     `json:"occurrence"`
	Told       int64     `json:"told,omitempty"`
	Through    int64     `json:"through,omitempty"`
	ToldAt     time.Time `json:"toldAt,omitzero"`
	// Some of what it is about.
	TicketIDs    []string `json:"ticketIds,omitempty"`
	GroupIDs     []string `json:"groupIds,omitempty"`
	WebhookIDs   []string `json:"webhookIds,omitempty"`
	MoreWebhooks bool     `json:"moreWebhooks,omitempty"`
	Facts        []Fact   `json:"facts,omitempty"`    // about the newest example
	Reports      []Report `json:"reports,omitempty"`  // that are counted, the newest of each process
	Unlogged     []Event  `json:"unlogged,omitempty"` // events that are not in the log yet
	Revision     int64    `json:"revision"`           // of what people have said of it
	Version      int64    `json:"version"`
}

// Fact is one fact about an example of an error.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Report says through which sequence the reports of a process are counted.
type Report struct {
	Boot     string `json:"boot"`
	Sequence int64  `json:"sequence"`
}

// Problem is something wrong that people can mend. It keeps its record when it closes, and opens again in the same.
type Problem struct {
	ProblemID  string    `json:"problemId"`
	Kind       string    `json:"kind"`
	Subject    string    `json:"subject,omitempty"` // internal id of what it is about; "": the desk
	Name       string    `json:"name,omitempty"`    // of the subject, for people
	Detail     string    `json:"detail,omitempty"`
	OpenedAt   time.Time `json:"openedAt"`
	ClosedAt   time.Time `json:"closedAt,omitzero"` // zero: it is open
	MutedUntil time.Time `json:"mutedUntil,omitzero"`
	Times      int64     `json:"times"`            // that it has opened
	Posted     int64     `json:"posted,omitempty"` // the time whose opening was posted
	ToPost     string    `json:"toPost,omitempty"` // opened | closed; "": nothing
	Version    int64     `json:"version"`
}

func (g ErrorGroup) Kept() ErrorGroup {
	g.FirstAt, g.LastAt, g.ResolvedAt = Kept(g.FirstAt), Kept(g.LastAt), Kept(g.ResolvedAt)
	g.MutedUntil, g.ToldAt = Kept(g.MutedUntil), Kept(g.ToldAt)
	g.Unlogged = keptEach(g.Unlogged, func(e *Event) { e.At = Kept(e.At) })
	return g
}

func (p Problem) Kept() Problem {
	p.OpenedAt, p.ClosedAt, p.MutedUntil = Kept(p.OpenedAt), Kept(p.ClosedAt), Kept(p.MutedUntil)
	return p
}
