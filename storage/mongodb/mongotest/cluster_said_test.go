package mongotest_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// A word begins with where it was said.
const (
	atHome = "m" // in the home topic, by Alice
	away   = "w" // in the other one, by the colleague
)

var sayings = regexp.MustCompile(`\b[` + atHome + away + `]-\d{4}\b`)

// corrected ends the text of a message that was edited.
const corrected = ", corrected"

// talk has somebody say one more message in a ticket: Alice in the home topic, and every third time the colleague in the other one. Now
// and then (edits) somebody also edits what was said before.
func (d *desks) talk(l *line) {
	d.Helper()
	d.mu.Lock()
	l.spoken++
	n, from := l.spoken, atHome
	if n%3 == 0 {
		from = away
	}
	word := fmt.Sprintf("%s-%04d", from, n)
	l.words = append(l.words, word)
	l.said[word] = time.Now()
	before := ""
	if every := edits(); every > 0 && n%every == 0 && len(l.words) > 2 {
		before = l.words[len(l.words)-3]
		l.edited = append(l.edited, before)
	}
	d.mu.Unlock()
	who, chat, thread := l.place(d, word)
	m, err := d.sim.Post(simulator.Post{From: who, Chat: chat, Thread: thread, Text: "it says " + word})
	must(d.T, err)
	d.mu.Lock()
	l.posts[word] = m.ID
	post := l.posts[before]
	d.mu.Unlock()
	if before != "" {
		who, chat, _ := l.place(d, before)
		_, err := d.sim.Edit(who, chat, post, "it says "+before+corrected)
		must(d.T, err)
	}
}

// place is who said a word, and where.
func (l *line) place(d *desks, word string) (who, chat int64, thread int) {
	if strings.HasPrefix(word, away) {
		return l.worker, l.there, l.thereTo
	}
	return d.alice, l.home, l.thread
}

// onCopy notes what the bot posts.
func (d *desks) onCopy(m simulator.Message) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		from := ""
		switch {
		case l.there == m.Chat && l.thereTo == m.Thread:
			from = atHome
		case l.home == m.Chat && l.thread == m.Thread:
			from = away
		default:
			continue
		}
		for _, word := range sayings.FindAllString(m.Text, -1) {
			if !strings.HasPrefix(word, from) {
				continue
			}
			if _, before := l.came[word]; before {
				l.again[word+fmt.Sprint(m.ID)] = now
			} else {
				l.came[word] = now
			}
		}
	}
}

// copies are the words from one topic of a ticket that the bot posted in the other, in the order of their first copies, and those of which
// a copy has the correction.
func (d *desks) copies(l *line, from string) (words []string, edited map[string]bool) {
	chat, thread := l.there, l.thereTo
	if from == away {
		chat, thread = l.home, l.thread
	}
	edited = map[string]bool{}
	for _, m := range d.sim.Messages(chat, thread) {
		for _, word := range sayings.FindAllString(m.Text, -1) {
			if !m.From.IsBot || !strings.HasPrefix(word, from) {
				continue
			}
			if !slices.Contains(words, word) {
				words = append(words, word)
			}
			edited[word] = edited[word] || strings.Contains(m.Text, word+corrected)
		}
	}
	return words, edited
}

// arrival is what has come of all that was said.
type arrival struct {
	said, lost, disorder int // words, the words and corrections whose copies never came, topics whose words are out of order
	again                int // copies that came again
	events               eventArrival
}

// arrived waits until all that was said is copied, delivered and fed, and checks the order. What is lost is lost once: it is not
// waited for again.
func (d *desks) arrived() (a arrival) {
	d.Helper()
	all := func(l *line) func() bool {
		return func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return len(l.lacking()) == 0
		}
	}
	deadline := time.Now().Add(patience)
	for _, l := range d.lines {
		d.within(max(time.Until(deadline), time.Millisecond), all(l))
	}
	d.await("every update is taken", func() bool { return d.sim.Pending() == 0 })
	for _, l := range d.lines {
		d.within(max(time.Until(deadline), time.Millisecond), func() bool { return len(d.uncorrected(l)) == 0 })
		uncorrected := d.uncorrected(l)
		copies := map[string][]string{}
		for _, from := range []string{atHome, away} {
			copies[from], _ = d.copies(l, from)
		}
		d.mu.Lock()
		lost := l.lacking()
		l.words = slices.DeleteFunc(l.words, func(word string) bool { return slices.Contains(lost, word) })
		if len(lost) > 0 {
			d.Errorf("%s: %v never came", l.title, lost)
		}
		l.edited = slices.DeleteFunc(l.edited, func(word string) bool { return slices.Contains(uncorrected, word) || slices.Contains(lost, word) })
		if len(uncorrected) > 0 {
			d.Errorf("%s: what was corrected never came for %v", l.title, uncorrected)
		}
		for from, got := range copies {
			want := slices.DeleteFunc(slices.Clone(l.words), func(word string) bool { return !strings.HasPrefix(word, from) })
			if !slices.Equal(got, want) {
				a.disorder++
				d.Errorf("%s: got %v, want %v", l.title, got, want)
			}
		}
		a.lost += len(lost) + len(uncorrected)
		a.said += l.spoken
		a.again += len(l.again)
		d.mu.Unlock()
	}
	a.events = d.events.arrived()
	return a
}

// lacking are the words whose copies have not come.
func (l *line) lacking() (words []string) {
	for _, word := range l.words {
		if l.came[word].IsZero() {
			words = append(words, word)
		}
	}
	return words
}

// uncorrected are the words that were said, copied and then edited, and whose copies still say what they did.
func (d *desks) uncorrected(l *line) (words []string) {
	_, there := d.copies(l, atHome)
	_, home := d.copies(l, away)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, word := range l.edited {
		if !there[word] && !home[word] && !l.came[word].IsZero() {
			words = append(words, word)
		}
	}
	return words
}
