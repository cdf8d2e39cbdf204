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

func TestSplitNote(t *testing.T) {
	for text, want := range map[string][2]string{
		"// psst": {"", "// psst"}, "in 2h // psst // you": {"in 2h", "// psst // you"}, "done\n／/psst": {"done", "／/psst"}, "done \u200b//psst": {"done", "//psst"},
		"see https://x": {"see https://x", ""}, "done//psst": {"done//psst", ""}, "done / / psst": {"done / / psst", ""}, "": {"", ""},
		"ทำแล้ว // โกหก": {"ทำแล้ว", "// โกหก"},
	} {
		before, note, is := SplitNote(text)
		if before != want[0] || note != want[1] || is != (want[1] != "") {
			t.Errorf("%q: got %q, %q and %v", text, before, note, is)
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
