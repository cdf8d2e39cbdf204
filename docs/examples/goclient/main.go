// Command goclient lists the open tickets of a desk, page by page, and writes into each. It wants URL and KEY in the environment.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// client calls the API. It waits and repeats when it is told to; with an Idempotency-Key that does nothing twice.
type client struct{ url, key string }

// problem is an error of the API (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

func (c *client) do(method, path, idempotency string, body, answer any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for try := 1; ; try++ {
		req, err := http.NewRequest(method, c.url+"/api/v1"+path, bytes.NewReader(data))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+c.key)
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		if idempotency != "" {
			req.Header.Set("Idempotency-Key", idempotency)
		}
		again, err := once(req, answer)
		if err == nil || again == 0 || try == 5 {
			return err
		}
		time.Sleep(again)
	}
}

// once makes a request; again says after how long it may be repeated, 0: not at all.
func once(req *http.Request, answer any) (again time.Duration, err error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return time.Second, err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode < 400 {
		if answer == nil {
			return 0, nil
		}
		return 0, json.NewDecoder(resp.Body).Decode(answer)
	}
	p := &problem{Status: resp.StatusCode}
	if err := json.NewDecoder(resp.Body).Decode(p); err != nil {
		return 0, err
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		again = time.Duration(seconds) * time.Second
	}
	return again, p
}

type ticket struct {
	TicketID string `json:"ticketId"`
	Title    string `json:"title"`
}

func run() error {
	c := &client{url: os.Getenv("URL"), key: os.Getenv("KEY")}
	query := url.Values{"status": {"open"}, "sort": {"createdAt"}, "limit": {"2"}}
	for {
		var page struct {
			Data       []ticket `json:"data"`
			NextCursor *string  `json:"nextCursor"`
		}
		if err := c.do(http.MethodGet, "/tickets?"+query.Encode(), "", nil, &page); err != nil {
			return err
		}
		for _, t := range page.Data {
			fmt.Println(t.TicketID, t.Title)
			message := map[string]any{"text": "Still open. Is anybody on it?", "authorName": "Watchdog"}
			if err := c.do(http.MethodPost, "/tickets/"+t.TicketID+"/messages", "watchdog-"+t.TicketID, message, nil); err != nil {
				return err
			}
		}
		if page.NextCursor == nil {
			return nil
		}
		query.Set("cursor", *page.NextCursor)
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
