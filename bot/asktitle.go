package bot

import "github.com/topicdesk/topicdesk/messages"

// IsAskTitle says whether a text of ours is the question for a ticket's title, in any language: a reply to it is the answer.
func IsAskTitle(text string) bool {
	for _, lang := range []string{"en", "th"} {
		if text == Text(lang, messages.NoticeAskTitle, nil).Text {
			return true
		}
	}
	return false
}
