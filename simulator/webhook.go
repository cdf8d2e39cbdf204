package simulator

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
)

const (
	webhookFirstRetry = 100 * time.Millisecond
	webhookLastRetry  = 3 * time.Second
	webhookTimeout    = 60 * time.Second
)

// webhookConf is what setWebhook said, and how delivery goes.
type webhookConf struct {
	URL            string `json:"url,omitempty"`
	Secret         string `json:"secret,omitempty"`
	MaxConnections int    `json:"maxConnections,omitempty"`
	LastErrorDate  int64  `json:"lastErrorDate,omitempty"`
	LastError      string `json:"lastError,omitempty"`
}

// dispatcher delivers updates: those of one chat strictly one after the other, chats in parallel.
type dispatcher struct {
	waiting map[int64][]*update // by chat
	ready   []int64             // chats with something to deliver and no delivery under way
	active  map[int64]bool
	cancel  context.CancelFunc // ends the deliveries of the present registration
	ctx     context.Context
	client  *http.Client
	conns   int
}

func (d *dispatcher) init() {
	d.reset()
	d.client = &http.Client{Timeout: webhookTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: 10 * time.Second}}
}

func (d *dispatcher) reset() {
	if d.cancel != nil {
		d.cancel()
		d.client.CloseIdleConnections()
	}
	d.waiting, d.active, d.ready = map[int64][]*update{}, map[int64]bool{}, nil
	d.ctx, d.cancel, d.conns = nil, nil, 0
}

// webhookWake starts delivery anew: at start, and after each setWebhook.
func (s *Server) webhookWake() {
	d := &s.queue.hook
	d.reset()
	if s.w.webhook.URL == "" {
		return
	}
	d.ctx, d.cancel = context.WithCancel(s.ctx)
	for _, u := range s.queue.pending() {
		s.webhookAdd(u)
	}
}

func (s *Server) webhookAdd(u *update) {
	d := &s.queue.hook
	if d.ctx == nil {
		return
	}
	key := u.Chat
	d.waiting[key] = append(d.waiting[key], u)
	if len(d.waiting[key]) == 1 && !d.active[key] {
		d.ready = append(d.ready, key)
		s.webhookSpawn()
	}
}

func (s *Server) webhookSpawn() {
	d := &s.queue.hook
	for len(d.ready) > 0 && d.conns < s.w.webhook.MaxConnections && s.ctx.Err() == nil {
		key := d.ready[0]
		d.ready = d.ready[1:]
		d.active[key] = true
		d.conns++
		conf, ctx := s.w.webhook, d.ctx
		s.wg.Go(func() { s.deliverChat(ctx, conf, key) })
	}
}

// deliverChat delivers one chat's updates until none waits, or another chat needs the connection: at least one.
func (s *Server) deliverChat(ctx context.Context, conf webhookConf, key int64) {
	for first := true; ; first = false {
		s.mu.Lock()
		d := &s.queue.hook
		if ctx.Err() != nil {
			s.mu.Unlock()
			return // reset has already forgotten this delivery
		}
		list := d.waiting[key]
		for len(list) > 0 && list[0].done {
			list = list[1:]
		}
		if len(list) == 0 {
			delete(d.waiting, key)
		} else {
			d.waiting[key] = list
		}
		if len(list) == 0 || len(d.ready) > 0 && !first {
			delete(d.active, key)
			d.conns--
			if len(list) > 0 {
				d.ready = append(d.ready, key)
			}
			s.webhookSpawn()
			s.mu.Unlock()
			return
		}
		u := list[0]
		s.mu.Unlock()
		if !s.deliver(ctx, conf, u) {
			continue // cancelled
		}
		s.mu.Lock()
		if ctx.Err() == nil {
			s.forget(u)
			s.queue.trim()
			_ = s.commit() // at worst the update is delivered again after a restart
		}
		s.mu.Unlock()
	}
}

// deliver posts one update until it is taken.
func (s *Server) deliver(ctx context.Context, conf webhookConf, u *update) bool {
	for wait := webhookFirstRetry; ; wait = min(wait*2, webhookLastRetry) {
		why := s.attempt(ctx, conf, u)
		if why == "" {
			return true
		}
		s.mu.Lock()
		if ctx.Err() == nil {
			s.w.webhook.LastError, s.w.webhook.LastErrorDate = why, s.now().Unix()
			s.wake()
		}
		s.mu.Unlock()
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return false
		}
	}
}

func (s *Server) attempt(ctx context.Context, conf webhookConf, u *update) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, conf.URL, bytes.NewReader(u.Body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	if conf.Secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", conf.Secret)
	}
	res, err := s.queue.hook.client.Do(req)
	if err != nil {
		return "Connection failed"
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return "Wrong response from the webhook: " + res.Status
	}
	return ""
}

var secretShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

func (s *Server) setWebhook(c *call) (any, *apiError) {
	raw := c.p.str("url")
	secret, conns := c.p.str("secret_token"), c.p.int("max_connections")
	if raw == "" {
		return s.deleteWebhook(c)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, badRequest("bad webhook: invalid URL specified")
	}
	if secret != "" && !secretShape.MatchString(secret) {
		return nil, badRequest("secret token contains unallowed characters")
	}
	if conns < 1 || conns > 100 {
		conns = 40
	}
	var allowed []string
	if err := c.p.json("allowed_updates", &allowed); err != nil {
		return nil, badRequest("can't parse allowed updates: %v", err)
	}
	if c.p.has("allowed_updates") {
		s.queue.allowed = allowed
	}
	if c.p.bool("drop_pending_updates") {
		s.dropPending()
	}
	s.queue.interrupt("setWebhook request")
	s.w.webhook = webhookConf{URL: raw, Secret: secret, MaxConnections: conns}
	s.record(record{Meta: s.meta()})
	s.webhookWake()
	return described{"Webhook was set"}, nil
}

func (s *Server) deleteWebhook(c *call) (any, *apiError) {
	if c.p.bool("drop_pending_updates") {
		s.dropPending()
	}
	was := s.w.webhook.URL
	s.w.webhook = webhookConf{}
	s.record(record{Meta: s.meta()})
	s.webhookWake()
	if was == "" {
		return described{"Webhook is already deleted"}, nil
	}
	return described{"Webhook was deleted"}, nil
}

func (s *Server) dropPending() {
	s.confirmFor(s.queue.next)
}

func (s *Server) getWebhookInfo(*call) (any, *apiError) {
	w := s.w.webhook
	info := map[string]any{"url": w.URL, "has_custom_certificate": false, "pending_update_count": s.queue.live}
	if w.URL != "" {
		info["max_connections"] = w.MaxConnections
	}
	if w.LastErrorDate != 0 {
		info["last_error_date"], info["last_error_message"] = w.LastErrorDate, w.LastError
	}
	if len(s.queue.allowed) > 0 {
		info["allowed_updates"] = slices.Clone(s.queue.allowed)
	}
	return info, nil
}
