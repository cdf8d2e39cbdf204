package actors_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

func TestMention(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	d.say(d.ann, d.support, k.thread, "first words")
	d.say(d.carl, d.support, k.thread, "// they must not see this")
	d.mayDelete(d.support)
	gone := d.say(d.eve, d.support, k.thread, "a slip, which they must not see")
	d.reply(d.eve, d.support, gone, "/delete")
	d.awaitDeleted(gone)
	d.say(d.eve, d.support, k.thread, "second words")
	var eng int
	d.run(t, "opens one topic with card, who asks, and the last messages without internal notes", func(t *testing.T) {
		eng = d.mention(d.carl, k, "@bob_eng", d.engineering)
		card := d.byBot(d.engineering, eng)[0]
		if !strings.Contains(card.Text, d.number(k)+"\nPrinter\n") || !strings.Contains(card.Text, "Carl asks for your help") {
			t.Errorf("%q", card.Text)
		}
		opening := d.awaitText(d.engineering, eng, "Last messages")
		if !strings.Contains(opening.Text, "Ann\nfirst words\n\nEve\nsecond words") ||
			strings.Contains(opening.Text, "must not see") {
			t.Errorf("%q", opening.Text)
		}
		if topic := d.topic(d.engineering, eng); topic.Name != d.topic(d.support, k.thread).Name {
			t.Errorf("%q", topic.Name)
		}
		d.await("the home card names the group", func() bool {
			m, _ := d.find(d.support, k.thread, d.head(k))
			return strings.Contains(m.Text, "Engineering") && m.Edited
		})
	})
	d.run(t, "the person is mentioned in their topic, so that Telegram notifies them, and named by a link in the ticket", func(t *testing.T) {
		card := d.byBot(d.engineering, eng)[0]
		answer, _ := d.find(d.support, k.thread, "is on the ticket now")
		for _, m := range []simulator.Message{card, answer} {
			if !mentions(m, d.bob) {
				t.Errorf("no mention of Bob in %q: %+v", m.Text, m.Entities)
			}
		}
		if !strings.HasPrefix(card.Text, "👋 Bob, Carl asks for your help") {
			t.Errorf("the card is %q", card.Text)
		}
	})
	d.run(t, "what was said before is context, not copied", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "third words")
		d.awaitText(d.engineering, eng, "third words")
		same(t, "copies", d.copies(d.engineering, eng), []string{"third words"})
	})
	d.run(t, "again, in any spelling: a pointer to the topic", func(t *testing.T) {
		for _, who := range []string{"@bob_eng", "BOB_ENG", "bob_Eng"} {
			a := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention "+who), "Bob is on this ticket already")
			if len(a.Entities) == 0 || !strings.HasSuffix(a.Entities[len(a.Entities)-1].URL, "/"+itoa(eng)) {
				t.Errorf("%+v", a.Entities)
			}
		}
	})
	d.run(t, "words besides the name stay where they are, and the bot says so", func(t *testing.T) {
		for _, text := range []string{"/mention @bob_eng please bring beans", "/mention bob_eng bring // beans"} {
			said := d.say(d.ann, d.support, k.thread, text)
			d.awaitAnswer(said, "Bob is on this ticket already")
			d.awaitAnswer(said, "took only the name from this")
		}
		plain := d.say(d.ann, d.support, k.thread, "/mention @bob_eng")
		d.awaitAnswer(plain, "Bob is on this ticket already")
		d.quiet(k)
		if _, found := d.find(d.engineering, eng, "beans"); found {
			t.Error("they were passed on")
		}
		for _, m := range d.byBot(d.support, k.thread) {
			if m.ReplyTo == plain.ID && strings.Contains(m.Text, "only the name") {
				t.Error("there were no other words")
			}
		}
	})
	d.run(t, "again while the topic is still being opened: one topic", func(t *testing.T) {
		k := d.open(d.ann, d.support, "Impatient")
		d.inject(simulator.Fault{Method: "createForumTopic", Chat: d.engineering, Kind: simulator.FaultSlow, Delay: 100e6})
		first := d.say(d.ann, d.support, k.thread, "/mention bob_eng")
		second := d.say(d.ann, d.support, k.thread, "/mention bob_eng")
		d.awaitAnswer(second, "Bob is on this ticket already")
		d.awaitAnswer(first, "Bob is on the ticket now")
		n := 0
		for _, topic := range d.sim.Topics(d.engineering) {
			if strings.HasPrefix(unnumbered(topic.Name), "Impatient") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d topics", n)
		}
	})
	d.run(t, "several people, several links", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "/mention @dora_s @carl_unknown")
		d.awaitAnswer(m, "Dora is on the ticket now")
		d.awaitAnswer(m, "I don't know @carl_unknown")
		if r := d.record(k); len(r.Links) != 2 {
			t.Errorf("%d links", len(r.Links))
		}
	})
	d.run(t, "two of the same group get a topic each", func(t *testing.T) {
		d.say(d.carl, d.engineering, 0, "/default_group")
		d.awaitText(d.engineering, 0, "Carl, tickets")
		k := d.open(d.ann, d.support, "Both of you")
		m := d.say(d.ann, d.support, k.thread, "/mention @bob_eng @carl")
		d.awaitAnswer(m, "Bob is on the ticket now")
		d.awaitAnswer(m, "Carl is on the ticket now")
		n := 0
		for _, topic := range d.sim.Topics(d.engineering) {
			if strings.HasPrefix(unnumbered(topic.Name), "Both of you") {
				n++
				d.introduced(d.engineering, topic.Thread)
			}
		}
		if n != 2 {
			t.Errorf("%d topics", n)
		}
		d.say(d.ann, d.support, k.thread, "hear me")
		for _, topic := range d.sim.Topics(d.engineering) {
			if strings.HasPrefix(unnumbered(topic.Name), "Both of you") {
				d.awaitText(d.engineering, topic.Thread, "hear me")
			}
		}
		bobs := int(d.record(k).Links[0].Topic.TelegramTopicID)
		d.say(d.bob, d.engineering, bobs, "/unlink")
		d.awaitText(d.support, k.thread, "ended the link of Engineering (Bob) with")
	})
	d.run(t, "somebody without username, by a text mention", func(t *testing.T) {
		d.say(d.eve, d.sales, 0, "/default_group")
		d.awaitText(d.sales, 0, "Eve, tickets")
		k := d.open(d.ann, d.support, "For Eve")
		eve := []byte(`{"id":` + itoa(int(d.eve)) + `,"is_bot":false,"first_name":"Eve"}`)
		m := d.post(simulator.Post{
			From: d.ann, Chat: d.support, Thread: k.thread, Text: "/mention Eve",
			Entities: []simulator.Entity{
				{Type: "bot_command", Offset: 0, Length: 8},
				{Type: "text_mention", Offset: 9, Length: 3, User: eve},
			},
		})
		d.awaitAnswer(m, "Eve is on the ticket now")
	})
	d.run(t, "somebody picked from the list is known by their name, and once they have used a command", func(t *testing.T) {
		zoe := d.newcomer("Zoe")
		picked := func() simulator.Message {
			user := []byte(`{"id":` + itoa64(zoe) + `,"is_bot":false,"first_name":"Zoe"}`)
			return d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "/mention Zoe", Entities: []simulator.Entity{
				{Type: "bot_command", Offset: 0, Length: 8}, {Type: "text_mention", Offset: 9, Length: 3, User: user},
			}})
		}
		d.awaitAnswer(picked(), "I don't know Zoe yet")
		d.awaitAnswer(d.say(zoe, d.support, 0, "/tickets"), "Support has")
		d.eventually("the desk knows Zoe", func() bool {
			u, err := d.store.User(d.t.Context(), zoe)
			return err == nil && u.FirstName == "Zoe"
		})
		d.awaitAnswer(picked(), "Zoe has no default group yet")
	})
	d.run(t, "somebody who has written here is known by name", func(t *testing.T) {
		d.awaitHeard(k, d.say(d.newcomer("Yan"), d.support, k.thread, "It is me"))
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention yan"), "Yan has no default group yet")
	})
	d.run(t, "the list to choose from goes once somebody is chosen, and so do the priorities", func(t *testing.T) {
		k := d.open(d.ann, d.support, "Chosen")
		gone := func(m simulator.Message) {
			d.await("the buttons go", func() bool {
				now, _ := d.sim.Message(m.Chat, m.ID)
				return len(now.Buttons) == 0
			})
		}
		list := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention"), "Who should join")
		d.press(d.ann, list, "muser:"+k.id+":"+itoa64(d.bob))
		gone(list)
		list = d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority"), "How urgent")
		d.press(d.ann, list, "priority:"+k.id+":high")
		gone(list)
	})
	d.run(t, "a pending ticket continues, and is not said to be reopened", func(t *testing.T) {
		k := d.open(d.ann, d.support, "Waiting")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/pending"), "to pending")
		card := d.awaitText(d.support, k.thread, d.head(k))
		d.await("the card says Continue", func() bool {
			m, _ := d.sim.Message(d.support, card.ID)
			for _, row := range m.Buttons {
				for _, b := range row {
					if b.Text == "🟢 Continue" {
						return true
					}
				}
			}
			return false
		})
		d.press(d.ann, card, "reopen:")
		d.awaitText(d.support, k.thread, "not pending any more")
	})
}

// mentions reports whether a message has a text mention of somebody.
func mentions(m simulator.Message, who int64) bool {
	return slices.ContainsFunc(m.Entities, func(e simulator.Entity) bool {
		return e.Type == "text_mention" && strings.Contains(string(e.User), `"id":`+itoa64(who))
	})
}

func TestMentionRefusals(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	mentions := func(t *testing.T, who, answer string) {
		t.Helper()
		calls, links := d.calls("createForumTopic", 0), len(d.record(k).Links)
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention "+who), answer)
		if n := d.calls("createForumTopic", 0); n != calls || len(d.record(k).Links) != links {
			t.Errorf("%d calls, %d links", n-calls, len(d.record(k).Links)-links)
		}
	}
	d.run(t, "the beginning of a username or first name: those who may be meant are offered", func(t *testing.T) {
		k := d.open(d.ann, d.support, "Stapler")
		offer := d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/mention @BO"), "I don't know @BO. If you mean one of these")
		if len(offer.Buttons) != 1 || len(offer.Buttons[0]) != 1 || offer.Buttons[0][0].Text != "Bob · Engineering" {
			t.Errorf("offered are %v", offer.Buttons)
		}
		d.press(d.carl, offer, "muser:")
		d.awaitText(d.support, k.thread, "Bob is on the ticket now")
		d.introduced(d.engineering, d.topicNamed(d.engineering, "Stapler").Thread)
	})
	d.run(t, "unknown", func(t *testing.T) { mentions(t, "@nobody", "I don't know @nobody yet") })
	d.run(t, "no default group", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, 0, 0, "/start"), "Hello Carl")
		mentions(t, "@carl", "Carl has no default group")
	})
	d.run(t, "the ticket's own group", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/default_group"), "Ann, tickets")
		mentions(t, "@ann", "where this ticket already is")
	})
	d.run(t, "no rights to manage topics", func(t *testing.T) {
		d.must(d.sim.SetBot(d.engineering, simulator.Administrator, simulator.BotRights{}))
		d.quiet()
		mentions(t, "@bob_eng", "right to manage topics in Engineering")
	})
	d.run(t, "the bot is not in the group", func(t *testing.T) {
		d.must(d.sim.SetBot(d.engineering, simulator.Kicked, simulator.BotRights{}))
		d.quiet()
		mentions(t, "@bob_eng", "I am not in Engineering")
	})
	d.run(t, "a group without topics", func(t *testing.T) {
		g, err := d.sim.AddGroup(simulator.Group{
			Title: "Flat", Bot: simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true},
		})
		d.must(err)
		d.must(d.sim.SetMember(g.ID, d.carl, simulator.Creator))
		d.awaitAnswer(d.say(d.carl, g.ID, 0, "/register"), "topics are off")
		d.awaitAnswer(d.say(d.carl, g.ID, 0, "/default_group"), "Carl, tickets")
		mentions(t, "@carl", "Flat, the default group of Carl, has its topics switched off")
	})
	d.run(t, "Telegram refuses the topic: told, and can be mentioned again", func(t *testing.T) {
		d.inject(simulator.Fault{
			Method: "createForumTopic", Chat: d.sales, Kind: simulator.Fault400,
			Description: "not enough rights to create a topic",
		})
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention dora_s"), "could not be opened in Sales")
		d.mention(d.ann, k, "dora_s", d.sales)
	})
	d.run(t, "a closed ticket", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/close_ticket"), "closed this ticket")
		d.await("closed", func() bool { return d.topic(d.support, k.thread).Closed })
		mentions(t, "@dora_s", "is closed, so /mention can't be used")
	})
}

func TestMentionKeyboard(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	for i := range 9 {
		name := "Helper" + itoa(i)
		p, err := d.sim.AddPerson(simulator.Person{FirstName: name, Username: strings.ToLower(name)})
		d.must(err)
		d.must(d.sim.SetMember(d.engineering, p.ID, simulator.Member))
		d.awaitAnswer(d.say(p.ID, d.engineering, 0, "/default_group"), name+", tickets")
	}
	k := d.open(d.ann, d.support, "Printer")
	labels := func(m simulator.Message) []string {
		var out []string
		m, _ = d.sim.Message(m.Chat, m.ID)
		for _, row := range m.Buttons {
			for _, b := range row {
				out = append(out, b.Text)
			}
		}
		return out
	}
	list := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention"), "Who should join")
	first := []string{
		"Bob · Engineering", "Dora · Sales", "Helper0 · Engineering", "Helper1 · Engineering", "Helper2 · Engineering",
		"Helper3 · Engineering", "Helper4 · Engineering", "Helper5 · Engineering", "Next ▶️",
	}
	same(t, "first page", labels(list), first)
	d.run(t, "pages of 8", func(t *testing.T) {
		d.press(d.ann, list, "mpage:"+k.id+":1")
		d.await("the second page", func() bool { return len(labels(list)) == 4 })
		same(t, "second page", labels(list), []string{
			"Helper6 · Engineering", "Helper7 · Engineering", "Helper8 · Engineering", "◀️ Back",
		})
		d.press(d.ann, list, "mpage:"+k.id+":0")
		d.await("the first page", func() bool { return len(labels(list)) == 9 })
		same(t, "first page", labels(list), first)
	})
	d.run(t, "a person picked there is mentioned, and the topic is told", func(t *testing.T) {
		d.press(d.ann, list, "muser:"+k.id+":"+itoa(int(d.bob)))
		thread := d.topicNamed(d.engineering, "Printer").Thread
		d.introduced(d.engineering, thread)
		d.awaitText(d.support, k.thread, "Bob is on the ticket now")
	})
	d.run(t, "again: a pointer", func(t *testing.T) {
		list := d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention"), "Who should join")
		if a := d.press(d.ann, list, "muser:"+k.id+":"+itoa(int(d.bob))); !strings.Contains(a.Text, "already") {
			t.Errorf("%+v", a)
		}
	})
	d.run(t, "the card's button shows the same list", func(t *testing.T) {
		card := d.awaitText(d.support, k.thread, d.head(k))
		n := len(d.byBot(d.support, k.thread))
		d.press(d.eve, card, "mention:")
		d.await("a list", func() bool { return len(d.byBot(d.support, k.thread)) == n+1 })
		same(t, "page", labels(d.byBot(d.support, k.thread)[n]), first)
	})
	d.run(t, "neither who asks nor those of the ticket's own group", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, 0, "/default_group"), "Carl, tickets")
		d.awaitAnswer(d.say(d.eve, d.sales, 0, "/default_group"), "Eve, tickets")
		d.awaitAnswer(d.say(d.eve, d.support, k.thread, "/mention @ca"), "I don't know @ca yet")
		list := d.awaitAnswer(d.say(d.eve, d.support, k.thread, "/mention"), "Who should join")
		for _, label := range labels(list) {
			if strings.HasPrefix(label, "Carl") || strings.HasPrefix(label, "Eve") {
				t.Errorf("%s is offered", label)
			}
		}
	})
	t.Run("nobody to mention", func(t *testing.T) {
		d := newDesk(t, options{})
		d.say(d.ann, d.support, 0, "/register")
		d.awaitText(d.support, 0, "is registered")
		k := d.open(d.ann, d.support, "Alone")
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention"), "Nobody can be mentioned yet")
	})
}

// A known person who takes a username over does so with any command, also one that saves their names by itself.
func TestUsernameTakenByACommand(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.awaitAnswer(d.say(d.bob, d.bob, 0, "/start"), "Hello Bob")
	raw, err := json.Marshal(map[string]any{"message": map[string]any{
		"message_id": 1 << 30, "date": 1700000000, "text": "/default_group",
		"chat": map[string]any{"id": d.support, "type": "supergroup", "title": "Support", "is_forum": true},
		"from": map[string]any{"id": d.ann, "first_name": "Ann", "username": "BOB_eng"},
	}})
	d.must(err)
	d.must(d.sim.RawUpdate(raw))
	d.eventually("it is Bob's no longer", func() bool {
		u, err := d.store.User(t.Context(), d.bob)
		d.must(err)
		return u.Username == ""
	})
}

// TestUsernameOfAnother: a username that somebody gave up belongs to whom it was seen with last, wherever that was, until
// they give it back.
func TestUsernameOfAnother(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	d.awaitAnswer(d.say(d.bob, d.bob, 0, "/start"), "Hello Bob")
	taker := map[string]any{"id": 7001, "first_name": "Zoe", "username": "Bob_Eng"}
	group := map[string]any{"id": d.support, "type": "supergroup", "title": "Support", "is_forum": true}
	ann := map[string]any{"id": d.ann, "first_name": "Ann", "username": "ann"}
	for name, m := range map[string]map[string]any{
		"who speaks in the general topic": {"from": taker, "text": "hello"},
		"who is mentioned": {"from": ann, "text": "hello Zoe",
			"entities": []any{map[string]any{"type": "text_mention", "offset": 6, "length": 3, "user": taker}}},
		"who is answered": {"from": ann, "text": "hello", "reply_to_message": map[string]any{"message_id": 2, "from": taker, "text": "x"}},
		"who is forwarded": {"from": ann, "text": "hello",
			"forward_origin": map[string]any{"type": "user", "date": 1, "sender_user": taker}},
	} {
		d.run(t, name, func(t *testing.T) {
			d.awaitAnswer(d.say(d.bob, d.bob, 0, "I am Bob"), "no open ticket here")
			bob := func() string {
				u, err := d.store.User(t.Context(), d.bob)
				d.must(err)
				return u.Username
			}
			d.eventually("Bob has his name", func() bool { return bob() == "bob_eng" })
			m["message_id"], m["date"], m["chat"] = 1<<30+len(name), 1700000000, group
			raw, err := json.Marshal(map[string]any{"message": m})
			d.must(err)
			d.must(d.sim.RawUpdate(raw))
			d.eventually("it is Bob's no longer", func() bool { return bob() == "" })
			d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention @bob_eng"), "I don't know @bob_eng")
		})
	}
}
