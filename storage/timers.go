package storage

import "time"

// Timers are what follows from a ticket at a certain time, and what was told of it. Those that follow from the ticket and its
// group's settings are worked out whenever it is saved.
type Timers struct {
	// Settings is the TimesRevision of the group that they follow from, and one; 0: an earlier program saved the ticket last.
	Settings int64 `json:"settings,omitempty"`
	// AnswerDueAt is when an answer of the desk is due; zero: none is.
	AnswerDueAt time.Time `json:"answerDueAt,omitzero"`
	// OverdueAt is since when the answer is overdue; zero: it is not. Reminded says that it was overdue in this wait before, and that
	// was told, until the ticket was put aside; Unsaid that the reminder of it was withdrawn before it had left.
	OverdueAt time.Time `json:"overdueAt,omitzero"`
	Reminded  bool      `json:"reminded,omitempty"`
	Unsaid    bool      `json:"unsaid,omitempty"`
	// LapsesAt is when the claim lapses if nobody says anything; zero: never. ClaimHeardAt is when whoever has the ticket got it, or
	// has said something last.
	LapsesAt     time.Time `json:"lapsesAt,omitzero"`
	ClaimHeardAt time.Time `json:"claimHeardAt,omitzero"`
	// SnoozedUntil is until when the ticket is put aside; zero: it is not. Snoozer is who did that, nil: a program or nobody; it is
	// never changed in place. WokenAt is when that ended last.
	SnoozedUntil time.Time `json:"snoozedUntil,omitzero"`
	Snoozer      *Creator  `json:"snoozer,omitempty"`
	WokenAt      time.Time `json:"wokenAt,omitzero"`
	// WarnsAt is when the customer is to be told that the ticket closes by itself; zero: never. WarnedAt is when that was told in this
	// wait. ClosesAt is when it closes; zero: it does not. Planned says who has set that, with /close_ticket; nil: nobody has, and
	// it closes because the customer says nothing. QuietSince is the moment from which on their silence counts, if that is
	// later than the beginning of the wait.
	WarnsAt    time.Time       `json:"warnsAt,omitzero"`
	WarnedAt   time.Time       `json:"warnedAt,omitzero"`
	ClosesAt   time.Time       `json:"closesAt,omitzero"`
	Planned    *PlannedClosing `json:"planned,omitempty"`
	QuietSince time.Time       `json:"quietSince,omitzero"`
	// AwayUntil is when the desk is back, as a customer was told last.
	AwayUntil time.Time `json:"awayUntil,omitzero"`
}

// PlannedClosing is by whom it was set that a ticket closes later, and when. It is never changed in place.
type PlannedClosing struct {
	By Creator   `json:"by"`
	At time.Time `json:"at"` // when it was set, or set anew
	// Untold says that the customer could not be told, since their topic was not open.
	Untold bool `json:"untold,omitempty"`
}

// AutoClose says when a ticket that waits for the customer closes by itself, in minutes: how long it waits until the customer
// is told, and how long from then on. With After 0 it never does.
type AutoClose struct {
	After  int64 `json:"after"`
	Notice int64 `json:"notice"`
}

// Next is when the first of them is due; zero: none is. A ticket that is put aside has no other.
func (t Timers) Next() time.Time {
	if !t.SnoozedUntil.IsZero() {
		return t.SnoozedUntil
	}
	next := t.LapsesAt
	if at := t.AnswerDueAt; t.OverdueAt.IsZero() && !at.IsZero() && (next.IsZero() || at.Before(next)) {
		next = at
	}
	for _, at := range []time.Time{t.WarnsAt, t.ClosesAt} {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// TakeUp ends that the ticket is put aside. From then on another answer is due.
func (t *Timers) TakeUp(now time.Time) {
	t.SnoozedUntil, t.Snoozer, t.WokenAt = time.Time{}, nil, now
	t.Reminded = t.Reminded || !t.OverdueAt.IsZero()
	t.AnswerDueAt, t.OverdueAt = time.Time{}, time.Time{}
}

// Waits forgets what was due, and told, in the wait before.
func (t *Timers) Waits() {
	t.AnswerDueAt, t.OverdueAt, t.LapsesAt, t.WarnsAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	t.Reminded, t.Unsaid = false, false
}

func (t Timers) kept() Timers {
	for _, at := range []*time.Time{&t.AnswerDueAt, &t.OverdueAt, &t.LapsesAt, &t.ClaimHeardAt, &t.SnoozedUntil, &t.WokenAt, &t.AwayUntil,
		&t.WarnsAt, &t.WarnedAt, &t.ClosesAt, &t.QuietSince} {
		*at = Kept(*at)
	}
	return t
}

// Untimed says that an open ticket's timers are unknown, since an earlier program saved it last. Its entity works them out
// when it is loaded.
func (t *Ticket) Untimed() bool { return t.Timers.Settings == 0 && t.Status != "closed" }

// Overdue says whether an answer is overdue, and people were told. A ticket that is put aside is not overdue.
func (t *Ticket) Overdue() bool {
	return t.WaitingFor == WaitsForDesk && !t.Timers.OverdueAt.IsZero() && t.Timers.SnoozedUntil.IsZero()
}

// SnoozedUntil is until when the ticket is put aside; zero: it is not.
func (t *Ticket) SnoozedUntil() time.Time { return t.Timers.SnoozedUntil }

// AnswerTimes are within how many minutes of working time an answer is due, by the ticket's priority; 0: it never is.
type AnswerTimes struct {
	Low    int64 `json:"low"`
	Normal int64 `json:"normal"`
	High   int64 `json:"high"`
	Urgent int64 `json:"urgent"`
}
