package simulator

import (
	"os"
	"strings"
	"testing"
)

// TestWordsOfThePage: what the buttons do is said as people say it.
func TestWordsOfThePage(t *testing.T) {
	page, err := os.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"Order trouble", "go wrong so", "Write it"} {
		if strings.Contains(string(page), words) {
			t.Errorf("the page says %q", words)
		}
	}
}
