package delivery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// tolerance is how far a timestamp may be from the receiver's clock.
const tolerance = 5 * time.Minute

// Verify checks a request as a receiver should: nil, or an error that says in words what is wrong with it, and where
// one can tell, with the receiver's own code. It is for people: the hints cost several signatures.
func Verify(headers http.Header, body []byte, now time.Time, secrets ...Secret) error {
	id, stamp, signature := headers.Get(headerID), headers.Get(headerTimestamp), headers.Get(headerSignature)
	for _, h := range [][2]string{{headerID, id}, {headerTimestamp, stamp}, {headerSignature, signature}} {
		if h[1] == "" {
			return fmt.Errorf("the header %s is missing", h[0])
		}
	}
	if len(secrets) == 0 {
		return errors.New("there is no secret to verify with")
	}
	seconds, err := parseTimestamp(stamp)
	if err != nil {
		return err
	}
	given, err := parseSignatures(signature)
	if err != nil {
		return err
	}
	for _, s := range secrets {
		if contains(given, mac(s.key, id, seconds, body)) {
			return checkAge(seconds, now)
		}
	}
	return explainMismatch(given, id, seconds, body, secrets)
}

func parseTimestamp(stamp string) (seconds int64, err error) {
	seconds, err = strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %.40q, which is no number of seconds", headerTimestamp, stamp)
	}
	if seconds > 1e11 {
		return 0, fmt.Errorf("%s is %d, which are milliseconds; it must be seconds", headerTimestamp, seconds)
	}
	return seconds, nil
}

// checkAge comes after the signature: only a genuine timestamp says something about clocks and replays.
func checkAge(seconds int64, now time.Time) error {
	switch age := now.Sub(time.Unix(seconds, 0)).Round(time.Second); {
	case age > tolerance:
		return fmt.Errorf("the signature is right, but %s is %s old, more than the %s that are allowed: "+
			"an old request that is sent again, or a clock that is fast", headerTimestamp, age, tolerance)
	case age < -tolerance:
		return fmt.Errorf("the signature is right, but %s is %s in the future, more than the %s that are allowed: "+
			"a clock that is slow", headerTimestamp, -age, tolerance)
	}
	return nil
}

// parseSignatures reads the v1 signatures of the header; there may be others, of versions to come.
func parseSignatures(header string) (found [][]byte, err error) {
	for _, word := range strings.Fields(header) {
		version, encoded, ok := strings.Cut(word, ",")
		switch {
		case !ok:
			return nil, fmt.Errorf("%s must be v1,BASE64, or several of these between spaces", headerSignature)
		case version != "v1":
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if raw, hexErr := hex.DecodeString(encoded); hexErr == nil && len(raw) == sha256.Size {
			return nil, fmt.Errorf("a signature in %s is in hexadecimal; it must be base64", headerSignature)
		}
		if err != nil {
			return nil, fmt.Errorf("a signature in %s is not base64", headerSignature)
		}
		if len(sum) != sha256.Size {
			return nil, fmt.Errorf("a signature in %s has %d bytes; an HMAC-SHA256 has %d",
				headerSignature, len(sum), sha256.Size)
		}
		found = append(found, sum)
	}
	if found == nil {
		return nil, fmt.Errorf("%s has no signature of version v1", headerSignature)
	}
	return found, nil
}

func contains(given [][]byte, sum []byte) bool {
	for _, g := range given {
		if hmac.Equal(g, sum) {
			return true
		}
	}
	return false
}

// reencoded is a body as JSON without spaces and needless escapes, its fields in their order.
func reencoded(body []byte) []byte {
	v := jsontext.Value(bytes.Clone(body))
	_ = v.Format(jsontext.PreserveRawStrings(false), jsontext.Multiline(false))
	return v
}

// explainMismatch looks for the usual mistakes: a body or a key that is nearly the right one.
func explainMismatch(given [][]byte, id string, seconds int64, body []byte, secrets []Secret) error {
	trimmed := bytes.TrimRight(body, "\r\n")
	var compact bytes.Buffer
	_ = json.Compact(&compact, body) // of what is no JSON nothing is left, which matches nothing
	bodies := []struct {
		body []byte
		hint string
	}{
		{trimmed, "it fits the body without the line break at its end: an editor or a shell has added that"},
		{append(bytes.Clone(body), '\n'), "it fits the body with a line break at its end, which was cut off"},
		{append(bytes.Clone(body), "\r\n"...), "it fits the body with a line break at its end, which was cut off"},
		{bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), "it fits the body with LF, of which CRLF was made"},
		{compact.Bytes(), "it fits the body without spaces: verify the bytes as received, before they are parsed"},
		{reencoded(body), "it fits the body with other escapes or spaces: verify the bytes as received, before they are parsed"},
		{nil, "it fits an empty body: the body has been read before it was verified"},
	}
	for _, s := range secrets {
		for _, b := range bodies {
			if contains(given, mac(s.key, id, seconds, b.body)) {
				return errors.New("the signature does not fit this body; " + b.hint)
			}
		}
		text := s.Text()
		for _, key := range []string{text, strings.TrimPrefix(text, secretPrefix)} {
			if contains(given, mac([]byte(key), id, seconds, body)) {
				return fmt.Errorf("the signature was made with the text of the secret; the key is what follows %s, "+
					"decoded from base64", secretPrefix)
			}
		}
		h := hmac.New(sha256.New, s.key)
		h.Write(body)
		if contains(given, h.Sum(nil)) {
			return errors.New("the signature was made of the body alone; sign id.timestamp.body")
		}
	}
	return errors.New("the signature does not fit: the secret is another one (has it been rotated?), " +
		"or the body, " + headerID + " or " + headerTimestamp + " was changed on the way; " +
		"a body that was parsed and written again, with its fields in another order, looks the same")
}
