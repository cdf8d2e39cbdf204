package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/config"
)

// entry is a line of the log, as far as one follows a ticket by it.
type entry struct {
	Msg, Level, Ticket, Event, EventID, Command, Request, Path string
	TicketNumber, Update                                       int64
}

// TestATicketIsFollowedInTheLog: at info, by its id, and each request by its own. What is said is not there.
func TestATicketIsFollowedInTheLog(t *testing.T) {
	t.Parallel()
	h := newHooked(t, "LOG_FORMAT", config.FormatJSON, "LOG_LEVEL", "info")
	h.addBot()
	h.begin()
	h.say(h.alice, h.support, 0, "/register")
	h.say(h.alice, h.support, 0, "/create_ticket Printer")
	h.await(func() string { return "the ticket's topic" }, func() bool { return len(h.sim.Topics(h.support)) == 1 })
	home := h.topic(h.support, "Printer")
	h.say(h.alice, h.support, home, "It burns")
	h.say(h.alice, h.support, home, "/close_ticket")
	h.await(func() string { return "the topic is closed" }, func() bool { return h.sim.Topics(h.support)[0].Closed })
	var made struct{ TicketID string }
	h.call("POST", "/tickets", map[string]any{"title": "Lamp", "groupId": h.support}, &made, "X-Request-Id", "opens-it")
	h.call("POST", "/tickets/"+made.TicketID+"/messages", map[string]any{"text": "It is dark"}, nil, "X-Request-Id", "speaks")
	h.call("POST", "/tickets/"+made.TicketID+"/close", nil, nil, "X-Request-Id", "closes-it")
	h.call("GET", "/tickets/"+made.TicketID, nil, nil, "X-Request-Id", "reads")
	h.end()
	var all []entry
	for line := range strings.Lines(h.process.out.String()) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if e.Level == "INFO" {
			all = append(all, e)
		}
	}
	find := func(what string, is func(entry) bool) (found entry) {
		t.Helper()
		n := 0
		for _, e := range all {
			if is(e) {
				found = e
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d lines: %s\n%s", n, what, &h.process.out)
		}
		return found
	}
	of := func(ticket, event string) entry {
		t.Helper()
		return find(event+" of "+ticket, func(e entry) bool {
			return e.Ticket == ticket && e.Event == event && e.Command != "" && e.TicketNumber > 0 && e.EventID != ""
		})
	}
	for request, event := range map[string]string{"opens-it": "ticket.created", "closes-it": "ticket.closed"} {
		line := find("the request "+request, func(e entry) bool { return e.Request == request && e.Ticket == made.TicketID })
		if e := of(made.TicketID, event); e.Command != line.Command {
			t.Errorf("%s: %+v and %+v have not one command", request, line, e)
		}
	}
	first := find("the first ticket opens", func(e entry) bool { return e.Event == "ticket.created" && e.Ticket != made.TicketID }).Ticket
	for _, event := range []string{"ticket.created", "ticket.closed"} {
		by := of(first, event)
		find("the update of "+event, func(e entry) bool { return e.Update > 0 && e.Ticket == first && e.Command == by.Command })
	}
	if text := h.process.out.String(); strings.Contains(text, `"speaks"`) || strings.Contains(text, `"reads"`) || strings.Contains(text, "burns") {
		t.Error("the log has what is said, or read")
	}
}

// TestAlertsChatThatIsNoneIsTold: who sets it is told before there is a problem that nobody would hear of.
func TestAlertsChatThatIsNoneIsTold(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	p := spawn(t, childMain, h.folder, h.settings(append(h.more, "ALERTS_CHAT", "-1009999999999")...))
	awaitStatus(t, h.addr, "/readyz", http.StatusOK)
	var told []byte
	h.await(func() string { return "it is among the warnings: " + string(told) }, func() bool {
		h.poke()
		_, answer, err := h.request(http.MethodGet, "/errors", nil)
		told = answer
		return err == nil && strings.Contains(string(answer), "ALERTS_CHAT") && strings.Contains(string(answer), "-1009999999999")
	})
	if code := p.stop(); code != 0 || !strings.Contains(p.out.String(), "Add the bot there") {
		t.Errorf("exit code %d\n%s", code, &p.out)
	}
}
