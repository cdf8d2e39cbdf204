package webhook

import (
	"log/slog"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

func TestNetworkIsCutOffOnlyWhileItShows(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	n := newNetwork(&entity.Env{Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	note := func(kind delivery.Kind) {
		for _, host := range []string{"a.example", "b.example"} {
			n.note(host, &delivery.Result{Kind: kind})
		}
	}
	if note(delivery.NoName); n.cutOff() {
		t.Error("DNS answered, so that it works")
	}
	if note(delivery.DNS); !n.cutOff() {
		t.Error("no host can be reached")
	}
	if now = now.Add(2 * cutOffWithin); n.cutOff() {
		t.Error("nothing was tried for long, and nothing says that it is cut off")
	}
	note(delivery.Unreachable)
	if n.note("c.example", &delivery.Result{Kind: delivery.NoName}); n.cutOff() {
		t.Error("DNS answers again")
	}
}
