package httpedge_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// between stands between the API and the actors.
type between struct {
	httpedge.Desk
	ask func(next httpedge.Desk, ctx context.Context, kind, id string, m proto.Message) (proto.Message, error)
}

func (b between) Ask(ctx context.Context, kind, id string, m proto.Message) (proto.Message, error) {
	return b.ask(b.Desk, ctx, kind, id, m)
}

func wrap(ask func(next httpedge.Desk, ctx context.Context, kind, id string, m proto.Message) (proto.Message, error)) serviceOptions {
	return serviceOptions{wrapDesk: func(d httpedge.Desk) httpedge.Desk { return between{d, ask} }}
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	t.Run("an answer is given again after a restart", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		key, body := s.key(nil, "admin"), object{"telegramId": nextID(), "firstName": "Nok"}
		first := s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "a")
		first.is(201)
		s.restart()
		again := s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "a")
		again.is(201)
		if string(first.body) != string(again.body) || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s, then %s", first.body, again.body)
		}
		s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "b").is(409, "user_exists")
		// API keys don't share Idempotency-Keys
		s.do("POST", "/api/v1/users", s.key(nil, "admin"), body, "Idempotency-Key", "a").is(409, "user_exists")
	})
	t.Run("answers are kept for a day", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		key, body := s.key(nil, "admin"), object{"telegramId": nextID()}
		s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "a").is(201)
		id, _ := messages.APIKeyID(key)
		sum := sha256.Sum256([]byte("a"))
		kept, err := s.store.Idempotency(t.Context(), id+"/"+hex.EncodeToString(sum[:]))
		s.must(err)
		if day := kept.ExpiresAt.Sub(kept.CreatedAt); day != 24*time.Hour {
			t.Error(day)
		}
		kept.ExpiresAt = time.Now().Add(-time.Second)
		s.must(s.store.SaveIdempotency(t.Context(), kept))
		other := object{"telegramId": nextID()} // a day later the Idempotency-Key is free for any request
		s.do("POST", "/api/v1/users", key, other, "Idempotency-Key", "a").is(201)
		if again := s.do("POST", "/api/v1/users", key, other, "Idempotency-Key",
			"a"); again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%d %s", again.status, again.body)
		}
		kept, err = s.store.Idempotency(t.Context(), kept.RequestID)
		s.must(err)
		kept.ExpiresAt = time.Now().Add(-time.Second)
		s.must(s.store.SaveIdempotency(t.Context(), kept))
		s.restart() // expired answers are removed at start and every minute
		s.await("it is deleted", func() bool {
			_, err := s.store.Idempotency(t.Context(), kept.RequestID)
			return errors.Is(err, storage.ErrNotFound)
		})
	})
	t.Run("a killed service carries the same request out once", func(t *testing.T) {
		var lost atomic.Bool
		s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string,
			m proto.Message) (proto.Message, error) {
			if _, end := m.(*messages.EndRequest); end && lost.Load() {
				return nil, fmt.Errorf("killed: %w", actors.ErrNoAnswer)
			}
			return next.Ask(ctx, kind, id, m)
		}))
		key, body := s.key(nil, "admin"), object{"telegramId": nextID(), "firstName": "Nok"}
		lost.Store(true) // the effect is durable, the answer is not
		first := s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "a")
		first.is(201)
		made := s.do("POST", "/api/v1/api-keys", key, object{"name": "x", "scopes": []string{"admin"}},
			"Idempotency-Key", "k").is(201)
		used := s.do("POST", "/api/v1/api-keys", key, object{"name": "x", "scopes": []string{"admin"}},
			"Idempotency-Key", "used").is(201)
		s.do("GET", "/api/v1/me", used["key"].(string), nil).is(200)
		s.restart()
		lost.Store(false)
		again := s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "a")
		again.is(201)
		if string(first.body) != string(again.body) || again.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s, then %s", first.body, again.body)
		}
		// Another request is not taken for the first one, although its answer was not kept.
		s.do("POST", "/api/v1/users", key, object{"telegramId": body["telegramId"], "firstName": "Ann"},
			"Idempotency-Key", "a").is(422, "idempotency_key_reused")
		lost.Store(true)
		person := object{"telegramId": nextID(), "firstName": "Nok"}
		s.do("POST", "/api/v1/users", key, person, "Idempotency-Key", "b").is(201)
		s.restart()
		s.do("POST", "/api/v1/users", key, object{"telegramId": person["telegramId"], "firstName": "Ann"},
			"Idempotency-Key", "b").is(409, "user_exists")
		lost.Store(false)
		// Nobody has the first secret, so the same request gives the key another one.
		remade := s.do("POST", "/api/v1/api-keys", key, object{"name": "x", "scopes": []string{"admin"}},
			"Idempotency-Key", "k").is(201)
		if remade["keyId"] != made["keyId"] || remade["key"] == made["key"] {
			t.Error(made, remade)
		}
		s.do("GET", "/api/v1/me", made["key"].(string), nil).is(401)
		// The client has the other secret.
		s.do("POST", "/api/v1/api-keys", key, object{"name": "x", "scopes": []string{"admin"}}, "Idempotency-Key",
			"used").is(409, "api_key_shown")
		s.do("GET", "/api/v1/me", remade["key"].(string), nil).is(200)
	})
	t.Run("a second request hears that the first is in progress", func(t *testing.T) {
		entered, leave := make(chan struct{}), make(chan struct{})
		var once sync.Once
		s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string,
			m proto.Message) (proto.Message, error) {
			if _, put := m.(*messages.PutUser); put {
				once.Do(func() { close(entered); <-leave })
			}
			return next.Ask(ctx, kind, id, m)
		}))
		key, body := s.key(nil, "admin"), object{"telegramId": nextID()}
		done := make(chan *response, 1)
		go func() {
			r, _ := s.try("POST", "/api/v1/users", key, body, "Idempotency-Key", "a")
			done <- r
		}()
		<-entered
		r := s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "a")
		r.is(409, "idempotency_in_progress")
		if r.header.Get("Retry-After") == "" {
			t.Error(r.header)
		}
		s.do("POST", "/api/v1/users", key, object{"telegramId": 5}, "Idempotency-Key", "a").
			is(422, "idempotency_key_reused")
		close(leave)
		(<-done).is(201)
		s.do("POST", "/api/v1/users", key, body, "Idempotency-Key", "a").is(201)
	})
	t.Run("many concurrent requests have one effect", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		key := s.key(nil, "admin")
		for round := range 10 {
			body := object{"telegramId": nextID()}
			var made, told atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					r, err := s.try("POST", "/api/v1/users", key, body, "Idempotency-Key", fmt.Sprint("k", round))
					switch {
					case err != nil:
						t.Error(err)
					case r.status == 201 && r.header.Get("Idempotent-Replayed") == "":
						made.Add(1)
					case r.status == 201 || r.status == 409:
						told.Add(1)
					default:
						t.Errorf("%d %s", r.status, r.body)
					}
				})
			}
			wg.Wait()
			if made.Load() != 1 || told.Load() != 7 {
				t.Errorf("%d were carried out, %d told", made.Load(), told.Load())
			}
		}
	})
	t.Run("what was refused may be mended, what failed may be tried again", func(t *testing.T) {
		var down atomic.Bool
		s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string,
			m proto.Message) (proto.Message, error) {
			if _, put := m.(*messages.PutUser); put && down.Load() {
				return nil, errors.Join(actors.ErrNotAccepted)
			}
			return next.Ask(ctx, kind, id, m)
		}))
		key := s.key(nil, "admin")
		s.do("POST", "/api/v1/users", key, object{"telegramId": -1}, "Idempotency-Key", "a").is(422, "invalid")
		down.Store(true)
		r := s.do("POST", "/api/v1/users", key, object{"telegramId": 7}, "Idempotency-Key", "a")
		r.is(503, "unavailable")
		if r.header.Get("Retry-After") == "" {
			t.Error(r.header)
		}
		down.Store(false)
		s.do("POST", "/api/v1/users", key, object{"telegramId": 7}, "Idempotency-Key", "a").is(201)
	})
}
