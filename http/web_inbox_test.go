package httpedge_test

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestWebInboxAsksTelegramSeldom: a page that asks for its list again and again has Telegram asked about the groups of the person,
// and of others once an hour.
func TestWebInboxAsksTelegramSeldom(t *testing.T) {
	var passed atomic.Int64
	s := newService(t, serviceOptions{now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	s.register()
	max := s.newPerson("Max", s.support)
	ticket := s.opened(max, s.support, "Printer is on fire")
	v := s.signIn(max)
	list := func(t *testing.T, headers ...string) (asked int) {
		t.Helper()
		before := s.sim.CallStats().ByMethod["getChatMember"]
		p := v.send(http.MethodGet, "/", nil, headers...)
		if !strings.Contains(p.body, ticket.TicketID) || strings.Contains(p.body, "data-partly") ||
			strings.Contains(p.body, strconv.FormatInt(s.sales, 10)) || !strings.Contains(p.body, `value="`+strconv.FormatInt(s.support, 10)) {
			t.Error(p.body)
		}
		return s.sim.CallStats().ByMethod["getChatMember"] - before
	}
	list(t)
	again := []string{"HX-Request", "true"}
	for _, step := range []struct {
		name   string
		passes time.Duration
		header []string
		asked  int
	}{
		{"a refresh immediately", 0, again, 0}, {"after ten minutes, about their own group", 10 * time.Minute, again, 1},
		{"a page that somebody opens, about all", 0, nil, 1}, {"after more than an hour, about all", 70 * time.Minute, again, 2},
	} {
		s.run(t, step.name, func(t *testing.T) {
			passed.Add(int64(step.passes))
			if asked := list(t, step.header...); asked != step.asked {
				t.Errorf("Telegram was asked %d times, not %d", asked, step.asked)
			}
		})
	}
}

// TestWebInboxCompletesItself: while Telegram does not say to which groups somebody belongs, the list says so, and has it
// asked again.
func TestWebInboxCompletesItself(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	max := s.newPerson("Max", s.support)
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	v := s.signIn(max)
	s.restart() // nobody knows any more who belongs to the groups
	s.must(s.sim.Inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1}))
	if p := v.get("/"); p.status != 200 || !strings.Contains(p.body, "data-partly") || strings.Contains(p.body, ticket.TicketID) {
		t.Fatal(p.status, p.body)
	}
	s.sim.ClearFaults()
	s.await("the whole list", func() bool {
		p := v.send(http.MethodGet, "/", nil, "HX-Request", "true")
		return !strings.Contains(p.body, "data-partly") && strings.Contains(p.body, ticket.TicketID) &&
			strings.Contains(p.body, `value="`+strconv.FormatInt(s.support, 10))
	})
}

// TestWebInboxSaysWhatCame: the line of a ticket whose last message has no words says what it is.
func TestWebInboxSaysWhatCame(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	v := s.signIn(s.ann)
	_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID), Media: &simulator.Upload{Kind: "photo", FileName: "a.png",
		MimeType: "image/png", Data: grayPicture(t)}})
	s.must(err)
	s.await("the photo", v.shows("/", `<i dir="auto">Ann:</i> <i data-testid="media">photo</i>`))
}

// TestWebMarks: the team sees of a ticket that it is put aside, or that an answer is overdue, as by the icon of its topic. Who asks does not.
func TestWebMarks(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	cy := s.newPerson("Cy", s.support)
	late, aside := s.opened(cy, s.support, "Printer is on fire"), s.opened(cy, s.support, "Paper is out")
	s.must(s.sim.SetMember(s.support, cy, simulator.Left))
	member, customer := s.signIn(s.newPerson("Max", s.support)), s.signIn(cy)
	key := s.key(nil, "admin")
	operator := s.signInByKey(key)
	has := func(v *visitor, path, id, mark string) bool {
		_, part, _ := strings.Cut(v.get(path).body, id)
		if path != "/" && path != keyTickets { // that of the ticket
			return strings.Contains(part, `data-testid="`+mark+`"`)
		}
		part, _, _ = strings.Cut(part, "</li>")
		return strings.Contains(part, `data-testid="`+mark+`"`)
	}
	s.do("PATCH", "/api/v1/tickets/"+aside.TicketID, key, object{"snoozedUntil": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)}).is(200)
	s.restart() // nothing has the other ticket in memory
	s.await("an answer is overdue", func() bool {
		r, err := s.store.Ticket(t.Context(), late.TicketID)
		s.must(err)
		r.Timers.OverdueAt = time.Now()
		return s.store.SaveTicket(t.Context(), r) == nil
	})
	for _, path := range []string{"/", keyTickets, "/tickets/", keyTickets + "/"} {
		for _, of := range []struct {
			id   string
			mark map[string]bool
		}{{late.TicketID, map[string]bool{"overdue": true, "aside": false}}, {aside.TicketID, map[string]bool{"overdue": false, "aside": true}}} {
			for mark, want := range of.mark {
				at, v := path, member
				if len(path) > 1 && strings.HasSuffix(path, "/") {
					at += of.id
				}
				if strings.HasPrefix(path, keyTickets) {
					v = operator
				}
				s.await(at+": "+mark, func() bool { return has(v, at, of.id, mark) == want })
			}
		}
	}
	for _, path := range []string{"/", "/tickets/" + late.TicketID, "/tickets/" + aside.TicketID} {
		s.await("the page of who asks", func() bool { return customer.get(path).status == http.StatusOK })
		if p := customer.get(path); p.has(`data-testid="overdue"`) || p.has(`data-testid="aside"`) {
			t.Errorf("%s tells them: %s", path, p.body)
		}
	}
}

// TestWebInboxListsWhatOneHelpedWith: a closed ticket is in the lists of whose group was linked and of who was brought in, as its topic is
// in Telegram, and in nobody's who left it.
func TestWebInboxListsWhatOneHelpedWith(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ben, sue := s.colleague("Ben", s.sales), s.newPerson("Sue", s.sales)
	ticket, kept := s.opened(s.ann, s.support, "Printer is on fire"), s.opened(s.ann, s.support, "Printer is out of paper")
	helper, colleague, other := s.signIn(ben), s.signIn(sue), s.signIn(s.newPerson("Sam", 0))
	owner, address := s.signIn(s.ann), "/tickets/"+ticket.TicketID
	if p := owner.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}}); p.status != http.StatusNoContent {
		t.Fatal(p.status, p.body)
	}
	s.linked(ticket.TicketID)
	lists := func(v *visitor, path string) bool {
		body := v.get(path).body
		if strings.Contains(body, kept.TicketID) {
			t.Errorf("%s lists what nobody there is on: %s", path, body)
		}
		return strings.Contains(body, `href="`+address+`"`)
	}
	closed := []string{"/?state=closed", "/?state=all", "/?view=today", "/?state=closed&q=printer",
		"/?state=all&group=" + strconv.FormatInt(s.sales, 10)}
	for _, v := range []*visitor{helper, colleague} {
		s.await("it is open", func() bool { return lists(v, "/") && lists(v, "/?state=all") && !lists(v, "/?state=closed") })
	}
	s.must(s.sim.SetMember(s.sales, ben, simulator.Left)) // he was brought in himself
	if p := owner.do(address, "close", nil); p.status != http.StatusNoContent {
		t.Fatal(p.status, p.body)
	}
	for _, path := range closed {
		for _, v := range []*visitor{helper, colleague} {
			if v == helper && strings.Contains(path, "group=") {
				continue
			}
			s.await(path, func() bool { return lists(v, path) })
		}
		if lists(other, path) {
			t.Errorf("%s lists it for a stranger", path)
		}
	}
	for _, path := range []string{"/", "/?view=unanswered", "/?view=waiting", "/?view=mine"} {
		if lists(helper, path) || lists(colleague, path) {
			t.Errorf("%s lists what is closed", path)
		}
	}
	if p := owner.do(address, "reopen", nil); p.status != http.StatusNoContent {
		t.Fatal(p.status, p.body)
	}
	s.await("it is open again", func() bool { return lists(colleague, "/") && !lists(colleague, "/?state=closed") })
}

// TestWebInboxSendsWhatChanged: a page that asks again names the rows that it shows, and gets those that show something else: all that
// an answer without the others leaves out, the page has.
func TestWebInboxSendsWhatChanged(t *testing.T) {
	var passed atomic.Int64
	s := newService(t, serviceOptions{now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	s.register()
	s.opened(s.ann, s.support, "Paper is out")
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	max := s.newPerson("Max", s.support)
	v, key := s.signIn(max), s.key(nil, "admin")
	row := regexp.MustCompile(`(?s)<li id="t-([^"]+)"[^>]* data-shown="([0-9a-f]+)".*?</li>`)
	has, shown := map[string]string{}, map[string]string{} // by ticket: the row, and the digest of what it shows
	ask := func(have []string) (sent []string) {
		t.Helper()
		address := "/?state=all"
		if have != nil {
			address += "&have=" + strings.Join(have, ".")
		}
		p := v.send(http.MethodGet, address, nil, "HX-Request", "true")
		found := row.FindAllStringSubmatch(p.body, -1)
		if len(found) != 2 {
			t.Fatal(p.status, p.body)
		}
		for _, f := range found {
			if strings.Contains(f[0], "data-same") {
				if strings.Contains(f[0], "<a") || f[2] != shown[f[1]] {
					t.Error("it has content, or is none that the page has:", f[0])
				}
				continue
			}
			if slices.Contains(have, f[2]) {
				t.Error("the page has it:", f[0])
			}
			has[f[1]], shown[f[1]] = f[0], f[2]
			sent = append(sent, f[1])
		}
		return sent
	}
	digests := func() []string { return slices.Collect(maps.Values(shown)) }
	thread := int(ticket.Home.TelegramTopicID)
	say := func(text string) {
		t.Helper()
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: text})
		s.must(err)
		s.await(text, v.shows("/?state=all", text))
	}
	s.await("nothing changes any more", func() bool { ask(nil); return len(ask(digests())) == 0 })
	// Whatever changes, what is put together is what a page shows that is opened now.
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"a message", func() { say("It smells") }},
		{"it was read", func() { v.get("/tickets/" + ticket.TicketID) }},
		{"a title", func() { s.do("PATCH", "/api/v1/tickets/"+ticket.TicketID, key, object{"title": "Lamp"}).is(200) }},
		{"priority", func() { s.do("PATCH", "/api/v1/tickets/"+ticket.TicketID, key, object{"priority": "urgent"}).is(200) }},
		{"who has it", func() {
			s.do("PATCH", "/api/v1/tickets/"+ticket.TicketID, key, object{"assigneeId": s.colleague("Ben", s.support)}).is(200)
		}},
		{"whose turn it is", func() {
			s.do("POST", "/api/v1/tickets/"+ticket.TicketID+"/messages", key, object{"text": "Soon"}).is(202)
		}},
		{"put aside", func() {
			s.do("PATCH", "/api/v1/tickets/"+ticket.TicketID, key, object{"snoozedUntil": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)}).is(200)
		}},
	} {
		s.run(t, c.name, func(t *testing.T) {
			before := has[ticket.TicketID]
			c.change()
			s.await("it is sent", func() bool {
				ask(digests())
				return has[ticket.TicketID] != before
			})
			s.await("it is as on a new page", func() bool {
				ask(digests())
				return strings.Contains(v.get("/?state=all").body, has[ticket.TicketID])
			})
		})
	}
	passed.Add(int64(time.Hour)) // ages are shown, too
	if sent := ask(digests()); len(sent) != 2 {
		t.Errorf("after an hour it sends %v", sent)
	}
	if sent := ask([]string{"", "nonsense", strings.Repeat("0", 2000)}); len(sent) != 2 {
		t.Errorf("to a page that has none of them it sends %v", sent)
	}
}

// TestWebClosedToday: the view has what was closed since the reader's midnight, wherever they are, and not what was closed before.
func TestWebClosedToday(t *testing.T) {
	const day = 24 * time.Hour
	evening := time.Now().UTC().Truncate(day).Add(20 * time.Hour) // in UTC
	if evening.Before(time.Now()) {
		evening = evening.Add(day)
	}
	ahead := time.Until(evening)
	s := newService(t, serviceOptions{now: func() time.Time { return time.Now().Add(ahead) }})
	s.register()
	today := evening.Truncate(day)
	closed := map[string]time.Time{}
	closedAt := func(name string, at time.Time) {
		t.Helper()
		closed[name] = at
		s.must(s.store.SaveTicket(t.Context(), &storage.Ticket{TicketID: "TICK-TODAY-" + name, Title: "Closed " + name, Status: "closed", Priority: "normal",
			GroupID: s.place(s.support), CreatedAt: today.Add(-30 * day), LastMessageAt: today.Add(-30 * day), ClosedAt: at, UpdatedAt: at}))
	}
	zones := []struct {
		name     string
		midnight time.Time
	}{
		{"", today}, {"UTC", today}, {"Asia/Bangkok", today.Add(17 * time.Hour)}, // there it is the next day already
		{"Europe/Moscow", today.Add(-3 * time.Hour)}, {"Pacific/Honolulu", today.Add(10 * time.Hour)}, {"Nowhere/Atlantis", today},
	}
	for i, zone := range zones {
		closedAt(strconv.Itoa(i)+"A", zone.midnight.Add(-time.Millisecond))
		closedAt(strconv.Itoa(i)+"B", zone.midnight)
	}
	closedAt("EARLIER", today.Add(-day))
	v := s.signIn(s.ann)
	cookie := v.cookie
	for _, zone := range zones {
		if v.cookie = cookie; zone.name != "" {
			v.cookie += "; tz=" + zone.name
		}
		p := v.get("/?view=today")
		for name, at := range closed {
			if there, want := strings.Contains(p.body, "/tickets/TICK-TODAY-"+name+`"`), !at.Before(zone.midnight); p.status != http.StatusOK || there != want {
				t.Errorf("in %q what was closed at %s is there: %v (%d)", zone.name, at, there, p.status)
			}
		}
	}
}

// TestWebTimelineSaysWhere: each message has the group in which it was written, for the team and for keys. Whoever asked reads of no group.
func TestWebTimelineSaysWhere(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ben, cy := s.colleague("Ben", s.sales), s.newPerson("Cy", s.support)
	ticket := s.opened(cy, s.support, "Printer is on fire")
	address := "/tickets/" + ticket.TicketID
	team, helper, customer := s.signIn(s.ann), s.signIn(ben), s.signIn(cy)
	if p := team.do(address, "mention", url.Values{"user": {strconv.FormatInt(ben, 10)}}); p.status != http.StatusNoContent {
		t.Fatal(p.status, p.body)
	}
	there := s.linked(ticket.TicketID)
	for chat, thread := range map[int64]int64{s.support: ticket.Home.TelegramTopicID, s.sales: there} {
		from := map[int64]int64{s.support: s.ann, s.sales: ben}[chat]
		_, err := s.sim.Post(simulator.Post{From: from, Chat: chat, Thread: int(thread), Text: "Said in " + s.place(chat)})
		s.must(err)
	}
	s.must(s.sim.SetMember(s.support, cy, simulator.Left)) // the group is none of their business now
	operator := s.signInByKey(s.key(nil, "tickets:read", "messages:read", "groups:read"))
	header := func(v *visitor, page, said string) (found string) {
		t.Helper()
		s.await(said+" is on "+page, func() bool {
			for _, article := range strings.Split(v.get(page).body, "<article")[1:] {
				if strings.Contains(article, said) {
					found, _, _ = strings.Cut(article, "</header>")
				}
			}
			return found != ""
		})
		return found
	}
	for chat, title := range map[int64]string{s.support: "Support", s.sales: "Sales"} {
		said := "Said in " + s.place(chat)
		for who, v := range map[string]*visitor{"the team": team, "who was mentioned": helper} {
			if h := header(v, address, said); !strings.Contains(h, `<span dir="auto">`+title+`</span> · `) {
				t.Errorf("%s does not read that it was said in %s: %s", who, title, h)
			}
		}
		if h := header(operator, keyTickets+"/"+ticket.TicketID, said); !strings.Contains(h, "<bdi>"+title+"</bdi> · ") {
			t.Errorf("a key does not read that it was said in %s: %s", title, h)
		}
		s.await("who asked is outside", func() bool {
			h := header(customer, address, said)
			return !strings.Contains(h, "Support") && !strings.Contains(h, "Sales")
		})
	}
}

// TestWebFilters: the inbox lists the tickets of a priority, and of whoever takes care of them, in each view.
func TestWebFilters(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	cy, max := s.newPerson("Cy", s.support), s.newPerson("Max", s.support)
	member, admin := s.signIn(max), s.signIn(s.ann)
	made := map[string]string{} // ids by title
	for _, title := range []string{"Printer urgent of Max", "Printer urgent of nobody", "Printer of Max", "Printer of nobody"} {
		ticket := s.opened(cy, s.support, title)
		made[title] = ticket.TicketID
		if strings.Contains(title, "urgent") {
			if p := admin.do("/tickets/"+ticket.TicketID, "priority", url.Values{"priority": {"urgent"}}); p.status != http.StatusNoContent {
				t.Fatal(p.status, p.body)
			}
		}
		if strings.HasSuffix(title, "Max") {
			if p := member.do("/tickets/"+ticket.TicketID, "claim", nil); p.status != http.StatusNoContent {
				t.Fatal(p.status, p.body)
			}
		}
	}
	id := strconv.FormatInt(max, 10)
	urgent, theirs := []string{"Printer urgent of Max", "Printer urgent of nobody"}, []string{"Printer urgent of Max", "Printer of Max"}
	all := append([]string{"Printer of nobody"}, append(theirs[1:2:2], urgent...)...)
	for query, want := range map[string][]string{
		"priority=urgent": urgent, "assignee=" + id: theirs, "priority=urgent&assignee=" + id: urgent[:1], "priority=low": nil,
		"assignee=4": nil, "view=unanswered&priority=urgent": urgent, "view=unanswered&assignee=" + id: theirs,
		"view=unanswered&priority=normal&assignee=" + id: theirs[1:], "view=waiting&priority=urgent": nil, "view=mine&priority=urgent": urgent[:1],
		"q=printer&priority=urgent": urgent, "q=printer&assignee=" + id: theirs, "state=closed&priority=urgent": nil, "state=all&assignee=" + id: theirs,
		"priority=urgent&group=" + strconv.FormatInt(s.support, 10): urgent, "priority=urgent&group=" + strconv.FormatInt(s.sales, 10): nil,
		"priority=nonsense": all, "assignee=nonsense": all, "assignee=-1": all, "": all,
	} {
		s.await("/?"+query, func() bool {
			body := member.get("/?" + query).body
			for title, ticket := range made {
				if strings.Contains(body, `href="/tickets/`+ticket+`"`) != slices.Contains(want, title) {
					return false
				}
			}
			return true
		})
	}
	p := member.get("/?priority=urgent&assignee=" + id + "&q=printer")
	for _, part := range []string{`<option value="urgent" selected>`, `<option value="` + id + `" selected>🙋 ` + "\u2068Max\u2069", `href="/?assignee=` + id + `&priority=urgent&q=printer&view=waiting"`} {
		if !p.has(part) {
			t.Errorf("the page has no %s: %s", part, p.body)
		}
	}
}

// TestWebFiltersPageByPage: of many tickets, the pages of a filtered list have each that fits once, and no other.
func TestWebFiltersPageByPage(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	const many = 400
	who := []string{"", strconv.FormatInt(s.ann, 10), "77"}
	now := time.Now().Truncate(time.Millisecond)
	number := func(i int) string { return fmt.Sprintf("TICK-MANY-%03d", i) }
	for i := range many {
		r := &storage.Ticket{TicketID: number(i), Title: "One of many", Status: "open", Priority: []string{"normal", "high", "normal", "urgent"}[i%4],
			GroupID: s.place(s.support), CreatedAt: now.Add(-time.Duration(i/2) * time.Minute), UpdatedAt: now, LastMessageAt: now.Add(-time.Duration(many-i) * time.Second)}
		if of := who[i%len(who)]; of != "" {
			r.Assignee = &storage.Creator{Kind: "user", ID: of, Name: "Somebody"}
		}
		s.must(s.store.SaveTicket(t.Context(), r))
	}
	v := s.signIn(s.ann)
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for query, fits := range map[string]func(i int) bool{
		"priority=high": func(i int) bool { return i%4 == 1 }, "assignee=77": func(i int) bool { return i%3 == 2 },
		"priority=normal&assignee=" + who[1]: func(i int) bool { return i%2 == 0 && i%3 == 1 }, "": func(int) bool { return true },
	} {
		seen := map[string]int{}
		for address := "/?" + query; address != ""; {
			p := v.get(address)
			if p.status != http.StatusOK {
				t.Fatal(address, p.status, p.body)
			}
			for _, found := range regexp.MustCompile(`href="/tickets/(TICK-MANY-\d+)"`).FindAllStringSubmatch(p.body, -1) {
				seen[found[1]]++
			}
			address = ""
			if further := next.FindStringSubmatch(p.body); further != nil {
				address = html.UnescapeString(further[1])
			}
		}
		for i := range many {
			if want := map[bool]int{true: 1}[fits(i)]; seen[number(i)] != want {
				t.Errorf("%q: %s is on the pages %d times, not %d", query, number(i), seen[number(i)], want)
			}
		}
	}
}
