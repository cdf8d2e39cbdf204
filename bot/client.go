package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/topicdesk/topicdesk/messages"
)

// AllowedUpdates are the kinds of updates that the bot asks Telegram for. Telegram sends reactions and changes of
// members only to those who name them.
var AllowedUpdates = []string{
	"message", "edited_message", "callback_query", "my_chat_member", "chat_member", "message_reaction",
}

const (
	defaultBaseURL = "https://api.telegram.org"
	defaultTimeout = 30 * time.Second

	// idleConnections is how many connections stay open between calls: as many chats may call at once, and a new
	// connection to Telegram costs a TLS handshake.
	idleConnections = 256

	// maxWebhookConnections is how many updates Telegram may deliver concurrently, each of another chat.
	maxWebhookConnections = 100
)

// Options says how a Client reaches Telegram. Only Token is needed.
type Options struct {
	Token     string
	BaseURL   string            // of the Bot API server, without "/bot<token>"; default https://api.telegram.org
	Timeout   time.Duration     // of one call; default 30 s
	Transport http.RoundTripper // for tests; default a pool of kept-alive connections
	Logger    *slog.Logger      // default slog.Default()
	Content   OpenContent       // opens files that come from outside Telegram; nil: there are none
}

// Client calls the Bot API. Its methods are safe for concurrent use.
//
// Calls go through github.com/go-telegram/bot, except for these, which the client posts as JSON with the library's
// models:
//   - sendMessage and edits: the library's entities lack the fields of date_time, its buttons send an empty copy_text,
//     and its multipart forms cost three times the CPU: 180 µs for a message instead of 60, when a copy may cost the
//     whole service 500 (BenchmarkSendMessage, without TLS, two cores of 2026);
//   - editForumTopic for an icon: the library can't take one away;
//   - getChat: the library rejects the whole answer when it contains a reaction type that it does not know;
//   - getUpdates: one update that the library can't read must not hold up the others.
//
// Both ways end in exchange.do, which notes what the answer was and whether the request was sent.
type Client struct {
	lib       *tg.Bot
	http      *http.Client
	transport http.RoundTripper
	prefix    string // "<base URL>/bot<token>/"
	token     string
	timeout   time.Duration
	log       *slog.Logger
	cloud     bool   // the server is Telegram's own, not a local one
	fileBase  string // "<base URL>/file/bot<token>/"
	downloads *retryablehttp.Client
	content   OpenContent
	uploads   uploads
	icons     icons
}

// NewClient makes a client. It calls nothing. An error says what is wrong with the token or the URL.
func NewClient(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = defaultBaseURL
	}
	base := strings.TrimRight(o.BaseURL, "/")
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the Bot API's address must be an http or https URL")
	}
	id, secret, ok := strings.Cut(o.Token, ":")
	if !ok || id == "" || secret == "" || strings.ContainsAny(o.Token, "/?#% \t\r\n") {
		return nil, errors.New("the bot token must look like 123456789:AA… (from @BotFather)")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c := &Client{
		content:   o.Content,
		cloud:     base == defaultBaseURL,
		fileBase:  base + "/file/bot" + o.Token + "/",
		downloads: newDownloader(o.Transport, noRedirect),
		transport: o.Transport,
		http: &http.Client{
			Transport: o.Transport,
			// A redirect would send the token to wherever it points.
			CheckRedirect: noRedirect,
		},
		prefix:  base + "/bot" + o.Token + "/",
		token:   o.Token,
		timeout: o.Timeout,
		log:     o.Logger,
	}
	lib, err := tg.New(o.Token, tg.WithSkipGetMe(), tg.WithServerURL(base), tg.WithHTTPClient(0, c),
		tg.WithErrorsHandler(func(err error) { c.log.Warn("telegram library", "error", c.clean(err.Error())) }))
	if err != nil {
		return nil, errors.New(c.clean(err.Error()))
	}
	c.lib = lib
	return c, nil
}

// newTransport keeps connections open between calls. It speaks HTTP/1.1 on purpose: with HTTP/2 all
// calls would share one connection and its stalls.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns:        idleConnections,
		MaxIdleConnsPerHost: idleConnections,
		// Shorter than the server's own: a request on a connection that the server closes looks lost.
		IdleConnTimeout: 45 * time.Second,
	}
}

// Close closes the connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// ID is the bot's own user id, as its token says.
func (c *Client) ID() int64 { return c.lib.ID() }

// Me asks who the bot is. The error's text is for whoever starts the service; it wraps ErrUnauthorized when the token
// is wrong.
func (c *Client) Me(ctx context.Context) (*models.User, error) {
	var me *models.User
	err := c.library(ctx, "getMe", func(ctx context.Context) (err error) {
		me, err = c.lib.GetMe(ctx)
		return err
	})
	switch {
	case errors.Is(err, ErrUnauthorized):
		return nil, fmt.Errorf("TELEGRAM_BOT_TOKEN is not the token of a bot: %w", err)
	case err != nil:
		return nil, fmt.Errorf("asking the Bot API who the bot is: %w", err)
	}
	return me, nil
}

// SetCommands sets the menus of slash commands that Telegram's clients show, by kind of chat, in English and Thai.
func (c *Client) SetCommands(ctx context.Context) error {
	for _, m := range commandMenus() {
		params := &tg.SetMyCommandsParams{Commands: m.commands, Scope: m.scope, LanguageCode: m.lang}
		err := c.library(ctx, "setMyCommands", func(ctx context.Context) error {
			_, err := c.lib.SetMyCommands(ctx, params)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// SetWebhook makes Telegram post updates to url, with secret in the header X-Telegram-Bot-Api-Secret-Token.
func (c *Client) SetWebhook(ctx context.Context, url, secret string) error {
	return c.library(ctx, "setWebhook", func(ctx context.Context) error {
		_, err := c.lib.SetWebhook(ctx, &tg.SetWebhookParams{
			URL: url, SecretToken: secret, AllowedUpdates: AllowedUpdates, MaxConnections: maxWebhookConnections})
		return err
	})
}

// DeleteWebhook makes getUpdates possible again. Waiting updates are kept.
func (c *Client) DeleteWebhook(ctx context.Context) error {
	return c.library(ctx, "deleteWebhook", func(ctx context.Context) error {
		_, err := c.lib.DeleteWebhook(ctx, &tg.DeleteWebhookParams{})
		return err
	})
}

// pollGrace is how much longer than timeout the answer to a long poll may take.
const pollGrace = 15 * time.Second

// Updates confirms all updates before offset, waits at most timeout for those from offset on, and returns each as
// Telegram sent it. No update is not an error. Errors are *APIError: ErrConflict (another program polls, or a webhook
// is set), ErrUnauthorized, and others that may pass.
func (c *Client) Updates(
	ctx context.Context, offset int64, timeout time.Duration, limit int,
) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout+pollGrace)
	defer cancel()
	body := struct {
		Offset         int64    `json:"offset,omitempty"`
		Limit          int      `json:"limit,omitempty"`
		Timeout        int      `json:"timeout"`
		AllowedUpdates []string `json:"allowed_updates"`
	}{offset, limit, int(timeout / time.Second), AllowedUpdates}
	var updates []json.RawMessage
	if err := c.post(ctx, methodGetUpdates, body, &updates); err != nil {
		return nil, err
	}
	return updates, nil
}

// Call makes one Bot API call for op in the chat. It never panics and always returns an outcome.
func (c *Client) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) (out *messages.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("bot api call panicked", "operation", op.GetId(), "panic", p, "stack", string(debug.Stack()))
			out = rejected("the call could not be made because of a bug; the log has the stack")
		}
		out.ChatId = chatID
	}()
	if lang == "" {
		lang = op.GetLang()
	}
	m, err := render(chatID, lang, op)
	limit := c.timeout
	if err == nil && m.upload != nil {
		limit = max(limit, uploadTime)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	switch {
	case err == nil:
		return c.send(ctx, m)
	case errors.Is(err, errNoMessage):
		return c.act(ctx, chatID, lang, op)
	}
	return rejected(err.Error())
}

func rejected(why string) *messages.Outcome {
	return &messages.Outcome{Result: messages.Outcome_REJECTED, Description: why}
}

// send sends or edits a message. When Telegram refuses an attribute, send leaves the attribute off and sends the
// rest: a quote that is not in the answered message, a reply to a deleted message, markup that Telegram does not
// understand, a link that it can't preview, an effect. A rich message goes as a text then.
func (c *Client) send(ctx context.Context, m *outgoing) *messages.Outcome {
	repeatable := m.MessageID != 0 // only an edit names a message
	var sent sentMessages
	err := c.postMessage(ctx, m, &sent)
	if err != nil && m.Reply != nil && m.Reply.Quote != "" && err.quoteRefused() {
		m.Reply.Quote, m.Reply.QuoteEntities, m.Reply.QuotePosition = "", nil, 0
		err = c.postMessage(ctx, m, &sent)
	}
	if err != nil && m.Reply != nil && err.replyRefused() {
		m.Reply = nil
		err = c.postMessage(ctx, m, &sent)
	}
	if err != nil && m.Rich != nil && err.richRefused() {
		m.dropRich()
		err = c.postMessage(ctx, m, &sent)
	}
	if err != nil && err.markupRefused() && m.dropMarkup() {
		err = c.postMessage(ctx, m, &sent)
	}
	if err != nil && err.previewRefused() && m.dropPreview() {
		err = c.postMessage(ctx, m, &sent)
	}
	if err != nil && err.effectRefused() && m.dropEffect() {
		err = c.postMessage(ctx, m, &sent)
	}
	if err != nil {
		out := outcomeOf(err, repeatable)
		if out.Result == messages.Outcome_DONE {
			out.MessageId, out.Spans = m.MessageID, m.spans
		}
		return out
	}
	if strays := m.strays(sent); len(strays) > 0 {
		return c.takeBack(ctx, m, strays)
	}
	out := &messages.Outcome{Result: messages.Outcome_DONE, Spans: m.spans}
	for i, x := range sent {
		if i == 0 {
			out.MessageId, out.ThreadId = x.ID, x.ThreadID
		}
		if m.method == methodSendAlbum {
			out.MessageIds = append(out.MessageIds, x.ID)
		}
	}
	return out
}

// sentMessage has the fields that the client reads of a message in Telegram's answer.
type sentMessage struct {
	ID       int64 `json:"message_id"`
	ThreadID int64 `json:"message_thread_id"`
}

// strays returns the ids of all messages if one of them was not posted in the topic that was asked for.
func (m *outgoing) strays(sent sentMessages) []int64 {
	if m.ThreadID == 0 {
		return nil
	}
	var ids []int64
	elsewhere := false
	for _, x := range sent {
		ids = append(ids, x.ID)
		elsewhere = elsewhere || x.ThreadID != m.ThreadID
	}
	if !elsewhere {
		return nil
	}
	return ids
}

// takeBack deletes messages that Telegram has posted outside of the topic that was asked for, as it does for a deleted
// topic of a private chat. The outcome is that of a deleted topic.
func (c *Client) takeBack(ctx context.Context, m *outgoing, strays []int64) *messages.Outcome {
	if out := c.deleteMessages(ctx, m.ChatID, strays); out.Result != messages.Outcome_DONE {
		c.log.Error("a message was posted outside of its topic and can't be deleted", "chat", m.ChatID,
			"topic", m.ThreadID, "messages", strays, "why", out.Description)
	}
	return &messages.Outcome{Result: messages.Outcome_TOPIC_DELETED, Description: "it was posted outside of its topic"}
}

// sentMessages are one message, or the messages of an album.
type sentMessages []sentMessage

func (s *sentMessages) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return decodeAnswer(b, (*[]sentMessage)(s))
	}
	*s = make(sentMessages, 1)
	return decodeAnswer(b, &(*s)[0])
}

// post makes a call with a JSON body and decodes the result into dest.
func (c *Client) post(ctx context.Context, method string, body, dest any) *APIError {
	data, err := json.Marshal(body)
	if err != nil {
		return &APIError{Method: method, Description: c.clean(err.Error())}
	}
	x := &exchange{method: method}
	req, err := http.NewRequestWithContext(x.traced(ctx), http.MethodPost, c.prefix+method, bytes.NewReader(data))
	if err != nil {
		return &APIError{Method: method, Description: c.clean(err.Error())}
	}
	req.Header.Set("Content-Type", "application/json")
	x.do(c.http, req)
	return c.verdict(x, method, dest)
}

// library makes a call through the library. The outcome comes from the HTTP exchange, because the library's errors
// drop the status and repeat whole bodies.
func (c *Client) library(ctx context.Context, method string, call func(context.Context) error) error {
	if err := c.viaLibrary(ctx, method, call); err != nil {
		return err
	}
	return nil
}

// viaLibrary is library with the error's type.
func (c *Client) viaLibrary(ctx context.Context, method string, call func(context.Context) error) *APIError {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	x := &exchange{method: method}
	err := call(context.WithValue(x.traced(ctx), exchangeKey{}, x))
	if apiErr := c.verdict(x, method, nil); apiErr != nil {
		return apiErr
	}
	if err != nil {
		return &APIError{Method: method, Status: x.status, Sent: true,
			Description: "the answer can't be read: " + c.clean(err.Error())}
	}
	return nil
}

// Do sends the library's requests: the library takes the client as its HTTP client.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	x, _ := req.Context().Value(exchangeKey{}).(*exchange)
	if x == nil {
		return nil, errors.New("a call of the library outside of Client.library")
	}
	x.do(c.http, req)
	if x.err != nil {
		return nil, x.err
	}
	body := io.NopCloser(bytes.NewReader(x.body))
	return &http.Response{StatusCode: x.status, Header: http.Header{}, Body: body, Request: req}, nil
}
