package messages

import (
	"slices"
	"strings"
	"unicode"
)

// Words that thank. Whoever says nothing else asks nothing and answers nothing, so nobody's turn changes by it.
// docs/waiting.md has the same lists.
var (
	// ThanksWords are those of which a text needs one, in lower case and without signs.
	ThanksWords = []string{
		"thanks", "thank you", "thankyou", "thank u", "thx", "thnx", "tnx", "tks", "ty", "tysm", "cheers", "much appreciated",
		"ขอบคุณ", "ขอบคุน", "ขอบใจ", "ขอบพระคุณ", "แต๊งกิ้ว", "แต้งกิ้ว", "แท้งกิ้ว", "แทงกิ้ว",
	}
	// ThanksFillers are those that may stand beside them.
	ThanksFillers = []string{
		"many", "so much", "very much", "a lot", "lots", "a million", "again", "all", "everyone", "everybody", "guys", "team",
		"indeed", "for your help", "for the help", "for your support", "for helping", "for that", "for this", "kindly", "and",
		"มาก", "มากมาย", "จริง", "เลย", "นะ", "น่ะ", "ครับ", "คับ", "ค้าบ", "ครับผม", "ค่ะ", "คะ", "ค่า", "จ้า", "จ้ะ", "จ๊ะ", "จ่ะ", "ฮะ",
		"ขอ", "อีกครั้ง", "ทุกคน", "ทุกท่าน", "สำหรับความช่วยเหลือ", "ที่ช่วยเหลือ", "ที่ช่วย", "ๆ",
	}
	// ThanksEmoji say the same alone, in any number and any colour of skin.
	ThanksEmoji = []string{"👍", "👌", "🙏", "👏", "🙌", "🤝", "💪", "❤", "💙", "💚", "💛", "🧡", "💜", "🖤", "🤍", "💖", "💯", "🎉", "😊", "🙂", "😀", "😃", "😄", "😁", "😍", "🥰", "🤗"}
)

// thanksPhrases are words and fillers, the longest first: of "thank you" and "thank", the one that says more is taken.
var thanksPhrases = func() []string {
	all := slices.Concat(ThanksWords, ThanksFillers)
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}()

// thanksAtMost is how long a text is that may be nothing but thanks, in bytes.
const thanksAtMost = 300

// OnlyThanks says whether a message thanks and says nothing else. A medium says something else, but for a sticker of one of
// the emoji.
func OnlyThanks(c *Content) bool {
	if media := c.GetMedia(); media != nil {
		return media.GetKind() == MediaSticker && media.GetEmoji() != "" && onlyThanks(media.GetEmoji())
	}
	return onlyThanks(c.GetText())
}

func onlyThanks(text string) bool {
	if len(text) > thanksAtMost {
		return false
	}
	rest, thanked := strings.ToLower(text), false
	for rest != "" {
		switch phrase := thanksAt(rest); {
		case phrase != "":
			thanked = thanked || !slices.Contains(ThanksFillers, phrase)
			rest = rest[len(phrase):]
		default:
			r := []rune(rest)[0]
			if !passesInThanks(r) {
				return false
			}
			rest = rest[len(string(r)):]
		}
	}
	return thanked
}

// thanksAt is the phrase or emoji at the beginning of a text; "": there is none. An English word ends where no letter
// follows; Thai has no spaces between words.
func thanksAt(text string) string {
	for _, phrase := range thanksPhrases {
		after, found := strings.CutPrefix(text, phrase)
		if found && (phrase[0] >= 0x80 || !beginsWithLetter(after)) {
			return phrase
		}
	}
	for _, emoji := range ThanksEmoji {
		if strings.HasPrefix(text, emoji) {
			return emoji
		}
	}
	return ""
}

func beginsWithLetter(text string) bool {
	for _, r := range text {
		return unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	return false
}

// passesInThanks says which characters say nothing beside thanks: white space, the end of a sentence, and what follows an
// emoji. A question mark asks something.
func passesInThanks(r rune) bool {
	skin, variation := r >= 0x1F3FB && r <= 0x1F3FF, r == 0xFE0F || r == 0x200D
	return Separator(r) || skin || variation || strings.ContainsRune(`.,!…~"'-–—:;()^_*`, r)
}
