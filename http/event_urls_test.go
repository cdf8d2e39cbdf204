package httpedge_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// TestEventURLs: the URL in an event with content "ids" gives that event in full to a key with events:read.
func TestEventURLs(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	to := newReceiver(t)
	s.do("POST", webhooks, s.key(nil, "admin"), quiet("url", to.URL, "events", []string{"*"}, "content", "ids", "includeInternal", true)).is(201)
	const ticket = "TICK-1-0000000A"
	var notes []string
	for i, of := range view.EventTypes {
		example := of.Example()
		e := &messages.LoggedEvent{EventId: ids.EventID(of.Type + "/1"), Type: of.Type, GroupId: "g1", Internal: i%3 == 2,
			AtMs: view.ExampleTime.UnixMilli(), Data: example.Data}
		owner := of.Type
		if example.TicketID != nil {
			owner, e.TicketId = ticket, ticket
		}
		if e.Internal {
			notes = append(notes, e.EventId)
		}
		s.system.Tell(messages.KindLog, strconv.Itoa(storage.PartitionOf(owner)),
			&messages.AppendEvents{OwnerKind: messages.KindTicket, OwnerId: owner, Events: []*messages.LoggedEvent{e}})
	}
	s.await("every type arrives", func() bool { return len(to.all()) >= len(view.EventTypes) })
	heard := map[string]bool{}
	hears, reads := s.key(nil, "events:read"), s.key(nil, "events:read", "messages:read")
	for _, got := range to.all() {
		var e struct {
			ID, Type string
			Data     struct{ URL string }
		}
		s.must(json.Unmarshal(got.body, &e))
		heard[e.Type] = true
		path, ours := strings.CutPrefix(e.Data.URL, "https://desk.example.org")
		if !ours {
			t.Fatalf("%s: %q", e.Type, e.Data.URL)
		}
		if whole := s.do("GET", path, reads, nil).is(200); whole["id"] != e.ID || whole["type"] != e.Type {
			t.Errorf("%s leads to %v", e.Type, whole)
		}
		status := 200
		if slices.Contains(notes, e.ID) {
			status = 404
		}
		s.do("GET", path, hears, nil).is(status)
	}
	for _, of := range view.EventTypes {
		if !heard[of.Type] {
			t.Error("it does not hear", of.Type)
		}
	}
}
