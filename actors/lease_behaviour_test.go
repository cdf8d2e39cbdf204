package actors_test

import (
	"errors"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

func TestLeases(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	topic, err := d.sim.CreateTopic(d.engineering, d.bob, "Of no ticket")
	d.must(err)
	d.run(t, "an id that somebody made up leaves none behind", func(t *testing.T) {
		const forged = "TICK-ABC-0123ABCD"
		d.awaitAnswer(d.say(d.bob, d.engineering, topic, "/link "+forged), "There is no ticket "+forged)
		if _, err := d.store.Lease(t.Context(), "ticket/"+forged); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("its lease: %v", err)
		}
	})
	d.run(t, "a ticket has one once it has done something", func(t *testing.T) {
		k := d.open(d.ann, d.support, "Printer")
		if lease, err := d.store.Lease(t.Context(), "ticket/"+k.id); err != nil || lease.Epoch != 1 {
			t.Errorf("%+v, %v", lease, err)
		}
	})
}

func TestOneNodePolls(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	older := d.process
	younger := d.another("younger")
	defer younger.stop(t)
	d.must(younger.system.StartPolling(t.Context(), "bot", polling{younger}))
	d.eventually("the older one stops", func() bool { return !older.system.Polls() })
	if !younger.system.Polls() {
		t.Error("nobody polls")
	}
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/help"), "/create_ticket")
}
