package httpedge_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
)

// TestRecipes makes each endpoint that docs/webhooks.md shows, so that templates are tried with every type that they hear.
func TestRecipes(t *testing.T) {
	guide, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newService(t, serviceOptions{})
	key, made := s.key(nil, "webhooks:write"), 0
	for _, block := range regexp.MustCompile("(?s)\n```json\n(.*?)\n```\n").FindAllSubmatch(guide, -1) {
		var body object
		if err := json.Unmarshal(block[1], &body); err != nil || body["url"] == nil {
			t.Errorf("%v: %s", err, block[1])
			continue
		}
		body["enabled"] = false // nobody is called
		s.do("POST", webhooks, key, body).is(201)
		made++
	}
	if made < 4 {
		t.Errorf("%d recipes", made)
	}
}
