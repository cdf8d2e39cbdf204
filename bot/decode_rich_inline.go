package bot

import "strconv"

// richTags are the elements of the types of RichText that have no attributes. An empty one is the text alone: Telegram
// finds these by itself.
var richTags = map[string]string{
	"bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "spoiler": "tg-spoiler", "code": "code",
	"subscript": "sub", "superscript": "sup", "marked": "mark",
	"mention": "", "hashtag": "", "cashtag": "", "bot_command": "", "bank_card_number": "",
}

// inline writes a RichText.
func (w *htmlWriter) inline(v any) {
	switch v := v.(type) {
	case nil:
	case string:
		w.words(v)
	case []any:
		for _, part := range v {
			if w.impossible {
				return
			}
			w.inline(part)
		}
	case map[string]any:
		if w.enter() {
			w.span(v)
		}
		w.leave()
	default:
		w.impossible = true
	}
}

func (w *htmlWriter) span(o object) {
	text := func() { w.inline(o["text"]) }
	switch kind := o.str("type"); kind {
	case "url":
		w.element("a", text, "href", o.str("url"))
	case "email_address":
		w.element("a", text, "href", "mailto:"+o.str("email_address"))
	case "phone_number":
		w.element("a", text, "href", "tel:"+o.str("phone_number"))
	case "text_mention":
		w.element("a", text, "href", "tg://user?id="+strconv.FormatInt(asObject(o["user"]).num("id"), 10))
	case "date_time":
		w.element("tg-time", text, "unix", strconv.FormatInt(o.num("unix_time"), 10), "format", o.str("date_time_format"))
	case "custom_emoji":
		w.element("tg-emoji", func() { w.words(o.str("alternative_text")) }, "emoji-id", o.str("custom_emoji_id"))
	case "mathematical_expression":
		w.element("tg-math", w.code(func() { w.words(o.str("expression")) }))
	case "anchor":
		w.element("a", func() {}, "name", o.str("name"))
	case "anchor_link":
		w.element("a", text, "href", "#"+o.str("anchor_name")) // "#" alone leads to the top
	case "reference":
		w.element("tg-reference", text, "name", o.str("name"))
	case "reference_link":
		w.element("a", text, "href", "#"+o.str("reference_name"))
	default:
		tag, known := richTags[kind]
		switch {
		case !known:
			w.impossible = true
		case tag == "":
			text()
		case tag == "code":
			w.element(tag, w.code(text))
		default:
			w.element(tag, text)
		}
	}
}
