package messages

import "testing"

func TestInternalNote(t *testing.T) {
	for text, want := range map[string]bool{
		"// psst": true, "／／ psst": true, "/／psst": true, "／etc": false, "//": true, " \n// psst": true, "\u200b//psst": true, "/ / psst": false, "psst //": false, "/help": false, "https://x": false,
	} {
		if InternalNote(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}

func TestCutNote(t *testing.T) {
	for text, want := range map[string]string{"// psst": "psst", " ／/psst //": "psst //", "/psst": "/psst", "": ""} {
		if got, _ := CutNote(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
