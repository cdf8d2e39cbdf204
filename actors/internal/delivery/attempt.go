package delivery

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/net/http/httpguts"
)

// DefaultTimeout is how long a whole exchange may take: connecting, sending, and the answer with its body.
const DefaultTimeout = 15 * time.Second

// How often an attempt that met no answer at all is repeated within itself, and the pauses between.
const (
	repeats      = 2
	repeatFirst  = 50 * time.Millisecond
	repeatLatest = 250 * time.Millisecond
)

// Options make a Client.
type Options struct {
	Policy   Policy
	Version  string           // of the desk, for User-Agent
	Timeout  time.Duration    // of a whole exchange; 0: DefaultTimeout
	Resolver *net.Resolver    // nil: the system's
	Roots    *x509.CertPool   // nil: the system's
	Now      func() time.Time // nil: time.Now
}

// A Client makes attempts. It keeps connections; Close lets go of those that are idle.
type Client struct {
	policy   Policy
	resolver *net.Resolver
	agent    []string
	timeout  time.Duration
	now      func() time.Time
	via      *transport
	http     *retryablehttp.Client
}

// New makes a client.
func New(o Options) *Client {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	via := newTransport(o.Policy, o.Resolver, o.Roots, o.Timeout)
	return &Client{
		policy: o.Policy, resolver: o.Resolver, agent: []string{"Topicdesk/" + o.Version}, timeout: o.Timeout, now: o.Now, via: via,
		http: &retryablehttp.Client{ // without a Logger, because URLs may be secret
			HTTPClient: &http.Client{Transport: via},
			RetryMax:   repeats, RetryWaitMin: repeatFirst, RetryWaitMax: repeatLatest,
			CheckRetry: mayRepeat, Backoff: retryablehttp.DefaultBackoff,
			ErrorHandler: retryablehttp.PassthroughErrorHandler,
		},
	}
}

// Close closes the connections that are kept. Attempts under way end as they would.
func (c *Client) Close() { c.via.close() }

// Request is one event for one endpoint.
type Request struct {
	URL         string
	Method      string            // "": POST
	ID          string            // of the event: webhook-id. It has no dot
	ContentType string            // "": application/json
	Header      map[string]string // the endpoint's own, and those of its template; what they say is never shown
	Body        []byte            // it is not changed, and must not be while Do runs
	Secrets     []Secret          // the newest first
	Traceparent string            // W3C Trace Context; "": none. One among the endpoint's own headers goes before
}

// Result is what came of an attempt.
type Result struct {
	At       time.Time
	Duration time.Duration
	Status   int    // of the answer, 0 if there was none
	Kind     Kind   // what went wrong
	Error    string // the same in words, "" after a success
	Verdict  Verdict
	// RequestHeaders are those that were sent, by their names in lower case: the signature as it is, and *** for the
	// value of each header of the endpoint's own. Where the answer repeats such a value, it has *** too.
	RequestHeaders  map[string]string
	ResponseHeaders http.Header
	// Response is the beginning of the answer's body, at most 16 kB of valid UTF-8.
	Response string
	// RetryAfter is how long the receiver asks us to leave it alone, at most 24 h; 0: it does not.
	RetryAfter time.Duration
}

// exchange is how far an attempt has come. The transport reports it, from goroutines of its own.
type exchange struct {
	trace    httptrace.ClientTrace
	phase    atomic.Int32
	answered atomic.Bool // a byte has arrived
}

// The phases of an attempt.
const (
	phaseConnecting int32 = iota
	phaseResolving
	phaseHandshake
	phaseAnswer
)

type exchangeKey struct{}

func newExchange() *exchange {
	x := &exchange{}
	x.trace = httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { x.phase.Store(phaseResolving) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				x.phase.Store(phaseConnecting)
			}
		},
		TLSHandshakeStart:    func() { x.phase.Store(phaseHandshake) },
		GotConn:              func(httptrace.GotConnInfo) { x.phase.Store(phaseAnswer) },
		GotFirstResponseByte: func() { x.answered.Store(true) },
	}
	return x
}

// Do makes one attempt. It does not fail: whatever happens is in the result. When ctx ends before the exchange does,
// the result's kind is Stopped, and the attempt says nothing about the endpoint.
func (c *Client) Do(ctx context.Context, r Request) Result {
	began := c.now()
	res := Result{At: began, Verdict: Retry}
	hidden := secretsOf(r.Header)
	c.exchange(ctx, r, &res, hidden)
	res.mask(hidden)
	res.Duration = c.now().Sub(began)
	return res
}

func (c *Client) exchange(ctx context.Context, r Request, res *Result, hidden secrets) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	x := newExchange()
	fail := func(err error) { res.fail(ctx, err, x.phase.Load(), c.timeout) }

	limited = httptrace.WithClientTrace(context.WithValue(limited, exchangeKey{}, x), &x.trace)
	req, err := c.request(limited, r, res)
	if err != nil {
		fail(err)
		return
	}
	resp, err := c.http.Do(req)
	if err != nil {
		fail(err)
		return
	}
	res.Status, res.ResponseHeaders = resp.StatusCode, resp.Header
	err = res.read(resp, hidden)
	res.judge(resp.Header, c.now(), err == nil)
	if err != nil {
		fail(err)
	}
}

// request makes the request, signed as of now.
func (c *Client) request(ctx context.Context, r Request, res *Result) (*retryablehttp.Request, error) {
	u, err := c.policy.checkURL(r.URL)
	if err != nil {
		return nil, err
	}
	if err := CheckHeaders(r.Header); err != nil {
		return nil, err
	}
	contentType := r.ContentType
	if contentType == "" {
		contentType = jsonType
	}
	if err := checkHeader("Content-Type", contentType); err != nil {
		return nil, err
	}
	if r.ID == "" || strings.Contains(r.ID, ".") || !httpguts.ValidHeaderFieldValue(r.ID) {
		return nil, refuse(RuleHeader, "%.40q is no id of an event", r.ID)
	}
	header := make(http.Header, 6+len(r.Header))
	header["User-Agent"] = c.agent
	header["Content-Type"] = []string{contentType}
	// So spelled, it is not sent, and tells the transport that it may use a fresh connection immediately when a kept
	// one turns out to be closed. Repeats are harmless: each has the event's id.
	header["Idempotency-Key"] = nil
	if r.Traceparent != "" {
		header["Traceparent"] = []string{r.Traceparent}
	}
	for name, value := range r.Header {
		header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	header[headerID] = []string{r.ID}
	header[headerTimestamp] = []string{strconv.FormatInt(res.At.Unix(), 10)}
	header[headerSignature] = []string{Sign(r.ID, res.At, r.Body, r.Secrets...)}
	res.RequestHeaders = shownHeaders(header, r.Header)

	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	plain := (&http.Request{Method: method, URL: u, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	req, err := retryablehttp.FromRequest(plain)
	if err != nil {
		return nil, err
	}
	return req, req.SetBody(r.Body)
}

// mayRepeat implements retryablehttp.CheckRetry: only what failed to connect, or lost its connection before a byte
// was answered, is tried again, and never what was refused or has run out of time.
func mayRepeat(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err == nil || ctx.Err() != nil {
		return false, nil
	}
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); !ok || x.answered.Load() {
		return false, nil
	}
	kind, _ := explain(err)
	return kind == Refused || kind == Reset || kind == Unreachable, nil
}

// longestAnswer is how much of an answer's body is read, in bytes.
const longestAnswer = 16 << 10

// read takes the beginning of the answer's body; an error says that the answer broke off. What is longer than we care
// to read counts as complete. Secrets are hidden before the text is cut: a part of one would not be found.
func (res *Result) read(resp *http.Response, hidden secrets) error {
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil // the body is the connection itself, whose reads no context ends
	}
	if resp.ContentLength == 0 {
		return nil
	}
	var text bytes.Buffer
	_, err := text.ReadFrom(io.LimitReader(resp.Body, longestAnswer+int64(hidden.longest())))
	res.Response = validText([]byte(hidden.hideCut(text.String())), longestAnswer)
	return err
}
