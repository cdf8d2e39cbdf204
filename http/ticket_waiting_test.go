package httpedge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestTicketsByWhatTheyWaitFor: lists and filters, who has a ticket, and what changes an ETag.
func TestTicketsByWhatTheyWaitFor(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, "admin")
	max := s.newPerson("Max", s.support)
	s.opened(max, s.support, "A")
	ticketB, ticketC := s.opened(max, s.support, "B"), s.opened(max, s.support, "C")
	at := func(id string) string { return "/api/v1/tickets/" + id }
	say := func(person int64, thread int64, text string) {
		_, err := s.sim.Post(simulator.Post{From: person, Chat: s.support, Thread: int(thread), Text: text})
		s.must(err)
	}
	before := s.do("GET", at(ticketB.TicketID), key, nil)
	if b := before.is(200); b["waitingFor"] != "desk" || b["waitingSince"] != b["createdAt"] || b["assignee"] != nil {
		t.Errorf("B is %s", before.body)
	}
	say(s.ann, ticketB.Home.TelegramTopicID, "Which one?")
	lists := func(query, want string) {
		t.Helper()
		s.await(query+" lists "+want, func() bool { return strings.Join(s.titles(key, query), " ") == want })
	}
	lists("waitingFor=customer", "B")
	lists("waitingFor=desk", "A C") // who has waited longest comes first
	lists("waitingFor=desk&sort=-waitingSince", "C A")
	lists("waitingFor=desk&status=pending", "")
	lists(fmt.Sprint("waitingFor=desk&groupId=", s.support), "A C")
	lists(fmt.Sprint("waitingFor=desk&groupId=", s.sales), "")
	lists(fmt.Sprint("assignee=", s.ann), "B")
	lists(fmt.Sprint("assignee=", s.ann, "&sort=createdAt&status=open&groupId=", s.support), "B")
	lists(fmt.Sprint("assignee=", max), "")
	s.run(t, "an answer is no change of what the ticket is, and a new ETag", func(t *testing.T) {
		tag := before.header.Get("ETag")
		now := s.do("GET", at(ticketB.TicketID), key, nil)
		b := now.is(200)
		if by, _ := b["assignee"].(object); b["waitingFor"] != "customer" || by["id"] != fmt.Sprint(s.ann) || now.header.Get("ETag") == tag {
			t.Errorf("B is %s with %s", now.body, now.header.Get("ETag"))
		}
		tag = now.header.Get("ETag")
		say(max, ticketB.Home.TelegramTopicID, "The large one")
		s.await("it waits for the desk", func() bool {
			return s.do("GET", at(ticketB.TicketID), key, nil, "If-None-Match", tag).status == 200
		})
		s.do("PATCH", at(ticketB.TicketID), key, object{"priority": "high"}, "If-Match", tag).is(200)
		s.do("PATCH", at(ticketB.TicketID), key, object{"assigneeId": nil}, "If-Match", tag).is(412, "precondition_failed")
	})
	s.run(t, "assigned, and released", func(t *testing.T) {
		s.do("PATCH", at(ticketC.TicketID), key, object{"assigneeId": 4711}).is(422, "assign_unknown")
		s.do("PATCH", at(ticketC.TicketID), key, object{"assigneeId": max}).is(409, "assign_not_team")
		if b := s.do("PATCH", at(ticketB.TicketID), key, object{"assigneeId": nil}).is(200); b["assignee"] != nil {
			t.Errorf("it is %v's", b["assignee"])
		}
		b := s.do("PATCH", at(ticketB.TicketID), key, object{"assigneeId": s.ann, "title": "B2"}).is(200)
		if by, _ := b["assignee"].(object); by["name"] != "Ann" || b["title"] != "B2" {
			t.Errorf("it is %v", b)
		}
	})
	s.run(t, "closed tickets wait for nobody", func(t *testing.T) {
		c := s.do("POST", at(ticketC.TicketID)+"/close", key, object{}).is(200)
		if c["waitingFor"] != "nobody" || c["waitingSince"] != nil {
			t.Errorf("C is %v", c)
		}
		lists("waitingFor=nobody", "C")
		lists("waitingFor=nobody&status=closed", "C")
	})
	s.run(t, "what no index serves is refused", func(t *testing.T) {
		for _, query := range []string{"waitingFor=nobody&status=open", "waitingFor=desk&sort=-createdAt", "sort=waitingSince",
			"waitingFor=desk&priority=high", fmt.Sprint("waitingFor=desk&assignee=", s.ann), fmt.Sprint("assignee=", s.ann, "&sort=updatedAt")} {
			s.do("GET", "/api/v1/tickets?"+query, key, nil).is(422, "list_not_supported")
		}
	})
	s.run(t, "pages", func(t *testing.T) {
		page := s.do("GET", "/api/v1/tickets?waitingFor=desk&limit=1", key, nil).is(200)
		next := page["nextCursor"].(string)
		rest := s.do("GET", "/api/v1/tickets?waitingFor=desk&limit=1&cursor="+next, key, nil).is(200)
		if page["data"].([]any)[0].(object)["title"] != "A" || rest["data"].([]any)[0].(object)["title"] != "B2" {
			t.Errorf("%v, then %v", page, rest)
		}
		s.do("GET", "/api/v1/tickets?waitingFor=customer&limit=1&cursor="+next, key, nil).is(422, "invalid")
	})
}

// TestFirstAssignmentToAnAdministrator: in a group of which nobody has asked who administers it, the first one who is named gets
// the ticket, although Telegram takes its time to say so.
func TestFirstAssignmentToAnAdministrator(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	key, group := s.key(nil, "admin"), s.otherGroup(true, simulator.BotRights{CanManageTopics: true})
	s.do("POST", "/api/v1/users", key, object{"telegramId": s.ann, "firstName": "Ann"})
	ticket := s.ticket(key, "New", "groupId", group)
	s.must(s.sim.Inject(simulator.Fault{Method: "getChatAdministrators", Chat: group, Kind: simulator.FaultSlow, Delay: 300e6}))
	by, _ := s.do("PATCH", at(ticket), key, object{"assigneeId": s.ann}).is(200)["assignee"].(object)
	if by["id"] != fmt.Sprint(s.ann) {
		t.Errorf("it is %v's", by)
	}
}

// TestHoursOfAGroup: by the API as by /hours and /answer_within.
func TestHoursOfAGroup(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key, path := s.key(nil, "admin"), fmt.Sprint("/api/v1/groups/", s.support)
	within := func(n int) object { return object{"low": n, "normal": n, "high": 120, "urgent": 60} }
	has := func(g object, hours string, dates, normal int) {
		t.Helper()
		if byDate, _ := g["hoursByDate"].(object); g["hours"] != hours || len(byDate) != dates ||
			g["answerWithin"].(object)["normal"] != float64(normal) {
			t.Error(g)
		}
	}
	has(s.do("GET", path, key, nil).is(200), "", 0, 240)
	day := object{"2026-12-25": "closed", "2026-12-24": "9-12"}
	if p := s.do("PUT", path, key, object{"hours": "Mon-Fri 09:00-18:00 Asia/Atlantis"}).is(422, "invalid"); !strings.Contains(fmt.Sprint(p), "no time zone that the desk knows") {
		t.Error(p)
	}
	s.do("PUT", path, key, object{"hoursByDate": day}).is(409, "hours_not_yet")
	for range 2 {
		has(s.do("PUT", path, key, object{"hours": "mon-fri 9-18 asia/bangkok", "hoursByDate": day}).is(200), "Mon-Fri 09:00-18:00 Asia/Bangkok", 2, 240)
	}
	has(s.do("PUT", path, key, object{"answerWithin": within(90)}).is(200), "Mon-Fri 09:00-18:00 Asia/Bangkok", 2, 90)
	has(s.do("PUT", path, key, object{"hoursByDate": object{}}).is(200), "Mon-Fri 09:00-18:00 Asia/Bangkok", 0, 90)
	for _, hours := range []string{"Mon-Fri 9-18", "whenever", "Mon-Fri 9-18 Asia/Atlantis"} {
		s.do("PUT", path, key, object{"hours": hours}).is(422, "invalid")
	}
	s.do("PUT", path, key, object{"hoursByDate": object{"2026-02-31": "closed"}}).is(422, "invalid")
	s.do("PUT", path, key, object{"hoursByDate": object{"2026-02-28": "now and then"}}).is(422, "invalid")
	s.do("PUT", path, key, object{"answerWithin": within(-1)}).is(422, "invalid")
	has(s.do("PUT", path, key, object{"hours": ""}).is(200), "", 0, 90)
}

// TestAutoCloseOfAGroup: by the API as by /autoclose. What is not sent stays.
func TestAutoCloseOfAGroup(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key, path := s.key(nil, "admin"), fmt.Sprint("/api/v1/groups/", s.support)
	has := func(g object, after, notice, days int) {
		t.Helper()
		a, _ := g["autoClose"].(object)
		if a["after"] != float64(after) || after != 0 && a["notice"] != float64(notice) || g["reopenDays"] != float64(days) {
			t.Error(a, g["reopenDays"])
		}
	}
	refused := func(body object, pointer string) {
		t.Helper()
		r := s.do("PUT", path, key, body)
		if r.is(422, "invalid"); !strings.Contains(string(r.body), pointer) {
			t.Errorf("%s: %s", pointer, r.body)
		}
	}
	has(s.do("GET", path, key, nil).is(200), 0, 0, 7)
	has(s.do("PUT", path, key, object{"autoClose": object{"after": 4320, "notice": 1440}}).is(200), 4320, 1440, 7)
	has(s.do("PUT", path, key, object{"reopenDays": 0}).is(200), 4320, 1440, 0)
	has(s.do("PUT", path, key, object{"reopenDays": 365}).is(200), 4320, 1440, 365)
	refused(object{"autoClose": object{"after": 60, "notice": 0}}, "#/autoClose/notice")
	refused(object{"autoClose": object{"after": -1, "notice": 60}}, "#/autoClose/after")
	refused(object{"autoClose": object{"after": 60000000, "notice": 60}}, "#/autoClose/after")
	refused(object{"autoClose": object{"after": 60, "notice": 60000000}}, "#/autoClose/notice")
	refused(object{"reopenDays": -1}, "#/reopenDays")
	refused(object{"reopenDays": 366}, "#/reopenDays")
	refused(object{"reopenDays": 1.5}, "#/reopenDays")
	has(s.do("PUT", path, key, object{"autoClose": object{"after": 0, "notice": 0}}).is(200), 0, 0, 365)
}

// TestHostileTimesOfAutoClose: what can't be taken is refused, and changes nothing; the answer to anything else says what holds now.
func TestHostileTimesOfAutoClose(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key, path := s.key(nil, "admin"), fmt.Sprint("/api/v1/groups/", s.support)
	holds := func(g object, after, notice int) bool {
		a, _ := g["autoClose"].(object)
		return a["after"] == float64(after) && a["notice"] == float64(notice)
	}
	for _, c := range []struct {
		sent          string
		after, notice int
	}{
		{`{"after":1440,"notice":4320}`, 1440, 4320}, {`{"after":1,"notice":1}`, 1, 1}, {`{"after":527040,"notice":527040}`, 527_040, 527_040},
		{`{"after":0,"notice":60}`, 0, 0}, {`{"after":4320,"notice":1440}`, 4320, 1440},
	} {
		if g := s.do("PUT", path, key, `{"autoClose":`+c.sent+`}`).is(200); !holds(g, c.after, c.notice) {
			t.Errorf("%s: %v", c.sent, g["autoClose"])
		}
	}
	for _, sent := range []string{
		`{"after":-1,"notice":60}`, `{"after":60,"notice":-1}`, `{"after":-9223372036854775808,"notice":-9223372036854775808}`,
		`{"after":60,"notice":0}`, `{"after":527041,"notice":1}`, `{"after":1,"notice":527041}`, `{"after":60000000000000,"notice":60}`,
		`{"after":9223372036854775807,"notice":9223372036854775807}`, `{"after":9223372036854775808,"notice":60}`, `{"after":1e99,"notice":60}`,
		`{"after":1.5,"notice":60}`, `{"after":NaN,"notice":60}`, `{"after":"72h","notice":"24h"}`, `{"after":"๗๒","notice":60}`, `{"after":true,"notice":60}`,
		`{"after":null,"notice":60}`, `{"after":[60],"notice":60}`, `{"after":60}`, `{"notice":60}`, `{}`, `[]`, `"off"`, `4320`,
	} {
		r := s.do("PUT", path, key, `{"autoClose":`+sent+`}`)
		if r.status < 400 || r.status >= 500 {
			t.Errorf("%s: %d %s", sent, r.status, r.body)
		}
		if g := s.do("GET", path, key, nil).is(200); !holds(g, 4320, 1440) {
			t.Errorf("%s: %v", sent, g["autoClose"])
		}
	}
}

// TestGroupsDecideWhetherAnswersClaim: by the API as by /autoclaim.
func TestGroupsDecideWhetherAnswersClaim(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key, path := s.key(nil, "admin"), fmt.Sprint("/api/v1/groups/", s.support)
	if g := s.do("GET", path, key, nil).is(200); g["autoClaim"] != true {
		t.Error(g)
	}
	for range 2 {
		if g := s.do("PUT", path, key, object{"autoClaim": false}).is(200); g["autoClaim"] != false || g["language"] != "" {
			t.Error(g)
		}
	}
	if g := s.do("PUT", path, key, object{"language": "th"}).is(200); g["autoClaim"] != false {
		t.Error(g)
	}
}
