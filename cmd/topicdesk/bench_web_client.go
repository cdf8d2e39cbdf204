package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// webClient is a browser without scripts.
type webClient struct {
	base string
	http *http.Client
}

func newWebClient(addr string) *webClient {
	t := &http.Transport{MaxIdleConnsPerHost: 2 * webPeople, DisableCompression: true} // what is on the wire is counted
	return &webClient{base: "http://" + addr, http: &http.Client{Transport: t}}
}

// open asks for an address. The body is as it was on the wire.
func (c *webClient) open(ctx context.Context, who *reader, path string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Cookie", who.cookie)
	req.Header.Set("Accept-Encoding", "gzip, deflate, br")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		return nil, fmt.Errorf("GET %s: %s: %.300s", path, resp.Status, body)
	}
	return resp, nil
}

func (c *webClient) get(ctx context.Context, who *reader, path string, headers ...string) (string, error) {
	resp, err := c.open(ctx, who, path, headers...)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), errors.Join(err, resp.Body.Close())
}

// pageMeasured is what a page takes. The times are sorted.
type pageMeasured struct {
	first       time.Duration // of the first time that it was asked for
	page, paint []time.Duration
	bytes       int // of the page
	paintBytes  int // and of what it needs
	failed      int // how often it was refused, or not answered in time
}

var (
	needed    = regexp.MustCompile(`<(?:link rel="stylesheet"|script|link rel="icon"[^>]*|img)[^>]* (?:href|src)="(/static/[^"]+)"`)
	olderPage = regexp.MustCompile(`href="([^"]+)" rel="next"`)
)

// measure asks for a page many times. A first paint is the page, and then all that it needs together, with nothing cached. A busy
// desk may fail to answer now and then, which is counted; an error is that it never did.
func (c *webClient) measure(ctx context.Context, who *reader, path string) (*pageMeasured, error) {
	m := &pageMeasured{}
	var last error
	for n := range webAsks + 1 {
		began := time.Now()
		page, err := c.get(ctx, who, path)
		if ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			m.failed, last = m.failed+1, err
			continue
		}
		took := time.Since(began)
		var assets []string
		for _, found := range needed.FindAllStringSubmatch(page, -1) {
			assets = append(assets, html.UnescapeString(found[1]))
		}
		slices.Sort(assets)
		sizes, err := c.together(ctx, who, slices.Compact(assets))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			m.first = took
			continue
		}
		m.page, m.paint = append(m.page, took), append(m.paint, time.Since(began))
		m.bytes, m.paintBytes = len(page), len(page)+sizes
	}
	if len(m.page) == 0 {
		return nil, last
	}
	slices.Sort(m.page)
	slices.Sort(m.paint)
	return m, nil
}

// together asks for several at a time, and returns how many bytes they have.
func (c *webClient) together(ctx context.Context, who *reader, paths []string) (size int, err error) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, path := range paths {
		asking.Go(func() {
			body, failed := c.get(ctx, who, path)
			mu.Lock()
			defer mu.Unlock()
			size, err = size+len(body), errors.Join(err, failed)
		})
	}
	asking.Wait()
	return size, err
}

// olderOf is the address of the page after one.
func (c *webClient) olderOf(ctx context.Context, who *reader, path string) (string, error) {
	page, err := c.get(ctx, who, path)
	if err != nil {
		return "", err
	}
	found := olderPage.FindStringSubmatch(page)
	if found == nil {
		return "", fmt.Errorf("%s has no second page", path)
	}
	return html.UnescapeString(found[1]), nil
}

// openPage is a page that somebody has open: it listens, and asks for what has changed, as desk.js does.
type openPage struct {
	of     *openPages
	who    *reader
	path   string
	known  *knownPage // of a ticket; nil: it is an inbox
	shown  string     // by an inbox, as its address has it
	stream string

	failed int
	ended  bool // the stream, by itself
	again  chan struct{}
}

// openPages are the pages that people have open.
type openPages struct {
	asked         atomic.Int64 // how often they asked for what has changed
	all           []*openPage
	running       sync.WaitGroup
	client        *webClient
	cancel        context.CancelFunc
	failed, ended int // how often that failed, and of how many pages the stream ended by itself: known when they are closed
}

// openPages opens a page of each of the people: half of them inboxes, half tickets of their group, whose ids are given by pair of
// groups. It returns when all are shown.
func (b *filledBench) openPages(ctx context.Context, tickets map[int][]string) (*openPages, error) {
	open := &openPages{client: newWebClient(b.service.addr)}
	ctx, open.cancel = context.WithCancel(ctx)
	for i, who := range b.readers()[1:] {
		p := &openPage{of: open, who: who, path: "/", stream: "/stream", again: make(chan struct{}, 1)}
		if i >= webPeople/2 {
			theirs := tickets[who.pair]
			p.path = "/tickets/" + theirs[i/benchPairs%len(theirs)]
			p.stream = p.path + "/stream"
		}
		page, err := open.client.get(ctx, p.who, p.path)
		if err != nil {
			open.close()
			return nil, err
		}
		p.known, p.shown = knownOf(page), shownBy(page)
		resp, err := open.client.open(ctx, p.who, p.stream)
		if err != nil {
			open.close()
			return nil, err
		}
		open.all = append(open.all, p)
		open.running.Go(func() { p.listen(ctx, resp.Body) })
		open.running.Go(func() { p.renew(ctx) })
	}
	return open, nil
}

// close closes them.
func (o *openPages) close() {
	o.cancel()
	o.running.Wait()
	o.client.http.CloseIdleConnections()
	for _, p := range o.all {
		o.failed += p.failed
		if p.ended {
			o.ended++
		}
	}
}

func (p *openPage) listen(ctx context.Context, stream io.ReadCloser) {
	defer func() { _ = stream.Close() }()
	defer close(p.again)
	buffer := make([]byte, 1024)
	for {
		n, err := stream.Read(buffer)
		if err != nil {
			p.ended = ctx.Err() == nil
			return
		}
		if strings.Contains(string(buffer[:n]), "event: changed") {
			select {
			case p.again <- struct{}{}:
			default:
			}
		}
	}
}

// renew asks for what has changed, and again where copies are on their way, which no event tells of.
func (p *openPage) renew(ctx context.Context) {
	const first, longest = time.Second, 30 * time.Second
	pause := first
	var waits <-chan time.Time
	for {
		select {
		case _, open := <-p.again:
			if !open {
				return
			}
			pause = first
		case <-waits:
		}
		address := p.path + "?have=" + p.shown
		if p.known != nil {
			address = p.known.address()
		}
		body, err := p.of.client.get(ctx, p.who, address, "HX-Request", "true")
		if ctx.Err() != nil {
			continue // the stream ends, too
		}
		if err == nil && p.known != nil {
			p.known.take(body)
		} else if err == nil {
			p.shown = shownBy(body)
		}
		if p.of.asked.Add(1); err != nil {
			p.failed++
		}
		if waits = nil; strings.Contains(body, "data-pending") {
			waits = time.After(pause)
			pause = min(2*pause, longest)
		}
	}
}
