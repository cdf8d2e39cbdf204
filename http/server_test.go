package httpedge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's clock for the Date header starts with the first server and never stops.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// It ends by itself a second after the last dead letter.
		goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"),
		// fasthttp's cleaner of idle workers notices only after 10 s that its server has stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// start serves o on a free port until the test ends.
func start(t *testing.T, o Options, routes ...func(*fiber.App)) (s *Server, url string) {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s = New(o)
	for _, r := range routes {
		r(s.App)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(ln); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error("shutdown:", err)
		}
	})
	return s, "http://" + ln.Addr().String()
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (a answer) problem(t *testing.T, status int) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("no problem: %v: %q", err, a.body)
	}
	if a.status != status || p.Status != status || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got %d %q %+v, want %d", a.status, a.header.Get("Content-Type"), p, status)
	}
	return p
}

func TestWebhook(t *testing.T) {
	var got []byte
	var secret string
	status := http.StatusOK
	_, url := start(t, Options{Webhook: func(_ context.Context, body []byte, given string) int {
		got, secret = bytes.Clone(body), given
		return status
	}})
	url += "/telegram/webhook"

	t.Run("body and secret arrive as sent", func(t *testing.T) {
		a := send(t, "POST", url, `{"update_id":1}`, headerSecret, "s3cret")
		if a.status != 200 || string(got) != `{"update_id":1}` || secret != "s3cret" {
			t.Errorf("got %d, %q, %q", a.status, got, secret)
		}
	})
	t.Run("a compressed body is not expanded", func(t *testing.T) {
		send(t, "POST", url, "\x1f\x8b", "Content-Encoding", "gzip")
		if string(got) != "\x1f\x8b" {
			t.Errorf("got %q", got)
		}
	})
	for _, status = range []int{400, 401, 404, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			send(t, "POST", url, `{}`).problem(t, status)
		})
	}
	t.Run("only POST", func(t *testing.T) {
		send(t, "GET", url, "").problem(t, 405)
	})
}

func TestBodyLimit(t *testing.T) {
	called := false
	_, url := start(t, Options{
		Webhook: func(context.Context, []byte, string) int { called = true; return 200 },
		BodyLimit: func(_, path string) int {
			if path == "/large" {
				return 8 << 20
			}
			return 1 << 20
		},
	}, func(app *fiber.App) {
		app.Post("/large", func(c *fiber.Ctx) error { return c.SendString(fmt.Sprint(len(c.Body()))) })
	})
	body := strings.Repeat("x", 5<<20)
	t.Run("too large is answered 413, not reset", func(t *testing.T) {
		for range 5 {
			p := send(t, "POST", url+"/telegram/webhook", body).problem(t, 413)
			if p.Title != "Request Entity Too Large" || called {
				t.Errorf("%+v, called %v", p, called)
			}
		}
	})
	t.Run("also without a length", func(t *testing.T) {
		resp, err := http.Post(url+"/telegram/webhook", "", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 413 || called {
			t.Errorf("got %d, called %v", resp.StatusCode, called)
		}
	})
	t.Run("also when the client waits to be told to go on", func(t *testing.T) {
		send(t, "POST", url+"/telegram/webhook", body, "Expect", "100-continue").problem(t, 413)
	})
	t.Run("a route may allow more", func(t *testing.T) {
		if a := send(t, "POST", url+"/large?x=1", body); a.status != 200 || a.body != fmt.Sprint(len(body)) {
			t.Errorf("got %d %s", a.status, a.body)
		}
	})
}

func TestHealth(t *testing.T) {
	var broken error
	s, url := start(t, Options{Checks: []Check{
		{"storage", func(context.Context) error { return broken }},
		{"actors", func(context.Context) error { return nil }},
	}})
	read := func(t *testing.T, want int) readiness {
		t.Helper()
		a := send(t, "GET", url+"/readyz", "")
		var r readiness
		if err := json.Unmarshal([]byte(a.body), &r); err != nil || a.status != want {
			t.Fatalf("got %d %q, want %d", a.status, a.body, want)
		}
		return r
	}
	t.Run("ready", func(t *testing.T) {
		if r := read(t, 200); r.Status != "ok" || r.Checks["storage"] != "ok" || r.Checks["actors"] != "ok" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("one failed check makes it unready, and does not say why to strangers", func(t *testing.T) {
		broken = errors.New("mongodb://user:password@host")
		if r := read(t, 503); r.Status != "unavailable" || r.Checks["storage"] != "failed" ||
			r.Checks["actors"] != "ok" {
			t.Errorf("%+v", r)
		}
		if a := send(t, "GET", url+"/readyz", ""); strings.Contains(a.body, "password") {
			t.Error(a.body)
		}
		broken = nil
		read(t, 200)
	})
	t.Run("lives even so", func(t *testing.T) {
		if a := send(t, "GET", url+"/healthz", ""); a.status != 200 || a.body != `{"status":"ok"}` {
			t.Error(a)
		}
	})
	t.Run("stopping is unready", func(t *testing.T) {
		s.health.stop()
		read(t, 503)
	})
	t.Run("a check that panics has failed", func(t *testing.T) {
		if probe(t.Context(), Check{"x", func(context.Context) error { panic("oh") }}) == nil {
			t.Error("no error")
		}
	})
}

func TestMetrics(t *testing.T) {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "topicdesk_things_total", Help: "Things."})
	r.MustRegister(c)
	c.Inc()
	_, url := start(t, Options{Gatherer: r})
	if a := send(t, "GET", url+"/metrics", ""); a.status != 200 ||
		!strings.Contains(a.body, "topicdesk_things_total 1") {
		t.Error(a)
	}
}

func TestErrors(t *testing.T) {
	var log bytes.Buffer
	_, url := start(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, func(app *fiber.App) {
		app.Get("/panic", func(*fiber.Ctx) error { panic("secret panic") })
		app.Get("/error", func(*fiber.Ctx) error { return errors.New("secret error") })
		app.Get("/refused", func(*fiber.Ctx) error { return fiber.NewError(409, "is closed") })
		app.Get("/echo/:id", func(c *fiber.Ctx) error { return c.SendString(c.Params("id")) })
	})
	t.Run("unknown path", func(t *testing.T) { send(t, "GET", url+"/nothing", "").problem(t, 404) })
	t.Run("webhook is not there unless handed in", func(t *testing.T) {
		send(t, "POST", url+"/telegram/webhook", "{}").problem(t, 404)
	})
	t.Run("panic and error keep their words to the log", func(t *testing.T) {
		for _, path := range []string{"/panic", "/error"} {
			if a := send(t, "GET", url+path, ""); strings.Contains(a.body, "secret") {
				t.Error(a.body)
			} else {
				a.problem(t, 500)
			}
		}
		if !strings.Contains(log.String(), "secret panic") || !strings.Contains(log.String(), "secret error") {
			t.Error(log.String())
		}
	})
	t.Run("a refusal says why", func(t *testing.T) {
		if p := send(t, "GET", url+"/refused", "").problem(t, 409); p.Detail != "is closed" || p.RequestID == "" {
			t.Errorf("%+v", p)
		}
	})
	t.Run("headers protect browsers, also on errors", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/nothing"} {
			h := send(t, "GET", url+path, "").header
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" ||
				h.Get("Content-Security-Policy") == "" {
				t.Error(path, h)
			}
		}
	})
	t.Run("request ids are taken over when harmless", func(t *testing.T) {
		if id := send(t, "GET", url+"/healthz", "", headerRequestID,
			"abc-1").header.Get(headerRequestID); id != "abc-1" {
			t.Error(id)
		}
		if id := send(t, "GET", url+"/healthz", "", headerRequestID,
			"a b\tc").header.Get(headerRequestID); len(id) < 20 {
			t.Error(id)
		}
	})
	t.Run("paths are unescaped", func(t *testing.T) {
		if a := send(t, "GET", url+"/echo/a%20b", ""); a.body != "a b" {
			t.Error(a.body)
		}
	})
}

func TestSlowClients(t *testing.T) {
	_, impatient := start(t, Options{ReadTimeout: 100 * time.Millisecond, IdleTimeout: 100 * time.Millisecond})
	_, patient := start(t, Options{})
	dial := func(t *testing.T, url, text string) *bufio.Reader {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		return bufio.NewReader(c)
	}
	for name, text := range map[string]string{
		"says nothing":          "",
		"stops in the header":   "POST /telegram/webhook HTTP/1.1\r\nHost: x\r\n",
		"stops in the body":     "POST /telegram/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
		"idles after a request": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := io.Copy(io.Discard, dial(t, impatient, text)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("not closed:", err)
			}
		})
	}
	t.Run("nonsense is answered", func(t *testing.T) {
		line, err := dial(t, patient, "\x16\x03\x01 nonsense\r\n\r\n").ReadString('\n')
		if err != nil || !strings.Contains(line, "400") {
			t.Error(line, err)
		}
	})
}

// deskFunc is a Desk that answers as the function does.
type deskFunc func(kind string) (proto.Message, error)

func (f deskFunc) WatchLog(*messages.LogFilter) (woken <-chan struct{}, stop func()) {
	return nil, func() {}
}

func (f deskFunc) TestWebhook(context.Context, string, string) (*messages.WebhookTested, error) {
	return nil, errors.New("there are no webhooks")
}

func (f deskFunc) PreviewWebhook(context.Context, string, string, json.RawMessage) (*messages.WebhookTested, error) {
	return nil, errors.New("there are no webhooks")
}

func (f deskFunc) JudgeURL(context.Context, string) error { return nil }

func (f deskFunc) Nodes(context.Context) []*messages.NodeStatus { return nil }

func (f deskFunc) Ask(_ context.Context, kind, _ string, _ proto.Message) (proto.Message, error) {
	return f(kind)
}

func TestDeskThatFailsWhileAKeyIsChecked(t *testing.T) {
	good := func(kind string) (proto.Message, error) {
		if kind == messages.KindQuery {
			return &messages.APIKeyView{Code: messages.Code_OK, Key: &messages.APIKey{}}, nil
		}
		return &messages.Authenticated{Code: messages.Code_OK, Verdict: messages.Authenticated_ACCEPTED,
			Key: &messages.APIKey{}}, nil
	}
	for name, kind := range map[string]string{"when the key is looked up": messages.KindQuery,
		"when it is compared": messages.KindAPIKey} {
		for what, answer := range map[string]proto.Message{
			"an error": nil, "another answer": &messages.Wake{}, "no code": &messages.Authenticated{},
		} {
			t.Run(what+" "+name, func(t *testing.T) {
				var log bytes.Buffer
				desk := deskFunc(func(asked string) (proto.Message, error) {
					switch {
					case asked != kind:
						return good(asked)
					case answer == nil:
						return nil, context.DeadlineExceeded
					}
					return answer, nil
				})
				s := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
				NewAPI(s, APIOptions{Desk: desk, Log: s.log})
				key, _ := messages.NewAPIKey(messages.NewAPIKeyID(""))
				request := httptest.NewRequest(http.MethodGet, apiPrefix+"/me", nil)
				request.Header.Set("Authorization", "Bearer "+key)
				response, err := s.App.Test(request)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				var p Problem
				if err := json.NewDecoder(response.Body).Decode(&p); err != nil || response.StatusCode != 500 ||
					p.Code != codeInternal {
					t.Errorf("%d %+v %v", response.StatusCode, p, err)
				}
				if said := log.String(); !strings.Contains(said, `msg="an operation failed" operation=getMe`) ||
					strings.Contains(said, "panic") {
					t.Errorf("the log says %q", said)
				}
			})
		}
	}
}
