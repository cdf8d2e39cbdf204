package mongotest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// envelope is an event as subscribers get it.
type envelope struct {
	ID       string
	Type     string
	TicketID string
	Number   int64
	Data     json.RawMessage
}

// text is what somebody said, of an event that tells of it.
func (e *envelope) text() string {
	var data struct{ Message struct{ Text string } }
	_ = json.Unmarshal(e.Data, &data) // an event of another kind has none
	return data.Message.Text
}

// events are those that an endpoint for webhooks and a reader of the feed have got, through the balancer.
type events struct {
	d   *desks
	t   *testing.T // the whole test, which outlives its cases
	key string
	url string

	mu        sync.Mutex
	delivered map[string][]envelope // by ticket, as they came first
	fed       map[string][]envelope
	seen      map[string]bool // of the endpoint
	again     int             // deliveries that came again
	fedAgain  int
}

func newEvents(d *desks) *events {
	e := &events{d: d, t: d.T, delivered: map[string][]envelope{}, fed: map[string][]envelope{}, seen: map[string]bool{}}
	host := "127.0.0.1"
	if d.net != nil {
		host = d.net.api + ".1"
	}
	l, err := net.Listen("tcp", host+":0")
	must(d.T, err)
	e.url = "http://" + l.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(e.onDelivery)}
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			e.t.Error(err)
		}
	})
	d.Cleanup(func() {
		_ = server.Close()
		running.Wait()
	})
	return e
}

func (e *events) onDelivery(w http.ResponseWriter, r *http.Request) {
	var event envelope
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		e.t.Error(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen[event.ID] {
		e.again++
		return
	}
	e.seen[event.ID] = true
	e.delivered[event.TicketID] = append(e.delivered[event.TicketID], event)
}

// begin makes the endpoint, and reads the feed until the test ends. It needs the key.
func (e *events) begin() {
	e.d.Helper()
	e.d.await("the balancer passes requests", func() bool { // it looks by itself who is ready
		status, _ := e.call(e.d.Context(), http.MethodGet, "/webhooks", nil)
		return status == http.StatusOK
	})
	status, answer := e.call(e.d.Context(), http.MethodPost, "/webhooks", map[string]any{"url": e.url})
	if status != http.StatusCreated {
		e.d.Fatalf("the endpoint is not made: %d %s", status, answer)
	}
	ctx, stop := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		for after := ""; ctx.Err() == nil; {
			after = e.read(ctx, after)
		}
	})
	e.d.Cleanup(func() { stop(); reading.Wait() })
}

// read reads on in the feed, and returns the next cursor.
func (e *events) read(ctx context.Context, after string) string {
	query := url.Values{"wait": {"5"}, "limit": {"500"}}
	if after != "" {
		query.Set("after", after)
	}
	status, answer := e.call(ctx, http.MethodGet, "/events?"+query.Encode(), nil)
	var page struct {
		Data       []envelope
		NextCursor string
	}
	if status != http.StatusOK || json.Unmarshal(answer, &page) != nil {
		if status > 0 && status < http.StatusInternalServerError {
			e.t.Errorf("the feed: %d %s", status, answer)
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
		return after
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range page.Data {
		same := func(before envelope) bool { return before.ID == event.ID }
		if slices.ContainsFunc(e.fed[event.TicketID], same) {
			e.fedAgain++
			continue
		}
		e.fed[event.TicketID] = append(e.fed[event.TicketID], event)
	}
	return page.NextCursor
}

// call calls the API through the balancer. Status 0: there was no answer.
func (e *events) call(ctx context.Context, method, path string, body any) (status int, answer []byte) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return 0, []byte(err.Error())
		}
	}
	return e.send(ctx, method, path, nil, text)
}

// callWithin is how long a request to the API may take.
func callWithin() time.Duration { return forms(time.Minute, 20*time.Second) }

// send is call with headers and a body of any kind.
func (e *events) send(ctx context.Context, method, path string, header http.Header, body []byte) (status int, answer []byte) {
	ctx, cancel := context.WithTimeout(ctx, callWithin())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, e.d.balancer.url+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return 0, []byte(err.Error())
	}
	request.Header.Set("Content-Type", "application/json")
	maps.Copy(request.Header, header)
	request.Header.Set("Authorization", "Bearer "+e.key)
	response, err := e.d.balancer.client.Do(request)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return response.StatusCode, answer
}

// eventArrival is what has come of the events.
type eventArrival struct {
	missing, disorder int // words that were not told, and events out of order or told twice; of the endpoint and the feed
	delivered, fed    int // that came again
}

func (a eventArrival) since(before eventArrival) eventArrival {
	return eventArrival{a.missing - before.missing, a.disorder - before.disorder, a.delivered - before.delivered, a.fed - before.fed}
}

func (a eventArrival) String() string {
	return fmt.Sprintf("%d missing, %d out of order, %d delivered again, %d fed again", a.missing, a.disorder, a.delivered, a.fed)
}

// lacking says what the events of a ticket lack: each of its words must be in one, each correction in another, and their numbers
// without gaps and in order.
func lacking(l *line, events []envelope) (missing, disorder int, first string) {
	words, edited := map[string]int{}, map[string]int{}
	wrong := func(count *int, format string, args ...any) {
		if *count++; first == "" {
			first = fmt.Sprintf(format, args...)
		}
	}
	last := int64(0)
	for _, event := range events {
		if event.Number != last+1 {
			wrong(&disorder, "event %d comes after %d", event.Number, last)
		}
		last = event.Number
		switch event.Type {
		case "message.sent":
			words[sayings.FindString(event.text())]++
		case "message.edited":
			edited[sayings.FindString(event.text())]++
		}
	}
	told := func(what, word string, n int) {
		switch {
		case n == 0:
			wrong(&missing, "%s %s is not told", what, word)
		case n > 1:
			wrong(&disorder, "%s %s is told %d times", what, word, n)
		}
	}
	for _, word := range l.words {
		told("that somebody said", word, words[word])
	}
	for _, word := range l.edited {
		told("that somebody edited", word, edited[word])
	}
	return missing, disorder, first
}

// arrived waits until all that was said is delivered and fed, in order.
func (e *events) arrived() (a eventArrival) {
	e.d.Helper()
	deadline := time.Now().Add(patience)
	for _, l := range e.d.lines {
		for what, of := range map[string]map[string][]envelope{"deliveries": e.delivered, "the feed": e.fed} {
			var missing, disorder int
			var first string
			all := func() bool {
				e.mu.Lock()
				defer e.mu.Unlock()
				missing, disorder, first = lacking(l, of[l.ticket])
				return first == ""
			}
			if !e.d.within(max(time.Until(deadline), time.Millisecond), all) {
				e.d.Errorf("%s: %s: %s", l.title, what, first)
			}
			a.missing += missing
			a.disorder += disorder
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	a.delivered, a.fed = e.again, e.fedAgain
	return a
}
