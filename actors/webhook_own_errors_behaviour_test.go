package actors_test

import (
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// heard are the errors of which a receiver was told, each time that it was.
type heard struct {
	mu  sync.Mutex
	all []view.ErrorOccurredData
}

func (h *heard) of(e view.Envelope) {
	var data view.ErrorOccurredData
	if err := json.Unmarshal(e.Data, &data); err != nil {
		data.Message = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, data)
}

// about are those that are about an endpoint, by what was logged.
func (h *heard) about(webhook string) (said []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.all {
		if slices.Contains(e.WebhookIDs, webhook) {
			said = append(said, e.Message)
		}
	}
	return said
}

func (h *heard) has(message string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.all, func(e view.ErrorOccurredData) bool { return e.Message == message })
}

// That an endpoint fails is logged, and what is logged is told to endpoints: to the others, so that somebody hears of it, and never
// to the one that fails, whose failure to take it would be the next error.
func TestAFailingWebhookCausesNoEventToItself(t *testing.T) {
	t.Parallel()
	gathered := actors.NewErrorCollector(func(s string) string { return s })
	d := newDesk(t, options{speed: 30, gathers: true, monitor: &actors.MonitorOptions{Errors: gathered}})
	var down atomic.Bool
	down.Store(true)
	var well, ill heard
	ofErrors := func() *messages.WebhookSettings {
		s := soon()
		s.Events, s.MaxConcurrency = []string{messages.EventErrorOccurred}, 1 // one after the other, in order
		return s
	}
	other := d.hears(ofErrors(), func(_ int, e view.Envelope) int { well.of(e); return 200 })
	failing := d.hears(ofErrors(), func(_ int, e view.Envelope) int {
		ill.of(e)
		if down.Load() {
			return 500
		}
		return 200
	})
	log := slog.New(gathered.Handler(slog.DiscardHandler))
	for _, kind := range []string{"one", "two", "three", "four", "five"} { // so many failures are worth a warning
		log.Error("error " + kind)
	}
	const warned, paused = "a webhook fails", "a webhook fails: it is tried by one event at a time"
	d.eventually("the other endpoint hears that it fails", func() bool { return well.has(warned) && well.has(paused) })
	down.Store(false)
	failing.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}})
	log.Error("the last error")
	d.eventually("both hear of what comes after that", func() bool { return well.has("the last error") && ill.has("the last error") })
	if said := ill.about(failing.id); len(said) > 0 || ill.has(warned) || ill.has(paused) {
		t.Errorf("the endpoint that fails is told %q about itself: %+v", said, ill.all)
	}
	said := well.about(failing.id)
	slices.Sort(said)
	if !slices.Equal(said, []string{warned, paused}) {
		t.Errorf("the other one is told %q", said)
	}
	if about := well.about(other.id); len(about) > 0 {
		t.Errorf("the endpoint that is well is told %q about itself", about)
	}
}
