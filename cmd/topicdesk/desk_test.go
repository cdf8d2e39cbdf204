package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/simulator"
)

// desk is a Telegram of three groups and their people, for a service under test.
type desk struct {
	testing.TB
	sim                   *simulator.Server
	support, works, sales int64 // groups
	// alice and dan are in support, bob in works, carol in sales; bob also administers support
	alice, dan, bob, carol int64
	people                 []int64
	url                    string // where the service finds it
	folder                 string // for the database and everything else
	database               string // its address, if it is not in the folder
	webhookAddr            string
	groups                 []int64
}

// patience is how long a condition may take to come true: much longer than it takes on an idle machine.
const patience = 3 * time.Minute

// onServer reports whether DATABASE_URL names a server with MongoDB's protocol for the tests of this package.
func onServer() bool { return strings.HasPrefix(os.Getenv("DATABASE_URL"), "mongodb://") }

// databases counts the databases on that server.
var databases atomic.Int64

func newDesk(t testing.TB) *desk {
	sim, err := simulator.New(simulator.Options{KeepCalls: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	d := &desk{TB: t, sim: sim, folder: t.TempDir()}
	if onServer() {
		d.database = fmt.Sprintf("%s/topicdesk_%d_%d", strings.TrimSuffix(os.Getenv("DATABASE_URL"), "/"),
			os.Getpid(), databases.Add(1))
	}
	person := func(first, username string) int64 {
		p, err := sim.AddPerson(simulator.Person{FirstName: first, Username: username, LanguageCode: "en"})
		if err != nil {
			t.Fatal(err)
		}
		d.people = append(d.people, p.ID)
		return p.ID
	}
	d.alice, d.dan = person("Alice", "alice"), person("Dan", "dan_d")
	d.bob, d.carol = person("Bob", "bob_b"), person("Carol", "carol")
	group := func(title string, members map[int64]simulator.Role) int64 {
		g, err := sim.AddGroup(simulator.Group{Title: title, Forum: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range d.people {
			if role, in := members[id]; in {
				d.must(sim.SetMember(g.ID, id, role))
			}
		}
		d.groups = append(d.groups, g.ID)
		return g.ID
	}
	d.support = group("Support", map[int64]simulator.Role{d.alice: simulator.Creator, d.bob: simulator.Administrator,
		d.dan: simulator.Member})
	d.works = group("Works", map[int64]simulator.Role{d.bob: simulator.Creator, d.dan: simulator.Member})
	d.sales = group("Sales", map[int64]simulator.Role{d.carol: simulator.Creator})
	return d
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// settings are the settings of a service for this desk, without limits of pace.
func (d *desk) settings(more ...string) map[string]string {
	s := map[string]string{
		"TELEGRAM_BOT_TOKEN": d.sim.Token(), "TELEGRAM_API_URL": d.url, "HTTP_ADDR": "127.0.0.1:0",
		"TELEGRAM_GLOBAL_PER_SECOND": "0", "TELEGRAM_CHAT_PER_SECOND": "0", "TELEGRAM_GROUP_PER_MINUTE": "0",
		"DATABASE_URL": "sqlite://" + d.folder + "/topicdesk.db", "DATA_DIR": d.folder,
	}
	if d.database != "" {
		s["DATABASE_URL"] = d.database
	}
	for i := 0; i < len(more); i += 2 {
		s[more[i]] = more[i+1]
	}
	return s
}

func (d *desk) config(more ...string) config.Config {
	d.Helper()
	s := d.settings(more...)
	c, err := config.Load(func(name string) (string, bool) { v, ok := s[name]; return v, ok }, "")
	d.must(err)
	return c
}

// addBot makes the bot an administrator of all groups.
func (d *desk) addBot() {
	d.Helper()
	for _, g := range d.groups {
		d.must(d.sim.SetBot(g, simulator.Administrator, simulator.BotRights{CanManageTopics: true, CanPinMessages: true}))
	}
}

// say posts a text. Thread 0 is the general topic, group 0 the private chat with the bot.
func (d *desk) say(from, group int64, thread int, text string, replyTo ...int) simulator.Message {
	d.Helper()
	p := simulator.Post{From: from, Chat: group, Thread: thread, Text: text}
	if len(replyTo) > 0 {
		p.ReplyTo = replyTo[0]
	}
	m, err := d.sim.Post(p)
	d.must(err)
	return m
}

// topic is the newest topic of a group whose name begins so behind the ticket's number.
func (d *desk) topic(group int64, title string) int {
	d.Helper()
	for _, t := range slices.Backward(d.sim.Topics(group)) {
		if named(t, title) {
			return t.Thread
		}
	}
	d.Fatalf("there is no topic %q in group %d", title, group)
	return 0
}

// named reports whether a topic's name begins so behind the number of its ticket.
func named(t simulator.Topic, title string) bool {
	return strings.HasPrefix(t.Name[len(numbers.FindString(t.Name)):], " "+title)
}

// find is the newest message of a topic that contains a text.
func (d *desk) find(group int64, thread int, text string) simulator.Message {
	d.Helper()
	for _, m := range slices.Backward(d.sim.Messages(group, thread)) {
		if m.Service == nil && strings.Contains(m.Text, text) {
			return m
		}
	}
	d.Fatalf("no message in topic %d of group %d contains %q", thread, group, text)
	return simulator.Message{}
}

var (
	ticketIDs = regexp.MustCompile(`TICK-[0-9A-Z]+-[0-9A-F]{8}`)
	numbers   = regexp.MustCompile(`#[0-9]+`)
	links     = regexp.MustCompile(`(t\.me/c)/[0-9/]+`)
)

func plain(text string) string {
	return links.ReplaceAllString(numbers.ReplaceAllString(ticketIDs.ReplaceAllString(text, "TICK-1"), "#1"), "$1/1")
}

// await waits until cond holds. what says what is missing if it does not. While the service still calls Telegram or handles
// updates it waits up to three times as long as its patience: a busy machine takes minutes for what others do in seconds.
func (d *desk) await(what func() string, cond func() bool) {
	d.Helper()
	moved := func() [2]int {
		stats := d.sim.CallStats()
		return [2]int{stats.Total - stats.ByMethod["getUpdates"], d.sim.Pending()}
	}
	for round, before := 1, moved(); ; round++ {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := d.sim.Await(ctx, cond)
		cancel()
		if err == nil {
			return
		}
		now := moved()
		if !errors.Is(err, context.DeadlineExceeded) || now == before || round == 3 {
			d.Fatalf("waited in vain: %s", what())
		}
		before = now
	}
}

// poke makes await check again, for conditions that depend on more than the simulator.
func (d *desk) poke() { d.sim.SetFlood(false) }

// transcript is what people see: the topics of each group and the private chats with their messages, without ids. It
// leaves out messages for which skip is true.
func (d *desk) transcript(skip func(simulator.Message) bool) string {
	var b strings.Builder
	for _, g := range d.sim.Groups() {
		d.thread(&b, g.Title+", general", g.ID, 0, skip)
		for _, t := range d.sim.Topics(g.ID) {
			state := "open"
			if t.Closed {
				state = "closed"
			}
			d.thread(&b, g.Title+", "+plain(t.Name)+", "+state, g.ID, t.Thread, skip)
		}
	}
	for _, p := range d.sim.People() {
		d.thread(&b, p.FirstName+", private", p.ID, 0, skip)
	}
	return turns.ReplaceAllString(b.String(), "")
}

// turns are whose turn it is and who has taken the ticket: of two who talk at once, another one may be the first.
var turns = regexp.MustCompile(`(?m)^🙋 (Taken care of by )?(Bob|Dan)( \[.*)?\n| · (🕐 waits for an answer|💬 waits for the customer)`)

func (d *desk) thread(b *strings.Builder, title string, chat int64, thread int, skip func(simulator.Message) bool) {
	fmt.Fprintf(b, "== %s\n", title)
	for _, m := range d.sim.Messages(chat, thread) {
		if m.Service != nil || skip(m) {
			continue
		}
		fmt.Fprintf(b, "%s: %s", m.From.Name, plain(m.Text))
		if m.ReplyTo != 0 {
			r, _ := d.sim.Message(chat, m.ReplyTo)
			fmt.Fprintf(b, " [answers %.40q]", plain(r.Text))
		}
		for _, row := range m.Buttons {
			for _, button := range row {
				fmt.Fprintf(b, " [%s %s]", button.Text, plain(button.Data))
			}
		}
		if m.Pinned {
			b.WriteString(" [pinned]")
		}
		b.WriteByte('\n')
	}
}

// repeats finds the calls that were repeated after they had left, or may have left. at(life) is what storage held
// when that life had ended: a call whose outcome was stored by then must not be repeated, and no call twice in one
// life.
type repeats struct {
	count int               // calls made again
	first map[[2]int64]bool // messages (chat, id) that were posted again later
	wrong []string
}

func repeatsOf(calls []call, at func(life int) *ledger) repeats {
	r := repeats{first: map[[2]int64]bool{}}
	last := map[string]call{} // by what they post
	for _, c := range calls {
		if !c.posts() {
			continue
		}
		previous, known := last[c.key()]
		last[c.key()] = c
		if c.Over || !known || previous.Over && !previous.Done {
			continue
		}
		r.count += previous.messages()
		if previous.Message != 0 {
			r.first[[2]int64{previous.Chat, previous.Message}] = true
		}
		switch {
		case previous.Life == c.Life:
			r.wrong = append(r.wrong, c.Operation+" was made twice in one life")
		case at(previous.Life).knows(previous):
			r.wrong = append(r.wrong, c.Operation+" was made again although its outcome was recorded")
		}
	}
	return r
}

// losses are the calls whose outcome was not recorded when a life ended.
type losses struct {
	count      int
	unanswered int // how many of them had no answer yet
	inTopic    int // the most in one topic
}

func lostOf(calls []call, life int, at *ledger) (l losses) {
	last := map[string]call{}
	for _, c := range calls {
		if c.posts() && c.Life == life {
			last[c.key()] = c
		}
	}
	topics := map[string]int{}
	for _, c := range last {
		if c.Over && !c.Done || at.knows(c) {
			continue
		}
		l.count += c.messages()
		if !c.Over {
			l.unanswered += c.messages()
		}
		topic := fmt.Sprint(c.Place, c.Thread)
		topics[topic]++
		l.inTopic = max(l.inTopic, topics[topic])
	}
	return l
}

// topicsTwice lists topics that exist more than once. A topic's name has the number of its ticket.
func (d *desk) topicsTwice() (twice []string) {
	for _, g := range d.groups {
		count := map[string]int{}
		for _, t := range d.sim.Topics(g) {
			if numbers.MatchString(t.Name) {
				if count[t.Name]++; count[t.Name] == 2 {
					twice = append(twice, strconv.FormatInt(g, 10)+" "+t.Name)
				}
			}
		}
	}
	return twice
}
