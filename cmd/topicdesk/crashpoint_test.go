package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/topicdesk/topicdesk/simulator"
)

// Crash points: a small story is played, the service dies at one point of it, a new one starts on the same database,
// and the story goes on. In the end everything must look as if nothing had happened.
//
// A life is one activation of the service, whether as an App in this process or as a process of its own.

// step is one step of the story. The person who acts does not know whether the service runs.
type step struct {
	name string
	tell func(d *desk)
}

// longText is so long that its copy takes two messages.
var longText = strings.TrimSpace(strings.Repeat("a long story about the printer, ", 127))

var story = []step{
	{"the bot comes into the groups", func(d *desk) { d.addBot() }},
	{"bob receives tickets in Works", func(d *desk) { d.say(d.bob, d.works, 0, "/default_group") }},
	{"alice opens a ticket", func(d *desk) { d.say(d.alice, d.support, 0, "/create_ticket Printer\nIt burns.") }},
	{"alice says what she knows", func(d *desk) {
		d.say(d.alice, d.support, d.topic(d.support, "Printer"), "it began at noon")
		d.say(d.alice, d.support, d.topic(d.support, "Printer"), "// she sounds angry")
	}},
	{"alice mentions bob", func(d *desk) {
		d.say(d.alice, d.support, d.topic(d.support, "Printer"), "/mention @bob_b")
	}},
	{"both talk", func(d *desk) {
		home, linked := d.topic(d.support, "Printer"), d.topic(d.works, "Printer")
		d.must(d.sim.PostAll( // in one moment: whether a copy or a person comes first must not depend on the machine
			simulator.Post{From: d.alice, Chat: d.support, Thread: home, Text: "can you help?"},
			simulator.Post{From: d.bob, Chat: d.works, Thread: linked, Text: "on my way"},
			simulator.Post{From: d.dan, Chat: d.support, Thread: home, Text: "// do not tell them the price"},
			simulator.Post{From: d.dan, Chat: d.support, Thread: home, Text: "bring water"},
		))
	}},
	{"bob answers the copy, alice answers bob's copy at length", func(d *desk) {
		home, linked := d.topic(d.support, "Printer"), d.topic(d.works, "Printer")
		d.must(d.sim.PostAll(
			simulator.Post{From: d.bob, Chat: d.works, Thread: linked, Text: "I have water",
				ReplyTo: d.find(d.works, linked, "bring water").ID},
			simulator.Post{From: d.alice, Chat: d.support, Thread: home, Text: longText,
				ReplyTo: d.find(d.support, home, "on my way").ID},
		))
	}},
	{"alice answers what she said before bob came", func(d *desk) {
		home := d.topic(d.support, "Printer")
		d.say(d.alice, d.support, home, "since then, as I said", d.find(d.support, home, "it began at noon").ID)
	}},
	{"alice deletes what she answered", func(d *desk) {
		home := d.topic(d.support, "Printer")
		d.say(d.alice, d.support, home, "/delete", d.find(d.support, home, "it began at noon").ID)
	}},
	{"bob waits", func(d *desk) { d.say(d.bob, d.works, d.topic(d.works, "Printer"), "/pending") }},
	{"alice presses a button and chooses", func(d *desk) {
		home := d.topic(d.support, "Printer")
		card := d.find(d.support, home, "🎫")
		_, err := d.sim.Press(d.alice, d.support, card.ID, "priority:"+ticketIDs.FindString(card.Buttons[0][0].Data))
		d.must(err)
		d.say(d.alice, d.support, home, "/priority high")
	}},
	{"bob closes", func(d *desk) { d.say(d.bob, d.works, d.topic(d.works, "Printer"), "/close_ticket it is out") }},
	{"alice says thanks in the closed topic", func(d *desk) {
		d.say(d.alice, d.support, d.topic(d.support, "Printer"), "thanks")
	}},
	{"alice reopens", func(d *desk) { d.say(d.alice, d.support, d.topic(d.support, "Printer"), "/reopen_ticket") }},
	{"bob unlinks", func(d *desk) {
		linked := d.topic(d.works, "Printer")
		d.say(d.bob, d.works, linked, "last words")
		d.say(d.bob, d.works, linked, "/unlink")
		d.say(d.bob, d.works, linked, "nobody hears this")
	}},
	{"bob links again", func(d *desk) {
		linked := d.topic(d.works, "Printer")
		card := d.find(d.support, d.topic(d.support, "Printer"), "🎫") // that in Bob's topic says that it is none any more
		d.say(d.bob, d.works, linked, "/link "+numbers.FindString(card.Text))
	}},
	{"both talk again", func(d *desk) {
		home, linked := d.topic(d.support, "Printer"), d.topic(d.works, "Printer")
		d.must(d.sim.PostAll(
			simulator.Post{From: d.alice, Chat: d.support, Thread: home, Text: "hello again"},
			simulator.Post{From: d.bob, Chat: d.works, Thread: linked, Text: "hello back"},
		))
	}},
	{"alice asks for her tickets", func(d *desk) {
		d.say(d.alice, 0, 0, "/tickets")
		d.say(d.alice, d.support, d.topic(d.support, "Printer"), "/ticket")
	}},
}

// play is one performance of the story, in one or more lives of the App.
type play struct {
	*desk
	ledger *ledger
	gate   *gate
	log    bytes.Buffer
	logMu  sync.Mutex
	calls  []call
	after  []*ledger // by life: what storage held when it had ended
	lives  int

	writes, made  int     // in the first life
	lost, repeats int     // calls
	faults        *faults // of the current life
	end           context.CancelFunc
	ended         chan error
}

// gate is the way to Telegram of one life. A life that has ended can neither call nor confirm updates.
type gate struct {
	sim  http.Handler
	life atomic.Pointer[faults]
	shut atomic.Bool // only getMe gets through
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.shut.Load() && !strings.HasSuffix(r.URL.Path, "/getMe") && !strings.HasSuffix(r.URL.Path, "/deleteWebhook") {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if f := g.life.Load(); f == nil || f.isDead() {
		panic(http.ErrAbortHandler)
	}
	g.sim.ServeHTTP(w, r)
}

func newPlay(t testing.TB) *play {
	p := &play{desk: newDesk(t), ledger: newLedger()}
	p.gate = &gate{sim: p.sim}
	server := httptest.NewServer(p.gate)
	t.Cleanup(server.Close)
	p.url = server.URL
	t.Cleanup(func() {
		if p.end != nil {
			p.end()
			t.Log("the service ended:", <-p.ended)
		}
		if t.Failed() {
			p.logMu.Lock()
			defer p.logMu.Unlock()
			t.Logf("the service's log:\n%s", p.log.String())
		}
	})
	return p
}

// Write receives the service's log.
func (p *play) Write(b []byte) (int, error) {
	p.logMu.Lock()
	defer p.logMu.Unlock()
	return p.log.Write(b)
}

// begin starts a life that dies at a point.
func (p *play) begin(point crashPoint) {
	ctx, cancel := context.WithCancel(context.Background())
	life := p.lives
	p.lives++
	p.faults = &faults{point: point, life: life, count: map[string]int{}, crash: cancel,
		wrote: func(_ string, record any) {
			p.ledger.wrote(record)
			p.poke()
		},
		noted: func(c call) {
			p.logMu.Lock()
			defer p.logMu.Unlock()
			p.calls = append(p.calls, c)
		},
	}
	p.gate.life.Store(p.faults)
	app := &App{Config: p.config(), Log: slog.New(slog.NewTextHandler(p, nil)).With("life", life),
		WrapStore: p.faults.wrapStore, WrapTelegram: p.faults.wrapTelegram}
	p.end, p.ended = cancel, make(chan error, 1)
	go func(ended chan error) {
		err := app.Run(ctx)
		ended <- err
		p.poke()
	}(p.ended)
}

// stop ends the current life: gracefully, unless it has died already.
func (p *play) stop() {
	p.Helper()
	p.end()
	p.end = nil
	select {
	case err := <-p.ended:
		if err != nil && !p.faults.isDead() {
			p.Fatalf("stop: %v", err)
		}
	case <-time.After(patience):
		p.Fatal("the service does not stop")
	}
	p.after = append(p.after, p.ledger.at())
	if p.lives == 1 {
		p.writes, p.made = p.faults.counted(afterWrite), p.faults.counted(beforeCall)
	}
}

// settle waits until nothing is pending. If the service dies meanwhile, it starts a new life and waits on.
func (p *play) settle(what string, also func() bool) {
	p.Helper()
	why := func() string {
		return fmt.Sprintf("%s: %d updates wait, %s", what, p.sim.Pending(), p.ledger.pending())
	}
	p.await(why, func() bool {
		select {
		case err := <-p.ended:
			if !p.faults.isDead() {
				p.Fatalf("%s: the service ended: %v", what, err)
			}
			p.ended <- err
		default:
		}
		return p.faults.isDead() || p.sim.Pending() == 0 && p.ledger.pending() == "" && also()
	})
	if p.faults.isDead() {
		p.stop()
		p.begin(crashPoint{})
		p.settle(what, also)
	}
}

func always() bool { return true }

// run plays the story with a crash at a point, and then starts one more life, which has nothing left to do but what
// people write in it. It returns what people see in the end.
func (p *play) run(point crashPoint) string {
	p.Helper()
	p.begin(point)
	for _, s := range story {
		s.tell(p.desk)
		p.settle(s.name, always)
	}
	p.settle("the end", p.ledger.numbered)
	p.must(p.ledger.gaps())
	p.stop()
	p.begin(crashPoint{})
	p.say(p.alice, p.support, p.topic(p.support, "Printer"), "the next morning")
	p.say(p.bob, p.works, p.topic(p.works, "Printer"), "good morning")
	p.settle("the next morning", always)
	p.stop()
	if twice := p.topicsTwice(); len(twice) > 0 {
		p.Errorf("topics that were opened twice: %q", twice)
	}
	p.logMu.Lock()
	calls := slices.Clone(p.calls)
	p.logMu.Unlock()
	r := repeatsOf(calls, func(life int) *ledger { return p.after[life] })
	for _, what := range r.wrong {
		p.Error(what)
	}
	for life := range p.lives - 1 {
		p.lost += lostOf(calls, life, p.after[life]).count
	}
	p.repeats = r.count
	return p.transcript(func(m simulator.Message) bool { return r.first[[2]int64{m.Chat, int64(m.ID)}] })
}

// points are all crash points of the first life.
func (p *play) points() (all []crashPoint) {
	for n := 1; n <= p.writes; n++ {
		all = append(all, crashPoint{afterWrite, n})
	}
	for n := 1; n <= p.made; n++ {
		all = append(all, crashPoint{beforeCall, n}, crashPoint{afterCall, n})
	}
	return all
}

// everyNth is how many points a short run skips for each that it tries, because all of them take minutes with the
// race detector. The choice is another one each time.
const everyNth = 15

// TestCrashPoints lets the service die at points of the story: after a write, before a call, and after a call before
// it learns the outcome. With TOPICDESK_LONG=1 it tries all points.
func TestCrashPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("long: a service for each of many crash points")
	}
	t.Parallel()
	whole := newPlay(t)
	want := whole.run(crashPoint{})
	if whole.repeats != 0 {
		t.Errorf("%d calls were made twice without a crash", whole.repeats)
	}
	points := whole.points()
	if !long() {
		from, all := rand.IntN(everyNth), points
		points = nil
		for i := from; i < len(all); i += everyNth {
			points = append(points, all[i])
		}
		t.Logf("every %dth of %d points, from the %dth on", everyNth, len(all), from)
	}
	var missed, lost, repeated atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d points (%d of them were not reached), %d calls lost, %d repeated",
			len(points), missed.Load(), lost.Load(), repeated.Load())
	})
	for _, point := range points {
		t.Run(strings.ReplaceAll(point.String(), " ", "-"), func(t *testing.T) {
			t.Parallel()
			p := newPlay(t)
			if got := p.run(point); got != want {
				t.Errorf("people see something else than without the crash:\n%s",
					cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
			}
			if p.lives == 2 {
				missed.Add(1)
			}
			lost.Add(int64(p.lost))
			repeated.Add(int64(p.repeats))
		})
	}
}

// lookAgain makes await check its condition again and again, for conditions that depend on another process.
func (d *desk) lookAgain(ctx context.Context) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.poke()
		}
	}
}

// calls reports whether a call of a life is in flight, or the life ends after one, or the copy that the previous life
// posted last is still to be repeated. A reply to a message whose call was lost with its process answers a message
// that the desk never gets to know.
func (d *desk) calls(life int) bool {
	all, err := readCalls(d.callsFile())
	d.must(err)
	under, repeat := 0, ""
	for _, c := range all {
		if c.Last && c.Kind == "SendCopy" {
			repeat = c.Operation
		}
		switch {
		case c.Life != life:
		case c.Last:
			return true
		case c.Over:
			under--
			if c.Operation == repeat {
				repeat = ""
			}
		default:
			under++
		}
	}
	return under > 0 || repeat != ""
}

// killed is the exit code of a process that was killed.
const killed = -1

// unpinned reports whether a message is a card that is not pinned: its call was lost with the process.
func unpinned(m simulator.Message) bool {
	return m.From.IsBot && m.ReplyTo == 0 && !m.Pinned && strings.Contains(m.Text, "🎫")
}

// once leaves out what the bot posted before, word for word, in the same topic. It moves cards to the front of their
// topics: a card whose call was lost is posted again, after the answers that were posted meanwhile.
func once(transcript string) string {
	var b, cards, rest strings.Builder
	said := map[string]bool{}
	topic := func() {
		b.WriteString(cards.String() + rest.String())
		cards.Reset()
		rest.Reset()
		clear(said)
	}
	lines := strings.SplitAfter(transcript, "\n")
	for i := 0; i < len(lines); {
		from := i
		for i++; i < len(lines) && !speaks.MatchString(lines[i]); i++ {
		}
		text := strings.Join(lines[from:i], "")
		switch bots := strings.HasPrefix(text, "Topicdesk: "); {
		case strings.HasPrefix(text, "=="):
			topic()
			b.WriteString(text)
		case bots && said[text]:
		case bots && strings.Contains(text, "🎫"):
			cards.WriteString(text)
		default:
			rest.WriteString(text)
		}
		said[text] = true
	}
	topic()
	return b.String()
}

// speaks finds the beginning of a topic or of a message in a transcript.
var speaks = regexp.MustCompile(`^(==|Topicdesk:|Alice:|Bob:|Dan:|Carol:) `)

// seen is what people see, without what was posted twice because a call was lost.
// withoutFormer leaves out what the bot posted as it was wanted at an earlier step, in the same topic: where an answer was lost the post
// stands twice, and the desk, which knows the second one only, edits that.
func withoutFormer(seen, want string, earlier []string) string {
	wanted, former := map[[2]string]bool{}, map[[2]string]bool{}
	for _, p := range pieces(want) {
		wanted[p] = true
	}
	for _, one := range earlier {
		for _, p := range pieces(one) {
			former[p] = true
		}
	}
	var b strings.Builder
	for _, p := range pieces(seen) {
		if wanted[p] || !former[p] || !strings.HasPrefix(p[1], "Topicdesk: ") {
			b.WriteString(p[1])
		}
	}
	return b.String()
}

// pieces are the posts of a transcript, each with the head of its topic, and these heads.
func pieces(transcript string) (all [][2]string) {
	topic, lines := "", strings.SplitAfter(transcript, "\n")
	for i := 0; i < len(lines); {
		from := i
		for i++; i < len(lines) && !speaks.MatchString(lines[i]); i++ {
		}
		text := strings.Join(lines[from:i], "")
		if strings.HasPrefix(text, "==") {
			topic, _, _ = strings.Cut(text, ", open")
		}
		all = append(all, [2]string{topic, text})
	}
	return all
}

func TestWithoutFormer(t *testing.T) {
	const open = "== Works, #1, open\n"
	const before, after, other = "Topicdesk: Last messages\nit burns\n", "Topicdesk: Last messages\n[deleted]\n", "Bob: it burns\n"
	earlier := []string{open + before + other}
	for seen, want := range map[string]string{
		open + before + after + other:                        open + after + other,
		open + after + before + other:                        open + after + other,
		open + before + other:                                open + other, // it should say something else by now
		"== Support, open\n" + before + open + after + other: "== Support, open\n" + before + open + after + other,
	} {
		if got := withoutFormer(seen, open+after+other, earlier); got != want {
			t.Errorf("%q: %q", seen, got)
		}
	}
}

func (d *desk) seen() string { return once(d.transcript(unpinned)) }

var answers = regexp.MustCompile(`(?m)^(.*) \[answers "(.*)"\]$`)

// answered is what people see, with replies in place of quotations where replies are wanted. Somebody may reply to a
// copy in the milliseconds before its call's outcome is lost with the process. The desk does not know that copy: it
// was sent again, and the reply quotes it.
func answered(seen, want string) string {
	for _, m := range answers.FindAllStringSubmatch(want, -1) {
		for _, name := range []string{"Alice", "Bob", "Dan"} {
			seen = strings.ReplaceAll(seen, name+" "+m[2]+"\n"+m[1]+"\n", m[0]+"\n")
		}
	}
	return seen
}

// TestAnswered checks that a quotation counts as the reply that is wanted, and that nothing else does.
func TestAnswered(t *testing.T) {
	const want = "Topicdesk: Bob\nI have water [answers \"bring water\"]\n"
	for seen, same := range map[string]bool{
		want: true,
		"Topicdesk: Bob\nDan bring water\nI have water\n":        true,
		"Topicdesk: Bob\nI have water\n":                         false,
		"Topicdesk: Bob\nDan bring beer\nI have water\n":         false,
		"Topicdesk: Bob\nI have water [answers \"on my way\"]\n": false,
	} {
		if got := answered(seen, want) == want; got != same {
			t.Errorf("%q: %v", seen, got)
		}
	}
}
