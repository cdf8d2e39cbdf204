package ids_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/ids"
)

func TestEventIDsNeverChange(t *testing.T) {
	for cause, want := range map[string]string{
		"ticket.created/-1001234567890:42": "evt_4muze6vxrwt7pz5u7vmoddb6e7",
		"":                                 "evt_4oymiquy7qobjgx36tejs35zeq",
	} {
		if got := ids.EventID(cause); got != want {
			t.Errorf("%s: %s, was %s", cause, got, want)
		}
	}
	form := regexp.MustCompile(`^evt_[a-z2-7]{26}$`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if x, y := ids.EventID(a), ids.EventID(b); !form.MatchString(x) || (x == y) != (a == b) {
			t.Errorf("%q: %s, %q: %s", a, x, b, y)
		}
	})
}
