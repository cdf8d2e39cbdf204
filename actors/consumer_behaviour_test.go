package actors_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

func TestConsumers(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	const hour = int64(time.Hour / time.Millisecond)
	ask := func(id string, m proto.Message) *messages.ConsumerView {
		d.t.Helper()
		reply, err := d.system.Ask(t.Context(), messages.KindConsumer, id, m)
		d.must(err)
		return reply.(*messages.ConsumerView)
	}
	is := func(v *messages.ConsumerView, code messages.Code) *messages.ConsumerView {
		d.t.Helper()
		if v.Code != code {
			d.t.Fatalf("%v, want %v", v, code)
		}
		return v
	}
	ok, conflict := messages.Code_OK, messages.Code_CONFLICT
	d.run(t, "one reader has the lease, and others are told until when", func(t *testing.T) {
		held := is(ask("key/one", &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}), ok)
		if held.Token != "a" || held.Cursor != "" {
			t.Error(held)
		}
		if told := is(ask("key/one", &messages.LeaseConsumer{Fresh: "b", LeaseMs: hour}), conflict); told.LeasedUntilMs != held.LeasedUntilMs ||
			told.Token != "" || told.Reason != messages.ReasonConsumerLeased {
			t.Error(told)
		}
		is(ask("key/one", &messages.LeaseConsumer{Token: "a", LeaseMs: hour}), ok)
		is(ask("key/two", &messages.LeaseConsumer{Fresh: "b", LeaseMs: hour}), ok)
	})
	d.run(t, "a message that is repeated gets the same lease", func(t *testing.T) {
		for range 2 {
			if v := is(ask("key/again", &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}), ok); v.Token != "a" {
				t.Error(v)
			}
		}
	})
	d.run(t, "a lease and a cursor outlive a restart", func(t *testing.T) {
		is(ask("key/kept", &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}), ok)
		is(ask("key/kept", &messages.CommitConsumer{Token: "a", Cursor: "c1", LeaseMs: hour}), ok)
		d.restart()
		is(ask("key/kept", &messages.LeaseConsumer{Fresh: "b", LeaseMs: hour}), conflict)
		if v := is(ask("key/kept", &messages.LeaseConsumer{Token: "a", LeaseMs: hour}), ok); v.Cursor != "c1" {
			t.Error(v)
		}
	})
	d.run(t, "who reads on as one that was deleted is told so, and may begin anew", func(t *testing.T) {
		is(ask("key/gone", &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}), ok)
		_, err := d.system.Ask(t.Context(), messages.KindConsumer, "key/gone", &messages.DeleteConsumer{})
		d.must(err)
		is(ask("key/gone", &messages.LeaseConsumer{Token: "a", LeaseMs: hour}), messages.Code_NOT_FOUND)
		is(ask("key/gone", &messages.LeaseConsumer{Fresh: "b", LeaseMs: hour}), ok)
	})
	d.run(t, "a lease ends, and its reader may commit until somebody else has had one", func(t *testing.T) {
		is(ask("key/late", &messages.LeaseConsumer{Fresh: "a", LeaseMs: 1000}), ok)
		is(ask("key/late", &messages.CommitConsumer{Token: "a", Cursor: "c1", LeaseMs: 0}), ok)
		is(ask("key/late", &messages.CommitConsumer{Token: "a", Cursor: "c2", LeaseMs: 1000}), ok)
		var next *messages.ConsumerView
		d.eventually("the lease ends", func() bool {
			next = ask("key/late", &messages.LeaseConsumer{Fresh: "b", LeaseMs: hour})
			return next.Code == ok
		})
		if next.Cursor != "c2" || next.Token != "b" {
			t.Error(next)
		}
		is(ask("key/late", &messages.CommitConsumer{Token: "a", Cursor: "c3", LeaseMs: hour}), conflict)
		is(ask("key/late", &messages.LeaseConsumer{Token: "a", LeaseMs: hour}), conflict)
		is(ask("key/late", &messages.CommitConsumer{Token: "b", LeaseMs: 0}), ok)
		is(ask("key/late", &messages.LeaseConsumer{Token: "a", LeaseMs: hour}), conflict) // it may be behind
		if v := is(ask("key/late", &messages.LeaseConsumer{Fresh: "c", LeaseMs: hour}), ok); v.Cursor != "c2" {
			t.Error(v)
		}
	})
	d.run(t, "a commit that comes after the lease was released does not bring it back", func(t *testing.T) {
		is(ask("key/released", &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}), ok)
		ended := is(ask("key/released", &messages.CommitConsumer{Token: "a", Cursor: "c1", LeaseMs: 0}), ok)
		for _, cursor := range []string{"c2", "c2"} {
			if v := is(ask("key/released", &messages.CommitConsumer{Token: "a", Cursor: cursor, LeaseMs: hour}), ok); v.LeasedUntilMs != ended.LeasedUntilMs {
				t.Error("the lease ends later by a commit:", v)
			}
		}
		d.restart()
		is(ask("key/released", &messages.CommitConsumer{Token: "a", Cursor: "c3", LeaseMs: hour}), ok)
		if v := is(ask("key/released", &messages.LeaseConsumer{Fresh: "b", LeaseMs: hour}), ok); v.Cursor != "c3" || v.Token != "b" {
			t.Error(v)
		}
	})
	d.run(t, "who released the lease may take it again, and then keeps it by commits", func(t *testing.T) {
		is(ask("key/back", &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}), ok)
		is(ask("key/back", &messages.CommitConsumer{Token: "a", Cursor: "c1", LeaseMs: 0}), ok)
		is(ask("key/back", &messages.LeaseConsumer{Token: "a", LeaseMs: 1000}), ok)
		is(ask("key/back", &messages.CommitConsumer{Token: "a", Cursor: "c2", LeaseMs: hour}), ok)
		d.clock.jump(2 * time.Second)
		is(ask("key/back", &messages.LeaseConsumer{Fresh: "b", LeaseMs: hour}), conflict)
	})
	d.run(t, "a lease that was released is free, even if the clock is set back then", func(t *testing.T) {
		for id, next := range map[string]*messages.LeaseConsumer{
			"key/back1": {Fresh: "b", LeaseMs: hour}, "key/back2": {Token: "a", LeaseMs: hour},
		} {
			is(ask(id, &messages.LeaseConsumer{Fresh: "a", LeaseMs: hour}), ok)
			is(ask(id, &messages.CommitConsumer{Token: "a", Cursor: "c1", LeaseMs: 0}), ok)
			d.clock.setBack(30 * time.Hour)
			v := is(ask(id, next), ok)
			if v.Cursor != "c1" || v.LeasedUntilMs > d.clock.Now().Add(time.Hour).UnixMilli() {
				t.Error("it still has the time of before:", v)
			}
			is(ask(id, &messages.LeaseConsumer{Fresh: "c", LeaseMs: hour}), conflict)
		}
	})
	d.run(t, "a name that somebody made up leaves nothing behind", func(t *testing.T) {
		is(ask("key/forged", &messages.CommitConsumer{Token: "a", Cursor: "c"}), messages.Code_NOT_FOUND)
		if _, err := d.store.Lease(t.Context(), "consumer/key/forged"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("its lease: %v", err)
		}
	})
}

// A consumer that nobody has used for as long as events are kept makes room for another one.
func TestConsumersThatWereGivenUp(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	d := newDesk(t, options{keepEvents: 30 * day})
	lease := func(name string) messages.Code {
		t.Helper()
		reply, err := d.system.Ask(t.Context(), messages.KindConsumer, "key/"+name, &messages.LeaseConsumer{Fresh: name, LeaseMs: 1000})
		d.must(err)
		return reply.(*messages.ConsumerView).Code
	}
	for n := range 100 {
		if n == 3 {
			d.clock.jump(20 * day)
		}
		if code := lease(itoa(n)); code != messages.Code_OK {
			t.Fatal(n, code)
		}
	}
	if code := lease("more"); code != messages.Code_CONFLICT {
		t.Error("it is the 101st:", code)
	}
	d.clock.jump(11 * day)
	if code := lease("more"); code != messages.Code_OK {
		t.Error("nobody has used three of them for 31 days:", code)
	}
	left, err := d.store.Consumers(t.Context(), "key", "", 200)
	d.must(err)
	if len(left) > 100 {
		t.Error(len(left))
	}
	if code := lease("50"); code != messages.Code_OK {
		t.Error(code)
	}
}
