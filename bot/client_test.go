package bot

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// The client must have the methods that actors expect.
var _ interface {
	Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome
	Parts(op *messages.Operation) int
} = (*Client)(nil)

const testToken = "123456789:AAtopsecretAA"

// testClient is a client of a server that is only a handler.
func testClient(t testing.TB, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newTestClient(t, server.URL, testToken)
}

func newTestClient(t testing.TB, url, token string) *Client {
	t.Helper()
	c, err := NewClient(Options{Token: token, BaseURL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answerWith answers each request with the next of the given answers, and keeps the requests.
type answerWith struct {
	answers []string
	mu      sync.Mutex
	methods []string
	bodies  []string
}

func (a *answerWith) handle(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	a.methods = append(a.methods, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	a.bodies = append(a.bodies, string(body))
	text := a.answers[min(len(a.bodies), len(a.answers))-1]
	var code struct {
		Code int `json:"error_code"`
	}
	if json.Unmarshal([]byte(text), &code) == nil && code.Code != 0 {
		w.WriteHeader(code.Code)
	}
	_, _ = io.WriteString(w, text)
}

var hello = copyOp(&messages.SendCopyCall{SenderName: "Ann", ReplyTo: 3, Quote: "part", Content: &messages.Content{Text: "hello", Entities: []*messages.Entity{
	{Type: "date_time", Length: 5, UnixTime: 1700000000, DateTimeFormat: "d"}}}})

func TestSendMessageOnTheWire(t *testing.T) {
	server := &answerWith{answers: []string{`{"ok":true,"result":{"message_id":77,"message_thread_id":5,"date":1,"chat":{"id":-100123,"type":"supergroup"},"text":"x"}}`}}
	c := testClient(t, server.handle)
	out := c.Call(t.Context(), -100123, "en", hello)
	if out.Result != messages.Outcome_DONE || out.MessageId != 77 || out.ThreadId != 5 || out.ChatId != -100123 {
		t.Errorf("%v", out)
	}
	want := `{"chat_id":-100123,"message_thread_id":5,"text":"Ann\nhello","entities":[{"type":"bold","offset":0,"length":3},` +
		`{"type":"date_time","offset":4,"length":5,"unix_time":1700000000,"date_time_format":"d"}],` +
		`"link_preview_options":{"is_disabled":true},` +
		`"reply_parameters":{"message_id":3,"allow_sending_without_reply":true,"quote":"part"}}`
	if server.bodies[0] != want {
		t.Errorf("sent\n%s, want\n%s", server.bodies[0], want)
	}
}

func TestRefusedRepliesAreSentWithout(t *testing.T) {
	const done = `{"ok":true,"result":{"message_id":7,"message_thread_id":5}}`
	bad := func(s string) string { return `{"ok":false,"error_code":400,"description":"Bad Request: ` + s + `"}` }
	for _, c := range []struct {
		name    string
		answers []string
		calls   int
		last    string // what the last call's body holds
		result  messages.Outcome_Result
	}{
		{"quote", []string{bad("QUOTE_TEXT_INVALID"), done}, 2, `"reply_parameters":{"message_id":3,"allow_sending_without_reply":true}}`, messages.Outcome_DONE},
		{"reply", []string{bad("message to be replied not found"), done}, 2, `"date_time_format":"d"}],"link_preview_options":{"is_disabled":true}}`, messages.Outcome_DONE},
		{"both", []string{bad("quote not found"), bad("REPLY_MESSAGE_ID_INVALID"), done}, 3, `"date_time_format":"d"}],"link_preview_options":{"is_disabled":true}}`, messages.Outcome_DONE},
		{"markup", []string{bad("can't parse entities: unsupported type"), done}, 2, `"text":"Ann\nhello","link_preview_options"`, messages.Outcome_DONE},
		{"neither", []string{bad("message is too long")}, 1, `"quote":"part"`, messages.Outcome_REJECTED},
		{"no end", []string{bad("quote not found")}, 2, `"allow_sending_without_reply":true}}`, messages.Outcome_REJECTED},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &answerWith{answers: c.answers}
			out := testClient(t, server.handle).Call(t.Context(), -100123, "en", hello)
			if out.Result != c.result || len(server.bodies) != c.calls ||
				!strings.Contains(server.bodies[len(server.bodies)-1], c.last) {
				t.Errorf("%v after %q", out, server.bodies)
			}
		})
	}
}

func TestMessagesOutsideOfTheirTopicAreTakenBack(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		taken        bool
	}{
		{"in the topic", `{"ok":true,"result":{"message_id":7,"message_thread_id":5}}`, false},
		{"in the general one", `{"ok":true,"result":{"message_id":7}}`, true},
		{"in another", `{"ok":true,"result":{"message_id":7,"message_thread_id":6}}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &answerWith{answers: []string{c.answer, `{"ok":true,"result":true}`}}
			out := testClient(t, server.handle).Call(t.Context(), 123, "en", hello)
			gone := out.Result == messages.Outcome_TOPIC_DELETED
			if gone != c.taken || c.taken != (len(server.bodies) == 2) {
				t.Errorf("%v after %q", out, server.bodies)
			}
		})
	}
}

func TestChatsWithoutTopics(t *testing.T) {
	for chat, want := range map[int64]messages.Outcome_Result{
		123:     messages.Outcome_REJECTED,  // a person's: there is nothing to wait for
		-100123: messages.Outcome_FORBIDDEN, // a group's: they may be switched on
	} {
		server := &answerWith{answers: []string{`{"ok":false,"error_code":400,"description":"Bad Request: the chat is not a forum"}`}}
		if out := testClient(t, server.handle).Call(t.Context(), chat, "en", createTopic); out.Result != want {
			t.Errorf("in %d: %v", chat, out)
		}
	}
}

// closeTopic is one of the calls that may be repeated.
var closeTopic = &messages.Operation{ThreadId: 5, Call: &messages.Operation_CloseTopic{CloseTopic: &messages.CloseTopicCall{}}}

var createTopic = &messages.Operation{Call: &messages.Operation_CreateTopic{CreateTopic: &messages.CreateTopicCall{Name: "Printer"}}}

// expectFailure makes a call of each kind (posted as JSON, through the library, repeatable) and looks at what comes
// of it.
func expectFailure(t *testing.T, ctx context.Context, c *Client, once, many messages.Outcome_Result) {
	t.Helper()
	for _, o := range []struct {
		name string
		op   *messages.Operation
		want messages.Outcome_Result
	}{{"sendMessage", hello, once}, {"createForumTopic", createTopic, once}, {"closeForumTopic", closeTopic, many}} {
		out := c.Call(ctx, -100123, "en", o.op)
		if out.Result != o.want {
			t.Errorf("%s: %v, want %v", o.name, out, o.want)
		}
		if out.Description == "" || out.ChatId != -100123 {
			t.Errorf("%s: %v says too little", o.name, out)
		}
		for _, secret := range []string{"topsecret", "/bot", "http://"} {
			if strings.Contains(out.Description, secret) {
				t.Errorf("%s: %q holds %q", o.name, out.Description, secret)
			}
		}
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	_ = l.Close()
	expectFailure(t, t.Context(), newTestClient(t, url, testToken), messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT)
	expectFailure(t, t.Context(), newTestClient(t, "http://no-such-host.invalid", testToken), messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT)
}

func TestConnectionBreaksAfterTheRequest(t *testing.T) {
	c := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	expectFailure(t, t.Context(), c, messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT)
}

func TestConnectionBreaksWithinTheAnswer(t *testing.T) {
	c := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"ok":true,`)
		panic(http.ErrAbortHandler)
	})
	expectFailure(t, t.Context(), c, messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT)
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	c := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	c.timeout = time.Second // a call that is not even sent when it is over has another outcome
	expectFailure(t, t.Context(), c, messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT)
}

func TestGivenUpBeforeTheCall(t *testing.T) {
	c := testClient(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	expectFailure(t, ctx, c, messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT)
}

func TestStrangeAnswers(t *testing.T) {
	for _, c := range []struct {
		name       string
		handler    http.HandlerFunc
		once, many messages.Outcome_Result
	}{
		{"502 in HTML", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>"+testToken+"</html>")
		}, messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT},
		{"504 in HTML", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) }, messages.Outcome_UNKNOWN, messages.Outcome_TRANSIENT},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/elsewhere") {
				t.Error("the token was carried elsewhere")
			}
			http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusTemporaryRedirect)
		}, messages.Outcome_TRANSIENT, messages.Outcome_TRANSIENT},
		{"a description with the token", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"ok":false,"error_code":400,"description":"Bad Request: `+testToken+`\nAAtopsecretAA"}`)
		}, messages.Outcome_REJECTED, messages.Outcome_REJECTED},
		{"flood", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}`)
		}, messages.Outcome_FLOOD, messages.Outcome_FLOOD},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler := c.handler
			client := testClient(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				handler(w, r)
			})
			expectFailure(t, t.Context(), client, c.once, c.many)
		})
	}
}

func TestOperationsThatMeanNothing(t *testing.T) {
	c := testClient(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	third := copyOp(&messages.SendCopyCall{SenderName: "Ann", Content: &messages.Content{Text: "short"}, Part: 2})
	general := &messages.Operation{ThreadId: 1, Call: closeTopic.Call}
	for _, op := range []*messages.Operation{nil, {}, third, general} {
		if out := c.Call(t.Context(), 1, "en", op); out.Result != messages.Outcome_REJECTED || out.Description == "" {
			t.Errorf("%v", out)
		}
	}
	broken := &Client{log: c.log, timeout: time.Second} // any bug
	if out := broken.Call(t.Context(), 1, "en", hello); out.Result != messages.Outcome_REJECTED || out.ChatId != 1 {
		t.Errorf("%v", out)
	}
}

func TestMe(t *testing.T) {
	wrong := testClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"ok":false,"error_code":401,"description":"Unauthorized"}`)
	})
	_, err := wrong.Me(t.Context())
	if !errors.Is(err, ErrUnauthorized) || !strings.Contains(err.Error(), "TELEGRAM_BOT_TOKEN") ||
		strings.Contains(err.Error(), "topsecret") {
		t.Errorf("%v", err)
	}
	html := testClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	if _, err = html.Me(t.Context()); err == nil || errors.Is(err, ErrUnauthorized) {
		t.Errorf("a page that is not the Bot API's: %v", err)
	}
}

func TestNewClientRefuses(t *testing.T) {
	for _, o := range []Options{
		{}, {Token: "nonsense"}, {Token: ":x"}, {Token: "1:"}, {Token: "1:a/b"}, {Token: "1:a b"},
		{Token: testToken, BaseURL: "ftp://x"}, {Token: testToken, BaseURL: "://"}, {Token: testToken, BaseURL: "localhost"},
	} {
		if _, err := NewClient(o); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestUpdatesFail(t *testing.T) {
	server := &answerWith{answers: []string{
		`{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}`,
		`{"ok":false,"error_code":401,"description":"Unauthorized"}`,
		`{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 2","parameters":{"retry_after":2}}`,
		`<html>bad gateway</html>`,
	}}
	c := testClient(t, server.handle)
	next := func() error { _, err := c.Updates(t.Context(), 9, time.Second, 10); return err }
	if err := next(); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	if err := next(); !errors.Is(err, ErrUnauthorized) {
		t.Error(err)
	}
	var apiErr *APIError
	if err := next(); !errors.As(err, &apiErr) || apiErr.RetryAfter != 2*time.Second {
		t.Error(err)
	}
	if err := next(); !errors.As(err, &apiErr) || strings.Contains(err.Error(), "html>") {
		t.Error(err)
	}
	if want := `{"offset":9,"limit":10,"timeout":1,"allowed_updates":["message","edited_message","callback_query","my_chat_member","chat_member","message_reaction"]}`; server.bodies[0] != want {
		t.Errorf("asked %s", server.bodies[0])
	}
}

func TestUpdatesEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := testClient(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	if _, err := c.Updates(ctx, 0, time.Minute, 100); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
