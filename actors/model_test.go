package actors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/simulator"
)

// model is what people should see: for each topic of a ticket, which messages are shown in it, in which version, and
// with which reaction.
type model struct {
	d       *desk
	n       int // sayings
	parts   int // of albums that open tickets
	drafted int
	faulty  bool         // trouble may be drawn
	shared  map[int]bool // messages with merged copies that were seen
	club    simulator.Message
	places  [][2]int64
	admins  map[int64]int64 // of the groups in which tickets are opened
	people  []*modelPerson
	all     []*saying
	tickets []*modelTicket
}

type modelTicket struct {
	*ticket
	opening       opening
	title, status string
	person        *modelPerson // whose private chat it was opened in; nil: it was opened in a group
	draft         *modelDraft
	topics        []*modelTopic // home first, then that of the private chat
	vanished      int           // how often the latter was deleted
}

// opening is what opened a ticket, as far as it is more than words.
type opening struct {
	by, at   int64 // person and chat
	thread   int
	album    string // "": none
	enclosed []enclosed
}

// enclosed is a medium of a description.
type enclosed struct {
	file    string
	caption string // "": the command, or what it replied to
}

type modelTopic struct {
	of        *modelTicket
	who, chat int64
	thread    int
	linked    bool
	links     int // how often it was linked: each time it gets a card
	private   bool
	shows     []*saying // written or copied here; in order only within one topic of origin
}

// String is how rapid logs what it draws.
func (k *modelTicket) GoString() string { return k.id }
func (p *modelTopic) GoString() string  { return fmt.Sprintf("%d/%d", p.chat, p.thread) }
func (s *saying) GoString() string      { return s.text() }
func (w *modelPerson) GoString() string { return itoa64(w.id) }
func (f *modelDraft) GoString() string  { return f.title() }
func (o *opening) GoString() string     { return o.album }

func newModel(t testing.TB, opt options, groups int) *model {
	d := ready(t, opt)
	d.asksAfterClosing() // words after closing have a test of their own
	m := &model{
		d: d, shared: map[int]bool{}, places: [][2]int64{{d.engineering, d.bob}, {d.sales, d.carl}},
		admins: map[int64]int64{d.support: d.ann, d.engineering: d.bob, d.sales: d.carl},
	}
	for i := range groups - 2 {
		chat := d.group("Group "+itoa(i), map[int64]simulator.Role{d.dora: simulator.Creator})
		d.say(d.dora, chat, 0, "/register")
		d.awaitText(chat, 0, "is registered")
		m.places = append(m.places, [2]int64{chat, d.dora})
	}
	for _, p := range append(slices.Clone(m.places), [2]int64{d.support, d.ann}) {
		if p[0] != d.support {
			d.must(d.sim.SetMember(p[0], d.ann, simulator.Administrator))
		}
		d.must(d.sim.SetBot(p[0], simulator.Administrator, simulator.BotRights{
			CanManageTopics: true, CanPinMessages: true, CanDeleteMessages: true,
		}))
	}
	m.places = m.places[:groups]
	m.populate()
	return m
}

// open has Ann open a ticket, perhaps by a part of an album.
func (m *model) open(t *rapid.T) {
	k := &modelTicket{status: "open", title: "Model " + itoa(len(m.tickets))}
	k.opening = opening{by: m.d.ann, at: m.d.support}
	if parts := rapid.IntRange(0, 3).Draw(t, "parts"); parts > 0 {
		k.opening.album = m.d.sim.NewAlbum()
		command := rapid.IntRange(0, parts-1).Draw(t, "command")
		for i := range parts {
			if i == command {
				m.enclose(&k.opening, "/create_ticket "+k.title)
			} else {
				m.enclose(&k.opening, "")
			}
		}
		k.ticket = m.d.opened(m.d.support, k.title)
	} else {
		k.ticket = m.d.open(m.d.ann, m.d.support, k.title)
	}
	k.topics = []*modelTopic{{of: k, who: m.d.ann, chat: m.d.support, thread: k.thread, linked: true}}
	m.tickets = append(m.tickets, k)
}

// joined lists the topics from which messages are copied.
func (k *modelTicket) joined() []*modelTopic {
	return slices.DeleteFunc(slices.Clone(k.topics), func(p *modelTopic) bool { return !p.linked })
}

// link links a topic of another group to the ticket, perhaps one that was unlinked before.
func (m *model) link(t *rapid.T, k *modelTicket) {
	place := rapid.SampledFrom(m.places).Draw(t, "place")
	var topic *modelTopic
	for _, p := range k.topics {
		if p.chat == place[0] {
			topic = p
		}
	}
	if topic == k.topics[0] {
		return
	}
	if topic == nil {
		thread, err := m.d.sim.CreateTopic(place[0], place[1], "Own topic")
		m.d.must(err)
		topic = &modelTopic{of: k, who: place[1], chat: place[0], thread: thread}
		k.topics = append(k.topics, topic)
	}
	// Ann is an administrator of each group, so she has rights on both sides.
	asked := m.d.say(m.d.ann, topic.chat, topic.thread, "/link "+k.id)
	switch {
	case topic.linked:
		m.d.awaitAnswer(asked, "already")
	case k.status == "closed":
		m.d.awaitAnswer(asked, "is closed")
	default:
		m.d.awaitAnswer(asked, "linked this topic")
		topic.linked = true
		topic.links++
	}
}

func (m *model) unlink(t *rapid.T, k *modelTicket) {
	others := slices.DeleteFunc(k.joined()[1:], func(p *modelTopic) bool { return p.private })
	if len(others) == 0 {
		return
	}
	p := rapid.SampledFrom(others).Draw(t, "left")
	before := len(m.d.byBot(p.chat, p.thread))
	m.d.say(m.d.ann, p.chat, p.thread, "/unlink")
	m.d.await("the end of the link", func() bool {
		return slices.ContainsFunc(m.d.byBot(p.chat, p.thread)[before:], func(msg simulator.Message) bool {
			return strings.Contains(msg.Text, "ended the link")
		})
	})
	p.linked = false
	for _, s := range p.shows {
		s.frozen[p] = true
		s.left = s.left || s.from == p
	}
}

// setStatus has Ann, or the person whose private chat the ticket is from, close or reopen it.
func (m *model) setStatus(t *rapid.T, k *modelTicket, command, status string) {
	who, chat, thread := m.d.ann, k.chat, k.thread
	if p := k.private(); p != nil && (p.thread != 0 || k.person.current == k) && rapid.Bool().Draw(t, "in private") {
		who, chat, thread = p.who, p.chat, p.thread
	}
	m.d.say(who, chat, thread, command)
	k.status = status
}

// Passing trouble for calls that show something. If the answer is lost, the message may be there twice.
var (
	troubles = []string{
		simulator.Fault429, simulator.Fault500, simulator.Fault502HTML, simulator.FaultReset, simulator.FaultLost,
	}
	troubledCalls = []string{
		"sendMessage", "sendMessage", "sendMessage", "sendRichMessage", "sendPhoto", "sendMediaGroup", "sendDocument",
		"editMessageText", "editMessageCaption", "deleteMessages", "setMessageReaction",
		"closeForumTopic", "reopenForumTopic", "getUpdates",
	}
)

func (m *model) trouble(t *rapid.T) {
	m.d.inject(simulator.Fault{
		Method: rapid.SampledFrom(troubledCalls).Draw(t, "method"), Kind: rapid.SampledFrom(troubles).Draw(t, "trouble"),
		Count: rapid.IntRange(1, 2).Draw(t, "count"), After: rapid.IntRange(0, 2).Draw(t, "after"),
	})
}

// modelSteps are what can happen. A step that is named more often happens more often.
var modelSteps = strings.Fields(`say say say chat chat album album enclose answer answer edit edit react react delete
	link link unlink close reopen restart trouble trouble check
	draft draft draft choose choose correct drop aside aside vanish vanish rename`)

func (m *model) step(t *rapid.T) {
	k := rapid.SampledFrom(m.tickets).Draw(t, "ticket")
	step := rapid.SampledFrom(modelSteps).Draw(t, "step")
	switch step {
	// updates of different chats are handled concurrently, so wait until what was written in another one has been recorded
	case "link", "unlink", "close", "reopen", "delete":
		m.d.quiet()
	case "react", "answer": // what people react or reply to must be visible
		m.check(t)
	}
	switch step {
	case "say", "answer":
		if k.status == "open" {
			m.say(t, k, step == "answer")
		}
	case "chat":
		if k.status == "open" {
			m.chat(t, k)
		}
	case "album":
		if k.status == "open" {
			m.album(t, k)
		}
	case "edit":
		m.edit(t, k)
	case "react":
		m.react(t, k)
	case "delete":
		m.remove(t, k)
		m.d.quiet()
	case "link":
		m.link(t, k)
	case "unlink":
		m.check(t) // nothing is promised about what happens later in a topic that was unlinked
		m.unlink(t, k)
	case "close":
		m.setStatus(t, k, "/close_ticket", "closed")
	case "reopen":
		m.setStatus(t, k, "/reopen_ticket", "open")
		m.check(t)
	case "restart":
		m.d.restart()
	case "trouble":
		if m.faulty {
			m.trouble(t)
		}
	case "check":
		m.check(t)
	default:
		m.stepPrivately(t, k, step)
	}
}

// patientWithGroups has the desk wait longer for what groups say about a person: on the model's fast clock, a busy
// machine needs more than its 10 seconds.
func patientWithGroups(d time.Duration) time.Duration {
	if d == 10*time.Second {
		return 30 * d
	}
	return d
}

// TestModel lets people do random things, in spite of trouble, and compares what they see in all topics with a simple
// model. It does so with the default pace, too, so that copies are merged.
func TestModel(t *testing.T) {
	if testing.Short() {
		t.Skip("long: random desks, compared with a model step by step")
	}
	t.Parallel()
	for _, form := range []struct {
		name   string
		pace   actors.Pace
		speed  float64
		faulty bool
	}{
		{"in peace", actors.Pace{}, 50, false},
		{"in trouble", actors.Pace{}, 50, true},
		{"in trouble, at the pace of a group",
			actors.Pace{GlobalPerSecond: 30, ChatPerSecond: 1, GroupPerMinute: 20}, 80, true},
	} {
		t.Run(form.name, func(t *testing.T) {
			checks, most, shared, begun := 0, 5, 0, time.Now()
			done := map[string]int{}
			if long() {
				most = 100
			}
			rapid.Check(t, func(rt *rapid.T) {
				if checks++; checks > most {
					return // the other ones of rapid's 100 are for the long run
				}
				opt := options{pace: form.pace, speed: form.speed, slowed: patientWithGroups}
				m := newModel(t, opt, rapid.IntRange(2, 4).Draw(rt, "groups"))
				defer m.d.stop()
				m.faulty = form.faulty
				m.open(rt)
				m.link(rt, m.tickets[0])
				for range rapid.IntRange(1, 2).Draw(rt, "drafts") {
					m.openDraft(rt)
				}
				m.link(rt, m.tickets[1])
				for range rapid.IntRange(10, 50).Draw(rt, "steps") {
					m.step(rt)
				}
				m.d.sim.ClearFaults()
				m.check(rt)
				shared += len(m.shared)
				m.count(done)
			})
			took := time.Since(begun).Round(time.Second)
			t.Logf("%d sequences, %d messages with merged copies, %v, in %v", min(checks, most), shared, done, took)
		})
	}
}
