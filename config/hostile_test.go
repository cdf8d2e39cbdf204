package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// hostile are values that somebody may set by mistake or in despair.
var hostile = []string{"acme.com", "https://", "https://*", "*", "*,https://a.test", "https://*.", "://", "http://[", "https://a.test/x",
	"%", "%zz", "\x00", "\xff\xfe", "🔥", "-1", "0", "1e9", "99999999999999999999", "NaN", "true", "null", ",", ",,,", "=", "a=b=c",
	"photo=10", ":", "::", ":0", ":99999", "127.0.0.1", "[::1]", "[::1]:x", "localhost:http", "/", "//", "..", "-", "--", ".", "file://",
	"file:///\x00", "s3://", "sqlite://?", "sqlite://\x00", "mongodb://", "mongodb://a/b", "mongodb://%/b", "unix:", "10.0.0.0/8", "0.0.0.0/0",
	strings.Repeat("9", 1_000), strings.Repeat("a,", 500), strings.Repeat("[", 1_000), aToken + ",x", "$(reboot)", "{{.}}", "\n", "a\nb", "'", `"`}

const aToken = "987654321:AAF-kLmNoPqRsTuVwXyZ0123456789abcde"

// TestHostileSettings sets each setting to each hostile value, with and without a token: the value is taken, or
// refused in a line that names the setting. Whatever is taken can be asked for in every form.
func TestHostileSettings(t *testing.T) {
	t.Parallel()
	for _, s := range settings() {
		for _, value := range hostile {
			for _, token := range []string{"", aToken} {
				tryHostile(t, map[string]string{"TELEGRAM_BOT_TOKEN": token, s.name: value})
			}
		}
	}
}

func tryHostile(t *testing.T, values map[string]string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%.200q: panic: %v", values, p)
		}
	}()
	c, err := Load(func(name string) (string, bool) { v, ok := values[name]; return v, ok }, "")
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			name, _, _ := strings.Cut(line, "=")
			name, _, _ = strings.Cut(name, " ")
			if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" || len(line) > 600 ||
				strings.Contains(line, aToken) {
				t.Errorf("%.200q is refused with %q", values, line)
			}
		}
		return
	}
	_, _, _, _, _ = c.Files(), c.Database(), c.Networks(), c.KeepEvents(), c.Level()
	_, _ = c.Address(), c.Logger(&bytes.Buffer{})
}

func FuzzSettings(f *testing.F) {
	all := settings()
	for i, value := range hostile {
		f.Add(uint8(i), value)
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		tryHostile(t, map[string]string{all[int(which)%len(all)].name: value})
	})
}

// TestDurationsInJSONHaveTheirUnit: in JSON a duration is seconds, and its name says so.
func TestDurationsInJSONHaveTheirUnit(t *testing.T) {
	var out bytes.Buffer
	log := Config{LogFormat: FormatJSON, LogLevel: "info"}.Logger(&out)
	log.With("in", 2*time.Second).WithGroup("g").Info("x", "took", 1500*time.Millisecond, "n", 7)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	group, _ := line["g"].(map[string]any)
	if line["inSeconds"] != 2.0 || group["tookSeconds"] != 1.5 || group["n"] != 7.0 || group["took"] != nil {
		t.Error(out.String())
	}
}
