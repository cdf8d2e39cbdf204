package messages

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
)

func TestExcerpt(t *testing.T) {
	text, entities := Excerpt("  first\n\n👍 the \u202esecret code", []*Entity{
		{Type: "spoiler", Offset: 17, Length: 6}, {Type: "bold", Offset: 2, Length: 5}, {Type: "text_link", Offset: 2, Length: 5},
	}, 100)
	if want := "first 👍 the secret code"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	want := []*Entity{{Type: "spoiler", Offset: 13, Length: 6}, {Type: "bold", Offset: 0, Length: 5}}
	if d := cmp.Diff(want, entities, protocmp.Transform()); d != "" {
		t.Error(d)
	}
}

// Whatever is hidden in a text is hidden in its excerpt, and entities lie within it.
func TestExcerptKeepsSpoilers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab \n\t\u202e👍ก็"))).Draw(t, "text")
		units := utf16.Encode([]rune(text))
		from := rapid.IntRange(0, len(units)).Draw(t, "from")
		to := rapid.IntRange(from, len(units)).Draw(t, "to")
		n := rapid.IntRange(1, 40).Draw(t, "n")
		short, entities := Excerpt(text, []*Entity{{Type: "spoiler", Offset: int32(from), Length: int32(to - from)}}, n)
		if UTF16Len(short) > n || strings.ContainsAny(short, "\n\t\u202e") {
			t.Fatalf("%q", short)
		}
		hidden := ""
		for _, e := range entities {
			if int(e.Offset+e.Length) > UTF16Len(short) {
				t.Fatalf("%v lies outside of %q", e, short)
			}
			hidden += string(utf16.Decode(utf16.Encode([]rune(short))[e.Offset : e.Offset+e.Length]))
		}
		want := strings.Join(strings.FieldsFunc(string(utf16.Decode(units[from:to])), func(r rune) bool {
			return strings.ContainsRune(" \n\t\u202e", r)
		}), "")
		got := strings.NewReplacer(" ", "", ellipsis, "").Replace(hidden)
		cut := strings.HasSuffix(short, ellipsis)
		if got != want && !(cut && strings.HasPrefix(want, got)) && !strings.ContainsRune(want, 0xFFFD) {
			t.Fatalf("%q is hidden, want %q, in %q", got, want, short)
		}
	})
}
