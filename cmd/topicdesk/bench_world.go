package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// benchWorld is Telegram with its people, in the bench's own process.
type benchWorld struct {
	sim     *simulator.Server
	running *simulator.Running
	groups  [][2]int64 // pairs: the group in which tickets are opened, and the one to which they are linked
	talkers [][2]int64 // the person who writes in each group
	tickets []benchTicket

	progress *progress

	mu       sync.Mutex
	sentAt   map[int]time.Time // by number of the action, until its copy arrives
	posted   map[int]time.Time // the same, in the whole phase
	took     []time.Duration
	albums   []time.Duration // what the parts of albums took
	mix      *mixer
	repeated int
	arrived  chan struct{} // a copy arrived
}

// benchTicket is a linked ticket with its two topics.
type benchTicket struct {
	pair   int    // of groups
	thread [2]int // in each of them
}

const (
	benchPairs     = 10 // of groups, unless a measurement needs more
	benchToken     = "987654321:bench-token-of-no-value-to-anybody-else"
	benchDatabase  = "bench.db"
	setupTimeout   = 5 * time.Minute
	drainTimeout   = 60 * time.Second
	inFlightAtMost = 400 // messages that wait for their copy, at saturation
)

func newBenchWorld(p *progress, pairs int) (*benchWorld, error) {
	sim, err := simulator.New(simulator.Options{Token: benchToken, KeepMessages: 2000, KeepCalls: 100})
	if err != nil {
		return nil, err
	}
	w := &benchWorld{sim: sim, progress: p, sentAt: map[int]time.Time{}, arrived: make(chan struct{}, 1),
		mix: newMixer(benchMix{})}
	admin := simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true, CanPinMessages: true}
	for i := range pairs {
		var pair, people [2]int64
		for side := range 2 {
			g, err := sim.AddGroup(simulator.Group{Title: fmt.Sprintf("Group %d%c", i, 'A'+side), Forum: true})
			if err != nil {
				return nil, err
			}
			p, err := sim.AddPerson(simulator.Person{FirstName: fmt.Sprintf("Person %d%c", i, 'A'+side),
				Username: fmt.Sprintf("person%d%c", i, 'a'+side), LanguageCode: "en"})
			if err != nil {
				return nil, err
			}
			err = errors.Join(sim.SetMember(g.ID, p.ID, simulator.Creator), sim.SetBot(g.ID, admin.Status, admin))
			if err != nil {
				return nil, err
			}
			pair[side], people[side] = g.ID, p.ID
		}
		w.groups, w.talkers = append(w.groups, pair), append(w.talkers, people)
	}
	sim.OnBotMessage(w.onBotMessage)
	sim.OnBotEdit(w.onBotMessage)
	if w.running, err = sim.Start("127.0.0.1:0"); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *benchWorld) close() {
	_ = w.running.Stop()
	_ = w.sim.Close()
}

// open opens tickets, and links some of them.
func (w *benchWorld) open(ctx context.Context, open, linked int) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	for i := range w.groups {
		for side := range 2 {
			p := simulator.Post{From: w.talkers[i][side], Chat: w.groups[i][side], Text: "/default_group"}
			if _, err := w.sim.Post(p); err != nil {
				return err
			}
		}
	}
	if err := w.openTickets(ctx, open); err != nil {
		return err
	}
	if err := w.link(ctx, linked); err != nil {
		return err
	}
	return w.warmUp(ctx)
}

func (w *benchWorld) openTickets(ctx context.Context, open int) (err error) {
	t := w.progress.begin("open tickets", "tickets", int64(open))
	defer func() { t.end(err) }()
	const batch = 200 // tickets that are opened together
	for done := 0; done < open; done += batch {
		upTo := min(done+batch, open)
		for n := done; n < upTo; n++ {
			pair := n % len(w.groups)
			p := simulator.Post{From: w.talkers[pair][0], Chat: w.groups[pair][0],
				Text: "/create_ticket Ticket " + strconv.Itoa(n)}
			if _, err := w.sim.Post(p); err != nil {
				return err
			}
		}
		if err := w.sim.Await(ctx, func() bool { return w.topics(0) >= upTo }); err != nil {
			return fmt.Errorf("only %d of %d tickets were opened: %w", w.topics(0), upTo, err)
		}
		t.add(upTo - done)
	}
	return nil
}

// link links the last tickets of each group with the other group.
func (w *benchWorld) link(ctx context.Context, linked int) error {
	// The last topics of each group are linked. A topic's name has the short id of its ticket, so both topics of a
	// ticket have the same name.
	perPair := (linked + len(w.groups) - 1) / len(w.groups)
	homes := make([][]simulator.Topic, len(w.groups))
	for i := range w.groups {
		topics := w.sim.Topics(w.groups[i][0])
		homes[i] = topics[max(0, len(topics)-perPair):]
		for _, t := range homes[i] {
			p := simulator.Post{From: w.talkers[i][0], Chat: w.groups[i][0], Thread: t.Thread,
				Text: "/mention person" + strconv.Itoa(i) + "b"}
			if _, err := w.sim.Post(p); err != nil {
				return err
			}
		}
	}
	if err := w.sim.Await(ctx, func() bool { return w.topics(1) >= linked }); err != nil {
		return fmt.Errorf("only %d of %d tickets were linked: %w", w.topics(1), linked, err)
	}
	for i := range w.groups {
		other := map[string]int{}
		for _, t := range w.sim.Topics(w.groups[i][1]) {
			other[t.Name] = t.Thread
		}
		for _, t := range homes[i] {
			if thread, ok := other[t.Name]; ok && len(w.tickets) < linked {
				w.tickets = append(w.tickets, benchTicket{pair: i, thread: [2]int{t.Thread, thread}})
			}
		}
	}
	return nil
}

func (w *benchWorld) topics(side int) int {
	n := 0
	for i := range w.groups {
		n += len(w.sim.Topics(w.groups[i][side]))
	}
	return n
}

// warmUp waits until a message of each ticket has arrived on the other side. Everything that precedes it is done
// then.
func (w *benchWorld) warmUp(ctx context.Context) error {
	duration := time.Duration(len(w.tickets)) * 20 * time.Millisecond
	r, err := w.talk(ctx, phase{name: "warm up", rate: 200, duration: duration})
	if err == nil && r.lost > 0 {
		err = fmt.Errorf("%d messages of the warm-up did not arrive", r.lost)
	}
	return err
}

// phase is a time in which people write: at a rate, or, if that is 0, as fast as the service copies.
type phase struct {
	name     string
	rate     int
	duration time.Duration
}

type result struct {
	sent, lost, repeated int
	reached              float64 // copies per second
	took                 []time.Duration
	albums               []time.Duration // what the parts of albums took, which wait for one another
}

// quantile is in ms.
func (r *result) quantile(q float64) float64 { return quantileOf(r.took, q) }

func quantileOf(took []time.Duration, q float64) float64 {
	if len(took) == 0 {
		return 0
	}
	return float64(took[min(len(took)-1, int(q*float64(len(took))))].Microseconds()) / 1000
}

const benchMark = "message number "

func (w *benchWorld) onBotMessage(m simulator.Message) {
	at := time.Now()
	n, found := benchNumber(m.Text)
	if !found {
		return
	}
	w.mu.Lock()
	if sent, waiting := w.sentAt[n]; waiting {
		delete(w.sentAt, n)
		if m.AlbumID != "" {
			w.albums = append(w.albums, at.Sub(sent))
		} else {
			w.took = append(w.took, at.Sub(sent))
		}
	} else if !m.Edited {
		w.repeated++
	}
	w.mu.Unlock()
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// talk lets people write, and waits until everything has arrived.
func (w *benchWorld) talk(ctx context.Context, p phase) (_ *result, err error) {
	task := w.progress.begin(p.name, "messages", int64(float64(p.rate)*p.duration.Seconds()))
	defer func() { task.end(err) }()
	w.mu.Lock()
	w.sentAt, w.posted, w.took, w.albums, w.repeated = map[int]time.Time{}, map[int]time.Time{}, nil, nil, 0
	w.mix.forget()
	w.mu.Unlock()
	start, sent := time.Now(), 0
	for ctx.Err() == nil && time.Since(start) < p.duration {
		due := sent + 1
		if p.rate > 0 {
			due = int(time.Since(start).Seconds() * float64(p.rate))
		} else if w.waiting() < inFlightAtMost {
			due = sent + inFlightAtMost/4
		}
		for sent < due {
			n, err := w.act(sent)
			if err != nil {
				return nil, err
			}
			sent += n
			task.add(n)
		}
		if p.rate > 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		select {
		case <-w.arrived:
		case <-ctx.Done():
		}
	}
	deadline := time.Now().Add(drainTimeout)
	for w.waiting() > 0 && time.Now().Before(deadline) && ctx.Err() == nil {
		select {
		case <-w.arrived:
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
	elapsed := time.Since(start)
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &result{sent: sent, lost: len(w.sentAt), repeated: w.repeated, took: w.took}
	r.albums, r.reached = w.albums, float64(len(w.took)+len(w.albums))/elapsed.Seconds()
	slices.Sort(r.took)
	slices.Sort(r.albums)
	return r, ctx.Err()
}

// postedAt is when the message of an action of this phase was posted.
func (w *benchWorld) postedAt(n int) (at time.Time, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, known = w.posted[n]
	return at, known
}

// waiting is how many messages wait for their copy.
func (w *benchWorld) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sentAt)
}
