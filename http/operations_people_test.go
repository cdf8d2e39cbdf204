package httpedge_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// How the operations on keys, people and groups are tested.

var newest atomic.Int64 // the newest id that a test made up

func nextID() int64 { return 900_000 + newest.Add(1) }

// place is the place of a group.
func (s *service) place(chat int64) string { return "g" + strconv.FormatInt(chat, 10) }

// bound is a key of one group that may do everything there.
func (s *service) bound(chat int64) string { return s.key(of(s.place(chat)), "admin") }

// person makes a person known, with a default group unless that is 0.
func (s *service) person(chat int64) int64 {
	s.t.Helper()
	u := &storage.User{TelegramID: nextID(), FirstName: "Ben", Username: fmt.Sprintf("ben_%d", newest.Load())}
	if chat != 0 {
		u.DefaultGroupID = s.place(chat)
	}
	s.must(s.store.SaveUser(s.t.Context(), u))
	return u.TelegramID
}

// username is the username by which the desk knows a person.
func (s *service) username(id int64) string {
	s.t.Helper()
	u, err := s.store.User(s.t.Context(), id)
	s.must(err)
	return u.Username
}

// otherGroup adds a group in Telegram, with the bot as an administrator. The desk knows the group when this returns.
func (s *service) otherGroup(forum bool, rights simulator.BotRights) int64 {
	s.t.Helper()
	g, err := s.sim.AddGroup(simulator.Group{Title: "Other", Forum: forum})
	s.must(err)
	s.must(s.sim.SetMember(g.ID, s.ann, simulator.Creator))
	s.must(s.sim.SetBot(g.ID, simulator.Administrator, rights))
	s.await("the bot is in the group", func() bool {
		record, err := s.store.GroupByTelegramID(s.t.Context(), g.ID)
		return err == nil && record.SupportTopicsEnabled
	})
	return g.ID
}

// botLeaves removes the bot from a group.
func (s *service) botLeaves(group int64) {
	s.t.Helper()
	s.must(s.sim.SetBot(group, simulator.Kicked, simulator.BotRights{}))
	s.await("the bot knows that it is out", func() bool {
		record, err := s.store.GroupByTelegramID(s.t.Context(), group)
		return err == nil && record.BotStatus == "kicked"
	})
}

// unregistered is a group that the bot is in but that is not registered.
func (s *service) unregistered() int64 {
	s.t.Helper()
	group := s.otherGroup(true, simulator.BotRights{CanManageTopics: true})
	s.do("PUT", fmt.Sprintf("/api/v1/groups/%d", group), s.key(nil, "admin"),
		object{"supportTopicsEnabled": false}).is(200)
	return group
}

// keyID is the id of a new key.
func (s *service) keyID(change func(*storage.APIKey), scopes ...string) string {
	s.t.Helper()
	id, _ := messages.APIKeyID(s.key(change, scopes...))
	return id
}

func get(path string) func(*service) request {
	return func(*service) request { return request{path: path} }
}

func send(path string, body any) func(*service) request {
	return func(*service) request { return request{path: path, body: body} }
}

type object = map[string]any

func init() {
	const none = "aaaaaaaaaaaa"
	lists := func(path string) map[string]func(*service) request {
		return map[string]func(*service) request{
			"limit": get(path + "?limit=101"), "limit ": get(path + "?limit=0"), "limit  ": get(path + "?limit=x"),
			"cursor": get(path + "?cursor=nonsense"), "cursor ": get(path + "?cursor=" + strings.Repeat("x", 501)),
		}
	}
	user := func(s *service, chat int64) string { return fmt.Sprintf("/api/v1/users/%d", s.person(chat)) }
	operationTests["listEventTypes"] = operationTest{good: get("/api/v1/events/types"),
		check: func(t *testing.T, _ *service, r *response) {
			types := r.is(200)["data"].([]any)
			if len(types) != len(messages.Events) {
				t.Errorf("%d types, want %d", len(types), len(messages.Events))
			}
		}}
	operationTests["getMe"] = operationTest{good: get("/api/v1/me"),
		check: func(t *testing.T, _ *service, r *response) {
			if me := r.is(200); me["name"] != "Test" || me["groupId"] != nil ||
				strings.Contains(string(r.body), "td_live_") {
				t.Errorf("%s", r.body)
			}
		}}
	operationTests["listApiKeys"] = operationTest{good: get("/api/v1/api-keys"), invalid: lists("/api/v1/api-keys")}
	operationTests["createApiKey"] = operationTest{
		good: send("/api/v1/api-keys", object{"name": "CRM", "owner": "ops",
			"scopes": []string{"tickets:*", "keys:read"}, "rate": 7, "burst": 9, "expiresAt": "2099-01-01T00:00:00Z"}),
		invalid: map[string]func(*service) request{
			"#/name":     send("/api/v1/api-keys", object{"name": "", "scopes": []string{"admin"}}),
			"#/name ":    send("/api/v1/api-keys", object{"name": "  ", "scopes": []string{"admin"}}),
			"#/scopes":   send("/api/v1/api-keys", object{"name": "x", "scopes": []string{}}),
			"#/scopes/1": send("/api/v1/api-keys", object{"name": "x", "scopes": []string{"admin", "everything"}}),
			"#/rate":     send("/api/v1/api-keys", object{"name": "x", "scopes": []string{"admin"}, "rate": 0}),
			"#/burst":    send("/api/v1/api-keys", object{"name": "x", "scopes": []string{"admin"}, "burst": -1}),
			"#/expiresAt": send("/api/v1/api-keys", object{"name": "x", "scopes": []string{"admin"},
				"expiresAt": "2001-01-01T00:00:00Z"}),
			"#/groupId": send("/api/v1/api-keys", object{"name": "x", "scopes": []string{"admin"}, "groupId": "x"}),
		},
		refused: map[string]func(*service) request{
			"group_not_found": send("/api/v1/api-keys", object{"name": "x", "scopes": []string{"admin"},
				"groupId": -5}),
			"group_not_found: of another": func(s *service) request {
				return request{path: "/api/v1/api-keys", token: s.bound(s.sales),
					body: object{"name": "x", "scopes": []string{"admin"}, "groupId": s.support}}
			},
			"grant_too_wide": func(s *service) request {
				return request{path: "/api/v1/api-keys", token: s.key(nil, "keys:*", "tickets:read"),
					body: object{"name": "x", "scopes": []string{"tickets:*"}}}
			},
		},
		check: func(t *testing.T, s *service, r *response) {
			made := r.is(201)
			key, _ := made["key"].(string)
			me := s.do("GET", "/api/v1/me", key, nil).is(200)
			if me["keyId"] != made["keyId"] || me["rate"] != 7.0 || me["burst"] != 9.0 || me["owner"] != "ops" ||
				me["expiresAt"] != "2099-01-01T00:00:00.000Z" {
				t.Error(me)
			}
			if r.header.Get("Location") != "/api/v1/api-keys/"+made["keyId"].(string) {
				t.Error(r.header)
			}
		},
	}
	operationTests["revokeApiKey"] = operationTest{
		good: func(s *service) request {
			return request{path: "/api/v1/api-keys/" + s.keyID(nil, "tickets:read")}
		},
		missing: get("/api/v1/api-keys/" + none),
		hidden: func(s *service) request {
			return request{path: "/api/v1/api-keys/" + s.keyID(of(s.place(s.support)), "tickets:read"),
				token: s.bound(s.sales)}
		},
		invalid: map[string]func(*service) request{"id": get("/api/v1/api-keys/" + strings.Repeat("a", 65))},
		refused: map[string]func(*service) request{"grant_too_wide": func(s *service) request {
			return request{path: "/api/v1/api-keys/" + s.keyID(nil, "admin"), token: s.key(nil, "keys:*")}
		}},
	}
	rotate := func(change func(*storage.APIKey), body any) func(*service) request {
		return func(s *service) request {
			return request{path: "/api/v1/api-keys/" + s.keyID(change, "tickets:read") + "/rotate", body: body}
		}
	}
	operationTests["rotateApiKey"] = operationTest{
		good:    rotate(nil, object{"overlapSeconds": 60}),
		missing: send("/api/v1/api-keys/"+none+"/rotate", object{}),
		hidden: func(s *service) request {
			return request{path: "/api/v1/api-keys/" + s.keyID(of(s.place(s.support)), "tickets:read") + "/rotate",
				token: s.bound(s.sales)}
		},
		invalid: map[string]func(*service) request{"#/overlapSeconds": rotate(nil, object{"overlapSeconds": -1})},
		refused: map[string]func(*service) request{
			"grant_too_wide": func(s *service) request {
				return request{path: "/api/v1/api-keys/" + s.keyID(nil, "admin") + "/rotate",
					token: s.key(nil, "keys:*")}
			},
			"api_key_revoked": rotate(func(k *storage.APIKey) { k.RevokedAt = k.CreatedAt }, nil),
		},
	}
	operationTests["listUsers"] = operationTest{
		good: get("/api/v1/users"), invalid: lists("/api/v1/users"),
		refused: map[string]func(*service) request{
			"group_not_found": get("/api/v1/users?defaultGroupId=-5"),
			"group_not_found: of another": func(s *service) request {
				return request{path: fmt.Sprintf("/api/v1/users?defaultGroupId=%d", s.support),
					token: s.bound(s.sales)}
			},
		},
	}
	operationTests["createUser"] = operationTest{
		good: func(s *service) request {
			id := nextID()
			return request{path: "/api/v1/users", body: object{"telegramId": id, "username": fmt.Sprintf("@Nok_%d", id),
				"firstName": "Nok", "lastName": "Na", "defaultGroupId": s.support}}
		},
		invalid: map[string]func(*service) request{
			"#/telegramId":     send("/api/v1/users", object{"telegramId": 0}),
			"#/telegramId ":    send("/api/v1/users", object{}),
			"#/username":       send("/api/v1/users", object{"telegramId": 5, "username": "a b"}),
			"#/firstName":      send("/api/v1/users", object{"telegramId": 5, "firstName": strings.Repeat("x", 65)}),
			"#/defaultGroupId": send("/api/v1/users", object{"telegramId": 5, "defaultGroupId": "x"}),
		},
		refused: map[string]func(*service) request{
			"user_exists": func(s *service) request {
				return request{path: "/api/v1/users", body: object{"telegramId": s.person(0)}}
			},
			"username_taken": func(s *service) request {
				return request{path: "/api/v1/users", token: s.bound(s.sales),
					body: object{"telegramId": nextID(), "username": strings.ToUpper(s.username(s.person(s.support)))}}
			},
			"group_not_found": send("/api/v1/users", object{"telegramId": 5, "defaultGroupId": -5}),
		},
		check: func(t *testing.T, s *service, r *response) {
			u := r.is(201)
			if u["username"] != fmt.Sprintf("Nok_%.0f", u["telegramId"]) || u["firstName"] != "Nok" || u["lastName"] != "Na" ||
				u["defaultGroupId"] != float64(s.support) {
				t.Error(u)
			}
		},
	}
	operationTests["getUser"] = operationTest{
		good:    func(s *service) request { return request{path: user(s, s.support)} },
		missing: get("/api/v1/users/5"),
		hidden:  func(s *service) request { return request{path: user(s, s.support), token: s.bound(s.sales)} },
		invalid: map[string]func(*service) request{"id": get("/api/v1/users/x"), "id ": get("/api/v1/users/0")},
	}
	operationTests["updateUser"] = operationTest{
		good:    func(s *service) request { return request{path: user(s, s.support), body: object{"lastName": "C"}} },
		missing: send("/api/v1/users/5", object{"lastName": "C"}),
		hidden: func(s *service) request {
			return request{path: user(s, s.support), token: s.bound(s.sales), body: object{"lastName": "C"}}
		},
		invalid: map[string]func(*service) request{
			"#/username": func(s *service) request {
				return request{path: user(s, 0), body: object{"username": "a-b"}}
			}, "id": send("/api/v1/users/x", object{}),
		},
		refused: map[string]func(*service) request{
			"group_not_found": func(s *service) request {
				return request{path: user(s, 0), body: object{"defaultGroupId": -5}}
			},
			"username_taken": func(s *service) request {
				return request{path: user(s, s.sales), token: s.bound(s.sales),
					body: object{"username": s.username(s.person(s.support))}}
			},
		},
		check: func(t *testing.T, s *service, r *response) {
			u := r.is(200)
			path := fmt.Sprintf("/api/v1/users/%.0f", u["telegramId"])
			if u["firstName"] != "Ben" || u["lastName"] != "C" || u["defaultGroupId"] != float64(s.support) {
				t.Error(u)
			}
			if u := s.do("PUT", path, s.key(nil, "users:*"),
				object{"defaultGroupId": nil}).is(200); u["defaultGroupId"] != nil || u["lastName"] != "C" {
				t.Error(u)
			}
		},
	}
	operationTests["deleteUser"] = operationTest{
		good:    func(s *service) request { return request{path: user(s, s.support)} },
		missing: get("/api/v1/users/5"),
		hidden:  func(s *service) request { return request{path: user(s, s.support), token: s.bound(s.sales)} },
		invalid: map[string]func(*service) request{"id": get("/api/v1/users/x")},
	}
	group := func(s *service, chat int64) string { return fmt.Sprintf("/api/v1/groups/%d", chat) }
	operationTests["listGroups"] = operationTest{good: get("/api/v1/groups"), invalid: lists("/api/v1/groups")}
	operationTests["getGroup"] = operationTest{
		good:    func(s *service) request { return request{path: group(s, s.support)} },
		missing: get("/api/v1/groups/-5"),
		hidden:  func(s *service) request { return request{path: group(s, s.support), token: s.bound(s.sales)} },
		invalid: map[string]func(*service) request{"id": get("/api/v1/groups/x"), "id ": get("/api/v1/groups/5")},
		check: func(t *testing.T, s *service, r *response) {
			if g := r.is(200); g["title"] != "Support" || g["telegramGroupId"] != float64(s.support) ||
				g["botIsAdmin"] != true || g["supportTopicsEnabled"] != true {
				t.Error(g)
			}
		},
	}
	operationTests["updateGroup"] = operationTest{
		good: func(s *service) request {
			return request{path: group(s, s.support), body: object{"language": "th"}}
		},
		missing: send("/api/v1/groups/-5", object{"language": "th"}),
		hidden: func(s *service) request {
			return request{path: group(s, s.support), token: s.bound(s.sales), body: object{"language": "th"}}
		},
		invalid: map[string]func(*service) request{
			"#/language": func(s *service) request {
				return request{path: group(s, s.support), body: object{"language": "de"}}
			}, "id": send("/api/v1/groups/5", object{}),
			"#/hours": func(s *service) request {
				return request{path: group(s, s.support), body: object{"hours": "whenever"}}
			},
		},
		refused: map[string]func(*service) request{
			"hours_not_yet": func(s *service) request {
				return request{path: group(s, s.support), body: object{"hoursByDate": object{"2026-12-25": "closed"}}}
			},
		},
		check: func(t *testing.T, s *service, r *response) {
			if g := r.is(200); g["language"] != "th" || g["supportTopicsEnabled"] != true {
				t.Error(g)
			}
			if g := s.do("PUT", group(s, s.sales), s.key(nil, "groups:*"),
				object{"supportTopicsEnabled": false}).is(200); g["supportTopicsEnabled"] != false {
				t.Error(g)
			}
		},
	}
}
