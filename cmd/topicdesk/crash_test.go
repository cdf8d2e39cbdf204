package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// The kill loop: the real process is killed by SIGKILL at random moments while people talk, in texts, media and albums, answer and edit, and started again. Every message
// must arrive in every other topic of its ticket, in order, and twice only where the process was killed between the call and
// the write of its outcome. With DATABASE_URL=mongodb://host/ the service keeps its records there, each run in a database of
// its own.

// burstTickets and burstMessages are fewer on a server, unless the long tests are to run: FerretDB is slow.
var burstTickets, burstMessages = 20, 500

func init() {
	if onServer() && !long() {
		burstTickets, burstMessages = 8, 150
	}
}

const (
	burstAhead = 100 // messages posted before the service has mirrored the ones before
	burstKills = 5

	// lostInTopic bounds how far calls run ahead of the writing down of their outcomes: a link gives a chat so many at once.
	lostInTopic = 16

	// stopLimit is for a stop after SIGTERM: the service's own is 9 s, and a busy machine may stand still meanwhile.
	stopLimit = 20 * time.Second
)

// place is a topic of a ticket.
type place struct {
	group  int64
	thread int
}

// said is one message of the burst, or of what follows it.
type said struct {
	token   string
	from    place
	others  []place // where it must arrive
	id      int
	replyTo string // token of what it answers
}

type burst struct {
	*desk
	mode    string
	rng     *rand.Rand
	rngMu   sync.Mutex
	process *process
	lives   int
	after   []*ledger // by life
	killed  map[int]bool

	tickets [][]place // by ticket; home first
	mu      sync.Mutex
	said    map[string]*said
	edited  map[string]bool           // tokens
	posting sync.RWMutex              // an album comes in one piece
	missing map[string]map[place]bool // by token: where it has not arrived
	copies  int                       // of all that has arrived, repeats too
	posts   atomic.Int64              // messages of the bot
	open    atomic.Int64              // messages that have not arrived everywhere
}

var tokens = regexp.MustCompile(`\b[mnsa]-\d{4}\b`)

// tokenOf finds whose text it is; before it may stand the text that is answered, where a copy can't point at it.
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
	b := &burst{desk: d, mode: mode, rng: rand.New(rand.NewPCG(seed, 1)), said: map[string]*said{}, edited: map[string]bool{}, missing: map[string]map[place]bool{},
		killed: map[int]bool{}}
	d.sim.OnBotMessage(b.arrived)
	return b
}

// told says whether the bot has answered somebody in the general topic of a group.
func (b *burst) told(group int64) bool {
	return slices.ContainsFunc(b.sim.Messages(group, 0), func(m simulator.Message) bool { return m.From.IsBot && m.ReplyTo != 0 })
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
		delete(want, place{m.Chat, m.Thread})
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
	b.must(b.sim.Inject(simulator.Fault{Method: "sendMessage", Kind: simulator.FaultSlow, Delay: 200 * time.Millisecond, Count: -1}))
}

// soon is a random moment near this one.
func (b *burst) soon() { time.Sleep(time.Duration(b.random(20_000)) * time.Microsecond) }

// kill ends the present life at once and begins the next.
func (b *burst) kill() {
	b.Helper()
	b.killed[b.lives-1] = true
	b.process.kill()
	b.end()
	b.begin()
}

// stop ends the present life in peace.
func (b *burst) stop() {
	b.Helper()
	b.process.awaitReady() // who is told to stop before does so too, without taking leave
	start := time.Now()
	if code := b.process.stop(); code != 0 {
		b.Errorf("exit code %d", code)
	}
	if took := time.Since(start); took > stopLimit {
		b.Errorf("the stop took %v", took)
	}
	b.end()
}

// end notes what storage holds when a life is over.
func (b *burst) end() {
	b.Helper()
	b.after = append(b.after, b.stored())
}

// stored reads what the process left. Of a file it reads a copy: the next life must find it untouched.
func (b *burst) stored() *ledger {
	b.Helper()
	ctx := context.Background()
	store, err := openDesk(ctx, b.databaseCopy(), beside)
	b.must(err)
	defer func() { b.must(store.Close()) }()
	l, err := readLedger(ctx, store)
	b.must(err)
	return l
}

// databaseCopy is the address of the database as it is now.
func (b *burst) databaseCopy() string {
	b.Helper()
	if b.database != "" {
		return b.database
	}
	folder := b.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		from, err := os.Open(filepath.Join(b.folder, "topicdesk.db"+suffix))
		if os.IsNotExist(err) {
			continue
		}
		b.must(err)
		to, err := os.Create(filepath.Join(folder, "copy.db"+suffix))
		b.must(err)
		_, err = io.Copy(to, from)
		b.must(err)
		b.must(from.Close())
		b.must(to.Close())
	}
	return "sqlite://" + filepath.Join(folder, "copy.db")
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
		return b.cards(b.support) == burstTickets && b.told(b.works) && b.told(b.sales) && b.sim.Pending() == 0
	})
	b.tickets = make([][]place, burstTickets)
	for n := range b.tickets {
		home := b.topic(b.support, fmt.Sprintf("Case %02d", n))
		b.say(b.alice, b.support, home, "/mention @bob_b")
		if n%4 == 0 {
			b.say(b.alice, b.support, home, "/mention @carol")
		}
		b.tickets[n] = []place{{b.support, home}}
	}
	b.await(func() string { return "people are mentioned" }, func() bool {
		return b.cards(b.works) == burstTickets && b.cards(b.sales) == burstTickets/4 && b.sim.Pending() == 0
	})
	for n := range b.tickets {
		name := fmt.Sprintf("Case %02d", n)
		b.tickets[n] = append(b.tickets[n], place{b.works, b.topic(b.works, name)})
		if n%4 == 0 {
			b.tickets[n] = append(b.tickets[n], place{b.sales, b.topic(b.sales, name)})
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

// tell says something in one topic of a ticket.
func (b *burst) tell(token string, ticket, at int, internal bool) {
	b.posting.RLock()
	defer b.posting.RUnlock()
	b.post(token, ticket, at, internal, "")
}

// album posts photos that belong together.
func (b *burst) album(n, ticket, at int) {
	b.posting.Lock()
	defer b.posting.Unlock()
	id := b.sim.NewAlbum()
	for i := range 3 {
		b.post(fmt.Sprintf("a-%04d", 3*n+i), ticket, at, false, id)
	}
}

// edit has somebody change one of the messages of a topic.
func (b *burst) edit(ticket, at int) {
	p := b.tickets[ticket][at]
	all := slices.DeleteFunc(b.sim.Messages(p.group, p.thread), func(m simulator.Message) bool {
		return m.From.IsBot || m.Service != nil || !strings.HasPrefix(m.Text, "this is ")
	})
	if len(all) == 0 {
		return
	}
	m := all[b.random(len(all))]
	if _, err := b.sim.Edit(m.From.ID, m.Chat, m.ID, fmt.Sprintf("this is %s of the story, in version %d", tokenOf(m.Text), b.random(1000))); err != nil {
		b.Error(err)
	}
	b.mu.Lock()
	b.edited[tokenOf(m.Text)] = true
	b.mu.Unlock()
}

// allShown says whether every copy of what was edited shows that.
func (b *burst) allShown() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for token := range b.edited {
		for _, p := range b.said[token].others {
			if !b.shown(token, p) {
				return false
			}
		}
	}
	return true
}

// shown says whether a topic shows what somebody said as it is now; b.mu is held.
func (b *burst) shown(token string, p place) bool {
	s := b.said[token]
	is, _ := b.sim.Message(s.from.group, s.id)
	return slices.ContainsFunc(b.sim.Messages(p.group, p.thread), func(m simulator.Message) bool {
		return m.From.IsBot && strings.HasSuffix(m.Text, is.Text)
	})
}

func (b *burst) post(token string, ticket, at int, internal bool, album string) {
	places := b.tickets[ticket]
	s := &said{token: token, from: places[at]}
	speakers := map[int64][]int64{b.support: {b.alice, b.bob, b.dan}, b.works: {b.bob, b.dan}, b.sales: {b.carol}}[s.from.group]
	from := speakers[b.random(len(speakers))]
	if strings.HasPrefix(token, "s") {
		from = speakers[0] // who may write in a closed topic too
	}
	p := simulator.Post{From: from, Chat: s.from.group, Thread: s.from.thread, Text: "this is " + token + " of the story"}
	if kind := []string{9: "photo", 8: "document", 7: "voice"}[b.random(10)]; kind != "" { // three in ten are media with a caption
		p.Media = &simulator.Upload{Kind: kind, FileName: "of " + token, Data: []byte(token)}
	}
	if album != "" {
		p.Album, p.Media = album, &simulator.Upload{Kind: "photo", FileName: "of " + token, Data: []byte(token)}
		p.From = speakers[0]
	}
	if internal {
		p.Text = "// " + p.Text
	} else {
		s.others = slices.Concat(places[:at], places[at+1:])
	}
	if album == "" && b.random(5) == 0 {
		heard := b.sim.Messages(s.from.group, s.from.thread)
		if m := heard[b.random(len(heard))]; m.Service == nil && tokens.MatchString(m.Text) && !strings.HasPrefix(m.Text, "//") {
			p.ReplyTo, s.replyTo = m.ID, tokenOf(m.Text)
		}
	}
	b.mu.Lock()
	b.said[token] = s
	if len(s.others) > 0 {
		b.missing[token] = map[place]bool{}
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

// talk has several people say everything of the burst, as fast as the service follows.
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
	return fmt.Sprintf("%d messages have not arrived everywhere (%s), %d updates wait", len(b.missing), some, b.sim.Pending())
}

// last says something in each topic when all is over, after a graceful stop: whatever a new life still had to send comes
// before it.
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
	b.await(b.state, func() bool { return b.allArrived() && b.allShown() })
	b.stop()
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
				if !onServer() { // which carries out one command at a time
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
	// The last time Telegram is slow and all is taken in: what has not arrived must arrive without a further word from anybody.
	b.slow()
	talking.Wait()
	b.await(b.state, func() bool { return b.sim.Pending() == 0 })
	left := b.open.Load()
	b.kill()
	b.sim.ClearFaults()
	b.await(b.state, b.allArrived)
	took := time.Since(start)
	b.last()
	b.check(fmt.Sprintf("%s, %d kills, the last with %d messages under way, %.1fs", mode, len(b.killed), left, took.Seconds()))
}

// check holds what people see against what was said.
func (b *burst) check(what string) {
	b.Helper()
	calls, err := readCalls(b.callsFile())
	b.must(err)
	r := repeatsOf(calls, func(life int) *ledger { return b.after[life] })
	for _, w := range r.wrong {
		b.Error(w)
	}
	lost, unanswered, inTopic := 0, 0, 0
	for life, at := range b.after {
		l := lostOf(calls, life, at)
		lost, unanswered, inTopic = lost+l.count, unanswered+l.unanswered, max(inTopic, l.inTopic)
		if !b.killed[life] && l.count > 0 {
			b.Errorf("%d calls were lost in life %d, which ended in peace", l.count, life)
		}
	}
	seen := 0
	sequences := map[string]int64{} // by message id
	for _, said := range b.after[len(b.after)-1].messages {
		for _, m := range said {
			sequences[m.MessageID] = m.Sequence
		}
	}
	for ticket, places := range b.tickets {
		for _, p := range places {
			seen += b.checkTopic(ticket, p, sequences)
		}
	}
	if seen > r.count || r.count > lost {
		b.Errorf("%d messages are there twice, %d calls were made again, of %d lost ones", seen, r.count, lost)
	}
	if inTopic > lostInTopic {
		b.Errorf("the outcomes of %d calls in one topic were not recorded when the process was killed", inTopic)
	}
	if twice := b.topicsTwice(); len(twice) > 0 {
		b.Errorf("topics that were opened twice: %q", twice)
	}
	last := b.after[len(b.after)-1]
	// That every edit shows was seen at Telegram; a stop may come before its ticket has written down that it does.
	if owes := last.owes(); owes != "" && !strings.Contains(owes, changeOwed) {
		b.Errorf("in the end %s", owes)
	}
	b.Logf("%s: %d messages, %d calls that post, %d lost (%d of them unanswered; at most %d in one topic), %d repeated", what, len(b.said),
		len(calls)/2, lost, unanswered, inTopic, r.count)
}

// checkTopic checks one topic: everything that must be there is, nothing else, in order; it returns how many messages are
// there more than once.
func (b *burst) checkTopic(ticket int, p place, sequences map[string]int64) (repeats int) {
	b.Helper()
	order := map[string][]string{} // tokens as they came for the first time, by where they were said
	count := map[string]int{}
	others := map[string]int{} // what is no copy, by text
	newest := int64(0)
	albums := map[string]bool{} // whose first part has come
	for _, m := range b.sim.Messages(p.group, p.thread) {
		if !m.From.IsBot || m.Service != nil {
			continue
		}
		token := tokenOf(m.Text)
		if token == "" {
			text := m.Text
			if strings.Contains(text, "🎫") {
				text = "a card"
			}
			if others[text]++; others[text] > 1 {
				repeats++
			}
			continue
		}
		s := b.said[token]
		if s == nil || !slices.Contains(s.others, p) {
			b.Errorf("ticket %d: %s is in topic %v, where it does not belong", ticket, token, p)
			continue
		}
		if count[token]++; count[token] > 1 {
			repeats++
			continue
		}
		from := fmt.Sprint(s.from)
		order[from] = append(order[from], token)
		switch follows := m.AlbumID != "" && albums[m.AlbumID]; {
		case follows: // where the first part is
		case p.group != b.support: // all that comes here goes through one link
			if n := sequences[fmt.Sprintf("%d:%d", s.from.group, s.id)]; n > newest {
				newest = n
			} else {
				b.Errorf("ticket %d: %s is out of order in topic %v", ticket, token, p)
			}
		}
		albums[m.AlbumID] = true
		if s.replyTo != "" {
			// A copy whose call was lost has no counterpart: what is answered is quoted then.
			if to, _ := b.sim.Message(p.group, m.ReplyTo); tokenOf(to.Text) != s.replyTo && !strings.Contains(m.Text, s.replyTo) {
				b.Errorf("ticket %d: %s in topic %v answers %q, not %s", ticket, token, p, to.Text, s.replyTo)
			}
		}
	}
	if others["a card"] == 0 {
		b.Errorf("ticket %d: topic %v has no card", ticket, p)
	}
	for _, other := range b.tickets[ticket] {
		var want []string
		for _, m := range b.sim.Messages(other.group, other.thread) {
			token := tokenOf(m.Text)
			if s := b.said[token]; s != nil && s.from == other && s.id == m.ID && slices.Contains(s.others, p) {
				want = append(want, token)
			}
		}
		if got := order[fmt.Sprint(other)]; !slices.Equal(got, want) {
			b.Errorf("ticket %d: from %v came to %v\n%v, not\n%v", ticket, other, p, got, want)
		}
	}
	return repeats
}
