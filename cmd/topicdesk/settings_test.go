package main

import (
	"strings"
	"testing"
)

// TestWrongSettingsAreOneLineEach: one mistake is one line; several are a line each, below a heading.
func TestWrongSettingsAreOneLineEach(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("HTTP_ADDR", "bad")
	_, err := loadSettings()
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), `the settings are not valid: HTTP_ADDR="bad": must be `) {
		t.Errorf("one mistake: %v", err)
	}
	t.Setenv("LOG_LEVEL", "loud")
	_, err = loadSettings()
	if err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("two mistakes: %v", err)
	}
}
