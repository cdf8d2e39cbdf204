package simulator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

// InitData is what Telegram gives to a Mini App that a person opens by a button at a time: who they are, signed with the bot's token
// (https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app). Clients put it into the fragment of the
// address, as tgWebAppData.
func (s *Server) InitData(person int64, at time.Time) (string, error) {
	s.mu.Lock()
	p := s.w.people[person]
	s.mu.Unlock()
	if p == nil {
		return "", fmt.Errorf("there is no person %d", person)
	}
	fields := map[string]string{"auth_date": strconv.FormatInt(at.Unix(), 10), "query_id": rand.Text(),
		"user": string(jsonOf(map[string]any{"id": p.ID, "first_name": p.FirstName, "last_name": p.LastName, "username": p.Username}))}
	values, lines := url.Values{}, []string{}
	for name, value := range fields {
		values.Set(name, value)
		lines = append(lines, name+"="+value)
	}
	sort.Strings(lines)
	key := hmac.New(sha256.New, []byte("WebAppData"))
	key.Write([]byte(s.Token()))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(strings.Join(lines, "\n")))
	values.Set("hash", hex.EncodeToString(mac.Sum(nil)))
	return values.Encode(), nil
}

// checkApp refuses the address of a Mini App as Telegram does: it is https, and its button is in a private chat.
func (c *call) checkApp(address string) *apiError {
	if address == "" {
		return nil
	}
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
		return badRequest("inline keyboard button Web App URL '%s' is invalid: Only HTTPS links are allowed", address)
	}
	if c.chat != nil && c.chat.id < 0 {
		return badRequest("BUTTON_TYPE_INVALID")
	}
	return nil
}
