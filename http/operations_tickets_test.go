package httpedge_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// How the operations on tickets are tested. What they do is tested in tickets_test.go.

func init() {
	// fresh opens a ticket in Support that no other test uses.
	fresh := func(s *service) string {
		made := s.do("POST", "/api/v1/tickets", s.key(nil, "admin"),
			object{"title": "Printer", "groupId": s.support}).is(201)
		return "/api/v1/tickets/" + made["ticketId"].(string)
	}
	closed := func(s *service) string {
		path := fresh(s)
		s.do("POST", path+"/close", s.key(nil, "admin"), nil).is(200)
		return path
	}
	of := func(ticket func(*service) string, rest string, body any, headers ...string) func(*service) request {
		return func(s *service) request { return request{path: ticket(s) + rest, body: body, headers: headers} }
	}
	hidden := func(rest string, body any) func(*service) request {
		return func(s *service) request {
			return request{path: fresh(s) + rest, token: s.bound(s.sales), body: body}
		}
	}
	const none = "/api/v1/tickets/TICK-0-00000000"
	const long = "/api/v1/tickets/"
	add := func(id, rest string, body any, test operationTest) {
		if test.good == nil {
			test.good = of(fresh, rest, body)
		}
		test.missing, test.hidden = send(none+rest, body), hidden(rest, body)
		if test.invalid == nil {
			test.invalid = map[string]func(*service) request{}
		}
		if _, known := test.invalid["id"]; !known {
			test.invalid["id"] = send(long+strings.Repeat("x", 200)+rest, body)
		}
		operationTests[id] = test
	}

	title := func(value any) func(*service) request {
		return func(s *service) request {
			return request{path: "/api/v1/tickets", body: object{"title": value, "groupId": s.support}}
		}
	}
	with := func(field string, value any) func(*service) request {
		return func(s *service) request {
			return request{path: "/api/v1/tickets", body: object{"title": "x", "groupId": s.support, field: value}}
		}
	}
	open := func(s *service, group int64) request {
		return request{path: "/api/v1/tickets", body: object{"title": "x", "groupId": group}}
	}
	operationTests["createTicket"] = operationTest{
		good: with("metadata", object{"customer": "ACME"}),
		invalid: map[string]func(*service) request{
			"#/title": title(""), "#/title ": title(strings.Repeat("x", 5000)),
			"#/title  ": title(7), "#/priority": with("priority", "huge"),
			"#/description": with("description", strings.Repeat("x", 4001)), "#/externalId": with("externalId",
				strings.Repeat("x", 256)),
			"#/groupId": with("groupId", "x"),
		},
		refused: map[string]func(*service) request{
			"group_not_found": with("groupId", -5),
			"external_id_taken": func(s *service) request {
				token := s.key(nil, "admin")
				body := object{"title": "x", "groupId": s.support, "externalId": "taken"}
				s.do("POST", "/api/v1/tickets", token, body).is(201)
				return request{path: "/api/v1/tickets", token: token, body: body}
			},
			"group_unregistered": func(s *service) request { return open(s, s.unregistered()) },
			"group_needs_topics": func(s *service) request {
				return open(s, s.otherGroup(false, simulator.BotRights{CanManageTopics: true}))
			},
			"group_needs_rights": func(s *service) request {
				return open(s, s.otherGroup(true, simulator.BotRights{}))
			},
		},
		check: func(t *testing.T, _ *service, r *response) {
			if made := r.is(201); r.header.Get("Location") != "/api/v1/tickets/"+made["ticketId"].(string) ||
				r.header.Get("ETag") == "" {
				t.Error(r.header)
			}
		},
	}
	operationTests["listTickets"] = operationTest{
		good: get("/api/v1/tickets?status=open&limit=5"),
		invalid: map[string]func(*service) request{
			"limit": get("/api/v1/tickets?limit=0"), "cursor": get("/api/v1/tickets?cursor=x"), "status": get("/api/v1/tickets?status=lost"),
			"priority": get("/api/v1/tickets?priority=huge"), "groupId": get("/api/v1/tickets?groupId=x"), "createdBy": get("/api/v1/tickets?createdBy=x"),
			"waitingFor": get("/api/v1/tickets?waitingFor=godot"), "assignee": get("/api/v1/tickets?assignee=ben"),
			"sort": get("/api/v1/tickets?sort=title"), "createdFrom": get("/api/v1/tickets?createdFrom=yesterday"),
			"q": get("/api/v1/tickets?q=" + strings.Repeat("x",
				201)), "externalId": get("/api/v1/tickets?externalId=" + strings.Repeat("x", 256)),
		},
		refused: map[string]func(*service) request{
			"group_not_found":     get("/api/v1/tickets?groupId=-5"),
			"list_not_supported":  get("/api/v1/tickets?priority=high&createdBy=user:1"),
			"search_not_possible": get("/api/v1/tickets?q=ab"),
		},
	}
	add("getTicket", "", nil, operationTest{invalid: map[string]func(*service) request{"If-None-Match": of(fresh, "",
		nil, "If-None-Match", strings.Repeat("x", 1001))}})
	for _, id := range []string{"putTicket", "patchTicket"} {
		add(id, "", object{"priority": "high"}, operationTest{
			invalid: map[string]func(*service) request{
				"#/title": of(fresh, "", object{"title": ""}), "#/priority": of(fresh, "",
					object{"priority": "huge"}), "#/status": of(fresh, "", object{"status": "lost"}),
				"#/assigneeId": of(fresh, "", object{"assigneeId": 0}), "#/snoozedUntil": of(fresh, "", object{"snoozedUntil": "soon"}),
				"#/closesAt": of(fresh, "", object{"closesAt": "soon"}),
			},
			refused: map[string]func(*service) request{
				"precondition_failed": of(fresh, "", object{"title": 7}, "If-Match", `"stale"`),
				"ticket_is_closed":    of(closed, "", object{"priority": "low"}),
				"snooze_unclear":      of(fresh, "", object{"snoozedUntil": "2020-01-01T00:00:00Z"}),
				"close_unclear":       of(fresh, "", object{"closesAt": "2020-01-01T00:00:00Z"}),
				"close_unanswered":    of(fresh, "", object{"closesAt": time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)}),
				"assign_unknown":      of(fresh, "", object{"assigneeId": 5}),
				"assign_not_team": func(s *service) request {
					return request{path: fresh(s), body: object{"assigneeId": s.person(s.sales)}}
				},
			},
			check: func(t *testing.T, _ *service, r *response) {
				if changed := r.is(200); changed["priority"] != "high" || changed["title"] != "Printer" {
					t.Error(changed)
				}
			},
		})
	}
	add("closeTicket", "/close", object{"reason": "Solved"}, operationTest{
		invalid: map[string]func(*service) request{"#/reason": of(fresh, "/close", object{"reason": 7})},
		refused: map[string]func(*service) request{"already_closed": of(closed, "/close", object{}),
			"precondition_failed": of(fresh, "/close", object{}, "If-Match", `"stale"`)},
	})
	add("reopenTicket", "/reopen", nil, operationTest{
		good: of(closed, "/reopen", nil),
		refused: map[string]func(*service) request{"already_open": of(fresh, "/reopen", nil),
			"precondition_failed": of(closed, "/reopen", nil, "If-Match", `"stale"`)},
	})
	mention := func(s *service, chat int64) request {
		return request{path: fresh(s) + "/mention", body: object{"userId": s.person(chat)}}
	}
	add("mentionUser", "/mention", object{"userId": 5}, operationTest{
		good: func(s *service) request { return mention(s, s.sales) },
		invalid: map[string]func(*service) request{
			"#/username": of(fresh, "/mention", object{"username": "a b"}), "#/userId": of(fresh, "/mention",
				object{"userId": 0}),
		},
		refused: map[string]func(*service) request{
			"ticket_is_closed": of(closed, "/mention", object{"userId": 5}), "mention_unknown": of(fresh, "/mention",
				object{"userId": 5}),
			"mention_no_group": func(s *service) request { return mention(s, 0) },
			"mention_home":     func(s *service) request { return mention(s, s.support) },
			"mention_already": func(s *service) request {
				r := mention(s, s.sales)
				s.do("POST", r.path, s.key(nil, "admin"), r.body).is(202)
				return r
			},
			"mention_bot_out": func(s *service) request {
				group := s.otherGroup(true, simulator.BotRights{CanManageTopics: true})
				r := mention(s, group)
				s.botLeaves(group)
				return r
			},
			"mention_no_topics": func(s *service) request {
				return mention(s, s.otherGroup(false, simulator.BotRights{CanManageTopics: true}))
			},
			"mention_no_rights": func(s *service) request {
				return mention(s, s.otherGroup(true, simulator.BotRights{}))
			},
			"mention_bot": func(s *service) request {
				id := s.person(s.sales)
				u, err := s.store.User(s.t.Context(), id)
				s.must(err)
				u.IsBot = true
				s.must(s.store.SaveUser(s.t.Context(), u))
				return request{path: fresh(s) + "/mention", body: object{"userId": id}}
			},
		},
	})
	add("sendMessage", "/messages", object{"text": "Hello"}, operationTest{
		invalid: map[string]func(*service) request{
			"#/text": of(fresh, "/messages", object{"text": " "}), "#/format": of(fresh, "/messages",
				object{"text": "x", "format": "html"}),
			"#/authorName": of(fresh, "/messages", object{"text": "x", "authorName": strings.Repeat("x", 129)}),
		},
		refused: map[string]func(*service) request{
			"ticket_is_closed": of(closed, "/messages", object{"text": "x"}), "message_not_found": of(fresh,
				"/messages", object{"text": "x", "replyTo": "1:2"}),
			"attachment_not_found": of(fresh, "/messages", object{"text": "x", "attachmentIds": []string{"x"}}),
		},
	})
	pages := func(rest string) map[string]func(*service) request {
		return map[string]func(*service) request{"limit": of(fresh, rest+"?limit=101", nil),
			"cursor": of(fresh, rest+"?cursor=x", nil)}
	}
	add("listMessages", "/messages", nil, operationTest{invalid: pages("/messages")})
	add("listEvents", "/events", nil, operationTest{invalid: pages("/events")})
	feed := func(path string) operationTest {
		expired := func(s *service) request {
			id := s.do("POST", "/api/v1/tickets", s.key(nil, "admin"), object{"title": "Gone", "groupId": s.support}).is(201)["ticketId"].(string)
			cursor := s.feed(s.key(nil, "admin"), "limit", "1", "ticketId", id, "wait", "20").NextCursor
			const many = 24 // large events, so that the first is not in memory any more
			for range many {
				s.do("POST", long+id+"/messages", s.key(nil, "admin"), object{"text": strings.Repeat("x", 4000)}).is(202)
			}
			s.follow(s.key(nil, "admin"), cursor, func(f fed) bool { return len(f.Data) >= many }, "ticketId", id)
			_, err := s.store.DeleteEvents(s.t.Context(), storage.PartitionOf(id), time.Now().Add(time.Hour), 1000)
			s.must(err)
			return request{path: path + "?after=" + cursor}
		}
		return operationTest{
			good:    send(path, nil),
			missing: send(path+"?ticketId=TICK-0-00000000", nil),
			hidden: func(s *service) request {
				id := strings.TrimPrefix(fresh(s), long)
				return request{path: path + "?ticketId=" + id, token: s.bound(s.sales)}
			},
			invalid: map[string]func(*service) request{
				"types": send(path+"?types=ticket.nonsense", nil), "after": send(path+"?after=x", nil),
				"consumer": send(path+"?consumer=a%20b", nil), "lease": send(path+"?lease=x", nil),
				"ticketId": send(path+"?ticketId="+strings.Repeat("x", 200), nil),
			},
			refused: map[string]func(*service) request{"events_expired": expired, "consumer_leased": func(s *service) request {
				key := s.key(nil, "events:read")
				s.feed(key, "consumer", "crm")
				return request{path: path + "?consumer=crm", token: key}
			}, "consumer_limit": func(s *service) request {
				return request{path: path + "?consumer=more", token: s.consumers(100)}
			}},
		}
	}
	operationTests["listFeed"], operationTests["streamFeed"] = feed("/api/v1/events"), feed("/api/v1/events/stream")
	event := func(s *service) string {
		id := strings.TrimPrefix(fresh(s), long)
		return "/api/v1/events/by-id/" + s.feed(s.key(nil, "admin"), "limit", "1", "ticketId", id, "wait", "20").Data[0].ID
	}
	operationTests["getEvent"] = operationTest{
		good: of(event, "", nil), missing: send("/api/v1/events/by-id/evt_nothing", nil),
		hidden:  func(s *service) request { return request{path: event(s), token: s.bound(s.sales)} },
		invalid: map[string]func(*service) request{"eventId": send("/api/v1/events/by-id/"+strings.Repeat("x", 201), nil)},
	}
	add("listLinks", "/links", nil, operationTest{invalid: pages("/links")})
	topic := func(s *service) int {
		thread, err := s.sim.CreateTopic(s.sales, s.ann, "Their own")
		s.must(err)
		return thread
	}
	join := func(s *service) request {
		return request{path: fresh(s) + "/links", body: object{"groupId": s.sales, "telegramTopicId": topic(s)}}
	}
	add("linkTopic", "/links", object{"groupId": -5, "telegramTopicId": 5}, operationTest{
		good: join,
		invalid: map[string]func(*service) request{
			"#/groupId":         of(fresh, "/links", object{"groupId": 5, "telegramTopicId": 5}),
			"#/telegramTopicId": of(fresh, "/links", object{"groupId": -5, "telegramTopicId": 1}),
		},
		refused: map[string]func(*service) request{
			"group_not_found": of(fresh, "/links", object{"groupId": -5, "telegramTopicId": 5}),
			"ticket_is_closed": func(s *service) request {
				return request{path: closed(s) + "/links", body: object{"groupId": s.sales,
					"telegramTopicId": topic(s)}}
			},
			"link_already": func(s *service) request {
				r := join(s)
				s.do("POST", r.path, s.key(nil, "admin"), r.body).is(201)
				return r
			},
			"link_other": func(s *service) request {
				r := join(s)
				s.do("POST", r.path, s.key(nil, "admin"), r.body).is(201)
				return request{path: fresh(s) + "/links", body: r.body}
			},
			"group_unregistered": func(s *service) request {
				return request{path: fresh(s) + "/links", body: object{"groupId": s.unregistered(),
					"telegramTopicId": topic(s)}}
			},
			"link_bot_out": func(s *service) request {
				group := s.otherGroup(true, simulator.BotRights{CanManageTopics: true})
				made := s.do("POST", "/api/v1/tickets", s.key(nil, "admin"), open(s, group).body).is(201)
				s.botLeaves(group)
				return request{path: "/api/v1/tickets/" + made["ticketId"].(string) + "/links",
					body: object{"groupId": s.sales, "telegramTopicId": topic(s)}}
			},
		},
	})
	linked := func(s *service) string {
		r := join(s)
		link := s.do("POST", r.path, s.key(nil, "admin"), r.body).is(201)
		return fmt.Sprintf("%s/%s", r.path, link["linkId"])
	}
	operationTests["unlinkTopic"] = operationTest{
		good:    func(s *service) request { return request{path: linked(s)} },
		missing: get(none + "/links/x"),
		hidden:  func(s *service) request { return request{path: linked(s), token: s.bound(s.sales)} },
		invalid: map[string]func(*service) request{"linkId": of(fresh, "/links/"+strings.Repeat("x", 81), nil)},
		refused: map[string]func(*service) request{"unlink_none": of(fresh, "/links/x", nil)},
	}

	upload := func(name, content string) *form { return fileForm("file", name, content) }
	add("addAttachment", "/attachments", upload("a.txt", "hello"), operationTest{
		invalid: map[string]func(*service) request{
			"file": of(fresh, "/attachments", fileForm("other", "a.txt", "hello")),
			"id":   send(long+strings.Repeat("x", 200)+"/attachments", upload("a.txt", "hello")),
		},
		refused: map[string]func(*service) request{"file_refused": of(fresh, "/attachments",
			upload("a.txt", "<!DOCTYPE html><html>"))},
	})
	stored := func(s *service) string {
		made := s.do("POST", fresh(s)+"/attachments", s.key(nil, "admin"), upload("a.txt", "hello")).is(201)
		return "/api/v1/attachments/" + made["attachmentId"].(string)
	}
	file := func(id, rest string, more operationTest) {
		more.good = of(stored, rest, nil)
		more.missing = get("/api/v1/attachments/x" + rest)
		more.hidden = func(s *service) request { return request{path: stored(s) + rest, token: s.bound(s.sales)} }
		more.invalid = map[string]func(*service) request{"id": get("/api/v1/attachments/" + strings.Repeat("x", 301) +
			rest)}
		operationTests[id] = more
	}
	file("getAttachment", "", operationTest{})
	file("getAttachmentContent", "/content", operationTest{
		refused: map[string]func(*service) request{"range_not_satisfiable": of(stored, "/content", nil, "Range",
			"bytes=5-")},
	})
	file("getAttachmentThumbnail", "/thumbnail", operationTest{})
	thumbnail := operationTests["getAttachmentThumbnail"]
	picture := func(s *service) string {
		made := s.do("POST", fresh(s)+"/attachments", s.key(nil, "admin"), upload("a.png", tinyPNG(40, 30))).is(201)
		return "/api/v1/attachments/" + made["attachmentId"].(string)
	}
	thumbnail.good = of(picture, "/thumbnail", nil)
	operationTests["getAttachmentThumbnail"] = thumbnail
}

// fileForm is a form with one file, and more fields: name, value, ….
func fileForm(field, name, content string, more ...string) *form {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(more); i += 2 {
		if err := w.WriteField(more[i], more[i+1]); err != nil {
			panic(err)
		}
	}
	part, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return &form{media: w.FormDataContentType(), text: b.String()}
}

// tinyPNG is a picture.
func tinyPNG(width, height int) string {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.String()
}
