package httpedge

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// Headers of the IETF draft "RateLimit header fields for HTTP": the policy (how many requests in which window), and
// how many are left.
const (
	headerPolicy    = "RateLimit-Policy"
	headerRateLimit = "RateLimit"
)

// keyHeaders sets the headers for the limit of the key. They replace those for the limit of the address.
func keyHeaders(c *fiber.Ctx, a *messages.Authenticated) {
	limitHeaders(c, "key", a.Burst, a.WindowMs, a.Remaining, a.ResetMs)
}

func limitHeaders(c *fiber.Ctx, policy string, burst, windowMs, remaining, resetMs int64) {
	c.Set(headerPolicy, fmt.Sprintf("%q;q=%d;w=%s", policy, burst, seconds(windowMs)))
	c.Set(headerRateLimit, fmt.Sprintf("%q;r=%d;t=%d", policy, max(remaining, 0), (resetMs+999)/1000))
}

// beyond is the problem of a request beyond a limit, whose headers it sets.
func beyond(c *fiber.Ctx, l *addressLimits, wait time.Duration) *Problem {
	l.headers(c, 0)
	p := problem(codeRateLimited)
	p.header("Retry-After", seconds(wait.Milliseconds()))
	return p
}

// addressLimits are the allowances of client addresses on this node: a token bucket for each. Of IPv6, a network of
// 64 bits counts as one address, since one client has all of it.
type addressLimits struct {
	rate, burst float64

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
}

type bucket struct {
	tokens float64
	filled time.Time
}

// addressesAtMost bounds how many addresses are remembered. Those whose allowance is whole again go first.
const addressesAtMost = 100_000

func newAddressLimits(rate, burst float64) *addressLimits {
	return &addressLimits{rate: rate, burst: max(burst, rate), buckets: map[netip.Prefix]*bucket{}}
}

// take takes one request from the allowance of the client's address. left is negative if there was none; wait says
// how long until there is one.
func (l *addressLimits) take(c *fiber.Ctx, now time.Time) (left int64, wait time.Duration) {
	return l.use(c, now, 1)
}

// peek is take without taking anything.
func (l *addressLimits) peek(c *fiber.Ctx, now time.Time) (left int64, wait time.Duration) {
	return l.use(c, now, 0)
}

// failures makes the limit of the web desk's failures to sign in.
func (l *addressLimits) failures(now func() time.Time) func(c *fiber.Ctx, failed bool) (wait time.Duration, ok bool) {
	return func(c *fiber.Ctx, failed bool) (time.Duration, bool) {
		if failed {
			left, wait := l.take(c, now())
			return wait, left >= 0
		}
		left, wait := l.peek(c, now())
		return wait, left >= 1
	}
}

func (l *addressLimits) spent(c *fiber.Ctx, now time.Time) bool {
	left, _ := l.peek(c, now)
	return left < 1
}

func (l *addressLimits) use(c *fiber.Ctx, now time.Time, n float64) (int64, time.Duration) {
	if l.rate <= 0 {
		return math.MaxInt32, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	who := network(c)
	b := l.buckets[who]
	if b == nil {
		if len(l.buckets) >= addressesAtMost {
			l.tidy(now)
		}
		b = &bucket{tokens: l.burst, filled: now}
		l.buckets[who] = b
	}
	b.tokens = min(l.burst, b.tokens+max(0, now.Sub(b.filled).Seconds())*l.rate)
	b.filled = now
	wait := time.Duration(max(0, 1-b.tokens) / l.rate * float64(time.Second))
	if n > 0 && b.tokens < n {
		return -1, wait
	}
	b.tokens -= n
	return int64(b.tokens), wait
}

// tidy forgets the addresses whose allowance is whole again. If there are still too many it forgets all of them:
// nobody is refused because memory is short.
func (l *addressLimits) tidy(now time.Time) {
	for who, b := range l.buckets {
		if b.tokens+now.Sub(b.filled).Seconds()*l.rate >= l.burst {
			delete(l.buckets, who)
		}
	}
	if len(l.buckets) >= addressesAtMost {
		clear(l.buckets)
	}
}

func (l *addressLimits) headers(c *fiber.Ctx, left int64) {
	windowMs := int64(l.burst / l.rate * 1000)
	resetMs := int64((l.burst - float64(left)) / l.rate * 1000)
	limitHeaders(c, "address", int64(l.burst), windowMs, left, resetMs)
}

// network is what counts as one address: the client's IPv4 address, or the first 64 bits of its IPv6 address.
func network(c *fiber.Ctx) netip.Prefix {
	addr, err := netip.ParseAddr(c.IP())
	if err != nil {
		return netip.Prefix{}
	}
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}
