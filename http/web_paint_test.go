package httpedge_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestWebFirstPaint: a page and all that it needs have less than 100 kB on the wire. bench web measures how long they take.
func TestWebFirstPaint(t *testing.T) {
	const atMost = 100_000
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, "admin")
	thai := strings.Repeat("เครื่องพิมพ์ขัดข้อง ", 3)
	for i := range 55 {
		s.do("POST", "/api/v1/tickets", key, object{"title": fmt.Sprint(thai, i), "groupId": s.support}).is(201)
	}
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	for i := range 55 {
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: int(ticket.Home.TelegramTopicID),
			Text: fmt.Sprint(strings.Repeat(thai, 2), i)})
		s.must(err)
	}
	v, address := s.signIn(s.ann), "/tickets/"+ticket.TicketID
	s.await("all is there", func() bool { return len(s.messagesOf(ticket.TicketID)) == 55 })
	for path, rows := range map[string]int{"/": 50, address: 50, "/sign-in": 0} {
		page := v.get(path)
		if got := strings.Count(page.body, `data-testid="ticket"`) + strings.Count(page.body, `data-testid="message"`); page.status != 200 || got != rows {
			t.Fatalf("%s: %d with %d rows", path, page.status, got)
		}
		size := len(page.body)
		var assets []string
		for _, found := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(page.body, -1) {
			assets = append(assets, found[1])
		}
		slices.Sort(assets)
		for _, asset := range slices.Compact(assets) {
			plain, packed := s.asset(asset, ""), s.asset(asset, "deflate, gzip;q=0.8")
			if plain.header.Get("Content-Encoding") != "" || s.asset(asset, "gzip;q=0").body != plain.body || s.asset(asset, "gzip;q=0.0, *").body != plain.body {
				t.Errorf("%s is compressed for who does not take that", asset)
			}
			if size += len(packed.body); packed.header.Get("Content-Encoding") == "" {
				continue
			}
			r, err := gzip.NewReader(strings.NewReader(packed.body))
			s.must(err)
			unpacked, err := io.ReadAll(r)
			s.must(err)
			if string(unpacked) != plain.body || plain.header.Get("Vary") != "Accept-Encoding" || packed.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s differs when it is compressed, or does not say that it varies", asset)
			}
		}
		if t.Logf("%s: %d bytes, %d with what it needs", path, len(page.body), size); size >= atMost {
			t.Errorf("the first paint of %s has %d bytes", path, size)
		}
	}
}

// asset asks for a static file as a browser does that takes these encodings.
func (s *service) asset(path, encodings string) *page {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	s.must(err)
	req.Header.Set("Accept-Encoding", encodings)
	if encodings == "" {
		req.Header.Set("Accept-Encoding", "identity")
	}
	res, err := s.http.Do(req)
	s.must(err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	s.must(err)
	return &page{status: res.StatusCode, header: res.Header, body: string(body)}
}
