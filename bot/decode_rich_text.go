package bot

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// inline writes a RichText: a string, a list of RichText, or an object with a text of its own.
func (f *flattener) inline(v any) {
	switch v := v.(type) {
	case string:
		f.write(v)
	case []any:
		for _, part := range v {
			if f.full {
				return
			}
			f.inline(part)
		}
	case map[string]any:
		f.span(v)
	}
}

// plainSpans are the types of RichText that an entity without other fields stands for.
var plainSpans = map[string]string{
	"bold": "bold", "italic": "italic", "underline": "underline", "strikethrough": "strikethrough",
	"spoiler": "spoiler", "code": "code", "mention": "mention", "hashtag": "hashtag", "cashtag": "cashtag",
	"bot_command": "bot_command",
}

// scriptMarks stand before what is sub- or superscript: 10^6 is not 106.
var scriptMarks = map[string]string{"subscript": "_", "superscript": "^"}

// span writes an object of RichText. Types without an entity (marks, references, and those that are not known) give
// their words.
func (f *flattener) span(o object) {
	text := func() { f.inline(o["text"]) }
	kind := o.str("type")
	switch kind {
	case "url":
		f.linked(o.str("url"), "url", text)
	case "email_address":
		f.linked("mailto:"+o.str("email_address"), "email", text)
	case "phone_number":
		f.linked("tel:"+o.str("phone_number"), "phone_number", text)
	case "date_time":
		f.mark(&messages.Entity{
			Type: "date_time", UnixTime: o.num("unix_time"), DateTimeFormat: o.str("date_time_format"),
		}, text)
	case "text_mention":
		user := asObject(o["user"])
		f.seen = append(f.seen, user)
		f.mark(&messages.Entity{
			Type: "text_mention", UserId: user.num("id"),
			UserName: displayName(user.str("first_name"), user.str("last_name"), user.str("username"), user.num("id")),
		}, text)
	case "custom_emoji":
		f.mark(&messages.Entity{Type: "custom_emoji", CustomEmojiId: o.str("custom_emoji_id")},
			func() { f.write(o.str("alternative_text")) })
	case "mathematical_expression":
		f.marked("code", func() { f.write(o.str("expression")) })
	default:
		if entity := plainSpans[kind]; entity != "" {
			f.marked(entity, text)
			return
		}
		f.write(scriptMarks[kind])
		text()
		f.blocks(o.list("blocks"))
	}
}

// linked writes a link. Where the text is the address itself it is an entity of kind, which Telegram finds by itself
// in a copy.
func (f *flattener) linked(url, kind string, text func()) {
	if f.urls+len(url) > maxRichURLs {
		text()
		return
	}
	f.urls += len(url)
	from := f.text.Len()
	e := &messages.Entity{Type: "text_link", Url: url}
	f.mark(e, func() {
		text()
		shown := f.text.String()[from:]
		if _, address, _ := strings.Cut(url, ":"); shown == url || kind != "url" && shown == address {
			e.Type, e.Url = kind, ""
		}
	})
}

// mediaFieldsOf are the types of blocks with a medium, and the field of a message that carries such a medium.
var mediaFieldsOf = map[string]string{
	"animation": messages.MediaAnimation, "audio": messages.MediaAudio, "photo": messages.MediaPhoto,
	"video": messages.MediaVideo, "voice_note": messages.MediaVoice, "document": messages.MediaDocument,
}

// medium names the medium of a block in its position. The first of a message goes along with it as its medium.
func (f *flattener) medium(kind string, o object) {
	field := mediaFieldsOf[kind]
	if field == "" {
		return
	}
	m := &messages.Media{Kind: field}
	raw, err := json.Marshal(map[string]any{field: o[kind], "has_media_spoiler": o.flag("has_spoiler")})
	if err == nil {
		var w wireMedia
		_ = json.Unmarshal(raw, &w) // what has a wrong type is left out
		if read := w.media(); read != nil {
			m = read
		}
	}
	f.line()
	f.write(strings.TrimSpace(mediaLabel(f.lang, field) + " " + oneLine(m.Title+m.FileName)))
	f.begun = false
	if f.media == nil && m.FileId != "" {
		f.media = m
	}
}

// degrees writes a latitude or a longitude.
func degrees(v any) string {
	x, _ := v.(float64)
	return strconv.FormatFloat(math.Round(x*1e5)/1e5, 'f', -1, 64)
}
