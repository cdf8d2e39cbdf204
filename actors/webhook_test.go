package actors_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// receiver is a program that hears events.
type receiver struct {
	d      *desk
	server *httptest.Server
	id     string
	secret string
	// settings are those that it was made with.
	settings *messages.WebhookSettings

	mu       sync.Mutex
	answer   func(n int, e view.Envelope) int // of the n-th request for an event, from 1; nil: 200
	requests map[string]int
	arrived  []view.Envelope // first arrivals of events that it took, in order
	taken    map[string]int
	attempts int
	atOnce   int
	most     int
	block    chan struct{} // requests wait for its end
	// retryAfter is a header of answers 503; "": there is none.
	retryAfter string
}

// hears makes an endpoint with a receiver.
func (d *desk) hears(s *messages.WebhookSettings, answer func(n int, e view.Envelope) int) *receiver {
	d.t.Helper()
	r := &receiver{d: d, answer: answer, requests: map[string]int{}, taken: map[string]int{}}
	r.server = httptest.NewServer(r)
	d.t.Cleanup(r.server.Close)
	s.Url, s.Enabled = r.server.URL+"/hook", true
	if s.Format == "" {
		s.Format = "standard"
	}
	if s.Ordering == "" {
		s.Ordering = "ticket"
	}
	if s.Content == "" {
		s.Content = "full"
	}
	if s.MaxConcurrency == 0 {
		s.MaxConcurrency = 8
	}
	r.id = messages.NewWebhookID(d.t.Name() + r.server.URL)
	v := r.ask(&messages.CreateWebhook{Origin: &messages.Origin{CommandId: r.id}, KeyId: "key", Settings: s})
	if v.Code != messages.Code_OK || v.Secret == "" {
		d.t.Fatal(v)
	}
	r.secret, r.settings = v.Secret, s
	return r
}

// other is another receiver to which the endpoint may be moved.
func (r *receiver) other(answer func(n int, e view.Envelope) int) *receiver {
	o := &receiver{d: r.d, id: r.id, secret: r.secret, answer: answer, requests: map[string]int{}, taken: map[string]int{}}
	o.server = httptest.NewServer(o)
	r.d.t.Cleanup(o.server.Close)
	return o
}

// moves has the endpoint's events go to another receiver.
func (r *receiver) moves(to *receiver) *messages.WebhookView {
	r.d.t.Helper()
	s := proto.CloneOf(r.settings)
	s.Url = to.server.URL
	return r.ask(&messages.UpdateWebhook{Origin: &messages.Origin{CommandId: "move"}, Settings: s})
}

// ask sends a command to the endpoint.
func (r *receiver) ask(m proto.Message) *messages.WebhookView {
	r.d.t.Helper()
	return commanded[*messages.WebhookView](r, m)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.attempts++
	r.atOnce++
	r.most = max(r.most, r.atOnce)
	block := r.block
	r.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-req.Context().Done():
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.atOnce--
	lib, err := standardwebhooks.NewWebhook(r.secret)
	if err == nil {
		err = lib.Verify(body, req.Header)
	}
	var e view.Envelope
	if err == nil {
		e, err = envelopeIn(body)
	}
	if err != nil || req.Header.Get("webhook-id") != e.ID {
		r.d.t.Errorf("%v: %s", err, body)
	}
	r.requests[e.ID]++
	status := http.StatusOK
	if r.answer != nil {
		status = r.answer(r.requests[e.ID], e)
	}
	if status/100 == 2 {
		if r.taken[e.ID]++; r.taken[e.ID] == 1 {
			r.arrived = append(r.arrived, e)
		}
	}
	if status == resets {
		panic(http.ErrAbortHandler)
	}
	if status == http.StatusServiceUnavailable && r.retryAfter != "" {
		w.Header().Set("Retry-After", r.retryAfter)
	}
	w.WriteHeader(status)
}

// events are what has arrived, as ticket/number.
func (r *receiver) events() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.arrived {
		all = append(all, fmt.Sprintf("%s/%d", *e.TicketID, *e.Number))
	}
	return all
}

// inOrder fails unless the first arrivals of each ticket are in order, without a gap, up to what was appended.
func (r *receiver) inOrder(want map[string]int) {
	r.d.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[string]int{}
	for _, e := range r.arrived {
		if last[*e.TicketID]++; int(*e.Number) != last[*e.TicketID] {
			r.d.t.Fatalf("%s: %d arrived when %d was next", *e.TicketID, *e.Number, last[*e.TicketID])
		}
	}
	for ticket, n := range want {
		if last[ticket] != n {
			r.d.t.Errorf("%s: %d of %d", ticket, last[ticket], n)
		}
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.arrived)
}

// envelopeIn reads what an endpoint is sent.
func envelopeIn(body []byte) (view.Envelope, error) {
	var e view.Envelope
	err := json.Unmarshal(body, &e)
	return e, err
}

func (r *receiver) attemptsMade() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempts
}

// mostAtOnce is how many requests there were at the same time; anew begins to count anew.
func (r *receiver) mostAtOnce(anew bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	most := r.most
	if anew {
		r.most = 0
	}
	return most
}

// state is the state of the delivery of a ticket's event; "": there is none.
func (r *receiver) state(ticket string, number int64) string {
	for _, row := range r.rows() {
		if row.TicketID == ticket && row.Number == number {
			return row.State
		}
	}
	return ""
}

// aboutWebhooks are the events in the log that are about endpoints.
func (d *desk) aboutWebhooks() (all []storage.Event) {
	d.t.Helper()
	for p := range storage.Partitions {
		events, err := d.store.LogAfter(d.t.Context(), p, 0, 1000)
		d.must(err)
		for _, e := range events {
			if e.TicketID == "" {
				all = append(all, e)
			}
		}
	}
	return all
}

// rows are the endpoint's deliveries, by event.
func (r *receiver) rows() map[string]storage.Delivery {
	r.d.t.Helper()
	all := map[string]storage.Delivery{}
	q := storage.DeliveryQuery{WebhookID: r.id, Limit: 500}
	for {
		page, err := r.d.store.ListDeliveries(r.d.t.Context(), q)
		r.d.must(err)
		for _, row := range page.Deliveries {
			all[row.EventID] = row
		}
		if page.Next == nil {
			return all
		}
		q.Before = *page.Next
	}
}

// appends gives the log n further events of a ticket, of which the log knows nothing else. from is how many it has.
func (d *desk) appends(ticket string, from, n int) {
	m := &messages.AppendEvents{OwnerKind: messages.KindTicket, OwnerId: ticket, Numbered: int64(from)}
	for i := range n {
		m.Events = append(m.Events, &messages.LoggedEvent{
			EventId: ids.EventID(fmt.Sprintf("%s/%d", ticket, from+i)), TicketId: ticket, Type: messages.EventMessageSent,
			AtMs: d.clock.Now().UnixMilli(), GroupId: "g1", Data: []byte(`{"ticket":{"title":"x"}}`),
		})
	}
	d.system.Tell(messages.KindLog, itoa(storage.PartitionOf(ticket)), m)
}

// settings of endpoints that try again soon.
func soon() *messages.WebhookSettings {
	return &messages.WebhookSettings{Schedule: []float64{0, 1, 2, 2, 2, 2, 2, 2}}
}
