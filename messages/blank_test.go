package messages

import "testing"

func TestBlank(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, " \t\n\u00a0": true, "\u200b\u200f\ufeff\u3164\u2800": true, "\ufe0f": true, "x": false, "👍🏽": false, "ก": false, "\u200bx": false,
	} {
		if Blank(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}
