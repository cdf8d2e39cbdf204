package httpedge_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
)

func TestHostileRequests(t *testing.T) {
	t.Run("a field in other letters is unknown: it would not be looked at", func(t *testing.T) {
		s, key := ticketService(t)
		made := s.ticket(key, "Letters")
		for _, body := range []string{`{"priority":"low","Priority":"evil"}`, `{"TITLE":"x"}`,
			`{"title":"a","Title":""}`, `{"status":"open","STATUS":"closed"}`} {
			s.do("PATCH", at(made), key, body, "Content-Type", "application/json").is(422, "invalid")
		}
		if now := s.do("GET", at(made), key, nil).is(200); now["priority"] != "normal" || now["title"] != "Letters" ||
			now["status"] != "open" {
			t.Error(now)
		}
	})
	t.Run("headers that are broken are not repeated", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		for _, line := range []string{"Authorization Bearer td_live_secret", "X: \x00td_live_secret",
			"Content-Length: td_live_secret", "Transfer-Encoding: td_live_secret"} {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			s.must(err)
			s.must(c.SetDeadline(time.Now().Add(patience)))
			_, err = io.WriteString(c, "POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\n"+line+"\r\n\r\n")
			s.must(err)
			answer, err := io.ReadAll(c)
			s.must(err)
			_ = c.Close()
			if got := string(answer); !strings.Contains(got, " 400 ") ||
				!strings.Contains(got, "application/problem+json") || strings.Contains(got, "secret") {
				t.Errorf("%q: %s", line, got)
			}
		}
	})
	t.Run("when two tickets link one topic concurrently, the second is refused, that time only", func(t *testing.T) {
		var blind atomic.Bool
		s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string,
			m proto.Message) (proto.Message, error) {
			if _, looks := m.(*messages.FindTopic); looks && blind.Load() {
				return &messages.TopicFound{Code: messages.Code_NOT_FOUND}, nil // as it was a moment ago
			}
			return next.Ask(ctx, kind, id, m)
		}))
		s.register()
		key := s.key(nil, "admin")
		first, second := s.ticket(key, "First"), s.ticket(key, "Second")
		thread, err := s.sim.CreateTopic(s.sales, s.ann, "Theirs")
		s.must(err)
		topic := map[string]any{"groupId": s.sales, "telegramTopicId": thread}
		blind.Store(true)
		s.do("POST", at(first)+"/links", key, topic).is(201)
		s.do("POST", at(second)+"/links", key, topic).is(409, "link_other")
		s.do("POST", at(second)+"/close", key, nil).is(200)
		if list := s.do("GET", at(second)+"/links", key, nil).is(200)["data"].([]any); len(list) != 0 {
			t.Error(list)
		}
	})
	t.Run("nobody is looked for who is not there", func(t *testing.T) {
		var asked atomic.Int64
		s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string,
			m proto.Message) (proto.Message, error) {
			if kind == messages.KindUser {
				asked.Add(1)
			}
			return next.Ask(ctx, kind, id, m)
		}))
		key := s.key(nil, "admin")
		s.do("PUT", "/api/v1/users/123456", key, map[string]any{}).is(404, "not_found")
		s.do("DELETE", "/api/v1/users/123456", key, nil).is(404, "not_found")
		if n := asked.Load(); n > 0 {
			t.Errorf("%d entities were started", n)
		}
	})
	t.Run("who waits for a topic does not hold a shutdown up", func(t *testing.T) {
		var looks atomic.Int64
		s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string,
			m proto.Message) (proto.Message, error) {
			answer, err := next.Ask(ctx, kind, id, m)
			if found, is := answer.(*messages.TicketRecord); is && err == nil {
				looks.Add(1)
				found = proto.CloneOf(found)
				found.Topic.State = "pending"
				return found, nil
			}
			return answer, err
		}))
		s.register()
		key, began := s.key(nil, "admin"), time.Now()
		answered := make(chan *response)
		go func() {
			r, err := s.try("POST", "/api/v1/tickets", key, map[string]any{"title": "Slow", "groupId": s.support},
				"Prefer", "wait=30")
			if err != nil {
				t.Error(err)
			}
			answered <- r
		}()
		s.await("it waits", func() bool { return looks.Load() > 2 })
		ended := make(chan error)
		go func() { ended <- s.server.Shutdown(context.Background()) }()
		if r := <-answered; r != nil {
			r.is(201)
		}
		if err := <-ended; err != nil || time.Since(began) > 28*time.Second {
			t.Error(err, time.Since(began))
		}
	})
	t.Run("a form is the same with another boundary, and another with another file", func(t *testing.T) {
		s, key := ticketService(t)
		path := at(s.ticket(key, "Forms")) + "/attachments"
		first := s.do("POST", path, key, fileForm("file", "a.txt", "one"), "Idempotency-Key", "a")
		again := s.do("POST", path, key, fileForm("file", "a.txt", "one"), "Idempotency-Key", "a")
		if first.is(201)["attachmentId"] != again.is(201)["attachmentId"] ||
			again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s, then %s", first.body, again.body)
		}
		s.do("POST", path, key, fileForm("file", "a.txt", "two"), "Idempotency-Key", "a").
			is(422, "idempotency_key_reused")
		s.do("POST", path, key, fileForm("file", "b.txt", "one"), "Idempotency-Key", "a").
			is(422, "idempotency_key_reused")
	})
	t.Run("metadata do not grow while they are cleaned", func(t *testing.T) {
		s, key := ticketService(t)
		made := s.ticket(key, "Signs", "metadata", map[string]any{"a": strings.Repeat("<", 8000) + "\u0001"})
		if got := made["metadata"].(map[string]any)["a"]; got != strings.Repeat("<", 8000) {
			t.Error(got)
		}
	})
	t.Run("a key has few secrets", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		admin := s.key(nil, "admin")
		made := s.do("POST", "/api/v1/api-keys", admin, map[string]any{"name": "x",
			"scopes": []string{"admin"}}).is(201)
		secrets := []string{made["key"].(string)}
		for range 10 {
			secrets = append(secrets, s.do("POST", "/api/v1/api-keys/"+made["keyId"].(string)+"/rotate", admin,
				nil).is(200)["key"].(string))
		}
		s.do("GET", "/api/v1/me", secrets[0], nil).is(401)
		s.do("GET", "/api/v1/me", secrets[1], nil).is(200)
		s.do("GET", "/api/v1/me", secrets[10], nil).is(200)
	})
}
