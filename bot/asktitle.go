package bot

import "github.com/topicdesk/topicdesk/messages"

// IsAskTitle says whether a text that the bot posted is the question for a ticket's title, in any language. A reply
// to it is the title.
func IsAskTitle(text string) bool {
	for _, lang := range []string{"en", "th"} {
		if text == Text(lang, messages.NoticeAskTitle, nil).Text {
			return true
		}
	}
	return false
}
