package httpedge_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// shows returns a condition: a page has all of these parts.
func (v *visitor) shows(path string, parts ...string) func() bool {
	return func() bool {
		body := html.UnescapeString(v.get(path).body)
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(body, part) })
	}
}

// do gives a command on a ticket's page, as htmx sends it.
func (v *visitor) do(address, action string, form url.Values) *page {
	v.s.t.Helper()
	form = url.Values{"csrf": {v.csrf()}, "form": form["form"], "text": form["text"], "title": form["title"], "user": form["user"],
		"priority": form["priority"], "note": form["note"], "reason": form["reason"], "message": form["message"], "into": form["into"], "file": form["file"]}
	return v.send(http.MethodPost, address+"/"+action, form, "HX-Request", "true")
}

// colleague makes somebody whose default group is one of the groups.
func (s *service) colleague(name string, group int64) int64 {
	s.t.Helper()
	id := s.newPerson(name, group)
	_, err := s.sim.Post(simulator.Post{From: id, Chat: group, Text: "/default_group"})
	s.must(err)
	s.await(name+" has a default group", func() bool {
		u, err := s.store.User(s.t.Context(), id)
		return err == nil && u.DefaultGroupID != ""
	})
	return id
}

// TestWebActions: what people do on a ticket's page is what they do in Telegram, and what refuses it is said on the page.
func TestWebActions(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ben := s.colleague("Ben", s.sales)
	max := s.newPerson("Max", s.support)
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	v, address, thread := s.signIn(s.ann), "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	member := s.signIn(max)
	good := func(t *testing.T, p *page) {
		t.Helper()
		if p.status != http.StatusNoContent {
			t.Fatalf("%d %s", p.status, p.body)
		}
	}
	refused := func(t *testing.T, p *page, status int, says string) {
		t.Helper()
		if p.status != status || !strings.Contains(p.body, says) || strings.Contains(p.body, "{") {
			t.Errorf("%d %q, want %d %q", p.status, p.body, status, says)
		}
	}
	s.run(t, "priority", func(t *testing.T) {
		good(t, v.do(address, "priority", url.Values{"priority": {"urgent"}}))
		s.awaitText(s.support, thread, "Ann changed the priority")
		if !v.shows(address, ">urgent</span>")() {
			t.Error(v.get(address).body)
		}
		refused(t, v.do(address, "priority", url.Values{"priority": {"urgent"}}), 409, "already")
		refused(t, v.do(address, "priority", url.Values{"priority": {"<b>"}}), 422, "Choose")
	})
	s.run(t, "pending, and on", func(t *testing.T) {
		good(t, v.do(address, "pending", nil))
		s.awaitText(s.support, thread, "set this ticket to pending")
		refused(t, v.do(address, "pending", nil), 409, "pending already")
		good(t, v.do(address, "reopen", nil))
		refused(t, v.do(address, "reopen", nil), 409, "open already")
	})
	s.run(t, "title, also of the topics", func(t *testing.T) {
		good(t, v.do(address, "title", url.Values{"title": {" Toner\n spilled <i> "}}))
		s.awaitText(s.support, thread, "changed the title")
		s.await("the topic has the name", func() bool {
			return slices.ContainsFunc(s.sim.Topics(s.support), func(topic simulator.Topic) bool {
				return strings.Contains(topic.Name, "Toner spilled <i>")
			})
		})
		if !v.shows(address, "Toner spilled <i></h1>")() {
			t.Error("the page has another title")
		}
		refused(t, v.do(address, "title", url.Values{"title": {" "}}), 422, "needs text")
		refused(t, v.do(address, "title", url.Values{"title": {strings.Repeat("x", 256)}}), 422, "255")
	})
	s.run(t, "no more notes than Telegram takes", func(t *testing.T) {
		other := s.opened(s.ann, s.support, "Notes")
		where, note := "/tickets/"+other.TicketID, url.Values{"text": {"noted"}, "note": {"1"}}
		s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: s.support, Kind: simulator.Fault429, RetryAfter: 1, Count: -1}))
		defer s.sim.ClearFaults()
		var last *page
		taken := 0
		for ; taken < 60; taken++ {
			note.Set("form", "many"+strconv.Itoa(taken))
			if last = v.do(where, "answer", note); last.status != http.StatusNoContent {
				break
			}
		}
		if taken < 45 || taken > 50 {
			t.Errorf("%d notes were taken", taken)
		}
		refused(t, last, 429, "try again in a moment")
		note.Set("form", "many3")
		good(t, v.do(where, "answer", note)) // it was taken
	})
	s.run(t, "an internal note stays in its topic", func(t *testing.T) {
		form := url.Values{"text": {"It is under warranty"}, "note": {"1"}, "form": {"n"}}
		good(t, v.do(address, "answer", form))
		good(t, v.do(address, "answer", form)) // again, since the reply was lost
		m := s.awaitText(s.support, thread, "It is under warranty")
		if m.Text != "// Ann: It is under warranty" {
			t.Errorf("the bot says %q", m.Text)
		}
		if body := v.get(address).body; strings.Count(body, "It is under warranty") != 1 || !strings.Contains(body, "internal note</span>") {
			t.Error(body)
		}
		refused(t, v.do(address, "answer", url.Values{"note": {"1"}, "text": {"// "}}), 422, "needs text")
		for i, text := range []string{"// written as in Telegram", "／／ written as in Telegram, too"} {
			good(t, v.do(address, "answer", url.Values{"text": {text}, "form": {"as" + strconv.Itoa(i)}}))
			said, _ := messages.CutNote(text)
			s.awaitText(s.support, thread, "// Ann: "+said)
		}
		refused(t, v.do(address, "answer", url.Values{"text": {"//"}}), 422, "needs text")
		refused(t, v.do(address, "answer", url.Values{"note": {"1"}, "text": {strings.Repeat("👍", 3000)}}), 422, "needs text")
		again := url.Values{"text": {"Same words for two"}, "form": {"again"}, "note": {"1"}}
		good(t, v.do(address, "answer", again)) // its reply is lost, and the person wants everybody to read it after all
		again.Del("note")
		good(t, v.do(address, "answer", again))
		s.await("it is said to everybody, too", func() bool {
			return strings.Count(v.get(address).body, "Same words for two") == 2
		})
	})
	s.run(t, "a reason that begins as a note is one, and the ticket closes without a reason", func(t *testing.T) {
		other := s.opened(s.ann, s.support, "Liar")
		where := "/tickets/" + other.TicketID
		good(t, v.do(where, "close", url.Values{"reason": {"// customer lied"}}))
		s.awaitText(s.support, int(other.Home.TelegramTopicID), "// Ann: customer lied")
		s.awaitText(s.support, int(other.Home.TelegramTopicID), "closed this ticket")
		events, err := s.store.EventsAfter(t.Context(), other.TicketID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Type == "ticket.closed" && strings.Contains(string(e.Data), "lied") {
				t.Errorf("the event says %s", e.Data)
			}
		}
	})
	s.run(t, "of a reason, what begins as a note is one", func(t *testing.T) {
		other := s.opened(s.ann, s.support, "Cheat")
		good(t, v.do("/tickets/"+other.TicketID, "close", url.Values{"reason": {"replaced // customer cheated"}}))
		s.awaitText(s.support, int(other.Home.TelegramTopicID), "// Ann: customer cheated")
		if m := s.awaitText(s.support, int(other.Home.TelegramTopicID), "Reason: replaced"); strings.Contains(m.Text, "cheated") {
			t.Errorf("the bot says %q", m.Text)
		}
	})
	s.run(t, "that note stands where the command is given", func(t *testing.T) {
		boss := s.newPerson("Boss", s.support) // who administers another group of the ticket than the home group
		s.must(s.sim.SetMember(s.sales, boss, simulator.Administrator))
		both := s.opened(s.ann, s.support, "For two teams")
		where := "/tickets/" + both.TicketID
		good(t, v.do(where, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}}))
		there := int(s.linked(both.TicketID))
		good(t, s.signIn(boss).do(where, "close", url.Values{"reason": {"// not ours to say"}}))
		s.awaitText(s.sales, there, "// Boss: not ours to say")
		s.await("it is closed", v.shows(where, `class="state closed"`))
		for _, m := range s.sim.Messages(s.support, int(both.Home.TelegramTopicID)) {
			if strings.Contains(m.Text, "not ours to say") {
				t.Errorf("the other team reads it: %q", m.Text)
			}
		}
	})
	s.run(t, "a command is no answer", func(t *testing.T) {
		for i, text := range []string{"/", "/\u200b"} {
			if p := v.do(address, "answer", url.Values{"text": {text}, "form": {"slash" + strconv.Itoa(i)}}); p.status != http.StatusNoContent {
				t.Errorf("%q: %d %s", text, p.status, p.body)
			}
		}
		for _, text := range []string{"/close_ticket", "/Mention@bot Ben", "/help\nme", "/clsoe_ticket // lied", "/close_ticket//lied"} {
			refused(t, v.do(address, "answer", url.Values{"text": {text}}), 422, "buttons")
		}
		good(t, v.do(address, "answer", url.Values{"text": {"/etc/hosts is empty"}, "form": {"path"}}))
		s.awaitText(s.support, thread, "/etc/hosts is empty")
	})
	s.run(t, "mention somebody, who is told about nothing internal", func(t *testing.T) {
		list := v.send(http.MethodGet, address+"/people?q=BEN", nil, "HX-Request", "true")
		if !strings.Contains(list.body, `value="`+strconv.FormatInt(ben, 10)+`"`) || strings.Contains(list.body, "<html") {
			t.Fatal(list.body)
		}
		if p := v.get(address + "/people?q=nobody"); strings.Contains(p.body, "Ben") || !strings.Contains(p.body, "Nobody to mention") {
			t.Error(p.body)
		}
		good(t, member.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}})) // as in Telegram, everybody may
		s.awaitText(s.sales, int(s.linked(ticket.TicketID)), "Toner spilled")
		refused(t, v.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}}), 409, "Ben")
		refused(t, v.do(address, "mention", url.Values{"user": {"4"}}), 409, "does not know")
		for _, m := range s.sim.Messages(s.sales, 0) {
			if strings.Contains(m.Text, "warranty") {
				t.Errorf("the note is in the other group: %q", m.Text)
			}
		}
		if p := s.signIn(ben).get(address); p.status != 200 || strings.Contains(p.body, "warranty") {
			t.Errorf("who was mentioned reads: %d %s", p.status, p.body)
		}
	})
	s.run(t, "who may not hears so on the page, and nothing is said in the topic", func(t *testing.T) {
		before := len(s.sim.Messages(s.support, thread))
		for action, form := range map[string]url.Values{"close": nil, "pending": nil, "priority": {"priority": {"low"}},
			"title": {"title": {"Mine"}}} {
			refused(t, member.do(address, action, form), 403, "You may not do this")
		}
		if p := member.send(http.MethodPost, address+"/close", url.Values{"csrf": {member.csrf()}}); p.status != 403 ||
			!strings.Contains(p.body, "<h1>You may not do this") {
			t.Errorf("without scripts: %d %s", p.status, p.body)
		}
		if after := len(s.sim.Messages(s.support, thread)); after != before {
			t.Errorf("%d messages more in the topic", after-before)
		}
		r, err := s.store.Ticket(t.Context(), ticket.TicketID)
		s.must(err)
		if slices.ContainsFunc(r.Pending, func(p storage.Pending) bool { return p.Kind == "command" }) {
			t.Errorf("it waits for ever: %+v", r.Pending)
		}
	})
	s.run(t, "nothing changes in a closed ticket but that it is opened again", func(t *testing.T) {
		good(t, v.do(address, "close", nil))
		refused(t, v.do(address, "close", nil), 409, "closed already")
		refused(t, v.do(address, "pending", nil), 409, "is closed")
		refused(t, v.do(address, "priority", url.Values{"priority": {"low"}}), 409, "is closed")
		refused(t, v.do(address, "answer", url.Values{"text": {"late"}, "note": {"1"}}), 409, "is closed")
		refused(t, v.do(address, "answer", url.Values{"text": {"late"}}), 409, "is closed")
		good(t, v.do(address, "reopen", nil))
	})
}

// linked is the thread of the topic into which a ticket was brought by a mention.
func (s *service) linked(ticketID string) (thread int64) {
	s.t.Helper()
	s.await("the topic is open", func() bool {
		r, err := s.store.Ticket(s.t.Context(), ticketID)
		s.must(err)
		for _, l := range r.Links {
			if l.UserID != 0 && l.Topic.TelegramTopicID != 0 && l.Topic.Introduced {
				thread = l.Topic.TelegramTopicID
			}
		}
		return thread != 0
	})
	return thread
}

var retryForm = regexp.MustCompile(`name="message" value="(\d+)"><input type="hidden" name="into" value="([^"]+)"`)

// TestWebDeliveries: a ticket's page says of every copy what became of it, and one that failed is tried again.
func TestWebDeliveries(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ben := s.colleague("Ben", s.sales)
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	v, address := s.signIn(s.ann), "/tickets/"+ticket.TicketID
	if p := v.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}}); p.status != http.StatusNoContent {
		t.Fatal(p.status, p.body)
	}
	thread := s.linked(ticket.TicketID)
	say := func(text string, entities ...simulator.Entity) simulator.Message {
		m, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Text: text,
			Entities: entities})
		s.must(err)
		return m
	}
	s.run(t, "delivered, with a link into Telegram for who is there", func(t *testing.T) {
		say("One")
		s.await("it is delivered", v.shows(address, "delivered to \u2068Sales\u2069"))
		url := "https://t.me/c/" + strconv.FormatInt(-1_000_000_000_000-s.sales, 10) + "/" + strconv.FormatInt(thread, 10) + "/"
		if body := v.get(address).body; !strings.Contains(body, `href="`+url) {
			t.Errorf("no link to %s: %s", url, body)
		}
		if body := s.signIn(ben).get(address).body; strings.Contains(body, "t.me/c/"+strconv.FormatInt(-1_000_000_000_000-s.support, 10)) {
			t.Error("a link for who is not there")
		}
	})
	s.run(t, "two topics in one group have names", func(t *testing.T) {
		other, twice := s.opened(s.ann, s.support, "Lamp"), "/tickets/"
		twice += other.TicketID
		for _, person := range []int64{ben, s.colleague("Cleo", s.sales)} {
			v.do(twice, "mention", url.Values{"user": {strconv.FormatInt(person, 10)}})
		}
		v.do(twice, "answer", url.Values{"text": {"It is dark"}, "form": {"lamp"}})
		s.await("both have it", v.shows(twice, "delivered to \u2068Sales (Ben)\u2069", "delivered to \u2068Sales (Cleo)\u2069"))
	})
	s.run(t, "waiting, while Telegram asks for a pause", func(t *testing.T) {
		s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: s.sales, Kind: simulator.Fault429, RetryAfter: 2}))
		say("Two")
		s.await("it waits", v.shows(address, "waiting for \u2068Sales\u2069: Telegram asks for a pause", " data-pending"))
		s.await("it arrives", func() bool { return !strings.Contains(v.get(address).body, "data-pending") })
	})
	s.run(t, "not delivered, and tried again", func(t *testing.T) {
		s.must(s.sim.Inject(simulator.Fault{Method: "sendMessage", Chat: s.sales, Kind: simulator.Fault400,
			Description: "MESSAGE_<i>STRANGE</i>"}))
		say("Three")
		s.await("it failed", v.shows(address, "not delivered to \u2068Sales\u2069"))
		body := v.get(address).body
		found := retryForm.FindStringSubmatch(body)
		if found == nil || strings.Contains(body, "<i>STRANGE") {
			t.Fatal(body)
		}
		form := url.Values{"message": {found[1]}, "into": {found[2]}}
		wrong := url.Values{"message": {found[1]}, "into": {"home"}}
		if p := v.do(address, "retry", wrong); p.status != http.StatusNotFound {
			t.Errorf("a copy that there is not: %d %s", p.status, p.body)
		}
		if p := v.do(address, "retry", form); p.status != http.StatusNoContent {
			t.Fatal(p.status, p.body)
		}
		s.awaitText(s.sales, int(thread), "Three")
		s.await("the page says so", func() bool { return !strings.Contains(v.get(address).body, "not delivered") })
		if p := v.do(address, "retry", form); p.status != http.StatusConflict || !strings.Contains(p.body, "nothing to try again") {
			t.Errorf("once more: %d %s", p.status, p.body)
		}
	})
	s.run(t, "text with its markup, and what it was before an edit", func(t *testing.T) {
		m := say("bold and <b>hidden</b> link", simulator.Entity{Type: "bold", Length: 4},
			simulator.Entity{Type: "spoiler", Offset: 12, Length: 6},
			simulator.Entity{Type: "text_link", Offset: 23, Length: 4, URL: "https://example.org/a?b=1&c=2"})
		s.await("the markup", func() bool {
			body := v.get(address).body
			return strings.Contains(body, "<b>bold</b> and &lt;b&gt;<span class=\"spoiler\"") &&
				strings.Contains(body, `<a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer nofollow"`)
		})
		_, err := s.sim.Edit(s.ann, s.support, m.ID, "// quite <i>different</i>")
		s.must(err)
		s.await("the edit", v.shows(address, "former versions: 1", "quite <i>different</i>"))
		sequence := regexp.MustCompile(`versions\?message=(\d+)`).FindStringSubmatch(v.get(address).body)
		p := v.get(address + "/versions?message=" + sequence[1])
		if p.status != 200 || !strings.Contains(p.body, "<b>bold</b> and &lt;b&gt;") {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := s.signIn(ben).get(address + "/versions?message=" + sequence[1]); p.status != http.StatusNotFound {
			t.Errorf("it is an internal note now: %d %s", p.status, p.body)
		}
		for _, wrong := range []string{"", "0", "-1", "9999", "x"} {
			if p := v.get(address + "/versions?message=" + wrong); p.status != http.StatusNotFound {
				t.Errorf("message %q: %d", wrong, p.status)
			}
		}
	})
	s.run(t, "what is deleted waits for nothing", func(t *testing.T) {
		s.must(s.sim.SetBot(s.support, simulator.Administrator, simulator.BotRights{
			CanManageTopics: true, CanPinMessages: true, CanDeleteMessages: true,
		}))
		m := say("Deleted soon")
		s.await("it is delivered", func() bool { return !strings.Contains(v.get(address).body, "data-pending") })
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Text: "/delete", ReplyTo: m.ID})
		s.must(err)
		s.await("it is deleted", v.shows(address, "This message was deleted"))
		if body := v.get(address).body; strings.Contains(body, "waiting for \u2068") {
			t.Error(body)
		}
	})
}

// TestWebViews: the inbox has views, each with its own tickets.
func TestWebViews(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	max := s.newPerson("Max", s.support)
	theirs := s.opened(max, s.support, "Waits for words")
	mine := s.opened(s.ann, s.support, "My own question")
	v := s.signIn(s.ann)
	lists := func(path string, want map[string]bool) func() bool {
		return func() bool {
			body := v.get(path).body
			for id, there := range want {
				if strings.Contains(body, "/tickets/"+id+`"`) != there {
					return false
				}
			}
			return true
		}
	}
	both := func(a, b bool) map[string]bool { return map[string]bool{theirs.TicketID: a, mine.TicketID: b} }
	s.await("mine", lists("/?view=mine", both(false, true)))
	if p := v.get("/?view=mine"); !p.has("what you opened", "/mine lists the same") || v.get("/").has(`data-testid="view-is"`) {
		t.Error("the view does not say what it lists: " + p.body)
	}
	s.await("unanswered", lists("/?view=unanswered", both(true, true)))
	s.await("nothing waits", lists("/?state=pending", both(false, false)))
	say := func(person int64, text string) {
		_, err := s.sim.Post(simulator.Post{From: person, Chat: s.support, Thread: int(theirs.Home.TelegramTopicID), Text: text})
		s.must(err)
	}
	say(s.ann, "// nobody knows")
	say(max, "Hello?")
	s.await("a note is no answer", lists("/?view=unanswered", both(true, true)))
	say(s.ann, "Here we are")
	s.await("answered", lists("/?view=unanswered", both(false, true)))
	v.do("/tickets/"+theirs.TicketID, "pending", nil)
	s.await("waiting", lists("/?state=pending", both(true, false)))
	v.do("/tickets/"+theirs.TicketID, "close", nil)
	s.await("closed today", lists("/?view=today", both(true, false)))
	if body := v.get("/?q=Waits").body; !strings.Contains(body, `href="/?q=Waits&amp;state=all" data-testid="search-all"`) {
		t.Error("a search that finds nothing among open tickets leads nowhere: " + body)
	}
	if !lists("/?q=Waits&state=all", both(true, false))() {
		t.Error("the search in all tickets finds nothing")
	}
	past := v.cookie
	v.cookie += "; tz=../../etc/passwd"
	s.await("in no zone", lists("/?view=today", both(true, false)))
	v.cookie = past
	part := v.send(http.MethodGet, "/", nil, "HX-Request", "true")
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, `id="t-`+mine.TicketID+`" data-rev="`) {
		t.Error(part.body)
	}
}

// TestWebNotesWhileTelegramIsSilent: where it is not known whether somebody could write a note, what looks like one goes to nobody.
func TestWebNotesWhileTelegramIsSilent(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	max := s.newPerson("Max", s.support)
	ticket := s.opened(max, s.support, "Printer is on fire")
	v, address, thread := s.signIn(max), "/tickets/"+ticket.TicketID, int(ticket.Home.TelegramTopicID)
	s.restart() // nobody knows any more who belongs to the group
	s.must(s.sim.Inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1}))
	p := v.do(address, "answer", url.Values{"text": {"// a hard customer"}})
	if p.status != http.StatusServiceUnavailable || !strings.Contains(p.body, "try again") {
		t.Errorf("%d %s", p.status, p.body)
	}
	for _, m := range s.sim.Messages(s.support, thread) {
		if strings.Contains(m.Text, "hard customer") {
			t.Errorf("it was sent: %q", m.Text)
		}
	}
}

// TestWebOffersWhatWorks: a ticket's page has the forms of those who may use them, and what it has works.
func TestWebOffersWhatWorks(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ben, max, cy := s.colleague("Ben", s.sales), s.newPerson("Max", s.support), s.newPerson("Cy", s.support)
	tina := s.newPerson("Tina", s.support)
	ticket := s.opened(cy, s.support, "Printer is on fire")
	address := "/tickets/" + ticket.TicketID
	people := map[string]*visitor{"its creator": s.signIn(cy), "an administrator": s.signIn(s.ann), "a member": s.signIn(max), "an internal user on it": s.signIn(ben),
		"who takes care of it": s.signIn(tina)}
	if p := people["an administrator"].do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}}); p.status != http.StatusNoContent {
		t.Fatal(p.status, p.body)
	}
	s.linked(ticket.TicketID)
	forms := func(status string) map[string]url.Values {
		if status == "closed" {
			return map[string]url.Values{"reopen": nil, "title": {"title": {"Lamp"}}}
		}
		return map[string]url.Values{"title": {"title": {"Lamp"}}, "priority": {"priority": {"high"}}, "pending": nil, "close": {"reason": {"Done"}}}
	}
	has := func(p *page, action string) bool { return strings.Contains(p.body, `action="`+address+"/"+action+`"`) }
	check := func(t *testing.T, status string, may map[string]bool) {
		t.Helper()
		for who, allowed := range may {
			v := people[who]
			for action := range forms(status) {
				s.await(who+" and the form to "+action, func() bool { p := v.get(address); return p.status == 200 && has(p, action) == allowed })
			}
			if p := v.get(address); strings.Contains(p.body, "Reopen it to answer") != (allowed && status == "closed") {
				t.Errorf("%s: %s", who, p.body)
			}
			if allowed {
				continue
			}
			for action, form := range forms(status) {
				if p := v.do(address, action, form); p.status != http.StatusForbidden {
					t.Errorf("%s could %s, which the page does not offer: %d %s", who, action, p.status, p.body)
				}
			}
		}
	}
	s.run(t, "open", func(t *testing.T) {
		check(t, "open", map[string]bool{"its creator": true, "an administrator": true, "a member": false, "an internal user on it": true, "who takes care of it": false})
		if p := people["who takes care of it"].do(address, "claim", nil); p.status != http.StatusNoContent {
			t.Fatal(p.status, p.body)
		}
		check(t, "open", map[string]bool{"who takes care of it": true, "a member": false})
		for who, v := range people {
			if p := v.do(address, "title", url.Values{"title": {"Lamp of " + who}}); (p.status == http.StatusNoContent) != (who != "a member") {
				t.Errorf("%s: %d %s", who, p.status, p.body)
			}
		}
	})
	s.run(t, "closed", func(t *testing.T) {
		if p := people["who takes care of it"].do(address, "close", nil); p.status != http.StatusNoContent {
			t.Fatal(p.status, p.body)
		}
		check(t, "closed", map[string]bool{"its creator": true, "an administrator": true, "a member": false, "an internal user on it": true})
		if p := people["a member"].get(address); !p.has("administers the group can reopen it") || p.has(`data-testid="actions"`) {
			t.Error(p.body)
		}
	})
	s.run(t, "a ticket that was asked for in private, for the team", func(t *testing.T) {
		pia := s.newPerson("Pia", s.support)
		address = "/tickets/" + s.asked(pia, "Help me").TicketID
		check(t, "open", map[string]bool{"a member": true})
		if p := people["a member"].do(address, "close", nil); p.status != http.StatusNoContent {
			t.Errorf("%d %s", p.status, p.body)
		}
	})
}

// asked has somebody ask the team of their group in private, and waits until the ticket's topic is open.
func (s *service) asked(person int64, title string) (found *storage.Ticket) {
	s.t.Helper()
	_, err := s.sim.Post(simulator.Post{From: person, Text: "/create_ticket " + title})
	s.must(err)
	pressed := false
	s.await("the ticket "+title, func() bool {
		for _, m := range s.sim.Messages(person, 0) {
			for _, row := range m.Buttons {
				if len(row) > 0 && strings.HasPrefix(row[0].Data, "pick:") && !pressed {
					pressed = true
					_, err := s.sim.Press(person, person, m.ID, row[0].Data)
					s.must(err)
				}
			}
		}
		page, err := s.store.ListTickets(s.t.Context(), storage.TicketQuery{Limit: 100})
		s.must(err)
		for i := range page.Tickets {
			if t := &page.Tickets[i]; t.Title == title && t.Home.TelegramTopicID != 0 && len(t.Links) > 0 {
				found = t
			}
		}
		return found != nil
	})
	return found
}
