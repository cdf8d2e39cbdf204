package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
)

// given runs a command of topicdesk with that input.
func given(t *testing.T, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&out)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestWebhooksVerify(t *testing.T) {
	secret, other := actors.NewWebhookSecret(), actors.NewWebhookSecret()
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const body = `{"id":"evt_1","data":{}}`
	request := func(at time.Time, body string, more ...string) string {
		head := []string{"POST /hook HTTP/1.1", "Host: example.org", "webhook-id: evt_1", fmt.Sprint("webhook-timestamp: ", at.Unix()),
			"webhook-signature: " + actors.SignWebhook("evt_1", at, []byte(body), secret)}
		return strings.Join(append(head, more...), "\r\n") + "\r\n\r\n" + body
	}
	now := time.Now()
	good, length := request(now, body), fmt.Sprint("Content-Length: ", len(body))
	for name, tt := range map[string]struct {
		request, secrets string
		args             []string
		want             string // in the answer; of an error if it begins with !
	}{
		"right":                       {good, secret.Text(), nil, "The signature is right: event evt_1, 24 bytes."},
		"with LF alone":               {strings.ReplaceAll(good, "\r\n", "\n"), secret.Text() + "\n", nil, "is right"},
		"without a first line":        {strings.SplitN(good, "\r\n", 2)[1], secret.Text(), nil, "is right"},
		"while rotating":              {good, other.Text() + "\n\n" + secret.Text() + "\n", nil, "is right"},
		"an added line break":         {request(now, body, length) + "\n", secret.Text(), nil, "is right"},
		"chunked":                     {strings.Replace(request(now, body, "Transfer-Encoding: chunked"), body, "18\r\n"+body+"\r\n0\r\n\r\n", 1), secret.Text(), nil, "is right"},
		"another secret":              {good, other.Text(), nil, "!the secret is another one"},
		"written again, and longer":   {strings.Replace(request(now, body, length), body, `{"id": "evt_1", "data": {}}`, 1), secret.Text(), nil, "!without spaces"},
		"other fields, and longer":    {strings.Replace(request(now, body, length), body, `{"data": {}, "id": "evt_1"}`, 1), secret.Text(), nil, "!Content-Length is 24"},
		"a changed body":              {strings.Replace(good, "{}", "[]", 1), secret.Text(), nil, "!does not fit"},
		"a line break without length": {good + "\n", secret.Text(), nil, "!without the line break at its end"},
		"old":                         {request(now.Add(-time.Hour), body), secret.Text(), nil, "!the signature is right, but webhook-timestamp is 1h0m"},
		"old, and that is fine":       {request(now.Add(-time.Hour), body), secret.Text(), []string{"--any-age"}, "is right"},
		"cut off":                     {strings.TrimSuffix(request(now, body, length), "}"), secret.Text(), nil, "!the body is cut off"},
		"without a signature":         {"webhook-id: evt_1\n\n" + body, secret.Text(), nil, "!webhook-timestamp is missing"},
		"no request":                  {"hello", secret.Text(), nil, "!no empty line"},
		"no headers":                  {"hello\nthere\n\n", secret.Text(), nil, "!headers can't be read"},
		"nothing":                     {"", secret.Text(), nil, "!no empty line"},
		"no secret":                   {good, "\n", nil, "!the file is empty"},
		"half a secret":               {good, "whsec_!", nil, "!line 1: what follows whsec_ is not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := given(t, tt.request, append([]string{"webhooks", "verify", "--secret-file", file(tt.secrets)}, tt.args...)...)
			want, fails := strings.CutPrefix(tt.want, "!")
			got := out
			if err != nil {
				got = err.Error()
			}
			if (err != nil) != fails || !strings.Contains(got, want) || strings.Contains(got, strings.TrimSpace(tt.secrets)) && tt.secrets != "\n" {
				t.Errorf("%q, %v; want %q", out, err, tt.want)
			}
		})
	}
	if _, err := given(t, good, "webhooks", "verify", "--secret-file", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file, no error")
	}
}

// fakeFeed is a desk of which there is nothing but the feed. It plays each stream of a script, and then stays silent.
type fakeFeed struct {
	mu      sync.Mutex
	asked   []string // Last-Event-ID of each request for the stream
	streams []string
}

func (f *fakeFeed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer td_live_test" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"code":"unauthenticated","detail":"Send a valid API key"}`)
		return
	}
	if r.URL.Path == "/api/v1/events" {
		_, _ = io.WriteString(w, `{"data":[],"nextCursor":"c0","hasMore":false}`)
		return
	}
	f.mu.Lock()
	f.asked = append(f.asked, r.Header.Get("Last-Event-ID"))
	var script string
	if len(f.streams) > 0 {
		script, f.streams = f.streams[0], f.streams[1:]
	}
	f.mu.Unlock()
	if status, problem, ok := strings.Cut(script, " "); ok {
		if code, err := strconv.Atoi(status); err == nil {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, problem)
			return
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, ": topicdesk\n\n"+script)
	w.(http.Flusher).Flush()
	if script == "" {
		<-r.Context().Done()
	}
}

func sse(id, number string) string {
	s := "event: ticket.created\ndata: {\"id\":\"evt_" + number + "\",\"type\":\"ticket.created\"}\n\n"
	if id != "" {
		s = "id: " + id + "\n" + s
	}
	return s
}

// follows makes a listener of a fake feed, and runs it until cond, which is asked when something was printed.
func follows(t *testing.T, f *fakeFeed, change func(l *listener), cond func(out, said string) bool) (out, said string, err error) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	printed := &watched{stop: stop, cond: cond}
	l := &listener{address: server.URL, key: "td_live_test", again: time.Millisecond, client: newListenClient(),
		out: printed.of(&printed.out), say: printed.of(&printed.said)}
	defer l.client.CloseIdleConnections()
	if change != nil {
		change(l)
	}
	err = l.run(ctx)
	return printed.out.String(), printed.said.String(), err
}

// watched ends a listener when it has printed what it should.
type watched struct {
	mu        sync.Mutex
	out, said strings.Builder
	stop      func()
	cond      func(out, said string) bool
}

type writer func(b []byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func (w *watched) of(to *strings.Builder) io.Writer {
	return writer(func(b []byte) (int, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		to.Write(b)
		if w.cond(w.out.String(), w.said.String()) {
			w.stop()
		}
		return len(b), nil
	})
}

func TestWebhooksListen(t *testing.T) {
	t.Run("prints events, and goes on after the newest id when the connection is lost", func(t *testing.T) {
		f := &fakeFeed{streams: []string{sse("", "1") + sse("c2", "2") + sse("", "3"), sse("c3", "3"), "503 {\"code\":\"unavailable\"}", sse("c4", "4")}}
		out, _, err := follows(t, f, nil, func(out, _ string) bool { return strings.Contains(out, "evt_4") })
		if want := "evt_1 evt_2 evt_3 evt_3 evt_4"; err != nil || idsIn(out) != want {
			t.Errorf("%v: %s, want %s", err, idsIn(out), want)
		}
		if got := strings.Join(f.asked, " "); got != "c0 c2 c3 c3" {
			t.Error(got)
		}
	})
	t.Run("a cursor that expired is replaced by the oldest that works", func(t *testing.T) {
		f := &fakeFeed{streams: []string{`410 {"code":"events_expired","oldestCursor":"c9"}`, sse("c10", "10")}}
		_, said, err := follows(t, f, func(l *listener) { l.cursor = "c1" }, func(out, _ string) bool { return strings.Contains(out, "evt_10") })
		if err != nil || strings.Join(f.asked, " ") != "c1 c9" || !strings.Contains(said, "deleted") {
			t.Error(err, f.asked, said)
		}
	})
	t.Run("a key that is refused ends it", func(t *testing.T) {
		_, _, err := follows(t, &fakeFeed{}, func(l *listener) { l.key = "td_live_wrong" }, func(string, string) bool { return false })
		if err == nil || !strings.Contains(err.Error(), "401 unauthenticated") || strings.Contains(err.Error(), "td_live") {
			t.Error(err)
		}
	})
	t.Run("forwards, signed, whatever the receiver does", func(t *testing.T) {
		secret := actors.NewWebhookSecret()
		var mu sync.Mutex
		var got []error
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			got = append(got, actors.VerifyWebhook(r.Header, body, time.Now(), secret))
			mu.Unlock()
			w.WriteHeader(http.StatusTeapot)
		}))
		defer receiver.Close()
		f := &fakeFeed{streams: []string{sse("", "1") + sse("c2", "2")}}
		_, said, err := follows(t, f, func(l *listener) { l.forward, l.secret = receiver.URL, secret },
			func(_, said string) bool { return strings.Contains(said, "evt_2 ticket.created: 418") })
		if err != nil || len(got) != 2 || got[0] != nil || got[1] != nil || strings.Contains(said, secret.Text()) {
			t.Error(err, got, said)
		}
	})
	t.Run("a receiver that is not there is told of", func(t *testing.T) {
		f := &fakeFeed{streams: []string{sse("c1", "1")}}
		_, said, err := follows(t, f, func(l *listener) { l.forward, l.secret = "http://127.0.0.1:9/", actors.NewWebhookSecret() },
			func(_, said string) bool { return strings.Contains(said, "evt_1") })
		if err != nil || !strings.Contains(said, "connection refused") {
			t.Error(err, said)
		}
	})
	t.Run("says what it needs", func(t *testing.T) {
		t.Setenv("TOPICDESK_API_KEY", "")
		for want, args := range map[string][]string{
			"an API key is needed": {}, "--key-file: open": {"--key-file", filepath.Join(t.TempDir(), "none")},
		} {
			if _, err := given(t, "", append([]string{"webhooks", "listen"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v", args, err)
			}
		}
		t.Setenv("TOPICDESK_API_KEY", "td_live_x")
		for want, args := range map[string][]string{
			"--forward: expected a URL": {"--forward", "localhost:3000"}, "--url: expected a URL": {"--url", "desk"},
		} {
			if _, err := given(t, "", append([]string{"webhooks", "listen"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v", args, err)
			}
		}
	})
}

// idsIn lists the ids of the events that were printed.
func idsIn(out string) string {
	var ids []string
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		_, rest, _ := strings.Cut(line, `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// TestWebhooksListenToADesk follows a real service.
func TestWebhooksListenToADesk(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a whole service")
	}
	d := newExampleDesk(t)
	group := d.list(t, "/groups")[0]["telegramGroupId"].(float64)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	printed := &watched{stop: stop, cond: func(out, _ string) bool { return strings.Contains(out, `"title":"Heard"`) }}
	l := &listener{address: d.url, key: d.newKey(t, "events:read"), again: time.Millisecond, client: newListenClient(),
		types: []string{"ticket.*"}, out: printed.of(&printed.out), say: printed.of(&printed.said)}
	defer l.client.CloseIdleConnections()
	page, err := l.get(ctx, "/events?after=now&limit=1")
	if err != nil {
		t.Fatal(err)
	}
	var now struct{ NextCursor string }
	if err := json.NewDecoder(page.Body).Decode(&now); err != nil || page.Body.Close() != nil {
		t.Fatal(err)
	}
	l.cursor = now.NextCursor // so that the ticket may be opened before the stream begins
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/api/v1/tickets",
		strings.NewReader(fmt.Sprintf(`{"title":"Heard","groupId":%.0f}`, group)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := l.client.Do(req)
	if err != nil || res.StatusCode != http.StatusCreated || res.Body.Close() != nil {
		t.Fatal(res, err)
	}
	if err := l.run(ctx); err != nil {
		t.Error(err)
	}
	if out := printed.out.String(); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"type":"ticket.created"`) {
		t.Errorf("%s\n%s", out, printed.said.String())
	}
}
