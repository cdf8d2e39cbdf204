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
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// session is a person who is signed in. Their own entity knows the sessions; nothing of them is kept here.
type session struct {
	person  *messages.Person
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
)

// Name is what the person is called on pages and messages.
func (s *session) Name() string {
	p := s.person
	if name := strings.TrimSpace(p.FirstName + " " + p.LastName); name != "" {
		return name
	}
	return p.Username
}

func (s *session) hash() []byte { return messages.HashWebSecret(s.secret) }

// csrf is what forms of this session carry. It follows from the session's secret, which no page shows.
func (s *session) csrf() string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte("csrf"))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil)[:20])
}

// cookie is the name of the session's cookie. With the prefix, browsers take it only over https, from this host.
func (s *Site) cookie() string {
	if s.secure {
		return "__Host-" + cookieName
	}
	return cookieName
}

// current finds out who sends a request, by asking the person's entity each time; nil: nobody is signed in.
func (s *Site) current(c *fiber.Ctx) (*session, error) {
	id, secret, ok := strings.Cut(c.Cookies(s.cookie()), ".")
	if !ok {
		return nil, nil
	}
	found, err := s.check(c.UserContext(), id, secret)
	if err == nil && found != nil {
		c.Locals(localSession, found)
	}
	return found, err
}

// check asks for a session; nil: it is unknown, expired or revoked.
func (s *Site) check(ctx context.Context, id, secret string) (*session, error) {
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
	found, err := s.check(ctx, strconv.FormatInt(of.person.Id, 10), of.secret)
	if err == nil && found == nil {
		err = errNowhere
	}
	return err
}

// signed is a handler for who is signed in.
type signed func(c *fiber.Ctx, of *session) error

// signedIn sends everybody else to sign in.
func (s *Site) signedIn(h signed) fiber.Handler {
	return func(c *fiber.Ctx) error {
		of, err := s.current(c)
		switch {
		case err != nil:
			return err
		case of != nil:
			return h(c, of)
		case isHTMX(c):
			c.Set("HX-Redirect", messages.WebSignInPath)
			return c.SendStatus(http.StatusUnauthorized)
		}
		return c.Redirect(messages.WebSignInPath, http.StatusSeeOther)
	}
}

// changing is signedIn for a request that changes something: it must come from a page of this session.
func (s *Site) changing(h signed) fiber.Handler {
	return s.signedIn(func(c *fiber.Ctx, of *session) error {
		given := c.Get(headerCSRF)
		if given == "" {
			given = c.FormValue(fieldCSRF)
		}
		if !s.own(c) || subtle.ConstantTimeCompare([]byte(given), []byte(of.csrf())) != 1 {
			return errForged
		}
		return h(c, of)
	})
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
	ctx, offered, fresh := c.UserContext(), c.FormValue("t"), rand.Text()
	person, known, err := s.person(ctx, c.FormValue("u"), offered)
	if err != nil {
		return err
	}
	expired := &failure{http.StatusForbidden, "sign_in_expired"}
	if !known {
		return expired
	}
	m := &messages.SignInWeb{Hash: messages.HashWebSecret(offered), Session: messages.HashWebSecret(fresh)}
	found, err := ask[*messages.WebSession](ctx, s, messages.KindUser, person, m)
	if errors.Is(err, errNowhere) {
		return expired
	}
	if err != nil {
		return err
	}
	if old, err := s.current(c); err == nil && old != nil { // a session that nobody holds any more must not live on
		m := &messages.EndWebSessions{Hash: old.hash()}
		id := strconv.FormatInt(old.person.Id, 10)
		if _, err := ask[*messages.WebSessionsEnded](ctx, s, messages.KindUser, id, m); err != nil {
			s.log.Warn("a former session on the web desk could not be ended", "user", id, "error", err)
		}
	}
	s.setCookie(c, person+"."+fresh, time.UnixMilli(found.ExpiresMs))
	return c.Redirect("/", http.StatusSeeOther)
}

func (s *Site) signOut(c *fiber.Ctx, of *session) error {
	m := &messages.EndWebSessions{Hash: of.hash()}
	id := strconv.FormatInt(of.person.Id, 10)
	if _, err := ask[*messages.WebSessionsEnded](c.UserContext(), s, messages.KindUser, id, m); err != nil {
		return err
	}
	s.setCookie(c, "", time.Unix(1, 0))
	return c.Redirect("/", http.StatusSeeOther)
}

func (s *Site) setCookie(c *fiber.Ctx, value string, until time.Time) {
	c.Cookie(&fiber.Cookie{Name: s.cookie(), Value: value, Path: "/", Expires: until, HTTPOnly: true, Secure: s.secure,
		SameSite: fiber.CookieSameSiteLaxMode})
}
