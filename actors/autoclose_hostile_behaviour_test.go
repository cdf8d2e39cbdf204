package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// TestHostileTimesOfAutoClose: whatever is sent as the times, the answer says what holds now, or that it can't be read, and then
// nothing has changed.
func TestHostileTimesOfAutoClose(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	holds := func() (a storage.AutoClose) {
		t.Helper()
		g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
		d.must(err)
		if g.AutoClose != nil {
			a = *g.AutoClose
		}
		return a
	}
	const unclear = "I can't read "
	for _, c := range []struct {
		sent, answer  string
		after, notice int64
	}{
		{"72h 24h", "for 72 h, I now tell them that it closes by itself 24 h later", 4320, 1440},
		{"24h 72h", "for 24 h, I now tell them that it closes by itself 72 h later", 1440, 4320}, // swapped is a choice, too
		{"1m 1m", "for 1 min, I now tell them that it closes by itself 1 min later", 1, 1},
		{"366d 366d", "later", 527_040, 527_040},
		{"OFF", "do not close by themselves any more", 0, 0},
		{"3 days", "for 72 h, I now tell them that it closes by itself 24 h later", 4320, 1440},
		{"0", "do not close by themselves any more", 0, 0},
		{"2h 30m", "for 2 h, I now tell them that it closes by itself 30 min later", 120, 30},
	} {
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclose "+c.sent), c.answer)
		if got := holds(); got.After != c.after || got.Notice != c.notice {
			t.Errorf("%q: %+v", c.sent, got)
		}
	}
	before := holds()
	for _, sent := range []string{
		"-72h", "-72h -24h", "72h -1h", "-1", "+72h", "- 72h 24h",
		"0h", "0h 0h", "0h 24h", "72h 0h", "00m", "0 0", "1h 0m",
		"999999h", "999999999h", "10^9h", "10^9h 24h", "72h 999999d", "367d", "366d 367d", "9223372036854775807m", "92233720368547758079m 1m",
		"NaN", "NaNh", "inf", "72h NaN", "Infinityh 24h", "1e9h", "0x48h", "1.5h", "1,5h", "72", "72 24", "72s 24s", "h", "h 72", "72 h h",
		"๗๒h ๒๔h", "๗๒ ชั่วโมง", "７２h ２４h", "٧٢h", "half a day", "soon", "next week", "never again", "72h never", "off 24h", "72hh 24h",
		"{{.title}}", "<b>72h</b>", "72h; DROP TABLE groups", strings.Repeat("9", 3000) + "h", strings.Repeat("9999d", 800),
	} {
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclose "+sent), unclear)
		if got := holds(); got != before {
			t.Errorf("%.40q: %+v", sent, got)
		}
	}
	if n := d.metric(t, "panics_total"); n != 0 {
		t.Errorf("%v panics", n)
	}
}
