package messages

import "strconv"

// supergroupBase, minus a supergroup's Bot API id -100<id>, is the id in links (core.telegram.org/api/bots/ids).
const supergroupBase = -1_000_000_000_000

// TopicURL is the link that opens a topic in Telegram's clients, for those who are members of the group:
// https://t.me/c/<id>/<thread>. A thread of 0 is the general topic. Empty for chats that have no such links: private
// chats and basic groups.
func TopicURL(chatID, threadID int64) string {
	if chatID >= supergroupBase {
		return ""
	}
	if threadID <= 0 {
		threadID = 1
	}
	return "https://t.me/c/" + strconv.FormatInt(supergroupBase-chatID, 10) + "/" + strconv.FormatInt(threadID, 10)
}
