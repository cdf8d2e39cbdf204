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

// Logger returns a logger to w with the level of LOG_LEVEL and the format of LOG_FORMAT: json for machines, or text
// for people, in colour on a terminal unless NO_COLOR is set. It masks secrets, wherever in a record they are,
// and leaves out warnings of which there are too many.
func (c Config) Logger(w io.Writer) *slog.Logger {
	out := &redactor{w: w, known: c.known()}
	if c.LogFormat == FormatJSON {
		o := &slog.HandlerOptions{Level: c.Level(), ReplaceAttr: inSeconds}
		return slog.New(newBounded(slog.NewJSONHandler(out, o)))
	}
	return slog.New(newBounded(tint.NewTextHandler(out, &tint.Options{
		Level:      c.Level(),
		TimeFormat: time.DateTime,
		NoColor:    !isTerminal(w) || os.Getenv("NO_COLOR") != "",
	})))
}

// inSeconds makes of a duration a number of seconds whose name says so: took=12ms becomes "tookSeconds":0.012. A plain
// JSON handler writes nanoseconds, and nothing tells it.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"Seconds", a.Value.Duration().Seconds())
	}
	return a
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// known lists the secrets that are masked by their value, whatever their shape. Short ones are left out: masking them
// would also mask ordinary words, and so reveal the secret.
func (c Config) known() [][]byte {
	var all [][]byte
	for _, s := range []Secret{c.TelegramBotToken, c.TelegramWebhookSecret} {
		if len(s) >= 12 {
			all = append(all, []byte(s.Reveal()))
		}
	}
	return all
}

// redactor masks secrets in the finished line that a handler writes. Before that a secret can hide in a message, a
// group, an error within an error, or a struct. Handlers of slog write a record with one call.
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
	// tokenInText is a bot's token, also in an address (/bot123:ABC…/getMe), and also with its colon escaped.
	tokenInText = regexp.MustCompile(`\d+(?::|%3[Aa])[A-Za-z0-9_-]{30,}`)
	// passwordInText is the user and password of an address: mongodb://user:password@host.
	passwordInText = regexp.MustCompile(`://[^/\s"'@]*:[^/\s"'@]*@`)
	// keyInText is an API key, as messages.NewAPIKey makes it.
	keyInText = regexp.MustCompile(`td_live_[a-z2-7]{20,}`)
	// hash is an id of ours with a hash after its colon. No token has only these letters.
	hash = regexp.MustCompile(`^\d+:[0-9a-f-]+$`)
)

// Redact replaces tokens of bots, API keys, and users with passwords in addresses by ***, wherever they are. It is
// for texts that leave without a logger: errors of net/http contain the address, and the address of a Bot API call
// contains the token.
func Redact(text string) string {
	return string(redact([]byte(text)))
}

// Redact is the function Redact, which also replaces the secrets of the settings by their value, whatever their shape.
func (c Config) Redact(text string) string {
	clean := redact([]byte(text))
	for _, secret := range c.known() {
		clean = bytes.ReplaceAll(clean, secret, []byte(mask))
	}
	return string(clean)
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
