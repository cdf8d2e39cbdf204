package bot

import "github.com/topicdesk/topicdesk/messages"

// maxMediaWord is the longest that mediaWord says, in any language; a test sees to it.
const maxMediaWord = 48

// mediaWord names a kind of media where it can't be shown: "[photo]".
func mediaWord(lang, kind string) string {
	key := "media_" + kind
	if !known(key) {
		key = textMediaOther
	}
	return "[" + messages.CutUTF16(word(lang, key), maxMediaWord-2) + "]"
}
