package config

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// Logger logs to w as LOG_LEVEL and LOG_FORMAT say: json for machines, text for people, in colour on a terminal (unless
// NO_COLOR is set). No secret gets through, wherever in a record it stands.
func (c Config) Logger(w io.Writer) *slog.Logger {
	out := &redactor{w: w, known: c.known()}
	if c.LogFormat == FormatJSON {
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: c.Level()}))
	}
	return slog.New(tint.NewTextHandler(out, &tint.Options{
		Level:      c.Level(),
		TimeFormat: time.DateTime,
		NoColor:    !isTerminal(w) || os.Getenv("NO_COLOR") != "",
	}))
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// known lists the secrets that are found by their value, whatever their shape. Short ones are left out: they would blot out
// ordinary words, and thereby show themselves.
func (c Config) known() [][]byte {
	var all [][]byte
	for _, s := range []Secret{c.TelegramBotToken, c.TelegramWebhookSecret} {
		if len(s) >= 12 {
			all = append(all, []byte(s.Reveal()))
		}
	}
	return all
}

// redactor masks secrets in what handlers write: on the line as it leaves, since before that a secret can hide in a message,
// a group, an error within an error, or a struct. Handlers of slog write a record with one call.
type redactor struct {
	w     io.Writer
	known [][]byte
}

func (r *redactor) Write(line []byte) (int, error) {
	clean := redact(line)
	for _, secret := range r.known {
		clean = bytes.ReplaceAll(clean, secret, []byte(mask))
	}
	if _, err := r.w.Write(clean); err != nil {
		return 0, err
	}
	return len(line), nil
}

var (
	// tokenInText is a bot's token, in an address too (/bot123:ABC…/getMe), and with its colon escaped.
	tokenInText = regexp.MustCompile(`\d+(?::|%3[Aa])[A-Za-z0-9_-]{30,}`)
	// passwordInText is user and password in an address: mongodb://user:password@host.
	passwordInText = regexp.MustCompile(`://[^/\s"'@]*:[^/\s"'@]*@`)
	// keyInText is an API key, as messages.NewAPIKey makes it.
	keyInText = regexp.MustCompile(`td_live_[a-z2-7]{20,}`)
	// hash is what follows a colon in ids of our own; no token is written with these letters alone.
	hash = regexp.MustCompile(`^\d+:[0-9a-f-]+$`)
)

// Redact replaces bots' tokens, keys of the API, and users with passwords in addresses, with ***, wherever they stand. It is for
// texts that leave without a logger: errors of net/http hold the address, and the address of a Bot API call holds the token.
func Redact(text string) string {
	return string(redact([]byte(text)))
}

func redact(text []byte) []byte {
	text = tokenInText.ReplaceAllFunc(text, func(found []byte) []byte {
		if hash.Match(found) {
			return found
		}
		return []byte(mask)
	})
	text = keyInText.ReplaceAll(text, []byte("td_live_"+mask))
	return passwordInText.ReplaceAll(text, []byte("://"+mask+"@"))
}
