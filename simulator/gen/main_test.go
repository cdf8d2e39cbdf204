package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTableKeepsWhatCallersSend(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "api.json"), filepath.Join(dir, "schema.txt")
	const api = `{"version":"Bot API 0","methods":{"send":{"fields":[
		{"name":"chat_id","types":["Integer","String"],"required":true,"description":"long"},
		{"name":"rows","types":["Array of Array of Button"],"required":false}]}},
		"types":{"Button":{"fields":[{"name":"kind","types":["Kind"],"required":true}]},"Kind":{"subtypes":["A","B"]},
		"A":{"fields":[]},"B":{},"Answer":{"fields":[]}}}`
	if err := os.WriteFile(in, []byte(api), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(in, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(got), "\n")
	if want := "m send chat_id!:Integer|String rows:[][]Button\nt A\nt B\nt Button kind!:Kind\nu Kind A B\n"; body != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	if run("", out) == nil || run(out, out) == nil {
		t.Error("accepted no input, or one that is no JSON")
	}
}
