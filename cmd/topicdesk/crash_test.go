package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// The kill loop: the real process is killed by SIGKILL at random moments while people write texts, media and albums,
// reply and edit, and is started again. Every message must arrive in every other topic of its ticket, in order. It
// may arrive twice only where the process was killed between the call and the write of its outcome. With
// DATABASE_URL=mongodb://host/ the service keeps its records there, each run in a database of its own.

// burstTickets and burstMessages are smaller unless the long tests run, and smaller still on a database server: FerretDB is slow.
var burstTickets, burstMessages = 20, 500

func init() {
	switch {
	case long():
	case onServer():
		burstTickets, burstMessages = 8, 150
	default:
		burstTickets, burstMessages = 16, 300 // tickets by four: each fourth has a third group
	}
}

const (
	burstAhead = 100 // messages that people post before the service has copied the earlier ones
	burstKills = 5

	// lostInTopic bounds how many calls of a topic may have an outcome that is not stored yet: a link enqueues so
	// many copies together.
	lostInTopic = 16

	// stopLimit is how long a stop after SIGTERM may take: the service's own limit is 9 s, and a busy machine may
	// stall.
	stopLimit = 20 * time.Second
)

// topicKey names a topic of a ticket.
type topicKey struct {
	group  int64
	thread int
}

// said is one message of the burst, or after it.
type said struct {
	token   string
	from    topicKey
	others  []topicKey // where it must arrive
	id      int
	replyTo string // token of the message that it answers
}

type burst struct {
	*desk
	mode    string
	rng     *rand.Rand
	rngMu   sync.Mutex
	process *process
	lives   int
	after   []*ledger // by process
	killed  map[int]bool

	tickets [][]topicKey // by ticket; home first
	mu      sync.Mutex
	said    map[string]*said
	edited  map[string]bool              // tokens
	posting sync.RWMutex                 // keeps the parts of an album together
	missing map[string]map[topicKey]bool // by token: where it has not arrived
	copies  int                          // all copies that have arrived, including repeats
	posts   atomic.Int64                 // messages of the bot
	open    atomic.Int64                 // messages that have not arrived everywhere
}

var tokens = regexp.MustCompile(`\b[mnsa]-\d{4}\b`)

// tokenOf finds the token of a message in the text of its copy. The text may begin with a quotation, where a copy
// can't reply to the answered message.
func tokenOf(text string) string {
	all := tokens.FindAllString(text, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

func newBurst(t *testing.T, mode string, seed uint64) *burst {
	d := newDesk(t)
	running, err := d.sim.Start("127.0.0.1:0")
	d.must(err)
	t.Cleanup(func() { _ = running.Stop() })
	d.url = running.URL
	b := &burst{desk: d, mode: mode, rng: rand.New(rand.NewPCG(seed, 1)), said: map[string]*said{},
		edited: map[string]bool{}, missing: map[string]map[topicKey]bool{},
		killed: map[int]bool{}}
	d.sim.OnBotMessage(b.arrived)
	return b
}

// answered reports whether the bot has answered somebody in the general topic of a group.
func (b *burst) answered(group int64) bool {
	return slices.ContainsFunc(b.sim.Messages(group, 0), func(m simulator.Message) bool {
		return m.From.IsBot && m.ReplyTo != 0
	})
}

// arrived notes a copy.
func (b *burst) arrived(m simulator.Message) {
	b.posts.Add(1)
	token := tokenOf(m.Text)
	if token == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.copies++
	if want := b.missing[token]; want != nil {
		delete(want, topicKey{m.Chat, m.Thread})
		if len(want) == 0 {
			delete(b.missing, token)
			b.open.Add(-1)
		}
	}
}

func (b *burst) arrivals() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.copies
}

func (b *burst) random(n int) int {
	b.rngMu.Lock()
	defer b.rngMu.Unlock()
	return b.rng.IntN(n)
}

func (b *burst) begin() {
	b.Helper()
	b.process = b.serve(b.mode, b.lives)
	b.lives++
}

// slow makes Telegram slow to post, until ClearFaults.
func (b *burst) slow() {
	b.Helper()
	b.must(b.sim.Inject(simulator.Fault{Method: "sendMessage", Kind: simulator.FaultSlow,
		Delay: 200 * time.Millisecond, Count: -1}))
}

// soon is a short random time from now.
func (b *burst) soon() { time.Sleep(time.Duration(b.random(20_000)) * time.Microsecond) }

// kill kills the process and starts the next one.
func (b *burst) kill() {
	b.Helper()
	b.killed[b.lives-1] = true
	b.process.kill()
	b.end()
	b.begin()
}

// stop ends the process gracefully.
func (b *burst) stop() {
	b.Helper()
	b.process.awaitReady() // a process that is stopped before it is ready also ends, without a graceful stop
	start := time.Now()
	if code := b.process.stop(); code != 0 {
		b.Errorf("exit code %d", code)
	}
	if took := time.Since(start); took > stopLimit {
		b.Errorf("the stop took %v", took)
	}
	b.end()
}

// end records what storage holds when a process has ended.
func (b *burst) end() {
	b.Helper()
	b.after = append(b.after, b.stored())
}

// prepare opens tickets and mentions bob on all of them, carol on some.
func (b *burst) prepare() {
	b.Helper()
	b.begin()
	b.addBot()
	b.say(b.bob, b.works, 0, "/default_group")
	b.say(b.carol, b.sales, 0, "/default_group")
	for n := range burstTickets {
		b.say(b.alice, b.support, 0, fmt.Sprintf("/create_ticket Case %02d", n))
	}
	b.await(func() string { return "tickets are opened" }, func() bool {
		return b.cards(b.support) == burstTickets && b.answered(b.works) && b.answered(b.sales) && b.sim.Pending() == 0
	})
	b.tickets = make([][]topicKey, burstTickets)
	for n := range b.tickets {
		home := b.topic(b.support, fmt.Sprintf("Case %02d", n))
		b.say(b.alice, b.support, home, "/mention @bob_b")
		if n%4 == 0 {
			b.say(b.alice, b.support, home, "/mention @carol")
		}
		b.tickets[n] = []topicKey{{b.support, home}}
	}
	b.await(func() string { return "people are mentioned" }, func() bool {
		return b.cards(b.works) == burstTickets && b.cards(b.sales) == burstTickets/4 && b.sim.Pending() == 0
	})
	for n := range b.tickets {
		name := fmt.Sprintf("Case %02d", n)
		b.tickets[n] = append(b.tickets[n], topicKey{b.works, b.topic(b.works, name)})
		if n%4 == 0 {
			b.tickets[n] = append(b.tickets[n], topicKey{b.sales, b.topic(b.sales, name)})
		}
	}
	b.stop()
}

// cards counts the cards in the topics of a group.
func (b *burst) cards(group int64) (n int) {
	for _, m := range b.sim.Messages(group, simulator.AllThreads) {
		if m.From.IsBot && m.Thread != 0 && strings.Contains(m.Text, "🎫") {
			n++
		}
	}
	return n
}

// tell posts a message in one topic of a ticket.
func (b *burst) tell(token string, ticket, at int, internal bool) {
	b.posting.RLock()
	defer b.posting.RUnlock()
	b.post(token, ticket, at, internal, "")
}

// album posts an album of photos.
func (b *burst) album(n, ticket, at int) {
	b.posting.Lock()
	defer b.posting.Unlock()
	id := b.sim.NewAlbum()
	for i := range 3 {
		b.post(fmt.Sprintf("a-%04d", 3*n+i), ticket, at, false, id)
	}
}

// edit lets somebody edit a message of a topic.
func (b *burst) edit(ticket, at int) {
	p := b.tickets[ticket][at]
	all := slices.DeleteFunc(b.sim.Messages(p.group, p.thread), func(m simulator.Message) bool {
		return m.From.IsBot || m.Service != nil || !strings.HasPrefix(m.Text, "this is ")
	})
	if len(all) == 0 {
		return
	}
	m := all[b.random(len(all))]
	text := fmt.Sprintf("this is %s of the story, in version %d", tokenOf(m.Text), b.random(1000))
	if _, err := b.sim.Edit(m.From.ID, m.Chat, m.ID, text); err != nil {
		b.Error(err)
	}
	b.mu.Lock()
	b.edited[tokenOf(m.Text)] = true
	b.mu.Unlock()
}

func (b *burst) post(token string, ticket, at int, internal bool, album string) {
	topics := b.tickets[ticket]
	s := &said{token: token, from: topics[at]}
	speakers := map[int64][]int64{b.support: {b.alice, b.bob, b.dan}, b.works: {b.bob, b.dan},
		b.sales: {b.carol}}[s.from.group]
	from := speakers[b.random(len(speakers))]
	if strings.HasPrefix(token, "s") {
		from = speakers[0] // an administrator, who may also write in a closed topic
	}
	p := simulator.Post{From: from, Chat: s.from.group, Thread: s.from.thread,
		Text: "this is " + token + " of the story"}
	// 30% are media with a caption
	if kind := []string{9: "photo", 8: "document", 7: "voice"}[b.random(10)]; kind != "" {
		p.Media = &simulator.Upload{Kind: kind, FileName: "of " + token, Data: []byte(token)}
	}
	if album != "" {
		p.Album, p.Media = album, &simulator.Upload{Kind: "photo", FileName: "of " + token, Data: []byte(token)}
		p.From = speakers[0]
	}
	if internal {
		p.Text = "// " + p.Text
	} else {
		s.others = slices.Concat(topics[:at], topics[at+1:])
	}
	if album == "" && b.random(5) == 0 {
		heard := b.sim.Messages(s.from.group, s.from.thread)
		if m := heard[b.random(len(heard))]; m.Service == nil && tokens.MatchString(m.Text) &&
			!strings.HasPrefix(m.Text, "//") {
			p.ReplyTo, s.replyTo = m.ID, tokenOf(m.Text)
		}
	}
	b.mu.Lock()
	b.said[token] = s
	if len(s.others) > 0 {
		b.missing[token] = map[topicKey]bool{}
		for _, o := range s.others {
			b.missing[token][o] = true
		}
		b.open.Add(1)
	}
	b.mu.Unlock()
	m, err := b.sim.Post(p)
	if err != nil {
		b.Error(err)
	}
	b.mu.Lock()
	s.id = m.ID
	b.mu.Unlock()
}

// talk lets several people post the whole burst, as fast as the service follows.
func (b *burst) talk(ctx context.Context) {
	const people = 4
	var talking sync.WaitGroup
	for i := range people {
		talking.Go(func() {
			for n := i; n < burstMessages; n += people {
				if b.sim.Await(ctx, func() bool { return b.open.Load() < burstAhead }) != nil {
					return
				}
				ticket := b.random(burstTickets)
				kind, internal := "m", b.random(10) == 0
				if internal {
					kind = "n"
				}
				at := b.random(len(b.tickets[ticket]))
				switch b.random(10) {
				case 0:
					b.edit(ticket, b.random(len(b.tickets[ticket])))
				case 1:
					if n%3 == 0 {
						b.album(n, ticket, at)
						continue
					}
				}
				b.tell(fmt.Sprintf("%s-%04d", kind, n), ticket, at, internal)
			}
		})
	}
	talking.Wait()
}

func (b *burst) allArrived() bool { return b.open.Load() == 0 && b.sim.Pending() == 0 }

func (b *burst) state() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	some := ""
	for token, where := range b.missing {
		some = fmt.Sprintf("%s is missing in %v", token, where)
		break
	}
	return fmt.Sprintf("%d messages have not arrived everywhere (%s), %d updates wait",
		len(b.missing), some, b.sim.Pending())
}

// last posts a message in each topic after a graceful stop. Whatever the new process still had to send comes before
// it.
func (b *burst) last() {
	b.Helper()
	b.stop()
	b.begin()
	n := 0
	for ticket := range b.tickets {
		for at := range b.tickets[ticket] {
			b.tell(fmt.Sprintf("s-%04d", n), ticket, at, false)
			n++
		}
	}
	b.await(b.state, func() bool { return b.allArrived() && b.allShown() && b.allOpen() })
	b.stop()
}

// allOpen says whether people see each ticket as open: what is said on a closed one reopens it, which is shown later.
func (b *burst) allOpen() bool {
	for _, topics := range b.tickets {
		for _, at := range topics {
			all := b.sim.Topics(at.group)
			i := slices.IndexFunc(all, func(t simulator.Topic) bool { return t.Thread == at.thread })
			if i < 0 || all[i].Closed || !slices.ContainsFunc(b.sim.Messages(at.group, at.thread), func(m simulator.Message) bool {
				return strings.Contains(m.Text, "🎫 #") && strings.Contains(m.Text, "🟢 Open") // its card
			}) {
				return false
			}
		}
	}
	return true
}

func TestKillLoop(t *testing.T) {
	if testing.Short() {
		t.Skip("long: kills processes under load")
	}
	t.Parallel()
	rounds := 1
	switch {
	case long() && onServer():
		rounds = 2
	case long():
		rounds = 10
	}
	for _, mode := range []string{"polling", "webhook"} {
		for round := range rounds {
			t.Run(fmt.Sprintf("%s/%d", mode, round+1), func(t *testing.T) {
				if !onServer() { // the server carries out one command at a time
					t.Parallel()
				}
				killLoop(t, mode)
			})
		}
	}
}

func killLoop(t *testing.T, mode string) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	b := newBurst(t, mode, seed)
	b.prepare()
	start := time.Now()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	b.begin()
	var talking sync.WaitGroup
	talking.Go(func() { b.talk(ctx) })
	var kills []int
	for range burstKills - 1 {
		kills = append(kills, 10+b.random(burstMessages))
	}
	slices.Sort(kills)
	for _, at := range kills {
		b.await(b.state, func() bool { return b.arrivals() >= at || b.allArrived() })
		b.soon()
		b.kill()
	}
	// In the last round Telegram is slow and every message is accepted. What has not arrived then must arrive without
	// any further message.
	b.slow()
	talking.Wait()
	b.await(b.state, func() bool { return b.sim.Pending() == 0 })
	left := b.open.Load()
	b.kill()
	b.sim.ClearFaults()
	b.await(b.state, b.allArrived)
	took := time.Since(start)
	b.last()
	b.check(fmt.Sprintf("%s, %d kills, the last with %d messages in flight, %.1fs",
		mode, len(b.killed), left, took.Seconds()))
}
