package simulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// taker is a webhook endpoint whose answers the test decides.
type taker struct {
	mu     sync.Mutex
	got    []upd
	secret []string
	answer func(upd) int // the status; called without the lock
}

func (k *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var u upd
	_ = json.NewDecoder(r.Body).Decode(&u)
	k.mu.Lock()
	k.got = append(k.got, u)
	k.secret = append(k.secret, r.Header.Get("X-Telegram-Bot-Api-Secret-Token"))
	k.mu.Unlock()
	w.WriteHeader(k.answer(u))
}

func (k *taker) texts() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, u := range k.got {
		out = append(out, u.Message.Text)
	}
	return out
}

func TestWebhook(t *testing.T) {
	t.Run("carries the secret, repeats what was refused, keeps the order of a chat", func(t *testing.T) {
		st := newStage(t, Options{})
		refused := false
		k := &taker{answer: func(upd) int {
			if !refused {
				refused = true
				return 503
			}
			return 204
		}}
		srv := httptest.NewServer(k)
		defer srv.Close()
		st.post(Post{From: st.ann, Chat: st.chat, Text: "a"})
		st.ok("setWebhook", args{"url": srv.URL, "secret_token": "s3cret_-"}, nil)
		st.post(Post{From: st.ann, Chat: st.chat, Text: "b"})
		st.await("delivery", func() bool { return st.s.Pending() == 0 })
		if got := k.texts(); len(got) != 3 || got[0] != "a" || got[1] != "a" || got[2] != "b" {
			t.Fatalf("%q", got)
		}
		for _, s := range k.secret {
			if s != "s3cret_-" {
				t.Fatalf("secret %q", s)
			}
		}
		var info struct {
			URL  string `json:"url"`
			Last string `json:"last_error_message"`
			Wait int    `json:"pending_update_count"`
		}
		st.ok("getWebhookInfo", args{}, &info)
		if info.URL != srv.URL || info.Last != "Wrong response from the webhook: 503 Service Unavailable" || info.Wait != 0 {
			t.Fatalf("%+v", info)
		}
		st.ok("deleteWebhook", args{}, nil)
		st.refuses("setWebhook", args{"url": "ftp://x"}, 400, "Bad Request: bad webhook: invalid URL specified")
		st.refuses("setWebhook", args{"url": srv.URL, "secret_token": "no spaces"}, 400, "Bad Request: secret token contains unallowed characters")
	})
	t.Run("one chat waits for its answer while another goes on", func(t *testing.T) {
		st := newStage(t, Options{})
		release := make(chan struct{})
		k := &taker{answer: func(u upd) int {
			if u.Message.Text == "slow" {
				<-release
			}
			return 200
		}}
		srv := httptest.NewServer(k)
		defer srv.Close()
		st.ok("setWebhook", args{"url": srv.URL}, nil)
		st.post(Post{From: st.ann, Chat: st.chat, Text: "slow"})
		st.post(Post{From: st.ann, Chat: st.chat, Text: "behind it"})
		st.post(Post{From: st.ann, Text: "/start"})
		st.await("the other chat", func() bool { return st.s.Pending() == 2 })
		for _, text := range k.texts() {
			if text == "behind it" {
				t.Error("overtook the update before it")
			}
		}
		close(release)
		st.await("the rest", func() bool { return st.s.Pending() == 0 })
	})
	t.Run("one connection serves all chats", func(t *testing.T) {
		st := newStage(t, Options{})
		k := &taker{answer: func(upd) int { return 200 }}
		srv := httptest.NewServer(k)
		defer srv.Close()
		for range 10 {
			st.post(Post{From: st.ann, Chat: st.chat, Text: "x"})
			st.post(Post{From: st.ann, Text: "y"})
			st.post(Post{From: st.admin, Text: "z"})
		}
		st.ok("setWebhook", args{"url": srv.URL, "max_connections": 1}, nil)
		st.await("delivery", func() bool { return st.s.Pending() == 0 })
		if got := k.texts(); len(got) != 30 {
			t.Fatalf("%d deliveries", len(got))
		}
	})
}
