package storage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What both stores share of lists and searches of tickets: which lists are served, their order and their cursors, how
// a text is searched for, and how a page is filled from candidates.

// ErrNoIndex says that no index serves a list with these filters in this order. Its text says what can't be combined.
var ErrNoIndex = errors.New("no index serves this list")

// TicketQuery asks for a page of a list of tickets. Empty fields do not filter.
//
// These lists are served, each with or without a range of the time that it is sorted by. Any other is ErrNoIndex.
//   - By creation or by last change: all tickets, or those of a group, a creator, a group and creator, some priorities,
//     or a group and some priorities; each with or without some statuses.
//   - By last message: all tickets, or those of a group; each with or without some statuses.
//   - By how long they wait: those that wait for the desk or for the customer, all or those of a group; each with or without
//     some statuses. Other lists are not filtered by that.
//   - By creation only: the tickets of an assignee, all or those of a group; each with or without some statuses.
//   - By creation only: the tickets with an external id or a text, with any of statuses, priorities, group, creator,
//     assignee and for whom they wait. A text is searched for in several groups at once, too.
type TicketQuery struct {
	Statuses   []string // one of these
	Priorities []string // one of these
	GroupID    string   // internal id of the home group
	Groups     []string // with a text: any of these home groups, instead of a search of each
	Creator    CreatorKey
	ExternalID string
	WaitingFor string // WaitsForDesk or WaitsForCustomer
	Assignee   string // Telegram id of the person who has claimed them
	// Text finds the tickets whose title and description together have every word of it; see Search.
	Text string

	By          TicketTime
	OldestFirst bool
	From, To    time.Time // range of the time that the list is sorted by: From <= time < To; zero: no limit
	After       *Cursor
	Limit       int
}

// TicketTime is the time of a ticket that a list is sorted by.
type TicketTime int

// The times that lists are sorted by.
const (
	ByCreated TicketTime = iota
	ByUpdated
	ByLastMessage
	ByWaiting // since when they wait for the other side
)

// Statuses and Priorities are those that tickets have.
var (
	Statuses   = []string{"open", "pending", "closed"}
	Priorities = []string{"low", "normal", "high", "urgent"}
)

// CreatorKey is what identifies a creator.
type CreatorKey struct{ Kind, ID string }

// Cursor is the time and id of the last ticket of a page. Tickets that are added meanwhile do not shift it.
type Cursor struct {
	At time.Time
	ID string
}

// TicketPage is one page of a list. Next is nil on the last page. A page of a search may be shorter than asked for and
// still have a next one, because only LooksAtMost tickets are examined for one page.
type TicketPage struct {
	Tickets []Ticket
	Next    *Cursor
}

// Served returns nil when an index serves the query.
func (q *TicketQuery) Served() error {
	creator := q.Creator != CreatorKey{}
	switch {
	case q.Text != "" && q.ExternalID != "":
		return fmt.Errorf("%w: text and externalId can't be combined", ErrNoIndex)
	case len(q.Groups) > 0 && (q.Text == "" || q.GroupID != ""):
		return fmt.Errorf("%w: only a search is filtered by several groups", ErrNoIndex)
	case q.WaitingFor != "" && q.WaitingFor != WaitsForDesk && q.WaitingFor != WaitsForCustomer:
		return fmt.Errorf("%w: no ticket waits for %q", ErrNoIndex, q.WaitingFor)
	case q.Looks() && q.By != ByCreated:
		return fmt.Errorf("%w: with text or externalId, tickets come in the order of creation", ErrNoIndex)
	case !q.Looks() && creator && len(q.Priorities) > 0:
		return fmt.Errorf("%w: creator and priority can't be combined", ErrNoIndex)
	case q.By == ByLastMessage && (creator || len(q.Priorities) > 0):
		return fmt.Errorf("%w: by last message, tickets of a creator or a priority can't be listed", ErrNoIndex)
	case !q.Looks() && (q.By == ByWaiting) != (q.WaitingFor != ""):
		return fmt.Errorf("%w: what waits for somebody is listed by how long it waits, and nothing else is", ErrNoIndex)
	case q.By == ByWaiting && (creator || len(q.Priorities) > 0):
		return fmt.Errorf("%w: by waiting, tickets of a creator or a priority can't be listed", ErrNoIndex)
	case !q.Looks() && q.Assignee != "" && (q.By != ByCreated || creator || len(q.Priorities) > 0):
		return fmt.Errorf("%w: tickets of an assignee are listed by creation, with groupId and status at most", ErrNoIndex)
	case len(q.Statuses) > len(Statuses) || len(q.Priorities) > len(Priorities):
		return fmt.Errorf("%w: a status or priority is asked for twice", ErrNoIndex)
	case q.Text != "":
		_, err := NewSearch(q.Text, false)
		return err
	}
	return nil
}

// Looks says whether the index yields only candidates, which must be examined one by one.
func (q *TicketQuery) Looks() bool { return q.Text != "" || q.ExternalID != "" }

// LooksAtMost is how many candidates are examined for one page.
const LooksAtMost = 1000

// Time is the time of a ticket that the list is sorted by.
func (q *TicketQuery) Time(t *Ticket) time.Time {
	switch q.By {
	case ByUpdated:
		return Kept(t.UpdatedAt)
	case ByLastMessage:
		return Kept(t.LastMessageAt)
	case ByWaiting:
		return Kept(t.WaitingSince)
	}
	return Kept(t.CreatedAt)
}

// Place returns the cursor at a ticket.
func (q *TicketQuery) Place(t *Ticket) *Cursor {
	return &Cursor{At: q.Time(t), ID: t.TicketID}
}

// Compare orders two cursors as the list does.
func (q *TicketQuery) Compare(a, b *Cursor) int {
	c := a.At.Compare(b.At)
	if c == 0 {
		c = strings.Compare(a.ID, b.ID)
	}
	if !q.OldestFirst {
		c = -c
	}
	return c
}

// Wants says whether a ticket belongs in the list, after its cursor. A ticket whose time is not set is in no list.
func (q *TicketQuery) Wants(t *Ticket, s *Search) bool {
	at := q.Time(t)
	switch {
	case at.IsZero(),
		len(q.Statuses) > 0 && !slices.Contains(q.Statuses, t.Status),
		len(q.Priorities) > 0 && !slices.Contains(q.Priorities, t.Priority),
		q.GroupID != "" && t.GroupID != q.GroupID,
		len(q.Groups) > 0 && !slices.Contains(q.Groups, t.GroupID),
		q.Creator != CreatorKey{} && q.Creator != CreatorKey{t.CreatedBy.Kind, t.CreatedBy.ID},
		q.ExternalID != "" && t.ExternalID != q.ExternalID,
		q.WaitingFor != "" && t.WaitingFor != q.WaitingFor,
		q.Assignee != "" && t.AssigneeID() != q.Assignee,
		!q.From.IsZero() && at.Before(q.From),
		!q.To.IsZero() && !at.Before(q.To),
		q.After != nil && q.Compare(q.Place(t), q.After) <= 0:
		return false
	}
	return s == nil || s.Finds(t)
}

// Bounds returns the cursors between which the list lies. Both are exclusive. They are in ascending order, whatever
// the order of the list.
func (q *TicketQuery) Bounds() (low, high Cursor) {
	low, high = Cursor{At: time.Time{}, ID: last}, Cursor{At: forever, ID: last}
	if !q.From.IsZero() {
		low = Cursor{At: ceil(q.From)}
	}
	if !q.To.IsZero() {
		high = Cursor{At: ceil(q.To)}
	}
	if a := q.After; a != nil {
		at := Cursor{At: Kept(a.At), ID: a.ID}
		if q.OldestFirst && ascending(low, at) {
			low = at
		}
		if !q.OldestFirst && ascending(at, high) {
			high = at
		}
	}
	return low, high
}

// last sorts after every id, since ids are UTF-8; forever is after every time.
const last = "\U0010FFFF\U0010FFFF"

var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func ascending(a, b Cursor) bool {
	c := a.At.Compare(b.At)
	return c < 0 || c == 0 && a.ID < b.ID
}

// ceil returns the first whole millisecond that is not before t: stored times are kept to the millisecond.
func ceil(t time.Time) time.Time {
	k := Kept(t)
	if k.Before(t) {
		k = k.Add(time.Millisecond)
	}
	return k
}

// Search is a text to search for, as words separated by white space. Thai has no spaces between words, so a Thai
// phrase is one long word. What looks the same is the same (Fold).
type Search struct {
	words, grams             []string
	formerWords, formerGrams []string // by the folding before; none: that can't search for the text
	number                   int64    // the text is this number of a ticket; 0: it is none
}

const (
	searchedLength = 8000 // characters of title and description that are searched
	searchLength   = 200  // most characters of a text to search for
)

// ErrSearch says that a text can't be searched for; its text says why.
var ErrSearch = errors.New("this text can't be searched for")

// NewSearch reads a text to search for. At least one of its words must have three characters, or two of Chinese,
// Japanese or Korean, because the index holds grams: so many consecutive characters of a word. Shorter words are looked
// for in the candidates that the longer words find. outdated says that some tickets may be indexed by the folding before.
// A text that is a number finds the ticket with that number too, however short it is; with "#" before it, only that.
func NewSearch(text string, outdated bool) (*Search, error) {
	if utf8.RuneCountInString(text) > searchLength {
		return nil, fmt.Errorf("%w: it is longer than %d characters", ErrSearch, searchLength)
	}
	digits, only := strings.CutPrefix(strings.TrimSpace(text), "#")
	number, err := strconv.ParseInt(digits, 10, 64)
	s := &Search{words: wordsIn(Fold(text))}
	if err == nil && number > 0 && digits[0] != '+' {
		s.number = number
		if only {
			return s, nil
		}
	}
	s.grams = grams(s.words)
	if outdated && len(s.grams) > 0 {
		s.formerWords = wordsIn(formerFold(text))
		s.formerGrams = formerGrams(s.formerWords)
	}
	if len(s.grams) == 0 && s.number == 0 {
		return nil, fmt.Errorf("%w: one of its words must have %d characters or more, or %d of Chinese, Japanese or Korean",
			ErrSearch, gramLength, denseLength)
	}
	return s, nil
}

// wordsIn are the words of a folded text, the longest first, each once.
func wordsIn(text string) []string {
	words := strings.Fields(text)
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(words)
}

// Number returns the number of a ticket that is found whatever its text is; 0: none.
func (s *Search) Number() int64 { return s.number }

// Grams returns the grams that a ticket must have to be found by its text. Those of the longest word come first. None:
// only the ticket with the number is found.
func (s *Search) Grams() []string { return s.grams }

// FormerGrams returns the grams that a ticket must have instead if it was indexed before the folding changed; none: it
// could not be found then.
func (s *Search) FormerGrams() []string { return s.formerGrams }

// Finds says whether a ticket's title and description together have every word, or the ticket has the number.
func (s *Search) Finds(t *Ticket) bool {
	if s.number != 0 && t.Number == s.number {
		return true
	}
	if len(s.grams) == 0 {
		return false
	}
	text := searched(t)
	return hasAll(Fold(text), s.words) || len(s.formerGrams) > 0 && hasAll(formerFold(text), s.formerWords)
}

func hasAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// Grams returns the grams of a ticket's title and description, in no order. The search indexes them.
func Grams(t *Ticket) []string { return grams(strings.Fields(Fold(searched(t)))) }

func searched(t *Ticket) string {
	text := t.Title + "\n" + t.Description
	if len(text) > searchedLength {
		n := 0
		for i := range text {
			if n == searchedLength {
				text = text[:i]
				break
			}
			n++
		}
	}
	return text
}

// Looker fills a page from the candidates that an index yields, by examining each. They come in the order of the
// list, but those of one millisecond may come in any order among themselves.
type Looker struct {
	q      *TicketQuery
	search *Search
	page   TicketPage
	moment []Ticket // those found so far in the current millisecond
	at     time.Time
	looked int
	until  time.Time // when to stop; zero: only LooksAtMost counts
	last   *Cursor   // every candidate up to it was examined
	also   *Ticket   // a candidate that the index may not yield
	added  bool      // it was examined
}

// NewLooker returns a Looker for one page of q. s is nil unless q has a text.
func NewLooker(q *TicketQuery, s *Search) *Looker { return &Looker{q: q, search: s} }

// Until sets when to stop, however few candidates were examined: a long text takes a millisecond.
func (l *Looker) Until(t time.Time) { l.until = t }

// Also adds a candidate that is examined where it comes in the order of the list. The index may yield it, too.
func (l *Looker) Also(t *Ticket) { l.also = t }

// Look examines a candidate. It returns false when the page is full or enough candidates were examined.
func (l *Looker) Look(t *Ticket) bool {
	also := l.also
	switch {
	case also == nil:
	case also.TicketID == t.TicketID:
		if l.added {
			return true
		}
		l.added = true
	case !l.added && l.q.Compare(l.q.Place(also), l.q.Place(t)) < 0:
		if l.added = true; !l.look(also) {
			return false
		}
	}
	return l.look(t)
}

func (l *Looker) look(t *Ticket) bool {
	at := l.q.Time(t)
	if l.looked > 0 && !at.Equal(l.at) {
		l.endMoment()
		enough := len(l.page.Tickets) > l.q.Limit || l.looked >= LooksAtMost
		if enough || !l.until.IsZero() && time.Now().After(l.until) {
			return false
		}
	}
	l.at = at
	l.looked++
	if l.q.Wants(t, l.search) {
		l.moment = append(l.moment, *t)
	}
	if cursor := l.q.Place(t); l.last == nil || l.q.Compare(l.last, cursor) < 0 {
		l.last = cursor
	}
	return true
}

// endMoment adds what was found in the current millisecond to the page, in the order of the list.
func (l *Looker) endMoment() {
	slices.SortFunc(l.moment, func(a, b Ticket) int { return l.q.Compare(l.q.Place(&a), l.q.Place(&b)) })
	l.page.Tickets = append(l.page.Tickets, l.moment...)
	clear(l.moment)
	l.moment = l.moment[:0]
}

// Page returns the page. all says that the index has no more candidates.
func (l *Looker) Page(all bool) TicketPage {
	if all {
		if l.also != nil && !l.added {
			l.look(l.also)
		}
		l.endMoment()
	}
	switch {
	case len(l.page.Tickets) > l.q.Limit:
		l.page.Tickets = l.page.Tickets[:l.q.Limit]
		l.page.Next = l.q.Place(&l.page.Tickets[l.q.Limit-1])
	case !all:
		l.page.Next = l.last
	}
	return l.page
}
