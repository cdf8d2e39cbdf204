package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// me asks the service which key this is.
func me(t *testing.T, addr, key string) (status int, body map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	_ = json.Unmarshal(text, &body)
	return res.StatusCode, body
}

func TestAPIKeysByCommandLine(t *testing.T) {
	d := wake(t)
	for name, value := range d.settings() {
		t.Setenv(name, value)
	}
	create := func(args ...string) string {
		t.Helper()
		out, _, err := topicdesk(t, append([]string{"apikey", "create"}, args...)...)
		d.must(err)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		key := lines[len(lines)-1]
		if !strings.HasPrefix(key, "td_live_") {
			t.Fatalf("the last line is %q", key)
		}
		return key
	}
	before := create("--new", "--name", "CRM", "--scopes", "tickets:read,tickets:write", "--group", "-1001234567890",
		"--rate", "7", "--expires", "90d", "--owner", "ops")

	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan string, 1), make(chan error, 1)
	settings := d.config()
	app := &App{Config: settings, Log: settings.Logger(io.Discard), Started: func(addr, _ string) { started <- addr }}
	go func() { ended <- app.Run(ctx) }()
	defer func() { cancel(); d.must(<-ended) }()
	var addr string
	select {
	case addr = <-started:
	case err := <-ended:
		t.Fatal(err)
	}

	status, who := me(t, addr, before)
	if status != 200 || who["name"] != "CRM" || who["rate"] != 7.0 || who["owner"] != "ops" ||
		fmt.Sprint(who["scopes"]) != "[tickets:read tickets:write]" {
		t.Errorf("%d %v", status, who)
	}
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(who["expiresAt"])); err != nil ||
		time.Until(at) < 89*24*time.Hour {
		t.Error(who)
	}
	beside := create("--name", "Beside", "--scopes", "admin")
	status, who = me(t, addr, beside)
	if status != 200 || who["groupId"] != nil {
		t.Errorf("%d %v", status, who)
	}
	out, _, err := topicdesk(t, "apikey", "list")
	if err != nil || !strings.Contains(out, "CRM") || !strings.Contains(out, "Beside") ||
		!strings.Contains(out, "-1001234567890") || strings.Contains(out, "td_live_") {
		t.Error(out, err)
	}
	id, _ := who["keyId"].(string)
	for range 2 {
		if out, _, err = topicdesk(t, "apikey", "revoke", id); err != nil || !strings.Contains(out, id) {
			t.Error(out, err)
		}
	}
	d.await(func() string { return "the revoked key is refused" }, func() bool {
		d.poke()
		status, _ := me(t, addr, beside)
		return status == 401
	})
	if status, _ := me(t, addr, before); status != 200 {
		t.Error("another key was revoked")
	}
}

func TestAPIKeyCommandExplains(t *testing.T) {
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "desk.db"))
	if _, _, err := topicdesk(t, "apikey", "create", "--new", "--name", "first", "--scopes", "admin"); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		`required flag(s) "name", "scopes" not set`: {"create"},
		"--scopes: \"all\" is none of":              {"create", "--name", "x", "--scopes", "all"},
		"--scopes: \"exports:*\" is none of":        {"create", "--name", "x", "--scopes", "exports:*"},
		"--name":                                    {"create", "--name", " ", "--scopes", "admin"},
		"--group: 5 is not a group":                 {"create", "--name", "x", "--scopes", "admin", "--group", "5"},
		"--expires":                                 {"create", "--name", "x", "--scopes", "admin", "--expires", "yesterday"},
		"there is no key":                           {"revoke", "aaaaaaaaaaaa"},
	} {
		out, _, err := topicdesk(t, append([]string{"apikey"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(out, "td_live_") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestNoCommandMakesADeskByMistake runs every command that reads or changes a desk in a folder that has none.
func TestNoCommandMakesADeskByMistake(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	create := []string{"apikey", "create", "--name", "x", "--scopes", "admin"}
	for _, args := range [][]string{create, {"apikey", "list"}, {"apikey", "revoke", "aaaaaaaaaaaa"}, {"storage", "export"},
		{"storage", "copy", "--to", "sqlite://copy.db"}, {"files", "clean"}, {"files", "check"}, {"backup", "desk.tar"}} {
		_, _, err := topicdesk(t, args...)
		if err == nil || !strings.Contains(err.Error(), "there is no desk in "+filepath.Join(folder, "data", "topicdesk.db")) {
			t.Errorf("%v: %v", args, err)
		}
		if args[1] == "create" && !strings.Contains(err.Error(), "--new") {
			t.Errorf("it does not say how to make one: %v", err)
		}
		if left, _ := os.ReadDir(folder); len(left) > 0 {
			t.Fatalf("%v made %s", args, left[0].Name())
		}
	}
	_, said, err := topicdesk(t, append(create, "--new")...)
	if err != nil || !strings.Contains(said, "in "+filepath.Join(folder, "data", "topicdesk.db")) {
		t.Errorf("it does not say which database it wrote: %s %v", said, err)
	}
	if _, _, err := topicdesk(t, create...); err != nil {
		t.Errorf("beside an existing desk: %v", err)
	}
	if _, _, err := topicdesk(t, "apikey", "revoke", "aaaaaaaaaaaa"); err == nil || !strings.Contains(err.Error(), "there is no key") {
		t.Error(err)
	}
}
