package messages

import (
	"crypto/sha256"
	"time"
)

// WebSignInPath is the path of the page on which people sign in to the web desk, below the desk's address.
const WebSignInPath = "/sign-in"

// WebMiniAppPath is the path of the page on which people sign in to it as a Mini App of Telegram's.
const WebMiniAppPath = WebSignInPath + "/mini-app"

// HashWebSecret is what is kept of a secret of the web desk. The secrets are random, so a plain hash will do.
func HashWebSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// MiniAppOpened is what Telegram has signed when somebody opened the web desk as a Mini App.
type MiniAppOpened struct {
	By        *Person
	At        time.Time
	Signature []byte // of which there is one, however the rest is written
}
