package httpedge_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
)

// TestARequestThatIsRepeatedWhileItsKeyMoves sends each POST twice together, as a client does whose first try was too slow,
// while the API key's entity moves to another node and so forgets that the first is in flight. Both become the same command.
func TestARequestThatIsRepeatedWhileItsKeyMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("long: asks every operation")
	}
	var armed atomic.Bool
	begun, release := make(chan *messages.BeginRequest), make(chan struct{})
	s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string, m proto.Message) (proto.Message, error) {
		reply, err := next.Ask(ctx, kind, id, m)
		if begin, is := m.(*messages.BeginRequest); is && armed.Load() {
			begun <- begin
			<-release
		}
		return reply, err
	}))
	s.register()
	admin := s.key(nil, "admin")
	adminID, _ := messages.APIKeyID(admin)
	for _, o := range document(t).ops {
		if o.method != "POST" {
			continue
		}
		s.run(t, o.id, func(t *testing.T) {
			good := operationTests[o.id].good(s)
			token, keyID := strings.TrimSpace(good.token), adminID
			if token == "" {
				token = admin
			} else {
				keyID, _ = messages.APIKeyID(token)
			}
			armed.Store(true)
			var both sync.WaitGroup
			var answers [2]*response
			for i := range answers {
				both.Go(func() {
					r, err := s.try(o.method, good.path, token, good.body, append(slices.Clone(good.headers), "Idempotency-Key", "m-"+o.id)...)
					if err != nil {
						t.Error(err)
					}
					answers[i] = r
				})
				begin := <-begun
				_, err := s.system.Ask(t.Context(), messages.KindAPIKey, keyID, &messages.EndRequest{ // the new activation knows of none
					Request: begin.Request, Fingerprint: begin.Fingerprint, Attempt: begin.Attempt})
				s.must(err)
			}
			armed.Store(false)
			release <- struct{}{}
			release <- struct{}{}
			both.Wait()
			a, b := answers[0], answers[1]
			if a == nil || b == nil {
				return
			}
			if a.status != o.success || b.status != o.success || a.header.Get("Location") != b.header.Get("Location") {
				t.Errorf("%d %s\n%d %s", a.status, a.body, b.status, b.body)
			}
			if string(a.body) != string(b.body) {
				t.Logf("the answers differ:\n%s\n%s", a.body, b.body)
			}
		})
	}
}
