package httpedge

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// How often one address may fail to authenticate. Two allowances of that size: one of guesses, that is of keys that are
// well-formed and wrong, after which no key from there is looked at that was not good before; and one of everything else, which
// costs nothing to refuse and teaches nobody anything. So a program that forgets its key keeps no neighbour out.
const (
	failedPerSecond = 1
	failedBurst     = 50
)

// authenticate lets in who has a key, within its limits.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	c := humafiber.UnwrapV2(ctx)
	now := a.now()
	token := bearer(c.Get(fiber.HeaderAuthorization))
	keyID, formed := messages.APIKeyID(token)
	hash := messages.HashAPIKey(token)
	familiar := formed && a.known.has(string(hash))
	tooMany := func(of *addressLimits) {
		a.metrics.limited.WithLabelValues("failures").Inc()
		_, wait := of.peek(c, now)
		_ = a.limited(c, of, wait)
		ctx.SetStatus(http.StatusTooManyRequests)
	}
	if formed && !familiar && a.guesses.spent(c, now) {
		tooMany(a.guesses)
		return
	}
	failed := func(reason string, p *Problem) {
		a.metrics.failures.WithLabelValues(reason).Inc()
		of := a.failing
		if reason == "unknown" || reason == "wrong" {
			of = a.guesses
		}
		if left, _ := of.take(c, now); left < 0 {
			tooMany(of)
			return
		}
		a.refuse(ctx, p)
	}
	switch {
	case token == "":
		failed("missing", problem(codeUnauthenticated))
		return
	case !formed:
		failed("malformed", problem(codeUnauthenticated, "That is no API key, or it was mistyped: its checksum does not fit."))
		return
	}
	if !familiar { // an entity is not started for every id that somebody makes up
		if _, err := ask[*messages.APIKeyView](ctx.Context(), a, messages.KindQuery, "", &messages.GetAPIKey{KeyId: keyID}); err != nil {
			if asProblem(err).Code != codeNotFound {
				a.fail(ctx, err)
				return
			}
			failed("unknown", problem(codeUnauthenticated))
			return
		}
	}
	answer, err := ask[*messages.Authenticated](ctx.Context(), a, messages.KindAPIKey, keyID, &messages.Authenticate{Hash: hash})
	if err != nil {
		a.fail(ctx, err)
		return
	}
	switch answer.Verdict {
	case messages.Authenticated_ACCEPTED:
		keyHeaders(c, answer)
	case messages.Authenticated_LIMITED:
		a.metrics.limited.WithLabelValues("key").Inc()
		keyHeaders(c, answer)
		p := problem(codeRateLimited)
		p.header("Retry-After", seconds(answer.RetryAfterMs))
		a.refuse(ctx, p)
		return
	case messages.Authenticated_EXPIRED:
		failed("expired", problem(codeKeyExpired))
		return
	case messages.Authenticated_REVOKED:
		failed("revoked", problem(codeUnauthenticated, "This API key is revoked. Use another one."))
		return
	default:
		failed("wrong", problem(codeUnauthenticated))
		return
	}
	a.known.add(string(hash))
	next(huma.WithValue(ctx, callKey{}, &call{key: answer.Key, token: token, now: now, commandID: "api:" + keyID + ":" + rand.Text()}))
}

// bearer is the key in an Authorization header; "" when there is none.
func bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// mayUpload says whether a key is good, before its request is read: for whoever has none, the service holds no large bodies.
func (a *API) mayUpload(authorization string) bool {
	token := bearer(authorization)
	keyID, formed := messages.APIKeyID(token)
	hash := messages.HashAPIKey(token)
	if !formed || a.known.has(string(hash)) {
		return formed
	}
	ctx, cancel := context.WithTimeout(context.Background(), uploadAsk)
	defer cancel()
	if _, err := ask[*messages.APIKeyView](ctx, a, messages.KindQuery, "", &messages.GetAPIKey{KeyId: keyID}); err != nil {
		return false
	}
	answer, err := ask[*messages.Authenticated](ctx, a, messages.KindAPIKey, keyID, &messages.Authenticate{Hash: hash})
	if err != nil || answer.Verdict != messages.Authenticated_ACCEPTED {
		return false
	}
	a.known.add(string(hash))
	return true
}

// uploadAsk is how long the answer to that may take.
const uploadAsk = 5 * time.Second

// knownKeys remembers the hashes of keys that were good, up to a number: what is forgotten costs one read more.
type knownKeys struct {
	mu   sync.Mutex
	keys map[string]struct{}
}

const knownAtMost = 10_000

func newKnownKeys() *knownKeys { return &knownKeys{keys: map[string]struct{}{}} }

func (k *knownKeys) has(hash string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.keys[hash]
	return ok
}

func (k *knownKeys) add(hash string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.keys[hash]; ok {
		return
	}
	if len(k.keys) >= knownAtMost {
		clear(k.keys)
	}
	k.keys[hash] = struct{}{}
}
