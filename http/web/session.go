package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
)

// session is a person who is signed in, or whoever signed in by an API key. The entity of the person, or of the key, knows the
// sessions; nothing of them is kept here.
type session struct {
	person  *messages.Person // nil: it is a key's
	key     *messages.APIKey // nil: it is a person's
	lang    string
	secret  string
	expires time.Time
}

const (
	localSession  = "webSession"
	cookieName    = "topicdesk"
	headerCSRF    = "X-CSRF-Token"
	fieldCSRF     = "csrf"
	secretAtMost  = 64 // characters of a secret that is worth hashing
	personsAtMost = 19 // digits of an id
	signOutPath   = "/sign-out"
)

// signPaths are where people sign in and out.
var signPaths = []string{messages.WebSignInPath, messages.WebMiniAppPath, signOutPath}

// Name is what the person, or the key, is called on pages and messages.
func (s *session) Name() string {
	if s.key != nil {
		return s.key.Name
	}
	p := s.person
	if name := strings.TrimSpace(p.FirstName + " " + p.LastName); name != "" {
		return name
	}
	return p.Username
}

// ID tells one person, or key, from another.
func (s *session) ID() string {
	if s.key != nil {
		return keyPrefix + s.key.KeyId
	}
	return strconv.FormatInt(s.person.Id, 10)
}

// Operator says whether it is a key's.
func (s *session) Operator() bool { return s.key != nil }

func (s *session) hash() []byte { return messages.HashWebSecret(s.secret) }

// csrf is what forms of this session carry. It follows from the session's secret, which no page shows.
func (s *session) csrf() string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte("csrf"))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:20])
}

// Cookie is the name of the session's cookie. With the prefix, browsers take it only over https, from this host.
func (s *Site) Cookie() string {
	if s.secure {
		return "__Host-" + cookieName
	}
	return cookieName
}

// current finds out who sends a request, by asking the entity of the person or key each time; nil: nobody is signed in.
func (s *Site) current(c *fiber.Ctx) (*session, error) {
	id, secret, ok := strings.Cut(c.Cookies(s.Cookie()), ".")
	if !ok {
		return nil, nil
	}
	found, err := s.check(c.UserContext(), id, secret, uncounted(c))
	if err == nil && found != nil {
		c.Locals(localSession, found)
	}
	return found, err
}

// uncounted says whether a request counts nothing against a key's limits: who is over them can sign out yet, and in by another key.
func uncounted(c *fiber.Ctx) bool { return slices.Contains(signPaths, c.Path()) }

// check asks for a session; nil: it is unknown, expired or revoked. again: of a request that lasts, which was counted, or that
// counts nothing.
func (s *Site) check(ctx context.Context, id, secret string, again bool) (*session, error) {
	if keyID, is := strings.CutPrefix(id, keyPrefix); is {
		return s.checkKey(ctx, keyID, secret, again)
	}
	person, known, err := s.person(ctx, id, secret)
	if !known {
		return nil, err
	}
	m := &messages.CheckWebSession{Hash: messages.HashWebSecret(secret)}
	found, err := ask[*messages.WebSession](ctx, s, messages.KindUser, person, m)
	if errors.Is(err, errNowhere) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &session{person: found.Person, lang: found.Lang, secret: secret, expires: time.UnixMilli(found.ExpiresMs)}, nil
}

// person reads the id of somebody whom the desk knows, so that no entity is started for an id that somebody made up.
func (s *Site) person(ctx context.Context, id, secret string) (person string, known bool, err error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 || len(id) > personsAtMost || secret == "" || len(secret) > secretAtMost {
		return "", false, nil
	}
	_, err = ask[*messages.UserRecord](ctx, s, messages.KindQuery, "", &messages.GetUserRecord{UserId: n})
	if errors.Is(err, errNowhere) {
		return "", false, nil
	}
	return strconv.FormatInt(n, 10), err == nil, err
}

// still returns an error unless the session of a request that lasts is valid yet.
func (s *Site) still(ctx context.Context, of *session) error {
	found, err := s.check(ctx, of.ID(), of.secret, true)
	if err == nil && found == nil {
		err = errNowhere
	}
	return err
}

// signed is a handler for who is signed in.
type signed func(c *fiber.Ctx, of *session) error

// signedIn is for people, and sends who is not signed in to do so. An API key sees nothing there.
func (s *Site) signedIn(h signed) fiber.Handler {
	return s.withSession(func(c *fiber.Ctx, of *session) error {
		if of.person == nil {
			return errNowhere
		}
		return h(c, of)
	})
}

// withSession sends everybody who is not signed in to do so.
func (s *Site) withSession(h signed) fiber.Handler {
	return func(c *fiber.Ctx) error {
		began := time.Now()
		of, err := s.current(c)
		switch {
		case err != nil:
			return err
		case of != nil:
			return s.traced(c, began, func() error { return h(c, of) })
		case isHTMX(c):
			c.Set("HX-Redirect", messages.WebSignInPath)
			return c.SendStatus(http.StatusUnauthorized)
		}
		return c.Redirect(messages.WebSignInPath, http.StatusSeeOther)
	}
}

// traced handles the request of somebody who is signed in as a span, the first of a trace.
func (s *Site) traced(c *fiber.Ctx, began time.Time, handle func() error) error {
	route := c.Method() + " " + c.Route().Path
	span := s.o.Tracer.Begin(nil, route, tracing.Server, began)
	if span == nil {
		return handle()
	}
	defer span.End()
	c.SetUserContext(tracing.With(c.UserContext(), span.Mark()))
	err := handle()
	if err != nil {
		span.Fail("refused or failed")
	}
	return err
}

// changing is signedIn for a request that changes something: it must come from a page of this session.
func (s *Site) changing(h signed) fiber.Handler { return s.signedIn(s.fromOwnPage(h)) }

func (s *Site) fromOwnPage(h signed) signed {
	return func(c *fiber.Ctx, of *session) error {
		given := c.Get(headerCSRF)
		if given == "" {
			given = c.FormValue(fieldCSRF)
		}
		if !s.own(c) || subtle.ConstantTimeCompare([]byte(given), []byte(of.csrf())) != 1 {
			return errForged
		}
		return h(c, of)
	}
}

// own says whether a request comes from a page of the desk, as far as the browser tells.
func (s *Site) own(c *fiber.Ctx) bool {
	switch c.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" || s.address != "" && origin == s.address {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == c.Hostname()
}

// offerSignIn shows the page that signs in when its button is pressed. Opening it changes nothing: previews and scanners
// open addresses too. Without a secret it says how to get one.
func (s *Site) offerSignIn(c *fiber.Ctx) error {
	if _, err := s.current(c); err != nil { // the page says who is signed in now
		return err
	}
	data := map[string]string{"User": c.Query("u"), "Secret": c.Query("t")}
	return s.render(c, "sign-in", &view{Text: "sign_in", Data: data})
}

func (s *Site) signIn(c *fiber.Ctx) error {
	if !s.own(c) {
		return errForged
	}
	if err := s.mayTry(c); err != nil {
		return err
	}
	if key := strings.TrimSpace(c.FormValue("key")); key != "" {
		return s.signInByKey(c, key)
	}
	ctx, offered, fresh := c.UserContext(), c.FormValue("t"), rand.Text()
	person, known, err := s.person(ctx, c.FormValue("u"), offered)
	if err != nil {
		return err
	}
	if !known {
		return s.signInFailed(c, "sign_in_expired")
	}
	m := &messages.SignInWeb{Hash: messages.HashWebSecret(offered), Session: messages.HashWebSecret(fresh)}
	found, err := ask[*messages.WebSession](ctx, s, messages.KindUser, person, m)
	if errors.Is(err, errNowhere) {
		return s.signInFailed(c, "sign_in_expired")
	}
	if err != nil {
		return err
	}
	s.began(c, person+"."+fresh, time.UnixMilli(found.ExpiresMs))
	return c.Redirect("/", http.StatusSeeOther)
}

// mayTry refuses an address that has failed to sign in too often.
func (s *Site) mayTry(c *fiber.Ctx) error {
	if s.o.SignIns == nil {
		return nil
	}
	wait, ok := s.o.SignIns(c, false)
	if ok {
		return nil
	}
	c.Set(fiber.HeaderRetryAfter, strconv.Itoa(max(1, int(wait.Round(time.Second)/time.Second))))
	return &failure{status: http.StatusTooManyRequests, text: "sign_in_often"}
}

// signInFailed counts a failure of the address.
func (s *Site) signInFailed(c *fiber.Ctx, text string) error {
	if s.o.SignIns != nil {
		s.o.SignIns(c, true)
	}
	return &failure{status: http.StatusForbidden, text: text}
}

// began gives the browser a session. One that it had until now must not live on, since nobody holds it any more.
func (s *Site) began(c *fiber.Ctx, cookie string, until time.Time) {
	if old, err := s.current(c); err == nil && old != nil {
		if err := s.end(c.UserContext(), old); err != nil {
			s.log.Warn("a former session on the web desk could not be ended", "of", old.ID(), "error", err)
		}
	}
	s.setCookie(c, cookie, until)
}

// end ends a session.
func (s *Site) end(ctx context.Context, of *session) error {
	if of.key != nil {
		_, err := ask[*messages.Reply](ctx, s, messages.KindAPIKey, of.key.KeyId, &messages.EndKeySession{Session: of.hash()})
		return err
	}
	_, err := ask[*messages.WebSessionsEnded](ctx, s, messages.KindUser, of.ID(), &messages.EndWebSessions{Hash: of.hash()})
	return err
}

func (s *Site) signOut(c *fiber.Ctx, of *session) error {
	if err := s.end(c.UserContext(), of); err != nil {
		return err
	}
	s.setCookie(c, "", time.Unix(1, 0))
	return c.Redirect("/", http.StatusSeeOther)
}

func (s *Site) setCookie(c *fiber.Ctx, value string, until time.Time) {
	c.Cookie(&fiber.Cookie{Name: s.Cookie(), Value: value, Path: "/", Expires: until, HTTPOnly: true, Secure: s.secure,
		SameSite: fiber.CookieSameSiteLaxMode})
}
