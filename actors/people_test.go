package actors_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// ---- what people do

func (d *desk) say(from, chat int64, thread int, text string) simulator.Message {
	d.t.Helper()
	return d.post(simulator.Post{From: from, Chat: chat, Thread: thread, Text: text})
}

func (d *desk) reply(from, chat int64, to simulator.Message, text string) simulator.Message {
	d.t.Helper()
	return d.post(simulator.Post{From: from, Chat: chat, Thread: to.Thread, Text: text, ReplyTo: to.ID})
}

func (d *desk) post(p simulator.Post) simulator.Message {
	d.t.Helper()
	m, err := d.sim.Post(p)
	d.must(err)
	return m
}

// press presses the button of a message whose data begins with prefix, and returns the bot's answer to it.
func (d *desk) press(from int64, m simulator.Message, data string) simulator.Answer {
	d.t.Helper()
	m, _ = d.sim.Message(m.Chat, m.ID)
	for _, row := range m.Buttons {
		for _, b := range row {
			if !strings.HasPrefix(b.Data, data) {
				continue
			}
			query, err := d.sim.Press(from, m.Chat, m.ID, b.Data)
			d.must(err)
			var answer simulator.Answer
			d.await("an answer to the button "+b.Data, func() bool {
				for _, a := range d.sim.Answers() {
					if a.Query == query {
						answer = a
						return true
					}
				}
				return false
			})
			return answer
		}
	}
	d.t.Fatalf("no button %q in %q: %v", data, m.Text, m.Buttons)
	return simulator.Answer{}
}

// ---- what people see

// transcript is the newest messages, for failures.
func (d *desk) transcript() string {
	var b strings.Builder
	for _, p := range []int64{d.ann, d.bob, d.carl, d.dora, d.eve} {
		for _, m := range d.sim.Messages(p, simulator.AllThreads) {
			text := strings.ReplaceAll(m.Text, "\n", " | ")
			fmt.Fprintf(&b, "private %d %d %s: %s\n", p, m.ID, m.From.Name, text)
		}
	}
	for _, g := range d.sim.Groups() {
		all := d.sim.Messages(g.ID, simulator.AllThreads)
		for _, m := range all[max(0, len(all)-25):] {
			text := m.Text
			if m.Service != nil {
				text = "(" + m.Service.Text + ")"
			}
			text = strings.ReplaceAll(text, "\n", " | ")
			fmt.Fprintf(&b, "%s/%d %d %s: %s\n", g.Title, m.Thread, m.ID, m.From.Name, text)
		}
	}
	return b.String()
}

// visible lists the messages of a thread that are not service messages.
func (d *desk) visible(chat int64, thread int) []simulator.Message {
	return slices.DeleteFunc(d.sim.Messages(chat, thread), func(m simulator.Message) bool {
		return m.Service != nil || m.Deleted
	})
}

// byBot lists what the bot wrote in a thread.
func (d *desk) byBot(chat int64, thread int) []simulator.Message {
	return slices.DeleteFunc(d.visible(chat, thread), func(m simulator.Message) bool { return m.From.ID != d.sim.BotID() })
}

// find is the bot's newest message in a thread that contains the text.
func (d *desk) find(chat int64, thread int, part string) (simulator.Message, bool) {
	all := d.byBot(chat, thread)
	for i := len(all) - 1; i >= 0; i-- {
		if strings.Contains(all[i].Text, part) {
			return all[i], true
		}
	}
	return simulator.Message{}, false
}

// awaitText waits until the bot has written a message that contains the text.
func (d *desk) awaitText(chat int64, thread int, part string) simulator.Message {
	d.t.Helper()
	var m simulator.Message
	d.await("the bot writes "+part, func() bool {
		var found bool
		m, found = d.find(chat, thread, part)
		return found
	})
	return m
}

// awaitAnswer waits until the bot has replied to a message with one that contains the text.
func (d *desk) awaitAnswer(to simulator.Message, part string) simulator.Message {
	d.t.Helper()
	var m simulator.Message
	d.await("the bot answers "+to.Text+" with "+part, func() bool {
		for _, m = range d.byBot(to.Chat, to.Thread) {
			if m.ReplyTo == to.ID && strings.Contains(m.Text, part) {
				return true
			}
		}
		return false
	})
	return m
}

// answers counts the bot's answers to a message that contain a text.
func (d *desk) answers(to simulator.Message, part string) (n int) {
	for _, m := range d.byBot(to.Chat, to.Thread) {
		if m.ReplyTo == to.ID && strings.Contains(m.Text, part) {
			n++
		}
	}
	return n
}

// copies lists the copies in a thread, without the sender's line.
func (d *desk) copies(chat int64, thread int) []string {
	var out []string
	for _, m := range d.byBot(chat, thread) {
		for _, one := range joined(m) {
			if head, body, found := strings.Cut(one, "\n"); found && !strings.HasPrefix(head, "Last messages") &&
				!strings.Contains(body, "TICK-") {
				out = append(out, body)
			}
		}
	}
	return out
}

// joined are the merged copies that a message holds. Each begins with a name in bold, after a blank line.
func joined(m simulator.Message) []string {
	if m.Rich != nil {
		return []string{m.Text} // a rich message is never merged
	}
	text := utf16.Encode([]rune(m.Text))
	var starts []int
	for _, e := range m.Entities {
		if e.Type == "bold" && (e.Offset == 0 || e.Offset > 1 && text[e.Offset-1] == '\n' && text[e.Offset-2] == '\n') {
			starts = append(starts, e.Offset)
		}
	}
	if len(starts) == 0 || starts[0] != 0 || strings.HasPrefix(m.Text, "Last messages") {
		return nil
	}
	var parts []string
	for i, from := range starts {
		to := len(text)
		if i+1 < len(starts) {
			to = starts[i+1] - 2
		}
		parts = append(parts, string(utf16.Decode(text[from:to])))
	}
	return parts
}

// topicNamed waits for the topic of a group whose name begins with prefix.
func (d *desk) topicNamed(chat int64, prefix string) simulator.Topic {
	d.t.Helper()
	var topic simulator.Topic
	d.await("a topic "+prefix, func() bool {
		for _, topic = range d.sim.Topics(chat) {
			if strings.HasPrefix(unnumbered(topic.Name), prefix) {
				return true
			}
		}
		return false
	})
	return topic
}

func (d *desk) topic(chat int64, thread int) simulator.Topic {
	for _, topic := range d.sim.Topics(chat) {
		if topic.Thread == thread {
			return topic
		}
	}
	return simulator.Topic{}
}

// calls counts the calls of a method so far in a chat (0: in all).
func (d *desk) calls(method string, chat int64) int {
	n := 0
	for _, c := range d.sim.Calls() {
		if c.Method == method && (chat == 0 || c.Chat == chat) {
			n++
		}
	}
	return n
}

// quiet waits until every update is handled and nothing is pending on any ticket.
func (d *desk) quiet(tickets ...*ticket) {
	d.t.Helper()
	d.await("every update is confirmed", func() bool { return d.sim.Pending() == 0 })
	owes := ""
	defer func() {
		if owes != "" { // it has failed
			d.t.Logf("what is owed: %s", owes)
		}
	}()
	for _, k := range tickets {
		d.eventually("ticket "+k.id+" owes nothing", func() bool { owes = d.owes(k); return owes == "" })
	}
}

// owes says what is still pending on a ticket, as far as storage tells.
func (d *desk) owes(k *ticket) string {
	r, err := d.store.Ticket(d.t.Context(), k.id)
	d.must(err)
	last, err := d.store.LastSequence(d.t.Context(), k.id)
	d.must(err)
	if len(r.Pending) > 0 {
		return fmt.Sprintf("%+v", r.Pending)
	}
	if len(r.Events) > 0 || r.EventsThrough < last {
		return "events"
	}
	changed, err := d.store.OpenMessages(d.t.Context(), k.id, 1)
	d.must(err)
	if len(changed) > 0 {
		return "a change of " + changed[0].Text
	}
	topics := []*storage.Topic{&r.Home}
	for i := range r.Links {
		link := &r.Links[i]
		open, err := d.store.OpenCopies(d.t.Context(), link.LinkID, 10)
		d.must(err)
		if len(open) > 0 {
			return "open copies"
		}
		if !link.Ended && link.Topic.GroupID != "" {
			topics = append(topics, &link.Topic)
		}
	}
	page, err := d.store.MessagesAfter(d.t.Context(), k.id, 0, 10_000)
	d.must(err)
	for i := range page {
		copies, err := d.store.CopiesOf(d.t.Context(), page[i].MessageID)
		d.must(err)
		for j := range r.Links {
			link := &r.Links[j]
			s := page[i].Sequence
			if link.Topic.GroupID == "" && page[i].TopicID != link.LinkID {
				continue // programs write in no topic of Telegram, so nothing is copied there
			}
			if page[i].Internal || s <= link.BeginSequence || link.Ended && s > link.EndSequence {
				continue
			}
			if page[i].Hidden() {
				continue // deleted before it was copied; its deletion was checked above
			}
			if !slices.ContainsFunc(copies, func(c storage.Copy) bool {
				return c.LinkID == link.LinkID &&
					c.State != "partial"
			}) {
				return "a copy of " + page[i].Text
			}
		}
	}
	for _, topic := range topics {
		owes := !topic.Introduced || !topic.Pinned || topic.CardRevision < r.CardRevision && topic.CardMessageID > 0
		if topic.Threaded {
			owes = owes || topic.TelegramTopicID == 0
		}
		if !messages.IsPrivate(topic.GroupID) { // a private chat is never closed
			owes = topic.Failure == "" && (owes || topic.TelegramTopicID == 0 || topic.Unsure ||
				topic.Closed != (r.Status == "closed"))
		}
		if owes {
			return "topic " + topic.TopicID
		}
	}
	return ""
}

// ---- tickets

// ticket is a ticket as a test knows it.
type ticket struct {
	id     string
	chat   int64
	thread int
}

// open has somebody open a ticket in a group and waits for its card.
func (d *desk) open(by, chat int64, title string) *ticket {
	d.t.Helper()
	asked := d.say(by, chat, 0, "/create_ticket "+title)
	answer := d.awaitAnswer(asked, "Ticket opened: #")
	k := &ticket{chat: chat, id: d.ticketIDIn(answer.Text)}
	k.thread = d.topicNamed(chat, title).Thread
	d.awaitText(chat, k.thread, d.head(k))
	return k
}

// mention has somebody mention a person on a ticket, and returns the thread of the linked topic.
func (d *desk) mention(by int64, k *ticket, who string, chat int64) int {
	d.t.Helper()
	before := len(d.sim.Topics(chat))
	asked := d.say(by, k.chat, k.thread, "/mention "+who)
	d.awaitAnswer(asked, "is on the ticket now")
	topics := d.sim.Topics(chat)
	if len(topics) != before+1 {
		d.t.Fatalf("%d topics more", len(topics)-before)
	}
	thread := topics[len(topics)-1].Thread
	d.introduced(chat, thread)
	return thread
}

// introduced waits until the bot has posted and pinned the card in a thread.
func (d *desk) introduced(chat int64, thread int) {
	d.t.Helper()
	d.await("a pinned card", func() bool {
		return slices.ContainsFunc(d.byBot(chat, thread), func(m simulator.Message) bool { return m.Pinned })
	})
}

func (d *desk) record(k *ticket) *storage.Ticket {
	d.t.Helper()
	r, err := d.store.Ticket(d.t.Context(), k.id)
	d.must(err)
	return r
}

// resting says whether nothing of a ticket is pending: it is due when its next timer rings, or never.
func resting(r *storage.Ticket) bool {
	return r.DueAt.IsZero() || r.Status != "closed" && r.DueAt.Equal(r.Timers.Next())
}

// awaitEvent waits for the ticket's first event of a type.
func (d *desk) awaitEvent(k *ticket, kind string) (found storage.Event) {
	d.t.Helper()
	d.eventually("the event "+kind, func() bool {
		events, err := d.store.EventsAfter(d.t.Context(), k.id, 0, 1000)
		d.must(err)
		at := slices.IndexFunc(events, func(e storage.Event) bool { return e.Type == kind })
		if at >= 0 {
			found = events[at]
		}
		return at >= 0
	})
	return found
}

// same fails the test when two lists differ.
func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	t.Errorf("%s: %d, want %d, different from %d on:\n got %q\nwant %q",
		what, len(got), len(want), at, got[at:], want[at:])
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func itoa64(n int64) string { b, _ := json.Marshal(n); return string(b) }
