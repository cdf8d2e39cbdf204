package httpedge

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// How often one address may fail to authenticate. There are two allowances of this size. One is for guesses, that is
// for well-formed keys that are wrong: when it is spent, the service looks only at keys from there that were valid
// before. The other is for everything else, which costs nothing to refuse and teaches an attacker nothing. So a
// program that forgets to send its key does not keep out its neighbours.
const (
	failedPerSecond = 1
	failedBurst     = 50
)

// authenticate admits requests with a valid key, within the key's limits.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	began := time.Now()
	admitted, err := a.admit(ctx.Context(), humafiber.UnwrapV2(ctx))
	if err != nil {
		a.fail(ctx, err)
		return
	}
	humafiber.UnwrapV2(ctx).Locals(localCall, admitted)
	a.trace(huma.WithValue(ctx, callKey{}, admitted), admitted, began, next)
}

// admit returns an error unless the request has a valid key, within the key's limits.
func (a *API) admit(ctx context.Context, c *fiber.Ctx) (*call, error) {
	if w := withinOf(c); w != nil {
		return w.call, nil
	}
	now := a.now()
	token := bearer(c.Get(fiber.HeaderAuthorization))
	keyID, formed := messages.APIKeyID(token)
	hash := messages.HashAPIKey(token)
	familiar := formed && a.known.has(string(hash))
	a.metrics.keyLookedUp(formed, familiar)
	tooMany := func(of *addressLimits) error {
		a.metrics.limited.WithLabelValues("failures").Inc()
		_, wait := of.peek(c, now)
		return beyond(c, of, wait)
	}
	if formed && !familiar && a.guesses.spent(c, now) {
		return nil, tooMany(a.guesses)
	}
	failed := func(reason string, p *Problem) error {
		a.metrics.failures.WithLabelValues(reason).Inc()
		of := a.failing
		if reason == "unknown" || reason == "wrong" {
			of = a.guesses
		}
		if left, _ := of.take(c, now); left < 0 {
			return tooMany(of)
		}
		return p
	}
	switch {
	case token == "":
		return nil, failed("missing", problem(codeUnauthenticated))
	case !formed:
		return nil, failed("malformed", problem(codeUnauthenticated,
			"That is not an API key, or it has a typing mistake: its checksum is wrong."))
	}
	if !familiar { // so no entity is started for an id that somebody made up
		if err := a.knowsKey(ctx, keyID); err != nil {
			if asProblem(err).Code != codeNotFound {
				return nil, err
			}
			return nil, failed("unknown", problem(codeUnauthenticated))
		}
	}
	check := &messages.Authenticate{Hash: hash}
	answer, err := ask[*messages.Authenticated](ctx, a, messages.KindAPIKey, keyID, check)
	if err != nil {
		return nil, err
	}
	switch answer.Verdict {
	case messages.Authenticated_ACCEPTED:
		keyHeaders(c, answer)
	case messages.Authenticated_LIMITED:
		a.metrics.limited.WithLabelValues("key").Inc()
		keyHeaders(c, answer)
		p := problem(codeRateLimited)
		p.header("Retry-After", seconds(answer.RetryAfterMs))
		return nil, p
	default:
		return nil, failed(notAccepted(answer.Verdict))
	}
	a.known.add(string(hash))
	return &call{key: answer.Key, token: token, now: now, commandID: "api:" + keyID + ":" + rand.Text()}, nil
}

// notAccepted says why a key is not accepted: for the metrics, and for the client.
func notAccepted(verdict messages.Authenticated_Verdict) (reason string, p *Problem) {
	switch verdict {
	case messages.Authenticated_EXPIRED:
		return "expired", problem(codeKeyExpired)
	case messages.Authenticated_REVOKED:
		return "revoked", problem(codeUnauthenticated, "This API key is revoked. Use another one.")
	case messages.Authenticated_REPLACED:
		return "replaced", problem(codeUnauthenticated, "This secret of the API key was replaced when the key was rotated. Use the new one.")
	}
	return "wrong", problem(codeUnauthenticated)
}

// still returns an error unless the key of a request that lasts is accepted yet, has the scopes, and sees what it saw. It
// costs the key none of its requests.
func (a *API) still(ctx context.Context, c *call, scopes ...string) error {
	check := &messages.Authenticate{Hash: messages.HashAPIKey(c.token), Again: true}
	answer, err := ask[*messages.Authenticated](ctx, a, messages.KindAPIKey, c.key.KeyId, check)
	if err != nil {
		return err
	}
	if answer.Verdict != messages.Authenticated_ACCEPTED {
		_, p := notAccepted(answer.Verdict)
		return p
	}
	for _, scope := range scopes {
		if !messages.ScopeAllows(answer.Key.Scopes, scope) {
			return problem(codeScopeMissing, "This API key no longer has the scope "+scope+".")
		}
	}
	if answer.Key.GroupId != c.key.GroupId {
		return problem(codeUnauthenticated, "This API key sees another group now. Send the request again.")
	}
	return nil
}

// knowsKey returns an error unless there is a key with that id. It starts no entity.
func (a *API) knowsKey(ctx context.Context, keyID string) error {
	_, err := ask[*messages.APIKeyView](ctx, a, messages.KindQuery, "", &messages.GetAPIKey{KeyId: keyID})
	return err
}

// bearer is the key in an Authorization header. It is empty if there is none.
func bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// mayUpload reports whether a key is valid, before its request is read: the service holds no large body in memory for
// a client without a valid key.
func (a *API) mayUpload(authorization string) bool {
	token := bearer(authorization)
	keyID, formed := messages.APIKeyID(token)
	hash := messages.HashAPIKey(token)
	if !formed || a.known.has(string(hash)) {
		return formed
	}
	ctx, cancel := context.WithTimeout(context.Background(), uploadAsk)
	defer cancel()
	if a.knowsKey(ctx, keyID) != nil {
		return false
	}
	answer, err := ask[*messages.Authenticated](ctx, a, messages.KindAPIKey, keyID, &messages.Authenticate{Hash: hash})
	if err != nil || answer.Verdict != messages.Authenticated_ACCEPTED {
		return false
	}
	a.known.add(string(hash))
	return true
}

// uploadAsk is how long mayUpload waits for the answers.
const uploadAsk = 5 * time.Second

// knownKeys remembers the hashes of keys that were valid, up to knownAtMost. A forgotten key costs one more read.
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
