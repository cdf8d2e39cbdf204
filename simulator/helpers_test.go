package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childState); path != "" {
		serveUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

// clock is a clock that stands still until told otherwise.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// stage is a simulator with one forum group, its people, and a caller of the Bot API.
type stage struct {
	t      testing.TB
	s      *Server
	url    string
	client *http.Client
	chat   int64
	admin  int64 // an administrator
	ann    int64 // a member
	out    int64 // somebody outside
}

func newStage(t testing.TB, opt Options) *stage {
	t.Helper()
	s, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	st := &stage{t: t, s: s, url: srv.URL, client: srv.Client()}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	for _, p := range []struct {
		to   *int64
		name string
	}{{&st.admin, "Ada"}, {&st.ann, "Ann"}, {&st.out, "Otto"}} {
		person, err := s.AddPerson(Person{FirstName: p.name, Username: strings.ToLower(p.name) + "_x", LanguageCode: "en"})
		if err != nil {
			t.Fatal(err)
		}
		*p.to = person.ID
	}
	g, err := s.AddGroup(Group{Title: "Desk", Forum: true, Username: "desk_group",
		Bot: BotRights{Status: Administrator, CanManageTopics: true, CanPinMessages: true}})
	if err != nil {
		t.Fatal(err)
	}
	st.chat = g.ID
	st.must(s.SetMember(g.ID, st.admin, Administrator))
	st.must(s.SetMember(g.ID, st.ann, Member))
	st.drain()
	return st
}

func (st *stage) must(err error) {
	st.t.Helper()
	if err != nil {
		st.t.Fatal(err)
	}
}

type answer struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		Migrate    int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

type args map[string]any

// try calls a method with JSON; err is about the transport only.
func (st *stage) try(method string, a args) (answer, error) {
	st.t.Helper()
	body, err := json.Marshal(a)
	if err != nil {
		st.t.Fatal(err)
	}
	res, err := st.client.Post(st.url+"/bot"+st.s.Token()+"/"+method, "application/json", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	var out answer
	if err := json.Unmarshal(raw, &out); err != nil {
		return answer{Code: res.StatusCode, Description: string(raw)}, nil
	}
	if !out.OK && out.Code != res.StatusCode {
		st.t.Errorf("status %d with error_code %d", res.StatusCode, out.Code)
	}
	return out, nil
}

func (st *stage) call(method string, a args) answer {
	st.t.Helper()
	out, err := st.try(method, a)
	st.must(err)
	return out
}

// ok calls a method that has to succeed and decodes its result.
func (st *stage) ok(method string, a args, to any) {
	st.t.Helper()
	out := st.call(method, a)
	if !out.OK {
		st.t.Fatalf("%s %v: %d %s", method, a, out.Code, out.Description)
	}
	if to != nil {
		st.must(json.Unmarshal(out.Result, to))
	}
}

// refuses calls a method that has to fail in these words.
func (st *stage) refuses(method string, a args, code int, description string) {
	st.t.Helper()
	out := st.call(method, a)
	if out.OK || out.Code != code || out.Description != description {
		st.t.Errorf("%s %v:\n got %d %q\nwant %d %q", method, a, out.Code, out.Description, code, description)
	}
}

type msg struct {
	ID      int                    `json:"message_id"`
	Thread  int                    `json:"message_thread_id"`
	IsTopic bool                   `json:"is_topic_message"`
	Text    string                 `json:"text"`
	Caption string                 `json:"caption"`
	Album   string                 `json:"media_group_id"`
	From    apiUser                `json:"from"`
	Sender  *apiChat               `json:"sender_chat"`
	Auto    bool                   `json:"is_automatic_forward"`
	Chat    apiChat                `json:"chat"`
	Reply   *msg                   `json:"reply_to_message"`
	Ents    []Entity               `json:"entities"`
	Created *Topic                 `json:"forum_topic_created"`
	Edited  *Topic                 `json:"forum_topic_edited"`
	Closed  *struct{}              `json:"forum_topic_closed"`
	Opened  *struct{}              `json:"forum_topic_reopened"`
	Pinned  *msg                   `json:"pinned_message"`
	To      int64                  `json:"migrate_to_chat_id"`
	Since   int64                  `json:"migrate_from_chat_id"`
	Joined  []apiUser              `json:"new_chat_members"`
	Left    *apiUser               `json:"left_chat_member"`
	Doc     *apiDoc                `json:"document"`
	Photo   []apiDoc               `json:"photo"`
	Quote   *Quote                 `json:"quote"`
	Origin  *struct{ Type string } `json:"forward_origin"`
}

type apiDoc struct {
	FileID string `json:"file_id"`
	Name   string `json:"file_name"`
}

type upd struct {
	ID       int64 `json:"update_id"`
	Message  *msg  `json:"message"`
	Edited   *msg  `json:"edited_message"`
	Callback *struct {
		ID      string  `json:"id"`
		Data    string  `json:"data"`
		From    apiUser `json:"from"`
		Message *msg    `json:"message"`
	} `json:"callback_query"`
	My *struct {
		New struct{ Status string } `json:"new_chat_member"`
		Old struct{ Status string } `json:"old_chat_member"`
	} `json:"my_chat_member"`
	Reaction *struct {
		ID  int                      `json:"message_id"`
		New []struct{ Emoji string } `json:"new_reaction"`
	} `json:"message_reaction"`
	ChatMember *struct{} `json:"chat_member"`
}

// updates fetches what waits, without confirming it.
func (st *stage) updates(a args) []upd {
	st.t.Helper()
	if a == nil {
		a = args{}
	}
	var out []upd
	st.ok("getUpdates", a, &out)
	return out
}

// drain confirms everything that waits and returns it.
func (st *stage) drain() []upd {
	st.t.Helper()
	out := st.updates(nil)
	if n := len(out); n > 0 {
		st.updates(args{"offset": out[n-1].ID + 1})
	}
	return out
}

func (st *stage) post(p Post) Message {
	st.t.Helper()
	m, err := st.s.Post(p)
	st.must(err)
	return m
}

func (st *stage) await(what string, cond func() bool) {
	st.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := st.s.Await(ctx, cond); err != nil {
		st.t.Fatalf("waiting for %s: %v", what, err)
	}
}

// topic makes a topic by the bot.
func (st *stage) topic(name string) int {
	st.t.Helper()
	var out struct {
		Thread int `json:"message_thread_id"`
	}
	st.ok("createForumTopic", args{"chat_id": st.chat, "name": name}, &out)
	return out.Thread
}
