package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
)

// sample is how the code of docs/webhooks.md in one language runs: it is a file, with a driver behind it or beside it,
// which reads SECRET, ID, TIMESTAMP and SIGNATURE from the environment and the body from body.json, and fails if verify
// does.
type sample struct {
	heading, language string
	needs             []string
	file              string
	driver            string // behind the sample
	beside            map[string]string
	command           []string
	change            func(code string) string
	slow              bool // not with -short
}

// annotations are TypeScript's types in the sample. Not every node can strip them; what is left over is a syntax error.
var annotations = regexp.MustCompile(`: (string\b|Buffer\b|void\b|Record<string, string>)`)

var samples = []sample{
	{
		heading: "### curl and openssl", language: "bash", needs: []string{"bash", "openssl", "od"}, file: "verify.sh",
		driver: "\nverify\n", command: []string{"bash", "verify.sh"},
	},
	{
		heading: "### Go", language: "go", needs: []string{"go"}, file: "receiver/verify.go", slow: true,
		beside: map[string]string{"go.mod": "module sample\n\ngo 1.21\n", "main.go": `package main

import (
	"fmt"
	"net/http"
	"os"

	"sample/receiver"
)

func main() {
	body, _ := os.ReadFile("body.json")
	h := http.Header{}
	for name, value := range map[string]string{"id": "ID", "timestamp": "TIMESTAMP", "signature": "SIGNATURE"} {
		h.Set("webhook-"+name, os.Getenv(value))
	}
	if err := receiver.Verify(os.Getenv("SECRET"), h, body); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
`}, command: []string{"go", "run", "."},
	},
	{
		heading: "### TypeScript (Node.js)", language: "ts", needs: []string{"node"}, file: "verify.mjs",
		change: func(code string) string { return annotations.ReplaceAllString(code, "") },
		driver: `
import { readFileSync } from "node:fs";
const e = process.env;
verify(e.SECRET, { "webhook-id": e.ID, "webhook-timestamp": e.TIMESTAMP, "webhook-signature": e.SIGNATURE }, readFileSync("body.json"));
`, command: []string{"node", "verify.mjs"},
	},
	{
		heading: "### Python", language: "python", needs: []string{"python3"}, file: "verify.py",
		driver: `
import os

e = os.environ
verify(e["SECRET"], {"webhook-id": e["ID"], "webhook-timestamp": e["TIMESTAMP"], "webhook-signature": e["SIGNATURE"]},
       open("body.json", "rb").read())
`, command: []string{"python3", "verify.py"},
	},
	{
		heading: "### PHP", language: "php", needs: []string{"php"}, file: "verify.php",
		driver: `
verify(getenv('SECRET'), ['webhook-id' => getenv('ID'), 'webhook-timestamp' => getenv('TIMESTAMP'),
    'webhook-signature' => getenv('SIGNATURE')], file_get_contents('body.json'));
`, command: []string{"php", "verify.php"},
	},
}

// TestWebhookSamples runs each sample of docs/webhooks.md with a request that the desk has signed, and with some that
// are wrong in one thing.
func TestWebhookSamples(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "webhooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		t.Run(strings.TrimPrefix(s.heading, "### "), func(t *testing.T) {
			_, section, there := strings.Cut(string(guide), "\n"+s.heading+"\n")
			_, code, fenced := strings.Cut(section, "\n```"+s.language+"\n")
			code, _, closed := strings.Cut(code, "\n```\n")
			if !there || !fenced || !closed {
				t.Fatal("docs/webhooks.md has no such sample")
			}
			need(t, s.needs...)
			if s.slow && testing.Short() {
				t.Skip("this sample is not run with -short: it has to be compiled")
			}
			s.run(t, code+"\n")
		})
	}
}

func (s *sample) run(t *testing.T, code string) {
	folder := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.change != nil {
		code = s.change(code)
	}
	write(s.file, code+s.driver)
	for name, text := range s.beside {
		write(name, text)
	}
	const body = "{\"id\":\"evt_1\",\"data\":{\"text\":\"สวัสดี \\u003c \\n\"}}\n"
	secret, other, now := actors.NewWebhookSecret(), actors.NewWebhookSecret(), time.Now()
	old := now.Add(-time.Hour)
	for name, tt := range map[string]struct {
		at              time.Time
		signature, body string
		right           bool
	}{
		"right":            {now, actors.SignWebhook("evt_1", now, []byte(body), secret), body, true},
		"while rotating":   {now, actors.SignWebhook("evt_1", now, []byte(body), other, secret), body, true},
		"another version":  {now, "v2,AAAA " + actors.SignWebhook("evt_1", now, []byte(body), secret), body, true},
		"another secret":   {now, actors.SignWebhook("evt_1", now, []byte(body), other), body, false},
		"another body":     {now, actors.SignWebhook("evt_1", now, []byte(body), secret), body + " ", false},
		"another event":    {now, actors.SignWebhook("evt_2", now, []byte(body), secret), body, false},
		"old":              {old, actors.SignWebhook("evt_1", old, []byte(body), secret), body, false},
		"no signature":     {now, "", body, false},
		"an empty one":     {now, "v1,", body, false},
		"of other content": {now, strings.Replace(actors.SignWebhook("evt_1", now, []byte(body), secret), "v1,", "v1a,", 1), body, false},
	} {
		write("body.json", tt.body)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "SECRET="+secret.Text(), "ID=evt_1", fmt.Sprint("TIMESTAMP=", tt.at.Unix()), "SIGNATURE="+tt.signature, "GOFLAGS=")
		out, err := cmd.CombinedOutput()
		cancel()
		if (err == nil) != tt.right {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if !tt.right && !strings.Contains(string(out), "the signature is wrong") && !strings.Contains(string(out), "the timestamp is too far") {
			t.Errorf("%s: it fails for another reason: %s", name, out)
		}
	}
}
