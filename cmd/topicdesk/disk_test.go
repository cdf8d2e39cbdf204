package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/config"
)

func TestDiskCheck(t *testing.T) {
	folder := t.TempDir()
	if _, known, _ := diskOf(folder); !known {
		t.Skip("this system does not say how much room a disk has")
	}
	notYet := filepath.Join(folder, "not", "yet")
	if err := diskCheck(1, folder, notYet)(t.Context()); err != nil {
		t.Error(err)
	}
	for _, where := range []string{folder, notYet} {
		if err := diskCheck(math.MaxUint64, where)(t.Context()); err == nil ||
			!strings.Contains(err.Error(), folder) {
			t.Error(err)
		}
	}
	c := config.Config{DataDir: "files", DatabaseURL: "sqlite://elsewhere/desk.db"}
	if got := diskFolders(c); len(got) != 2 || got[0] != "files" || got[1] != "elsewhere" {
		t.Error(got)
	}
}
