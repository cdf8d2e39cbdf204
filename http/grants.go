package httpedge

import (
	"strings"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// A key can give another key nothing that it does not have itself, and take no key away that may do more.

// grants reports whether a key with these scopes may give that scope to another key.
func grants(scopes []string, scope string) bool {
	has := func(scope string) bool { return messages.ScopeAllows(scopes, scope) }
	if what, every := strings.CutSuffix(scope, ":*"); every {
		return has(scope) || has(what+":read") && has(what+":write")
	}
	return has(scope)
}

// withinLimits sets the limits of a new key that the request leaves out: to the defaults, or to those of the key that
// creates it where they are narrower.
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

// exceeds reports whether limits are wider than those of a key. An expiry of 0 means never.
func exceeds(key *messages.APIKey, rate, burst, expiresMs int64) bool {
	outlives := key.ExpiresMs != 0 && (expiresMs == 0 || expiresMs > key.ExpiresMs)
	return !isAdmin(key) && (rate > key.Rate || burst > key.Burst || outlives)
}

func isAdmin(key *messages.APIKey) bool { return messages.ScopeAllows(key.Scopes, messages.ScopeAdmin) }

// tooWide is the problem of a key that would give, or take away, more than it has.
func tooWide() *Problem {
	return problem(codeGrantTooWide,
		"A key can only create, rotate and revoke keys whose rate, burst and expiry do not exceed its own.")
}
