package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	jsonv2 "github.com/go-json-experiment/json" // decodes in a third of the time: docs/decisions.md, D50
	"github.com/go-json-experiment/json/jsontext"

	"github.com/topicdesk/topicdesk/messages"
)

// maxAnswer is how many bytes of an answer are read. A hundred updates of the largest kind need fewer.
const maxAnswer = 32 << 20

// exchange is one HTTP request and its answer.
type exchange struct {
	method   string       // of the Bot API
	progress atomic.Int32 // of the request: notSent, headSent, partSent or allSent
	status   int          // of HTTP; 0: no answer
	body     []byte
	err      error // there was no answer, or only a part of one
}

// How far a request got.
const (
	notSent  int32 = iota
	headSent       // the head is written; the body may be
	partSent       // writing failed: the server can't have read all of it
	allSent
)

type exchangeKey struct{}

// traced returns a context in which the HTTP transport reports the request's progress to x. It may report after the
// call has given up.
func (x *exchange) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { x.progress.Store(headSent) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				x.progress.Store(partSent)
			} else {
				x.progress.Store(allSent)
			}
		},
	})
}

// sent says whether the server may have acted on the request.
func (x *exchange) sent() bool {
	progress := x.progress.Load()
	return x.status != 0 || progress == headSent || progress == allSent
}

// do makes the request and reads the whole answer.
func (x *exchange) do(client *http.Client, req *http.Request) {
	defer x.end(beginSpan(req.Context(), x.method))
	resp, err := client.Do(req)
	if err != nil {
		x.err = err
		return
	}
	defer func() { _ = resp.Body.Close() }()
	x.status = resp.StatusCode
	x.body, x.err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}

// answer is the envelope of every answer of the Bot API.
type answer struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter      int64 `json:"retry_after"`
		MigrateToChatID int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// asSent lets decodeAnswer read what encoding/json reads.
var asSent = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// decodeAnswer decodes an answer of the Bot API, or a part of one.
func decodeAnswer(b []byte, dest any) error { return jsonv2.Unmarshal(b, dest, asSent) }

// verdict returns nil if Telegram did what was asked, and decodes the result into dest.
func (c *Client) verdict(x *exchange, method string, dest any) *APIError {
	fail := &APIError{Method: method, Status: x.status, Sent: x.sent()}
	if x.err != nil {
		fail.Cause = causeOf(x.err)
		fail.Description = c.clean(plainError(x.err))
		fail.Broken = x.status != 0
		return fail
	}
	var a answer
	if err := decodeAnswer(x.body, &a); err != nil {
		fail.Description = fmt.Sprintf("HTTP %d with an answer that is not the Bot API's", x.status)
		fail.Broken = true
		return fail
	}
	if a.OK {
		if dest != nil {
			if err := decodeAnswer(a.Result, dest); err != nil && !isTrue(a.Result) {
				fail.Description, fail.Broken = "the result can't be read: "+c.clean(err.Error()), true
				return fail
			}
		}
		return nil
	}
	if a.ErrorCode != 0 {
		fail.Status = a.ErrorCode
	}
	fail.Description = c.clean(a.Description)
	fail.RetryAfter = time.Duration(a.Parameters.RetryAfter) * time.Second
	fail.MigrateTo = a.Parameters.MigrateToChatID
	return fail
}

// isTrue says whether a result is the true with which Telegram answers some edits instead of the message.
func isTrue(result json.RawMessage) bool { return string(result) == "true" }

// maxDescription, in UTF-16 units, keeps a misbehaving server from filling records and logs.
const maxDescription = 300

// clean makes a description safe to store, log and show: without the token, on one line, and short.
func (c *Client) clean(s string) string {
	s = strings.ReplaceAll(s, c.prefix, "")
	s = strings.ReplaceAll(s, c.token, "***")
	if _, secret, ok := strings.Cut(c.token, ":"); ok {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return messages.Shorten(oneLine(s), maxDescription)
}

// plainError returns the text of a transport error without the URL, which contains the token.
func plainError(err error) string {
	var urlErr *url.Error
	for errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "the call was cancelled"
	}
	return err.Error()
}

// causeOf returns what callers ask for with errors.Is, without the error's text.
func causeOf(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return nil
}
