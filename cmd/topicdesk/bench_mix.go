package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// benchMix is the percentage of actions that are media, edits and albums; the rest are texts. replies is the
// percentage of texts and media that are replies.
type benchMix struct {
	media, edits, replies, albums int
}

func (x benchMix) check() error {
	if min(x.media, x.edits, x.replies, x.albums) < 0 || x.media+x.edits+x.albums > 100 || x.replies > 100 {
		return errors.New("--media, --edits, --albums and --replies are percentages; " +
			"the first three must be at most 100 together")
	}
	return nil
}

func (x benchMix) String() string {
	if x == (benchMix{}) {
		return "texts"
	}
	return fmt.Sprintf("%d%% media, %d%% edits, %d%% replies, %d%% albums", x.media, x.edits, x.replies, x.albums)
}

// benchKinds are media with a caption.
var benchKinds = []string{"photo", "document", "video", "voice"}

const (
	benchRecent     = 8 // messages of a topic that can be answered or edited
	benchAlbumParts = 3
	benchEdit       = " edited by " // stands before the number of the action that edited a message
)

// mixer remembers the last messages of each topic, so that people can answer and edit them.
type mixer struct {
	benchMix
	rng    *rand.Rand
	recent map[[2]int][]benchMessage // by ticket and side
}

type benchMessage struct {
	n, id  int
	edited int // number of the last action that edited it
}

func newMixer(x benchMix) *mixer {
	m := &mixer{benchMix: x, rng: rand.New(rand.NewPCG(1, 2))}
	m.forget()
	return m
}

func (m *mixer) forget() {
	m.recent = map[[2]int][]benchMessage{}
}

// act lets one person do something. It goes round the tickets and their sides, and returns how many actions that was.
func (w *benchWorld) act(n int) (int, error) {
	m, at := w.mix, [2]int{n % len(w.tickets), n / len(w.tickets) % 2}
	t, side := w.tickets[at[0]], at[1]
	p := simulator.Post{From: w.talkers[t.pair][side], Chat: w.groups[t.pair][side], Thread: t.thread[side]}
	var there []int // which recent messages have arrived in their current form
	if m.edits+m.replies > 0 {
		there = w.arrivedAt(at)
	}
	switch what := m.rng.IntN(100); {
	case what < m.edits && len(there) > 0:
		s := &m.recent[at][there[m.rng.IntN(len(there))]]
		s.edited = n
		w.begin(n)
		_, err := w.sim.Edit(p.From, p.Chat, s.id, benchMark+strconv.Itoa(s.n)+benchEdit+strconv.Itoa(n))
		return 1, err
	case what < m.edits+m.albums && what >= m.edits:
		p.Album = w.sim.NewAlbum()
		for i := range benchAlbumParts {
			p.Media = &simulator.Upload{Kind: "photo", FileName: "photo.jpg", Data: []byte(strconv.Itoa(n + i))}
			if err := w.post(n+i, at, p); err != nil {
				return 0, err
			}
		}
		return benchAlbumParts, nil
	case what < m.edits+m.albums+m.media && what >= m.edits+m.albums:
		kind := benchKinds[m.rng.IntN(len(benchKinds))]
		p.Media = &simulator.Upload{Kind: kind, FileName: kind, Data: []byte(strconv.Itoa(n))}
	}
	if len(there) > 0 && m.rng.IntN(100) < m.replies {
		p.ReplyTo = m.recent[at][there[m.rng.IntN(len(there))]].id
	}
	return 1, w.post(n, at, p)
}

func (w *benchWorld) post(n int, at [2]int, p simulator.Post) error {
	p.Text = benchMark + strconv.Itoa(n)
	w.begin(n)
	posted, err := w.sim.Post(p)
	if err != nil || p.Album != "" {
		return err
	}
	all := append(w.mix.recent[at], benchMessage{n: n, id: posted.ID, edited: -1})
	w.mix.recent[at] = all[max(0, len(all)-benchRecent):]
	return nil
}

// arrivedAt lists which recent messages of a topic have arrived in their current form.
func (w *benchWorld) arrivedAt(at [2]int) (there []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.mix.recent[at] {
		_, waits := w.sentAt[s.n]
		if _, edited := w.sentAt[s.edited]; !waits && !edited {
			there = append(there, i)
		}
	}
	return there
}

func (w *benchWorld) begin(n int) {
	w.mu.Lock()
	now := time.Now()
	w.sentAt[n], w.posted[n] = now, now
	w.mu.Unlock()
}

// benchNumber reads from the text of a copy which action it shows.
func benchNumber(text string) (n int, found bool) {
	at := strings.LastIndex(text, benchMark) // the answered message may be quoted before it
	if at < 0 {
		return 0, false
	}
	text = text[at+len(benchMark):]
	if _, by, edited := strings.Cut(text, benchEdit); edited {
		text = by
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
