package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "api.json"), filepath.Join(dir, "schema.txt")
	const api = `{"version":"Bot API 0","methods":{"send":{"fields":[
		{"name":"chat_id","types":["Integer","String"],"required":true,"description":"long"},
		{"name":"rows","types":["Array of Array of Button"],"required":false}]}},
		"types":{"Button":{"fields":[{"name":"kind","types":["Kind"],"required":true}]},"Kind":{"subtypes":["A","B"]},
		"A":{"fields":[{"name":"type","types":["String"],"required":true,"description":"Type of the kind, always \"a\""}]},
		"B":{},"Message":{"fields":[{"name":"part","types":["Part"]}]},"Part":{"fields":[]},"Answer":{"fields":[]}}}`
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
	if want := "m send chat_id!:Integer|String rows:[][]Button\n" +
		"t A type!:String=a\nt B\nt Button kind!:Kind\nu Kind A B\nt Message part:Part\nt Part\n"; body != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	if run("", out) == nil || run(out, out) == nil {
		t.Error("accepted no input, or one that is no JSON")
	}
}
