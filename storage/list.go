package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ErrNoIndex says that no index serves a list with these filters in this order; its text says which are served.
var ErrNoIndex = errors.New("no index serves this list")

// TicketQuery asks for a page of a list of tickets. Empty fields do not filter.
//
// Served are: status, alone or with one of group, creator, group and creator, priority, group and priority, each of these also
// without a status, in the order of creation or of the last change, with a range of that time; externalId with any of
// status, priority, group and creator, in the order of creation; text likewise. Anything else is ErrNoIndex.
type TicketQuery struct {
	Status     string
	Priority   string
	GroupID    string // internal id of the home group
	Creator    CreatorKey
	ExternalID string
	// Text finds tickets of which title or description has every word of it, as Search says.
	Text string

	ByUpdated   bool // in the order of the last change, else of creation
	OldestFirst bool
	From, To    time.Time // of the time that is sorted by: From <= time < To; zero: no limit
	After       *TicketPlace
	Limit       int
}

// CreatorKey is what identifies a creator.
type CreatorKey struct{ Kind, ID string }

// TicketPlace is where in a list a page ended: a ticket's time and id. What is added meanwhile moves nothing.
type TicketPlace struct {
	At time.Time
	ID string
}

// TicketPage is a part of a list. Next is nil when there is nothing after it. A page of a search may be shorter than asked
// for although there is a next one: only so many tickets are looked at for one page.
type TicketPage struct {
	Tickets []Ticket
	Next    *TicketPlace
}

// Served returns nil when an index serves the query.
func (q *TicketQuery) Served() error {
	creator := q.Creator != CreatorKey{}
	switch {
	case q.Text != "" && q.ExternalID != "":
		return fmt.Errorf("%w: text and externalId can't be combined", ErrNoIndex)
	case q.Looks() && q.ByUpdated:
		return fmt.Errorf("%w: with text or externalId, tickets come in the order of creation", ErrNoIndex)
	case !q.Looks() && creator && q.Priority != "":
		return fmt.Errorf("%w: creator and priority can't be combined", ErrNoIndex)
	case q.Text != "":
		_, err := NewSearch(q.Text)
		return err
	}
	return nil
}

// Looks says whether the tickets that an index offers are looked at one by one.
func (q *TicketQuery) Looks() bool { return q.Text != "" || q.ExternalID != "" }

// LooksAtMost is how many tickets are looked at for one page.
const LooksAtMost = 1000

// Time is the time of a ticket that the list is sorted by.
func (q *TicketQuery) Time(t *Ticket) time.Time {
	if q.ByUpdated {
		return Kept(t.UpdatedAt)
	}
	return Kept(t.CreatedAt)
}

// Place is a ticket's place in the list.
func (q *TicketQuery) Place(t *Ticket) *TicketPlace {
	return &TicketPlace{At: q.Time(t), ID: t.TicketID}
}

// Compare orders two places as the list does.
func (q *TicketQuery) Compare(a, b *TicketPlace) int {
	c := a.At.Compare(b.At)
	if c == 0 {
		c = strings.Compare(a.ID, b.ID)
	}
	if !q.OldestFirst {
		c = -c
	}
	return c
}

// Wants says whether a ticket belongs into the list, after the place that it goes on from. A ticket whose time is not set is
// in no list.
func (q *TicketQuery) Wants(t *Ticket, s *Search) bool {
	at := q.Time(t)
	switch {
	case at.IsZero(),
		q.Status != "" && t.Status != q.Status,
		q.Priority != "" && t.Priority != q.Priority,
		q.GroupID != "" && t.GroupID != q.GroupID,
		q.Creator != CreatorKey{} && q.Creator != CreatorKey{t.CreatedBy.Kind, t.CreatedBy.ID},
		q.ExternalID != "" && t.ExternalID != q.ExternalID,
		!q.From.IsZero() && at.Before(q.From),
		!q.To.IsZero() && !at.Before(q.To),
		q.After != nil && q.Compare(q.Place(t), q.After) <= 0:
		return false
	}
	return s == nil || s.Finds(t)
}

// Bounds are the places between which the list lies, exclusive and in ascending order, whatever the order of the list.
func (q *TicketQuery) Bounds() (low, high TicketPlace) {
	low, high = TicketPlace{At: time.Time{}, ID: last}, TicketPlace{At: forever, ID: last}
	if !q.From.IsZero() {
		low = TicketPlace{At: ceil(q.From)}
	}
	if !q.To.IsZero() {
		high = TicketPlace{At: ceil(q.To)}
	}
	if a := q.After; a != nil {
		at := TicketPlace{At: Kept(a.At), ID: a.ID}
		if q.OldestFirst && ascending(low, at) {
			low = at
		}
		if !q.OldestFirst && ascending(at, high) {
			high = at
		}
	}
	return low, high
}

// last is after every id, which are UTF-8; forever is after every time.
const last = "\U0010FFFF\U0010FFFF"

var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func ascending(a, b TicketPlace) bool {
	c := a.At.Compare(b.At)
	return c < 0 || c == 0 && a.ID < b.ID
}

// ceil is the first whole millisecond that is not before t: stored times have no parts of one.
func ceil(t time.Time) time.Time {
	k := Kept(t)
	if k.Before(t) {
		k = k.Add(time.Millisecond)
	}
	return k
}

// Search is a text to be found: its words. White space parts them; Thai, which has none between words, is one long word.
// Capitals and small letters are the same, and so are the ways of Unicode to write one character.
type Search struct {
	words []string
	grams []string
}

const (
	gramLength = 3 // characters
	// searchLength is how much of title and description is searched, and how long a text to be found may be.
	searchedLength = 8000
	searchLength   = 200
)

// ErrSearch says that a text can't be searched for; its text says why.
var ErrSearch = errors.New("this text can't be searched for")

// NewSearch reads a text to be found. One of its words needs three characters: the index holds every three that follow each
// other in a word. Shorter words beside it are looked for in what that one finds.
func NewSearch(text string) (*Search, error) {
	if utf8.RuneCountInString(text) > searchLength {
		return nil, fmt.Errorf("%w: it is longer than %d characters", ErrSearch, searchLength)
	}
	s := &Search{words: strings.Fields(Fold(text))}
	slices.SortStableFunc(s.words, func(a, b string) int { return len(b) - len(a) })
	s.words = slices.Compact(s.words)
	s.grams = grams(s.words)
	if len(s.grams) == 0 {
		return nil, fmt.Errorf("%w: one of its words must have %d characters or more", ErrSearch, gramLength)
	}
	return s, nil
}

// Grams are the trigrams that a ticket must have to be found; those of the longest word come first.
func (s *Search) Grams() []string { return s.grams }

// Finds says whether title or description of a ticket has every word.
func (s *Search) Finds(t *Ticket) bool {
	text := searched(t)
	for _, w := range s.words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// Grams are the trigrams of a ticket's title and description, without order: what its index for searches is on.
func Grams(t *Ticket) []string { return grams(strings.Fields(searched(t))) }

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
	return Fold(text)
}

func grams(words []string) (all []string) {
	seen := map[string]bool{}
	for _, word := range words {
		var starts []int
		for i := range word {
			starts = append(starts, i)
		}
		starts = append(starts, len(word))
		for i := 0; i+gramLength < len(starts); i++ {
			if gram := word[starts[i]:starts[i+gramLength]]; !seen[gram] {
				seen[gram] = true
				all = append(all, gram)
			}
		}
	}
	return all
}

// Fold brings a text into the form in which texts are compared: without the difference of capitals and small letters, and
// composed (NFC), so that a vowel and its mark are the same however they were typed.
func Fold(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			plain = false
			break
		}
	}
	if plain {
		return strings.ToLower(s)
	}
	folded := cases.Fold().String(norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")))
	// The Turkish capital İ folds to an i with a dot above, which nobody types.
	return norm.NFC.String(strings.ReplaceAll(folded, "i\u0307", "i"))
}

// Looker fills a page from tickets that an index offers roughly: it looks at each. Those of one moment may come in any order
// among themselves.
type Looker struct {
	q      *TicketQuery
	search *Search
	page   TicketPage
	moment []Ticket // wanted, of the moment that is being offered
	at     time.Time
	looked int
	until  time.Time    // when it is enough; zero: only LooksAtMost counts
	last   *TicketPlace // everything up to it was looked at
}

func NewLooker(q *TicketQuery, s *Search) *Looker { return &Looker{q: q, search: s} }

// Until sets when it is enough, however few were looked at: to look at long texts takes a millisecond each.
func (l *Looker) Until(t time.Time) { l.until = t }

// Look takes a ticket; false: the page is full, or enough was looked at.
func (l *Looker) Look(t *Ticket) bool {
	at := l.q.Time(t)
	if l.looked > 0 && !at.Equal(l.at) {
		l.endMoment()
		if len(l.page.Tickets) > l.q.Limit || l.looked >= LooksAtMost || !l.until.IsZero() && time.Now().After(l.until) {
			return false
		}
	}
	l.at = at
	l.looked++
	if l.q.Wants(t, l.search) {
		l.moment = append(l.moment, *t)
	}
	if place := l.q.Place(t); l.last == nil || l.q.Compare(l.last, place) < 0 {
		l.last = place
	}
	return true
}

// endMoment adds to the page what was found of the moment that was looked at, in the order of the list.
func (l *Looker) endMoment() {
	slices.SortFunc(l.moment, func(a, b Ticket) int { return l.q.Compare(l.q.Place(&a), l.q.Place(&b)) })
	l.page.Tickets = append(l.page.Tickets, l.moment...)
	clear(l.moment)
	l.moment = l.moment[:0]
}

// Page is the page; all: nothing more was offered.
func (l *Looker) Page(all bool) TicketPage {
	if all {
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
