package bot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// initDataAtMost is how long Telegram's word about who opened a Mini App may be, in bytes.
const initDataAtMost = 8192

// ErrInitData is returned for what Telegram has not signed.
var ErrInitData = errors.New("bot: this is not signed by Telegram")

// MiniAppOpened reads who opened a Mini App of the bot, and when, from the initData that Telegram has given to the page. It returns
// ErrInitData unless that carries Telegram's signature (https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app).
// How old it may be, the caller decides.
func (c *Client) MiniAppOpened(initData string) (*messages.MiniAppOpened, error) {
	return miniAppOpened(c.token, initData)
}

func miniAppOpened(token, initData string) (*messages.MiniAppOpened, error) {
	fields, err := url.ParseQuery(initData)
	if err != nil || len(initData) > initDataAtMost || token == "" {
		return nil, ErrInitData
	}
	given, err := hex.DecodeString(fields.Get("hash"))
	if err != nil || len(given) != sha256.Size {
		return nil, ErrInitData
	}
	var lines []string
	for name, values := range fields {
		if len(values) != 1 { // which of them Telegram has signed would be anybody's guess
			return nil, ErrInitData
		}
		if name != "hash" {
			lines = append(lines, name+"="+values[0])
		}
	}
	slices.Sort(lines)
	key := macOf([]byte("WebAppData"), token)
	if !hmac.Equal(given, macOf(key, strings.Join(lines, "\n"))) {
		return nil, ErrInitData
	}
	var user struct {
		ID        int64  `json:"id"`
		IsBot     bool   `json:"is_bot"`
		Username  string `json:"username"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
	}
	seconds, err := strconv.ParseInt(fields.Get("auth_date"), 10, 64)
	if err != nil || json.Unmarshal([]byte(fields.Get("user")), &user) != nil || user.ID <= 0 || user.IsBot {
		return nil, ErrInitData
	}
	by := &messages.Person{Id: user.ID, Username: user.Username, FirstName: user.FirstName, LastName: user.LastName}
	return &messages.MiniAppOpened{By: by, At: time.Unix(seconds, 0), Signature: given}, nil
}

func macOf(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
