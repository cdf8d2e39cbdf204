package user

import (
	"crypto/subtle"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file holds how the person signs in to the web desk. Each change is one write of the record, and only this entity
// knows the sessions, so one that is ended is refused by the next request.

const (
	webOfferFor       = 5 * time.Minute
	webOffersAtMost   = 5
	webSessionFor     = 12 * time.Hour
	webSessionsAtMost = 10 // one more ends the oldest
	webSignedAtMost   = 20 // of what Telegram has signed, within webSignedFor
	webSignedFor      = 10 * time.Minute
)

// onOfferWeb keeps the hash of a secret with which the person can sign in once.
func (u *user) onOfferWeb(m *messages.OfferWebSignIn) (proto.Message, error) {
	if u.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such person"), nil
	}
	next := u.next()
	u.dropExpired(next)
	next.WebOffers = lastOf(append(next.WebOffers, u.webSecret(m.Hash, webOfferFor)), webOffersAtMost)
	if err := u.save(next); err != nil {
		return nil, err
	}
	return entity.OK(), nil
}

// onSignInWeb uses an offer up and begins a session, in one write.
func (u *user) onSignInWeb(m *messages.SignInWeb) (proto.Message, error) {
	if u.record == nil || len(m.Session) == 0 {
		return webRefused(), nil
	}
	if s := u.valid(u.record.WebSessions, m.Session); s != nil { // its reply was lost
		return u.webSession(s), nil
	}
	offer := u.valid(u.record.WebOffers, m.Hash)
	if offer == nil {
		return webRefused(), nil
	}
	next := u.next()
	u.dropExpired(next)
	next.WebOffers = slices.DeleteFunc(next.WebOffers, func(s storage.WebSecret) bool { return same(s, m.Hash) })
	return u.beginWeb(next, m.Session)
}

// onSignInMiniApp begins a session for what Telegram has signed, unless the person has signed in with it before.
func (u *user) onSignInMiniApp(m *messages.SignInMiniApp) (proto.Message, error) {
	if u.record == nil || len(m.Session) == 0 || len(m.Signed) == 0 {
		return webRefused(), nil
	}
	if s := u.valid(u.record.WebSessions, m.Session); s != nil { // its reply was lost
		return u.webSession(s), nil
	}
	lasts := time.UnixMilli(m.SignedUntilMs).Sub(u.Now())
	next := u.next()
	u.dropExpired(next)
	if lasts <= 0 || lasts > webSignedFor || u.valid(next.WebSigned, m.Signed) != nil || len(next.WebSigned) >= webSignedAtMost {
		return webRefused(), nil
	}
	next.WebSigned = append(next.WebSigned, u.webSecret(m.Signed, lasts))
	return u.beginWeb(next, m.Session)
}

// beginWeb begins a session, in the write of what it was begun with.
func (u *user) beginWeb(next *storage.User, session []byte) (proto.Message, error) {
	if next.WebReadUntil.IsZero() { // until now they have read in Telegram
		next.WebReadUntil = u.Now().UTC().Truncate(time.Millisecond)
	}
	next.WebSessions = lastOf(append(next.WebSessions, u.webSecret(session, webSessionFor)), webSessionsAtMost)
	if err := u.save(next); err != nil {
		return nil, err
	}
	return u.webSession(&next.WebSessions[len(next.WebSessions)-1]), nil
}

func (u *user) onCheckWeb(m *messages.CheckWebSession) (proto.Message, error) {
	if u.record == nil {
		return webRefused(), nil
	}
	s := u.valid(u.record.WebSessions, m.Hash)
	if s == nil {
		return webRefused(), nil
	}
	return u.webSession(s), nil
}

// onEndWeb ends one session, or all of them together with the offers.
func (u *user) onEndWeb(m *messages.EndWebSessions) (proto.Message, error) {
	ended := &messages.WebSessionsEnded{Code: messages.Code_OK}
	if u.record == nil {
		return ended, nil
	}
	next := u.next()
	u.dropExpired(next)
	before := len(next.WebSessions)
	if len(m.Hash) == 0 {
		next.WebSessions, next.WebOffers = nil, nil
	} else {
		next.WebSessions = slices.DeleteFunc(next.WebSessions, func(s storage.WebSecret) bool { return same(s, m.Hash) })
	}
	ended.Count = int64(before - len(next.WebSessions))
	if ended.Count == 0 && len(next.WebOffers) == len(u.record.WebOffers) {
		return ended, nil
	}
	if err := u.save(next); err != nil {
		return nil, err
	}
	return ended, nil
}

func webRefused() *messages.WebSession { return &messages.WebSession{Code: messages.Code_NOT_FOUND} }

func (u *user) webSecret(hash []byte, lasts time.Duration) storage.WebSecret {
	now := u.Now().UTC().Truncate(time.Millisecond)
	return storage.WebSecret{Hash: slices.Clone(hash), CreatedAt: now, ExpiresAt: now.Add(lasts)}
}

// valid finds a secret that has not expired; nil: there is none. It compares with all of them, so that the time it takes
// tells nothing.
func (u *user) valid(secrets []storage.WebSecret, hash []byte) (found *storage.WebSecret) {
	now := u.Now()
	for i := range secrets {
		if same(secrets[i], hash) && now.Before(secrets[i].ExpiresAt) {
			found = &secrets[i]
		}
	}
	return found
}

func same(s storage.WebSecret, hash []byte) bool {
	return subtle.ConstantTimeCompare(s.Hash, hash) == 1
}

func (u *user) dropExpired(r *storage.User) {
	now := u.Now()
	expired := func(s storage.WebSecret) bool { return !now.Before(s.ExpiresAt) }
	r.WebOffers = slices.DeleteFunc(r.WebOffers, expired)
	r.WebSessions = slices.DeleteFunc(r.WebSessions, expired)
	r.WebSigned = slices.DeleteFunc(r.WebSigned, expired)
}

func (u *user) webSession(s *storage.WebSecret) *messages.WebSession {
	r := u.record
	return &messages.WebSession{
		Code: messages.Code_OK, Lang: r.Language, ExpiresMs: s.ExpiresAt.UnixMilli(),
		Person: &messages.Person{Id: r.TelegramID, Username: r.Username, FirstName: r.FirstName, LastName: r.LastName},
	}
}

// lastOf keeps the newest n.
func lastOf(secrets []storage.WebSecret, n int) []storage.WebSecret {
	return secrets[max(0, len(secrets)-n):]
}
