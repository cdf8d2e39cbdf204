package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Client calls the API. It repeats what may be repeated: a request that found nobody, was too much at the moment, or whose answer
// was lost. All tries of a POST have the same Idempotency-Key, so that it is carried out once.
type Client struct {
	URL   string // such as http://127.0.0.1:8080
	Key   string // td_live_…
	HTTP  *http.Client
	Tries int           // at most so many
	Pause time.Duration // before the second try; twice as long before each further one, or as long as Retry-After says
}

// NewClient makes one with limits that fit most programs.
func NewClient(url, key string) *Client {
	return &Client{URL: url, Key: key, HTTP: &http.Client{Timeout: time.Minute}, Tries: 5, Pause: 500 * time.Millisecond}
}

// Problem is an answer that says why not (RFC 9457). Code is for programs, Detail for people.
type Problem struct {
	Status    int
	Code      string
	Detail    string
	RequestID string
	Errors    []struct{ Pointer, Detail string }
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s: %s (request %s)", p.Status, p.Code, p.Detail, p.RequestID)
	for _, e := range p.Errors {
		text += fmt.Sprintf("; %s: %s", e.Pointer, e.Detail)
	}
	return text
}

// Do sends body as JSON, if there is one, and reads the answer into into. It returns the answer's headers, and a *Problem as the
// error if the service refuses. headers are pairs of a name and a value.
func (c *Client) Do(ctx context.Context, method, path string, body, into any, headers ...string) (http.Header, error) {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	given := http.Header{"Authorization": {"Bearer " + c.Key}, "Accept": {"application/json"}}
	if body != nil {
		given.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		given.Set("Idempotency-Key", rand.Text())
	}
	for i := 0; i < len(headers); i += 2 {
		given.Set(headers[i], headers[i+1])
	}
	for try, pause := 1, c.Pause; ; try, pause = try+1, 2*pause {
		answered, err := c.once(ctx, method, path, sent, given, into)
		wait, passing := passes(answered, err)
		if err == nil || !passing || try >= c.Tries {
			return answered, err
		}
		select {
		case <-time.After(max(pause, wait)):
		case <-ctx.Done():
			return answered, errors.Join(ctx.Err(), err)
		}
	}
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, headers http.Header, into any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = headers.Clone()
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return res.Header, err
	}
	if res.StatusCode >= http.StatusBadRequest {
		p := &Problem{}
		if json.Unmarshal(text, p) != nil || p.Code == "" { // a proxy between here and there
			p = &Problem{Code: "unknown", Detail: http.StatusText(res.StatusCode)}
		}
		p.Status = res.StatusCode
		return res.Header, p
	}
	if into == nil || len(text) == 0 {
		return res.Header, nil
	}
	return res.Header, json.Unmarshal(text, into)
}

// passes says whether a later try may end otherwise, and how long the service asks to wait for it.
func passes(headers http.Header, err error) (wait time.Duration, passing bool) {
	var p *Problem
	if !errors.As(err, &p) {
		return 0, err != nil
	}
	seconds, _ := strconv.Atoi(headers.Get("Retry-After"))
	return time.Duration(seconds) * time.Second,
		p.Status == http.StatusTooManyRequests || p.Status >= http.StatusInternalServerError || p.Code == "idempotency_in_progress"
}
