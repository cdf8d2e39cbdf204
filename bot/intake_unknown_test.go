package bot

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

func TestNearestCommand(t *testing.T) {
	for verb, want := range map[string]string{
		"crate_ticket": "create_ticket", "createticket": "create_ticket", "Close": "close_ticket", "closeticket": "close_ticket",
		"tickts": "tickets", "tikcet": "ticket", "mentoin": "mention", "reopen": "reopen_ticket", "hlep": "help", "clsoe": "close_ticket",
		"assing": "assign", "s": "", "x": "", "forecast": "", "register": "", // that one works in groups
	} {
		if got := nearest(verb, messages.InTopic&^messages.InGroup); got != want && verb != "register" {
			t.Errorf("/%s: got %q, want %q", verb, got, want)
		}
	}
	if got := nearest("registre", messages.InPrivate); got != "" {
		t.Errorf("/%s does not work in private", got)
	}
}

func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching("[a-c]{0,6}")
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d < max(len(a), len(b))-min(len(a), len(b)) {
			t.Fatalf("distance of %q and %q: %d", a, b, d)
		}
	})
}
