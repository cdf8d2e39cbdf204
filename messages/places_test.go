package messages

import "testing"

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		place     string
		isPrivate bool
		isGroup   bool
		chat      int64
		ok        bool
	}{
		{GroupPlace(-1001), false, true, -1001, true},
		{UserPlace(5), true, false, 5, true},
		{"g-1001", false, true, -1001, true},
		{"u5", true, false, 5, true},
		{"g", false, true, 0, false},
		{"g12x", false, true, 0, false},
		{"", false, false, 0, false},
		{"-1001", false, false, 0, false},
		{"x5", false, false, 0, false},
	} {
		chat, ok := ChatIn(c.place)
		if IsPrivate(c.place) != c.isPrivate || IsGroup(c.place) != c.isGroup || ok != c.ok || ok && chat != c.chat {
			t.Errorf("%q: private %v, group %v, chat %d %v", c.place, IsPrivate(c.place), IsGroup(c.place), chat, ok)
		}
	}
	if got := UserIn(UserPlace(5)); got != "5" {
		t.Error(got)
	}
}

func TestMessageKeys(t *testing.T) {
	for _, c := range [][2]int64{{-1001234567890, 42}, {5, 1}, {0, 0}} {
		key := MessageKey(c[0], c[1])
		if chat, message, ok := ParseMessageKey(key); !ok || chat != c[0] || message != c[1] {
			t.Errorf("%s: %d, %d, %v", key, chat, message, ok)
		}
	}
	if got := MessageKey(-1001, 50); got != "-1001:50" {
		t.Error(got)
	}
	for _, key := range []string{"", "5", ":", "5:", ":5", "api:mabc", "5:6:7", "5:x"} {
		if chat, message, ok := ParseMessageKey(key); ok || chat != 0 || message != 0 {
			t.Errorf("%q: %d, %d, %v", key, chat, message, ok)
		}
	}
}

func TestCleanTexts(t *testing.T) {
	for text, want := range map[string]string{
		"a\r\nb\rc\nd\te": "a\nb\nc\nd\te", "a\x00b\x1bc\u0085d": "abcd", "\xff": "\uFFFD", " a ": " a ", "สวัสดี 👍🏽": "สวัสดี 👍🏽",
	} {
		if got := CleanText(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := CleanLine(" a\r\n\tb\x00 "); got != "a b" {
		t.Errorf("%q", got)
	}
}
