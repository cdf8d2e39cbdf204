package delivery

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"
)

// The vector of the specification's own libraries.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSeconds   = 1614265330
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func secretOf(t *testing.T, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSignFollowsTheStandard(t *testing.T) {
	at := time.Unix(vectorSeconds, 999e6)
	if got := Sign(vectorID, at, []byte(vectorBody), secretOf(t, vectorSecret)); got != vectorSignature {
		t.Errorf("%s, want %s", got, vectorSignature)
	}
}

// TestTheStandardsLibraryVerifies: each of several signatures, and only with its secret.
func TestTheStandardsLibraryVerifies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := make([]Secret, rapid.IntRange(1, 3).Draw(t, "secrets"))
		for i := range secrets {
			secrets[i] = NewSecret()
		}
		body := []byte(rapid.String().Draw(t, "body"))
		id := rapid.StringMatching(`evt_[a-z0-9]{1,30}`).Draw(t, "id")
		at := time.Now()
		headers := http.Header{}
		headers.Set(headerID, id)
		headers.Set(headerTimestamp, strconv.FormatInt(at.Unix(), 10))
		headers.Set(headerSignature, Sign(id, at, body, secrets...))
		for _, s := range secrets {
			receiver, err := standardwebhooks.NewWebhook(s.Text())
			if err != nil {
				t.Fatal(err)
			}
			if err := receiver.Verify(body, headers); err != nil {
				t.Error(err)
			}
			if err := Verify(headers, body, at, s); err != nil {
				t.Error(err)
			}
		}
		stranger, err := standardwebhooks.NewWebhook(NewSecret().Text())
		if err != nil {
			t.Fatal(err)
		}
		if stranger.Verify(body, headers) == nil || Verify(headers, body, at, NewSecret()) == nil {
			t.Error("another secret fits")
		}
	})
}

// TestNodeVerifies: what node's own crypto makes of the same request, byte by byte.
func TestNodeVerifies(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on this machine")
	}
	secrets := []Secret{NewSecret(), NewSecret()}
	body := "{\"text\":\"สวัสดี\\n😀\"}\r\n"
	at := time.Unix(1790000000, 0)
	input, err := json.Marshal(map[string]any{"id": "evt_1", "at": at.Unix(), "body": body,
		"secrets": []string{secrets[0].Text(), secrets[1].Text()}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", `
		const crypto = require("crypto")
		const {id, at, body, secrets} = JSON.parse(require("fs").readFileSync(0, "utf8"))
		console.log(secrets.map(s => "v1," + crypto.createHmac("sha256", Buffer.from(s.slice("whsec_".length), "base64"))
			.update(id + "." + at + "." + body, "utf8").digest("base64")).join(" "))`)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err, string(out))
	}
	if got, want := Sign("evt_1", at, []byte(body), secrets...), strings.TrimSpace(string(out)); got != want {
		t.Errorf("%s, node says %s", got, want)
	}
}

func TestSecrets(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	if a.Text() == b.Text() || len(a.key) != secretBytes || secretOf(t, a.Text()).Text() != a.Text() {
		t.Error("secrets are not random, or don't survive their text")
	}
	encoded := func(n int) string { return secretPrefix + base64.StdEncoding.EncodeToString(make([]byte, n)) }
	for _, good := range []string{encoded(24), encoded(64)} {
		if _, err := ParseSecret(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "whsec_", encoded(23), encoded(65), strings.TrimPrefix(encoded(32), secretPrefix), encoded(32) + " ",
		"whsec_" + strings.Repeat("!", 44), "WHSEC_" + encoded(32)[6:]} {
		if _, err := ParseSecret(bad); err == nil || len(bad) > 20 && strings.Contains(err.Error(), bad[6:]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestASecretShowsNowhere(t *testing.T) {
	s := NewSecret()
	raw, err := json.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "s", s, "r", Request{Secrets: []Secret{s}})
	key := fmt.Sprint(s.key)
	for _, shown := range []string{string(raw), logged.String(), fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%+v", Request{Secrets: []Secret{s}})} {
		if strings.Contains(shown, s.Text()[6:20]) || strings.Contains(shown, key[1:12]) || strings.Contains(shown, fmt.Sprintf("%x", s.key[:4])) {
			t.Errorf("it shows: %s", shown)
		}
	}
}

// TestVerifySaysWhatIsWrong breaks a request in the ways in which people do.
func TestVerifySaysWhatIsWrong(t *testing.T) {
	secret, old := secretOf(t, vectorSecret), NewSecret()
	now := time.Unix(vectorSeconds+10, 0)
	request := func() http.Header {
		h := http.Header{}
		h.Set(headerID, vectorID)
		h.Set(headerTimestamp, strconv.Itoa(vectorSeconds))
		h.Set(headerSignature, vectorSignature)
		return h
	}
	with := func(name, value string) http.Header {
		h := request()
		h.Set(name, value)
		return h
	}
	sign := func(body string, key []byte) http.Header {
		return with(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(mac(key, vectorID, vectorSeconds, []byte(body))))
	}
	bodyOnly := hmac.New(sha256.New, secret.key)
	bodyOnly.Write([]byte(vectorBody))
	signedBody := base64.StdEncoding.EncodeToString(bodyOnly.Sum(nil))
	for _, tt := range []struct {
		what    string
		headers http.Header
		body    string
		now     time.Time
		want    string // "" is nothing
	}{
		{"all is well", request(), vectorBody, now, ""},
		{"a signature of a version to come, too", with(headerSignature, "v2,x v1a,y "+vectorSignature), vectorBody, now, ""},
		{"no id", with(headerID, ""), vectorBody, now, "the header webhook-id is missing"},
		{"no timestamp", with(headerTimestamp, ""), vectorBody, now, "the header webhook-timestamp is missing"},
		{"no signature", with(headerSignature, ""), vectorBody, now, "the header webhook-signature is missing"},
		{"a date", with(headerTimestamp, "2021-02-25"), vectorBody, now, "which is no number of seconds"},
		{"milliseconds", with(headerTimestamp, "1614265330000"), vectorBody, now, "which are milliseconds"},
		{"another id", with(headerID, "evt_other"), vectorBody, now, "the signature does not fit: the secret is another one"},
		{"another secret", sign(vectorBody, old.key), vectorBody, now, "the secret is another one"},
		{"another body", request(), `{"test": 1}`, now, "or the body"},
		{"too old", request(), vectorBody, now.Add(time.Hour), "the signature is right, but webhook-timestamp is 1h0m10s old"},
		{"too new", request(), vectorBody, now.Add(-time.Hour), "59m50s in the future"},
		{"a line break more", request(), vectorBody + "\n", now, "without the line break at its end"},
		{"a line break less", sign(vectorBody+"\n", secret.key), vectorBody, now, "a line break at its end, which was cut off"},
		{"CRLF", sign("{\n}", secret.key), "{\r\n}", now, "it fits the body with LF"},
		{"escaped", sign(`{"a":"ก<"}`, secret.key), `{"a": "\u0e01\u003c"}`, now, "before they are parsed"},
		{"indented", sign(`{"a":1}`, secret.key), "{\n  \"a\": 1\n}", now, "before they are parsed"},
		{"read before", sign("", secret.key), vectorBody, now, "it fits an empty body"},
		{"hexadecimal", with(headerSignature, fmt.Sprintf("v1,%x", bodyOnly.Sum(nil))), vectorBody, now, "is in hexadecimal"},
		{"no version", with(headerSignature, signedBody), vectorBody, now, "must be v1,BASE64"},
		{"another version", with(headerSignature, "v2,"+signedBody), vectorBody, now, "no signature of version v1"},
		{"no base64", with(headerSignature, "v1,%%%"), vectorBody, now, "is not base64"},
		{"short", with(headerSignature, "v1,QUJD"), vectorBody, now, "has 3 bytes; an HMAC-SHA256 has 32"},
		{"of the body alone", with(headerSignature, "v1,"+signedBody), vectorBody, now, "made of the body alone"},
		{"with the secret's text", sign(vectorBody, []byte(vectorSecret)), vectorBody, now, "made with the text of the secret"},
		{"with the secret's base64", sign(vectorBody, []byte(vectorSecret[6:])), vectorBody, now, "made with the text of the secret"},
	} {
		err := Verify(tt.headers, []byte(tt.body), tt.now, old, secret)
		if tt.what == "another secret" {
			err = Verify(tt.headers, []byte(tt.body), tt.now, secret)
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.want)
		}
	}
	if err := Verify(request(), []byte(vectorBody), now); err == nil {
		t.Error("without a secret it verifies")
	}
}
