package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// Signing in by an API key. The key is in the body of one form, and nowhere else: what the browser keeps is the secret of a session.

// keyPrefix begins a cookie's value before the id of a key. The ids of people are numbers.
const keyPrefix = "key-"

var errOften = &failure{status: http.StatusTooManyRequests, text: "key_often"}

func (s *Site) signInByKey(c *fiber.Ctx, key string) error {
	id, formed := messages.APIKeyID(key)
	if !formed {
		return s.signInFailed(c, "key_malformed")
	}
	ctx, fresh := c.UserContext(), rand.Text()
	if known, err := s.knowsKey(ctx, id); err != nil {
		return err
	} else if !known {
		return s.signInFailed(c, "key_wrong")
	}
	m := &messages.BeginKeySession{Hash: messages.HashAPIKey(key), Session: messages.HashWebSecret(fresh)}
	found, err := ask[*messages.Authenticated](ctx, s, messages.KindAPIKey, id, m)
	if err != nil {
		return err
	}
	switch found.Verdict {
	case messages.Authenticated_ACCEPTED:
	case messages.Authenticated_LIMITED:
		return errOften
	case messages.Authenticated_EXPIRED:
		return s.signInFailed(c, "key_expired")
	case messages.Authenticated_REVOKED:
		return s.signInFailed(c, "key_revoked")
	case messages.Authenticated_REPLACED:
		return s.signInFailed(c, "key_replaced")
	default:
		return s.signInFailed(c, "key_wrong")
	}
	s.began(c, keyPrefix+id+"."+fresh, time.UnixMilli(found.SessionUntilMs))
	return c.Redirect(operationsPath, http.StatusSeeOther)
}

// knowsKey says whether there is a key with that id. It starts no entity.
func (s *Site) knowsKey(ctx context.Context, id string) (bool, error) {
	if !messages.IsAPIKeyID(id) {
		return false, nil
	}
	_, err := ask[*messages.APIKeyView](ctx, s, messages.KindQuery, "", &messages.GetAPIKey{KeyId: id})
	if errors.Is(err, errNowhere) {
		return false, nil
	}
	return err == nil, err
}

// checkKey asks for a session of a key, and counts a request against the key's limits. nil: it is unknown, or has ended, since the
// key is revoked, has expired or has another secret now.
func (s *Site) checkKey(ctx context.Context, id, secret string, again bool) (*session, error) {
	if secret == "" || len(secret) > secretAtMost {
		return nil, nil
	}
	if known, err := s.knowsKey(ctx, id); err != nil || !known {
		return nil, err
	}
	m := &messages.Authenticate{Session: messages.HashWebSecret(secret), Again: again}
	found, err := ask[*messages.Authenticated](ctx, s, messages.KindAPIKey, id, m)
	switch {
	case err != nil:
		return nil, err
	case found.Verdict == messages.Authenticated_LIMITED:
		return nil, errOften
	case found.Verdict != messages.Authenticated_ACCEPTED:
		return nil, nil
	}
	return &session{key: found.Key, secret: secret, expires: time.UnixMilli(found.SessionUntilMs)}, nil
}
