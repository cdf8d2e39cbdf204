package entity

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

func TestWarningsOfUnknownMessages(t *testing.T) {
	var u unknowns
	start := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		kind  string
		m     any
		after time.Duration
		want  bool
	}{
		{"user", &messages.Suspended{}, 0, true},
		{"user", &messages.Suspended{}, warnEvery - 1, false},
		{"user", &messages.Done{}, warnEvery - 1, true},
		{"chat", &messages.Suspended{}, warnEvery - 1, true},
		{"user", &messages.Suspended{}, warnEvery, true},
		{"user", &messages.Suspended{}, 2*warnEvery - 1, false},
	} {
		if got := u.mayWarn(c.kind, c.m, start.Add(c.after)); got != c.want {
			t.Errorf("%s, %T, %s: %t", c.kind, c.m, c.after, got)
		}
	}
}
