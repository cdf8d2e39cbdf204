package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	miniAppFor   = 5 * time.Minute // from when Telegram has signed, as with the bot's address
	miniAppAhead = time.Minute     // how far Telegram's clock may be ahead
)

// offerMiniApp shows the page that Telegram opens as a Mini App. Its script finds in its address what Telegram has signed, where
// no server sees it, and sends it here.
func (s *Site) offerMiniApp(c *fiber.Ctx) error {
	if !s.secure || s.o.MiniApp == nil {
		return errNowhere
	}
	return s.render(c, "mini-app", &view{})
}

// signInMiniApp begins a session for whom Telegram names. It answers a script: nothing, or why not in words.
func (s *Site) signInMiniApp(c *fiber.Ctx) error {
	if !s.secure || s.o.MiniApp == nil {
		return errNowhere
	}
	if !s.own(c) {
		return errForged
	}
	if err := s.mayTry(c); err != nil { // a script asks, which shows words and no page
		var often *failure
		if errors.As(err, &often) {
			return s.refuse(c, often.status, often.text, often.pairs...)
		}
		return err
	}
	refuse := func() error {
		if s.o.SignIns != nil {
			s.o.SignIns(c, true)
		}
		return s.refuse(c, http.StatusForbidden, "mini_app_expired")
	}
	opened, err := s.o.MiniApp(c.FormValue("data"))
	if err != nil {
		return refuse()
	}
	now := s.o.Now()
	old, err := s.current(c)
	if err != nil {
		return err
	}
	if old != nil && old.person.GetId() == opened.By.Id { // the page was loaded again
		return c.SendStatus(http.StatusNoContent)
	}
	if now.Sub(opened.At) >= miniAppFor || opened.At.Sub(now) > miniAppAhead {
		return refuse()
	}
	fresh := rand.Text()
	person, known, err := s.person(c.UserContext(), strconv.FormatInt(opened.By.Id, 10), fresh)
	if err != nil {
		return err
	}
	if !known {
		return refuse()
	}
	found, err := ask[*messages.WebSession](c.UserContext(), s, messages.KindUser, person, &messages.SignInMiniApp{
		Signed: messages.HashWebSecret(string(opened.Signature)), SignedUntilMs: opened.At.Add(miniAppFor).UnixMilli(), Session: messages.HashWebSecret(fresh)})
	if errors.Is(err, errNowhere) {
		return refuse()
	}
	if err != nil {
		return err
	}
	s.began(c, person+"."+fresh, time.UnixMilli(found.ExpiresMs))
	return c.SendStatus(http.StatusNoContent)
}
