package httpedge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/topicdesk/topicdesk/http/web"
	"github.com/topicdesk/topicdesk/tracing"
)

// The operations pages of the web desk ask the API within the process. Their requests take the way of all others, so that scopes,
// validation and answers are the same; only the key is not sent, since the session was checked, and counted, instead.

// localWithin is where such a request has what a program's request brings along. Nothing that is sent gets there.
const localWithin = "within"

type within struct {
	ctx  context.Context
	call *call
}

func withinOf(c *fiber.Ctx) *within {
	w, _ := c.Locals(localWithin).(*within)
	return w
}

// within makes the function by which the web desk asks. An answer that is no 2xx is no error.
func (a *API) within(app *fiber.App) func(context.Context, *web.APIRequest) *web.APIAnswer {
	handler := sync.OnceValue(app.Handler) // once all routes are there
	return func(ctx context.Context, r *web.APIRequest) *web.APIAnswer {
		var request fasthttp.Request
		request.Header.SetMethod(r.Method)
		request.SetRequestURI(apiPrefix + r.Path)
		request.Header.Set(headerRequestID, r.RequestID)
		if mark := tracing.MarkOf(ctx).Traceparent(); mark != "" {
			request.Header.Set(tracing.Header, mark)
		}
		if r.Body != nil {
			request.Header.SetContentType(fiber.MIMEApplicationJSON)
			request.SetBodyRaw(r.Body)
		}
		var c fasthttp.RequestCtx
		c.Init2(inProcess{}, nil, false)
		request.CopyTo(&c.Request)
		// As with an Idempotency-Key: the same form sent twice is one command, with other words in it another one.
		sum := sha256.Sum256([]byte(r.Form + "\x00" + r.Method + " " + r.Path + "\x00" + string(r.Body)))
		command := "api:" + r.Key.KeyId + ":web:" + hex.EncodeToString(sum[:])
		c.SetUserValue(localWithin, &within{ctx, &call{key: r.Key, commandID: command, repeatable: true, now: a.now()}})
		handler()(&c)
		h := &c.Response.Header
		return &web.APIAnswer{Status: c.Response.StatusCode(), ContentType: string(h.ContentType()), Body: c.Response.Body(),
			Disposition: string(h.Peek(fiber.HeaderContentDisposition))}
	}
}

// inProcess is the connection of a request that came by none.
type inProcess struct{}

var _ net.Conn = inProcess{}

func (inProcess) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (inProcess) Write([]byte) (int, error)        { return 0, net.ErrClosed }
func (inProcess) Close() error                     { return nil }
func (inProcess) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4zero} }
func (inProcess) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4zero} }
func (inProcess) SetDeadline(time.Time) error      { return nil }
func (inProcess) SetReadDeadline(time.Time) error  { return nil }
func (inProcess) SetWriteDeadline(time.Time) error { return nil }
