package messages

import (
	"os"
	"strings"
	"testing"
)

func TestOnlyThanks(t *testing.T) {
	for _, text := range []string{
		"thanks", "Thanks!", "THANK YOU so much!!", "thanks a lot 🙏", "thx", "Many thanks, everyone.", "👍", "👍🏽👍", "❤️",
		"ขอบคุณ", "ขอบคุณครับ", "ขอบคุณมากๆ นะคะ", "ขอบคุณมากค่ะ 🙏🙏", "ขอบพระคุณครับผม", " ty ", "thanks :)", "แต๊งกิ้ว", "ขอบใจจ้า",
		"ขอขอบคุณสำหรับความช่วยเหลือ",
	} {
		if !OnlyThanks(&Content{Text: text}) {
			t.Errorf("%q says more than thanks", text)
		}
	}
	for _, text := range []string{
		"", " ", "!", "thanks, but it still fails", "thanks?", "no thanks", "ok", "tyre", "many", "so much", "มาก", "ครับ", "ขอบคุณแต่ยังไม่ได้",
		"ขอบคุณครับ แล้วเมื่อไหร่", "👎", "👍 42", "thankshttps://example.com", "/thanks", strings.Repeat("👍", 100),
	} {
		if OnlyThanks(&Content{Text: text}) {
			t.Errorf("%q is thanks and nothing else", text)
		}
	}
	for want, c := range map[bool]*Content{
		true:  {Media: &Media{Kind: MediaSticker, Emoji: "👍"}},
		false: {Text: "thanks", Media: &Media{Kind: MediaPhoto}},
	} {
		if OnlyThanks(c) != want {
			t.Errorf("%v: want %v", c, want)
		}
	}
}

// TestThanksAreDocumented: the page has each word.
func TestThanksAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/waiting.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]string{"words": ThanksWords, "fillers": ThanksFillers, "emoji": ThanksEmoji} {
		if all := strings.Join(list, ", "); !strings.Contains(strings.ReplaceAll(string(page), "\n", " "), all) {
			t.Errorf("docs/waiting.md lacks the %s: %s", name, all)
		}
	}
}
