package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// apiLoad plays the programs that call the API.
type apiLoad struct {
	client *fasthttp.HostClient
	base   string
	desk   *filledDesk
	seed   atomic.Uint64
	opened atomic.Int64
}

// apiKind is one kind of request. Through more a request hands the next page of a list to the next request of its
// worker.
type apiKind struct {
	name string
	call func(r *rand.Rand, more *string) error
}

func newAPILoad(addr string, d *filledDesk) *apiLoad {
	return &apiLoad{base: "http://" + addr + "/api/v1", desk: d,
		client: &fasthttp.HostClient{Addr: addr, MaxConns: 1000, ReadTimeout: 30 * time.Second,
			MaxIdleConnDuration: time.Minute}}
}

func (l *apiLoad) kinds() []apiKind {
	return []apiKind{{"GET /tickets/{id}", l.read}, {"GET /tickets", l.list}, {"POST /tickets", l.create}}
}

// do makes a request and passes the body of its answer to use, which may be nil.
func (l *apiLoad) do(method, path string, body []byte, want int, use func([]byte)) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(method)
	req.SetRequestURI(l.base + path)
	req.Header.Set("Authorization", "Bearer "+l.desk.key)
	if body != nil {
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(body)
	}
	if err := l.client.Do(req, resp); err != nil {
		return err
	}
	if resp.StatusCode() != want {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode(), resp.Body())
	}
	if use != nil {
		use(resp.Body())
	}
	return nil
}

func (l *apiLoad) read(r *rand.Rand, _ *string) error {
	return l.do("GET", "/tickets/"+pick(r, l.desk.ids), nil, 200, nil)
}

// list requests lists of all kinds, and now and then their next pages.
func (l *apiLoad) list(r *rand.Rand, more *string) error {
	path := *more
	if path == "" {
		group := strconv.FormatInt(pick(r, l.desk.groups), 10)
		path = "/tickets?" + pick(r, []string{"", "status=open", "groupId=" + group, "groupId=" + group + "&status=open",
			"sort=-updatedAt", "priority=urgent&status=pending", "createdBy=user:" + strconv.Itoa(1000+r.IntN(500)),
			"q=" + url.QueryEscape(pick(r, benchWords)), "groupId=" + group + "&q=" + url.QueryEscape(pick(r, benchWords))})
	}
	*more = ""
	return l.do("GET", path, nil, 200, func(body []byte) {
		if r.IntN(3) > 0 {
			return
		}
		var page struct {
			NextCursor *string `json:"nextCursor"`
		}
		if json.Unmarshal(body, &page) == nil && page.NextCursor != nil {
			u, err := url.Parse(path)
			if err != nil {
				return
			}
			q := u.Query()
			q.Set("cursor", *page.NextCursor)
			*more = "/tickets?" + q.Encode()
		}
	})
}

func (l *apiLoad) create(r *rand.Rand, _ *string) error {
	body, err := json.Marshal(map[string]any{
		"title":       pick(r, benchWords) + " " + strconv.FormatInt(l.opened.Add(1), 10),
		"description": pick(r, benchWords) + " " + pick(r, benchWords),
		"groupId":     pick(r, l.desk.groups), "metadata": map[string]any{"n": r.IntN(1000)},
	})
	if err != nil {
		return err
	}
	return l.do("POST", "/tickets", body, 201, nil)
}

// apiResult is the result of one kind of request.
type apiResult struct {
	result
	name       string
	offered    int
	errors     int
	firstError error
}

func (r *apiResult) row(w io.Writer) {
	offered := "-"
	if r.offered > 0 {
		offered = strconv.Itoa(r.offered)
	}
	fmt.Fprintf(w, "%s\t%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t\n", r.name, offered, r.reached,
		r.quantile(.5), r.quantile(.95), r.quantile(.99), r.quantile(1), r.errors)
	if r.firstError != nil {
		fmt.Fprintln(w, r.firstError)
	}
}

// together sends requests of all kinds at their rates while people write.
func (l *apiLoad) together(ctx context.Context, w *benchWorld, o benchAPIOptions, duration time.Duration) (
	[]*apiResult, error) {
	var wg sync.WaitGroup
	kinds, rates := l.kinds(), []int{o.reads, o.lists, o.creates}
	all := make([]*apiResult, len(kinds)+1)
	for i, k := range kinds {
		if rates[i] == 0 {
			all[i] = &apiResult{name: k.name}
			continue
		}
		// Independent programs don't call at the same instant.
		wait := time.Second / time.Duration(rates[i]*len(kinds)) * time.Duration(i)
		wg.Go(func() {
			time.Sleep(wait)
			all[i] = l.offer(ctx, k, rates[i], duration)
		})
	}
	talked, err := w.talk(ctx, phase{"talk", o.bench.rate, duration})
	wg.Wait()
	if err != nil {
		return nil, err
	}
	all[len(kinds)] = &apiResult{result: *talked, name: "messages copied", offered: o.bench.rate,
		errors: talked.lost + talked.repeated}
	return all, nil
}

// offer sends requests at fixed moments. Latency counts from the moment at which a request was due.
func (l *apiLoad) offer(ctx context.Context, k apiKind, rate int, duration time.Duration) *apiResult {
	due := make(chan time.Time, rate*60)
	res := &apiResult{name: k.name, offered: rate}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range min(200, max(16, rate/4)) {
		wg.Go(func() {
			r, more := rand.New(rand.NewPCG(l.seed.Add(1), 3)), ""
			for at := range due {
				err := k.call(r, &more)
				took := time.Since(at)
				mu.Lock()
				res.add(took, err)
				mu.Unlock()
			}
		})
	}
	start := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		at := start.Add(time.Duration(n) * time.Second / time.Duration(rate))
		if at.Sub(start) >= duration {
			break
		}
		time.Sleep(time.Until(at))
		due <- at
	}
	close(due)
	wg.Wait()
	res.finish(time.Since(start))
	return res
}

// saturate sends requests as fast as they are answered.
func (l *apiLoad) saturate(ctx context.Context, k apiKind, duration time.Duration) *apiResult {
	const workers = 32
	res := &apiResult{name: k.name}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := time.Now()
	for range workers {
		wg.Go(func() {
			r, more := rand.New(rand.NewPCG(l.seed.Add(1), 3)), ""
			for ctx.Err() == nil && time.Since(start) < duration {
				at := time.Now()
				err := k.call(r, &more)
				took := time.Since(at)
				mu.Lock()
				res.add(took, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	res.finish(time.Since(start))
	return res
}

func (r *apiResult) add(took time.Duration, err error) {
	r.sent++
	r.took = append(r.took, took)
	if err != nil {
		r.errors++
		if r.firstError == nil {
			r.firstError = err
		}
	}
}

func (r *apiResult) finish(elapsed time.Duration) {
	slices.Sort(r.took)
	r.reached = float64(r.sent-r.errors) / elapsed.Seconds()
}
