package httpedge

import (
	"strings"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// What a key may give to another: nothing that it does not have itself.

// grants says whether who has these scopes may give that one.
func grants(scopes []string, scope string) bool {
	if what, every := strings.CutSuffix(scope, ":*"); every {
		return messages.ScopeAllows(scopes, scope) || messages.ScopeAllows(scopes, what+":read") && messages.ScopeAllows(scopes, what+":write")
	}
	return messages.ScopeAllows(scopes, scope)
}

// withinLimits gives a new key the limits that were not asked for: the usual ones, or those of the key that makes it where
// they are narrower.
func withinLimits(maker *messages.APIKey, m *messages.CreateAPIKey) {
	if isAdmin(maker) {
		return
	}
	if m.Rate == 0 {
		m.Rate = min(actors.DefaultKeyRate, maker.Rate)
	}
	if m.Burst == 0 {
		m.Burst = min(2*m.Rate, maker.Burst)
	}
	if m.ExpiresMs == 0 {
		m.ExpiresMs = maker.ExpiresMs
	}
}

// exceeds says whether limits are wider than those of a key. An expiry of 0 is never.
func exceeds(key *messages.APIKey, rate, burst, expiresMs int64) bool {
	return !isAdmin(key) && (rate > key.Rate || burst > key.Burst || key.ExpiresMs != 0 && (expiresMs == 0 || expiresMs > key.ExpiresMs))
}

func isAdmin(key *messages.APIKey) bool { return messages.ScopeAllows(key.Scopes, messages.ScopeAdmin) }

// tooWide is the answer to who asks for more than they have.
func tooWide() *Problem {
	return problem(codeGrantTooWide, "A key can only make and rotate keys whose rate, burst and expiry do not exceed its own.")
}
