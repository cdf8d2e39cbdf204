package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// examples is the folder of the clients that docs/api.md shows.
var examples = filepath.Join("..", "..", "docs", "examples")

func TestQuickStartIsTheScript(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(examples, "..", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(examples, "quickstart.sh"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(guide), "\n## Quick start\n")
	_, block, _ := strings.Cut(section, "\n```bash\n")
	block, _, _ = strings.Cut(block, "\n```\n")
	_, body, _ := strings.Cut(string(script), "\nset -euo pipefail\n\n")
	if block == "" || block+"\n" != body {
		t.Error("docs/examples/quickstart.sh is not the quick start of docs/api.md, word for word")
	}
}

// Runs the examples of docs/api.md against a service with its simulator, as `make run` starts it. Each does what it
// says, prints no key and leaves no ticket open.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("the examples are not run with -short: they take other programs and some seconds")
	}
	d := newExampleDesk(t)
	t.Run("curl", func(t *testing.T) {
		need(t, "bash", "curl")
		d.run(t, patience, ".", nil, "bash", filepath.Join(examples, "quickstart.sh"))
		for _, key := range d.list(t, "/api-keys") {
			if key["name"] == "Quick start" && key["revokedAt"] == nil {
				t.Error("the quick start leaves its key behind")
			}
		}
		d.tidy(t)
	})
	t.Run("Go", func(t *testing.T) {
		need(t, "go")
		program := filepath.Join(t.TempDir(), "example")
		d.run(t, patience, examples, nil, "go", "build", "-o", program, "./go")
		d.saysAll(t, d.run(t, patience, ".", d.client(t), program))
		d.tidy(t)
	})
	t.Run("TypeScript", func(t *testing.T) {
		need(t, "node", "npm")
		folder := d.packages(t)
		for _, script := range []string{"generate", "build"} { // build checks all types, too
			d.run(t, patience, folder, nil, "npm", "run", "--silent", script)
		}
		out := d.run(t, patience, folder, d.client(t), "npm", "run", "--silent", "start")
		if d.saysAll(t, out); !strings.Contains(out, "uploaded toner.txt: stored") {
			t.Errorf("it uploads no file:\n%s", out)
		}
		d.tidy(t)
	})
}

// exampleDesk is a service with its simulator, and a key with which the test checks what the examples did.
type exampleDesk struct {
	url, key string
	command  string // the folder of a topicdesk command, for the PATH
	seen     int    // how many tickets tidy saw last
}

func newExampleDesk(t *testing.T) *exampleDesk {
	t.Helper()
	dir := t.TempDir()
	addr, page, _ := serveSimulated(t, dir)
	// the examples make more calls than flood control allows
	calm, err := http.Post(page+"/sim/flood", "application/json", strings.NewReader(`{"on":false}`))
	if err != nil || calm.Body.Close() != nil || calm.StatusCode >= 300 {
		t.Fatalf("flood control stays on: %v, %v", calm, err)
	}
	http.DefaultClient.CloseIdleConnections()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &exampleDesk{url: "http://" + addr, command: t.TempDir()}
	script := fmt.Sprintf("#!/bin/sh\n%s=%s DATABASE_URL='sqlite://%s' exec '%s' \"$@\"\n", childEnv, childMain,
		filepath.Join(dir, "topicdesk.db"), self)
	if err := os.WriteFile(filepath.Join(d.command, "topicdesk"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	d.key = d.newKey(t, "admin")
	d.await(t, "a group registers", func() bool {
		groups := d.list(t, "/groups")
		return len(groups) > 0 && groups[0]["supportTopicsEnabled"] == true
	})
	return d
}

func (d *exampleDesk) newKey(t *testing.T, scopes string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(d.command, "topicdesk"), "apikey", "create", "--name",
		t.Name(), "--scopes", scopes).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// client is the environment of a client. Its key has the scopes that docs/api.md names, and no others.
func (d *exampleDesk) client(t *testing.T) []string {
	return []string{"TOPICDESK_KEY=" + d.newKey(t, "groups:read,tickets:*,messages:write")}
}

// run runs a program that must succeed and must print no key. The time limit suits even a machine that stalls.
func (d *exampleDesk) run(t *testing.T, within time.Duration, folder string, env []string, name string, args ...string) (out string) {
	t.Helper()
	out, err := d.try(t, within, folder, env, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func (d *exampleDesk) try(t *testing.T, within time.Duration, folder string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = folder, 5*time.Second
	cmd.Env = append(os.Environ(), "PATH="+d.command+string(os.PathListSeparator)+os.Getenv("PATH"),
		"TOPICDESK_URL="+d.url,
		"no_proxy=127.0.0.1", "NPM_CONFIG_UPDATE_NOTIFIER=false")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("it does not end within %v: %w", within, err)
	}
	if strings.Contains(string(out), "td_live_") {
		t.Error("the output shows a key")
		return "(not shown)", err
	}
	return string(out), err
}

// packages is a copy of the TypeScript client with its packages. If npm's registry can't be reached the test is
// skipped, but not if the example is wrong.
func (d *exampleDesk) packages(t *testing.T) (folder string) {
	t.Helper()
	root := t.TempDir()
	folder = filepath.Join(root, "examples", "typescript")
	for from, to := range map[string]string{
		filepath.Join(examples, "..", "openapi.yaml"): root, filepath.Join(examples, "typescript", "*.json"): folder,
		filepath.Join(examples, "typescript", "src", "[a-z]*.ts"): filepath.Join(folder, "src"),
	} {
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		names, _ := filepath.Glob(from)
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err == nil && filepath.Base(name) != "desk.d.ts" {
				err = os.WriteFile(filepath.Join(to, filepath.Base(name)), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	within := time.Minute
	if long() {
		within = patience
	}
	out, err := d.try(t, within, folder, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
		"--prefer-offline")
	if err != nil && regexp.MustCompile(`EUSAGE|ERESOLVE|EINTEGRITY|ETARGET|EJSONPARSE`).MatchString(out) {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err != nil {
		t.Skipf("the TypeScript client is not tested: npm's registry does not give its packages: %v\n%s", err, out)
	}
	return folder
}

// saysAll checks the output of the Go and the TypeScript client. They wait 20 s for the topic, and a machine may
// stall longer.
func (d *exampleDesk) saysAll(t *testing.T, out string) {
	t.Helper()
	for _, want := range []string{
		`opened TICK-\S+ in Support, its topic is (open|pending)`, `wrote api:\w+: (pending|sent)`, `TICK-\S+ is urgent now`, `has 1 open`,
		`mentioned nobody: The desk does not know this person`, `closed TICK-`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

// tidy checks what an example left: one more ticket, which is closed and whose message is in Telegram.
func (d *exampleDesk) tidy(t *testing.T) {
	t.Helper()
	tickets := d.list(t, "/tickets")
	if d.seen++; len(tickets) != d.seen {
		t.Fatalf("there are %d tickets, not %d", len(tickets), d.seen)
	}
	if tickets[0]["status"] != "closed" || tickets[0]["title"] != "Printer is on fire" {
		t.Error(tickets[0])
	}
	d.await(t, "the message is sent", func() bool {
		messages := d.list(t, fmt.Sprintf("/tickets/%s/messages", tickets[0]["ticketId"]))
		if len(messages) != 1 || messages[0]["text"] != "It smells of toner." {
			t.Fatal(messages)
		}
		deliveries, _ := messages[0]["deliveries"].([]any)
		return len(deliveries) == 1 && deliveries[0].(map[string]any)["state"] == "sent"
	})
}

// list is the first page of a list of the API.
func (d *exampleDesk) list(t *testing.T, path string) []map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+"/api/v1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	var page struct{ Data []map[string]any }
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(text, &page) != nil {
		t.Fatalf("GET %s: %d %s, %v", path, res.StatusCode, text, err)
	}
	return page.Data
}

func (d *exampleDesk) await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !cond() {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("waited in vain: " + what)
		}
	}
}

// need skips the test if one of these programs is missing.
func need(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("this example is not tested: %s is not installed", name)
		}
	}
}
