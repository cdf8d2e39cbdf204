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
		for _, body := range []string{`{"priority":"low","Priority":"evil"}`, `{"TITLE":"x"}`, `{"title":"a","Title":""}`, `{"status":"open","STATUS":"closed"}`} {
			s.do("PATCH", at(made), key, body, "Content-Type", "application/json").is(422, "invalid")
		}
		if now := s.do("GET", at(made), key, nil).is(200); now["priority"] != "normal" || now["title"] != "Letters" || now["status"] != "open" {
			t.Error(now)
		}
	})
	t.Run("headers that are broken are not repeated", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		for _, line := range []string{"Authorization Bearer td_live_secret", "X: \x00td_live_secret", "Content-Length: td_live_secret", "Transfer-Encoding: td_live_secret"} {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			s.must(err)
			s.must(c.SetDeadline(time.Now().Add(time.Minute)))
			_, err = io.WriteString(c, "POST /api/v1/tickets HTTP/1.1\r\nHost: x\r\n"+line+"\r\n\r\n")
			s.must(err)
			answer, err := io.ReadAll(c)
			s.must(err)
			_ = c.Close()
			if got := string(answer); !strings.Contains(got, " 400 ") || !strings.Contains(got, "application/problem+json") || strings.Contains(got, "secret") {
				t.Errorf("%q: %s", line, got)
			}
		}
	})
	t.Run("who comes second when two tickets join one topic at once is refused, that time only", func(t *testing.T) {
		var blind atomic.Bool
		s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string, m proto.Message) (proto.Message, error) {
			if _, looks := m.(*messages.FindTopic); looks && blind.Load() {
				return &messages.TopicFound{Code: messages.Code_NOT_FOUND}, nil // as it was a moment ago
			}
			return next.Ask(ctx, kind, id, m)
		}))
		s.register()
		key := s.key(nil, "admin")
		first, second := s.ticket(key, "First"), s.ticket(key, "Second")
		topic := map[string]any{"groupId": s.sales, "telegramTopicId": 9000}
		blind.Store(true)
		s.do("POST", at(first)+"/links", key, topic).is(201)
		s.do("POST", at(second)+"/links", key, topic).is(409, "link_other")
		s.do("POST", at(second)+"/close", key, nil).is(200)
		if list := s.do("GET", at(second)+"/links", key, nil).is(200)["data"].([]any); len(list) != 0 {
			t.Error(list)
		}
	})
}
