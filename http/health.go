package httpedge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// checkFor is how long a check may take before it counts as failed.
const checkFor = 2 * time.Second

// Check is one thing that must work for the service to be ready: storage, actors, intake.
type Check struct {
	Name  string
	Probe func(ctx context.Context) error // returns nil if it works; must return when ctx ends
}

// health answers /healthz and /readyz.
type health struct {
	checks   []Check
	nodes    func(ctx context.Context) []*messages.NodeStatus       // nil: nobody is told
	admit    func(ctx context.Context, c *fiber.Ctx) (*call, error) // checks the key of a request; nil: there are no keys
	log      *slog.Logger
	stopping atomic.Bool

	mu    sync.Mutex
	sound map[string]bool // by check, as last seen, so that only changes are logged
}

func newHealth(checks []Check, nodes func(ctx context.Context) []*messages.NodeStatus, log *slog.Logger) *health {
	return &health{checks: checks, nodes: nodes, log: log, sound: map[string]bool{}}
}

// stop makes the service unready, so that no new requests are sent to it.
func (h *health) stop() { h.stopping.Store(true) }

// live answers /healthz: the process runs.
func (h *health) live(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) }

// readiness is the answer of /readyz. Why a check failed is only in the log, since the reason may hold details that
// are nobody else's business.
type readiness struct {
	Status string            `json:"status"`           // ok | unavailable
	Checks map[string]string `json:"checks"`           // name → ok | failed
	Nodes  []Node            `json:"nodes,omitempty"`  // for ?verbose
	Hidden string            `json:"hidden,omitempty"` // why ?verbose shows no nodes
}

// ready answers /readyz. It runs all checks concurrently: 200 if all of them work, else 503.
func (h *health) ready(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), checkFor)
	defer cancel()
	errs := make([]error, len(h.checks))
	var wg sync.WaitGroup
	for i, check := range h.checks {
		wg.Go(func() { errs[i] = probe(ctx, check) })
	}
	wg.Wait()
	r := readiness{Status: "ok", Checks: make(map[string]string, len(h.checks))}
	for i, check := range h.checks {
		r.Checks[check.Name] = "ok"
		if errs[i] != nil {
			r.Status, r.Checks[check.Name] = "unavailable", "failed"
		}
		h.note(check.Name, errs[i])
	}
	if h.stopping.Load() {
		r.Status = "unavailable"
	}
	if c.Context().QueryArgs().Has("verbose") && h.nodes != nil {
		if err := h.seesNodes(ctx, c); err == nil {
			r.Nodes = nodesOf(h.nodes(ctx))
		} else {
			r.Hidden = asProblem(err).Detail
		}
	}
	if r.Status != "ok" {
		c.Status(http.StatusServiceUnavailable)
	}
	return c.JSON(r)
}

// seesNodes returns an error unless a request comes from this machine, or has a key that may see the nodes.
func (h *health) seesNodes(ctx context.Context, c *fiber.Ctx) error {
	if fromHere(c) {
		return nil
	}
	if h.admit == nil || c.Get(fiber.HeaderAuthorization) == "" {
		return problem(codeUnauthenticated, "The nodes are shown on the machine itself, and to an API key with the scope "+
			messages.ScopeAdmin+".")
	}
	admitted, err := h.admit(ctx, c)
	if err != nil {
		return err
	}
	if !messages.ScopeAllows(admitted.key.Scopes, messages.ScopeAdmin) {
		return problem(codeScopeMissing, "This API key does not have the scope "+messages.ScopeAdmin+".")
	}
	return seesNodes(admitted)
}

// probe runs a check and turns its panic into an error: a check has its own goroutine, where a panic would end the
// process.
func probe(ctx context.Context, check Check) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return check.Probe(ctx)
}

// note logs a check whose result changed.
func (h *health) note(name string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was, known := h.sound[name]
	h.sound[name] = err == nil
	switch {
	case err != nil && (was || !known):
		h.log.Warn("not ready", "check", name, "error", err)
	case err == nil && known && !was:
		h.log.Info("ready again", "check", name)
	}
}
