package delivery

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// loopback lets attempts reach the tests' own receivers.
var loopback = Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

func clientOf(t *testing.T, o Options) *Client {
	t.Helper()
	if o.Policy.AllowNetworks == nil {
		o.Policy = loopback
	}
	o.Version = "1.2.3"
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// speak serves each connection by hand, and counts them.
func speak(t *testing.T, conversation func(conn net.Conn, n int)) (url string, connections *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int32{}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			n := int(connections.Add(1))
			all.Go(func() {
				defer shut(conn)
				conversation(conn, n)
			})
		}
	})
	t.Cleanup(func() {
		shut(listener)
		all.Wait()
	})
	return "http://" + listener.Addr().String() + "/", connections
}

// say, drain and shut are for connections that the other side may have left, so that errors mean nothing.
func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }
func drain(r io.Reader)            { _, _ = io.Copy(io.Discard, r) }
func shut(c io.Closer)             { _ = c.Close() }

// readRequest takes a request from the connection, body included.
func readRequest(conn net.Conn) (*http.Request, error) {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	return r, err
}

// answering reads a request and writes an answer as it is.
func answering(answer string) func(net.Conn, int) {
	return func(conn net.Conn, _ int) {
		if _, err := readRequest(conn); err == nil {
			say(conn, answer)
		}
	}
}

func request(url string) Request {
	return Request{URL: url, ID: "evt_1", Body: []byte(`{"id":"evt_1"}`), Secrets: []Secret{NewSecret()}}
}

func TestWhatIsSent(t *testing.T) {
	secrets := []Secret{NewSecret(), NewSecret()}
	var problem atomic.Value
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for _, s := range secrets {
			receiver, err := standardwebhooks.NewWebhook(s.Text())
			if err != nil {
				problem.Store(err.Error())
			} else if err := receiver.Verify(body, r.Header); err != nil {
				problem.Store(err.Error())
			}
		}
		if r.Method != "PUT" || r.URL.RequestURI() != "/hook?a=b" || r.UserAgent() != "Topicdesk/1.2.3" || string(body) != `{"a":1}` ||
			r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "Bearer s3cret" ||
			r.Header.Get("webhook-id") != "evt_1" || r.ContentLength != 7 || len(r.Header["Idempotency-Key"]) > 0 ||
			r.Header.Get("Accept-Encoding") != "" || r.Header.Get("Cookie") != "" {
			problem.Store(fmt.Sprint(r.Method, r.URL, r.Header, string(body)))
		}
		w.Header().Set("Set-Cookie", "a=b")
		say(w, "fine")
	})
	c := clientOf(t, Options{})
	r := Request{URL: server.URL + "/hook?a=b", Method: "PUT", ID: "evt_1", Body: []byte(`{"a":1}`), Secrets: secrets,
		Header: map[string]string{"authorization": "Bearer s3cret"}}
	for range 2 {
		res := c.Do(context.Background(), r)
		if p := problem.Load(); p != nil {
			t.Fatal(p)
		}
		if res.Verdict != Success || res.Status != 200 || res.Error != "" || res.Kind != "" || res.Response != "fine" || res.At.IsZero() || res.Duration <= 0 {
			t.Errorf("%+v", res)
		}
		shown := res.RequestHeaders
		if shown["authorization"] != "***" || shown["webhook-id"] != "evt_1" || len(shown) != 6 ||
			shown["webhook-signature"] != Sign("evt_1", res.At, r.Body, secrets...) {
			t.Errorf("%v", shown)
		}
	}
}

// A receiver that answers with all that it got, or with a part of it, does not have it shown.
func TestAnswersThatRepeatHeaders(t *testing.T) {
	own := map[string]string{"Authorization": "Bearer s3cr3t-token", "X-Key": `a"quoted"key`, "X-Short": "on"}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusUnauthorized)
		text, _ := json.Marshal(r.Header)
		say(w, fmt.Sprintf("%s\nthe token s3cr3t-token is wrong, %s; on", text, r.Header.Get("X-Key")))
	})
	req := request(server.URL)
	req.Header = own
	res := clientOf(t, Options{}).Do(context.Background(), req)
	for _, secret := range []string{"s3cr3t", "quoted"} {
		if strings.Contains(res.Response+res.Error+fmt.Sprint(res.ResponseHeaders), secret) {
			t.Errorf("%s is shown: %+v", secret, res)
		}
	}
	if res.Status != 401 || !strings.Contains(res.Response, "the token *** is wrong, ***; on") || res.ResponseHeaders.Get("X-Echo") != "***" {
		t.Errorf("%+v", res)
	}
}

func TestVerdicts(t *testing.T) {
	now := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		status   int
		headers  string
		verdict  Verdict
		after    time.Duration
		contains string
	}{
		{200, "", Success, 0, ""},
		{201, "", Success, 0, ""},
		{204, "", Success, 0, ""},
		{299, "Retry-After: 5", Success, 0, ""},
		{200, "Webhook-Delivery: abort-message", Success, 0, ""},
		{200, "webhook-delivery: Disable", Disable, 0, "with webhook-delivery: disable"},
		{300, "", Retry, 0, "redirects are not followed"},
		{304, "", Retry, 0, "304 Not Modified"},
		{400, "", Retry, 0, "the receiver answered 400 Bad Request"},
		{404, "", Retry, 0, "404"},
		{410, "", Disable, 0, "410 Gone"},
		{410, "webhook-delivery: abort-message", Disable, 0, "410 Gone"},
		{422, "webhook-delivery: abort-message", Abort, 0, "with webhook-delivery: abort-message"},
		{422, "webhook-delivery: something", Retry, 0, "422"},
		{429, "Retry-After: 7", RetryAndSlow, 7 * time.Second, "429 Too Many Requests"},
		{500, "Retry-After: Sun, 29 Nov 2026 09:01:00 GMT", Retry, time.Minute, "500"},
		{501, "Retry-After: Sun, 29 Nov 2026 08:00:00 GMT", Retry, 0, "501"},
		{502, "Retry-After: 99999999999999999999", RetryAndSlow, 24 * time.Hour, "502"},
		{503, "Retry-After: Mon, 29 Nov 2027 09:00:00 GMT", RetryAndSlow, 24 * time.Hour, "503"},
		{504, "Retry-After: -5", RetryAndSlow, 0, "504"},
		{503, "Retry-After: soon", RetryAndSlow, 0, "503"},
		{503, "Retry-After: 86401", RetryAndSlow, 24 * time.Hour, "503"},
		{500, "webhook-delivery: disable", Disable, 0, "disable"},
		{599, "", Retry, 0, "the receiver answered 599"},
		{999, "", Retry, 0, "the receiver answered 999"},
	} {
		answer := fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: 0\r\n%s\r\n\r\n", tt.status, tt.headers)
		if tt.headers == "" {
			answer = fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n", tt.status)
		}
		url, connections := speak(t, answering(answer))
		res := clientOf(t, Options{Now: func() time.Time { return now }}).Do(context.Background(), request(url))
		if res.Verdict != tt.verdict || res.Status != tt.status || res.RetryAfter != tt.after || !strings.Contains(res.Error, tt.contains) ||
			(res.Error == "") != (tt.verdict == Success) || (res.Kind == HTTP) != (tt.verdict != Success) {
			t.Errorf("%d %s: %+v", tt.status, tt.headers, res)
		}
		if n := connections.Load(); n != 1 {
			t.Errorf("%d %s: %d connections", tt.status, tt.headers, n)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Bool
	target := serve(t, func(http.ResponseWriter, *http.Request) { followed.Store(true) })
	for _, location := range []string{target.URL, "http://169.254.169.254/", "/elsewhere", "http://[", "file:///etc/passwd"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			url, connections := speak(t, answering(fmt.Sprintf(
				"HTTP/1.1 %d Moved\r\nContent-Length: 5\r\nLocation: %s\r\n\r\nthere", status, location)))
			res := clientOf(t, Options{}).Do(context.Background(), request(url))
			if res.Verdict != Retry || res.Status != status || res.Response != "there" || connections.Load() != 1 {
				t.Errorf("%d to %q: %d connections, %+v", status, location, connections.Load(), res)
			}
		}
	}
	if followed.Load() {
		t.Error("it followed")
	}
}

// TestOnlyWhatWasNotAnsweredIsRepeated: within an attempt, with the same signature, and no more than twice.
func TestOnlyWhatWasNotAnsweredIsRepeated(t *testing.T) {
	var signatures sync.Map
	for what, tt := range map[string]struct {
		conversation func(net.Conn, int)
		verdict      Verdict
		connections  int32
		kind         Kind
	}{
		"closed twice":           {func(c net.Conn, n int) { answerFrom(c, n, 3, &signatures) }, Success, 3, ""},
		"closed always":          {func(net.Conn, int) {}, Retry, 3, Reset},
		"reset always":           {func(c net.Conn, _ int) { _ = c.(*net.TCPConn).SetLinger(0) }, Retry, 3, Reset},
		"closed after request":   {func(c net.Conn, _ int) { _, _ = readRequest(c) }, Retry, 3, Reset},
		"closed within headers":  {answering("HTTP/1.1 200 OK\r\nA:"), Retry, 1, Reset},
		"closed after one byte":  {answering("H"), Retry, 1, Protocol},
		"closed after a 103":     {answering("HTTP/1.1 103 Early Hints\r\n\r\n"), Retry, 1, Reset},
		"an error is an answer":  {answering("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), Retry, 1, HTTP},
		"so is a time-out of it": {answering("HTTP/1.1 504 No\r\nContent-Length: 0\r\n\r\n"), RetryAndSlow, 1, HTTP},
	} {
		url, connections := speak(t, tt.conversation)
		res := clientOf(t, Options{}).Do(context.Background(), request(url))
		if res.Verdict != tt.verdict || connections.Load() != tt.connections || res.Kind != tt.kind {
			t.Errorf("%s: %d connections, %+v", what, connections.Load(), res)
		}
		if tt.kind == Reset && !strings.Contains(res.Error, "the connection was lost") {
			t.Errorf("%s: %s", what, res.Error)
		}
	}
	different := 0
	signatures.Range(func(any, any) bool { different++; return true })
	if different != 1 {
		t.Errorf("%d signatures", different)
	}
}

// answerFrom answers from the given connection on, and closes those before after it has read the request.
func answerFrom(conn net.Conn, n, from int, signatures *sync.Map) {
	r, err := readRequest(conn)
	if err != nil {
		return
	}
	signatures.Store(r.Header.Get(headerSignature)+r.Header.Get(headerTimestamp), true)
	if n >= from {
		say(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shut(listener)
	res := clientOf(t, Options{}).Do(context.Background(), request("http://"+listener.Addr().String()+"/s3cret"))
	if res.Verdict != Retry || res.Kind != Refused || strings.Contains(res.Error, "s3cret") || !strings.Contains(res.Error, "refused") {
		t.Errorf("%+v", res)
	}
}

// TestATimeOutSaysWhatItWaitedFor: for TLS with a peer that says nothing, and for a connection that nobody accepts.
func TestATimeOutSaysWhatItWaitedFor(t *testing.T) {
	url, _ := speak(t, func(conn net.Conn, _ int) { drain(conn) })
	// On a busy machine, more than one try may be needed to come as far as TLS.
	for timeout := 200 * time.Millisecond; ; timeout *= 3 {
		c := clientOf(t, Options{Timeout: timeout})
		res := c.Do(context.Background(), request(strings.Replace(url, "http:", "https:", 1)))
		if res.Kind == Timeout && res.Error == fmt.Sprintf("TLS was not agreed upon within %s", timeout) {
			break
		}
		if timeout > 5*time.Second {
			t.Fatalf("%+v", res)
		}
	}
	if kind, words := explainTimeout(phaseConnecting, 0, time.Second); kind != Timeout || words != "no connection was made within 1s" {
		t.Error(kind, words)
	}
}

func TestStop(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	url, _ := speak(t, func(conn net.Conn, _ int) {
		if _, err := readRequest(conn); err == nil {
			stop()
			drain(conn)
		}
	})
	if res := clientOf(t, Options{}).Do(ctx, request(url)); res.Kind != Stopped || res.Verdict != Retry {
		t.Errorf("%+v", res)
	}
}
