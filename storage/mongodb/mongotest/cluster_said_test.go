package mongotest_test

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// talk has Alice say one more message in the home topic of a ticket.
func (d *desks) talk(l *line) {
	d.Helper()
	d.mu.Lock()
	l.spoken++
	word := fmt.Sprintf("m-%04d", l.spoken)
	l.words = append(l.words, word)
	l.said[word] = time.Now()
	d.mu.Unlock()
	d.say(d.alice, l.home, l.thread, "it says "+word)
}

var sayings = regexp.MustCompile(`m-\d{4}`)

// onCopy notes what the bot posts.
func (d *desks) onCopy(m simulator.Message) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		if l.there != m.Chat || l.thereTo != m.Thread {
			continue
		}
		for _, word := range sayings.FindAllString(m.Text, -1) {
			if _, before := l.came[word]; before {
				l.again[word+fmt.Sprint(m.ID)] = now
			} else {
				l.came[word] = now
			}
		}
	}
}

// arrival is what has come of all that was said.
type arrival struct {
	said, lost, disorder int // copies: words, those that never came, tickets whose words are out of order
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
	for deadline, i := time.Now().Add(patience), 0; i < len(d.lines); i++ {
		d.within(max(time.Until(deadline), time.Millisecond), all(d.lines[i]))
	}
	d.await("every update is taken", func() bool { return d.sim.Pending() == 0 })
	for _, l := range d.lines {
		var got []string
		for _, m := range d.sim.Messages(l.there, l.thereTo) {
			for _, word := range sayings.FindAllString(m.Text, -1) {
				if m.From.IsBot && !slices.Contains(got, word) {
					got = append(got, word)
				}
			}
		}
		d.mu.Lock()
		lost := l.lacking()
		l.words = slices.DeleteFunc(l.words, func(word string) bool { return slices.Contains(lost, word) })
		if len(lost) > 0 {
			d.Errorf("%s: %v never came", l.title, lost)
		}
		if !slices.Equal(got, l.words) {
			a.disorder++
			d.Errorf("%s: got %v, want %v", l.title, got, l.words)
		}
		a.lost += len(lost)
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
