package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// answering is a service that gives these answers, one after the other, and notes the Idempotency-Keys.
func answering(t *testing.T, answers ...http.HandlerFunc) (c *Client, keys *[]string) {
	t.Helper()
	keys = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[min(len(*keys), len(answers)-1)]
		*keys = append(*keys, r.Header.Get("Idempotency-Key"))
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	c = NewClient(server.URL, "td_live_secret")
	c.Pause = time.Millisecond
	return c, keys
}

func refuse(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = w.Write([]byte(body)) }
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestPostsAreRepeatedWithOneKey(t *testing.T) {
	c, keys := answering(t, refuse(503, `{"code":"unavailable"}`), hangUp, refuse(429, "slow down"), refuse(409, `{"code":"idempotency_in_progress"}`),
		refuse(201, `{"ticketId":"TICK-1"}`))
	var ticket Ticket
	if _, err := c.Do(t.Context(), "POST", "/", map[string]int{"a": 1}, &ticket); err != nil || ticket.TicketID != "TICK-1" {
		t.Error(ticket, err)
	}
	if one := slices.Compact(slices.Clone(*keys)); len(*keys) != 5 || len(one) != 1 || one[0] == "" {
		t.Error(*keys)
	}
}

func TestRefusalsAreNotRepeated(t *testing.T) {
	c, keys := answering(t, refuse(422, `{"code":"invalid","detail":"No.","errors":[{"pointer":"#/title","detail":"too long"}]}`))
	_, err := c.Do(t.Context(), "POST", "/", nil, nil)
	var p *Problem
	if !errors.As(err, &p) || p.Code != "invalid" || !strings.Contains(err.Error(), "#/title: too long") || len(*keys) != 1 {
		t.Error(err, *keys)
	}
}

func TestTriesComeToAnEnd(t *testing.T) {
	c, keys := answering(t, refuse(502, "<html>"))
	_, err := c.Do(t.Context(), "GET", "/", nil, nil)
	if err == nil || strings.Contains(err.Error(), "secret") || len(*keys) != c.Tries {
		t.Error(err, *keys)
	}
}
