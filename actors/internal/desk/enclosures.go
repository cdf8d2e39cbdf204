package desk

import "github.com/topicdesk/topicdesk/messages"

// captionUnits is how many UTF-16 units a caption may have (Bot API, sendPhoto). People with Telegram Premium write
// longer ones.
const captionUnits = 1024

// SplitCaptions gives a text of its own to each caption that is too long for a bot to post.
func SplitCaptions(enclosures []*messages.Enclosure) (out []*messages.Enclosure) {
	for _, e := range enclosures {
		c := e.Content
		if c.GetMedia() == nil || c.GetIsProtected() || messages.UTF16Len(c.GetText()) <= captionUnits {
			out = append(out, e)
			continue
		}
		out = append(out,
			&messages.Enclosure{MessageId: e.MessageId, Content: &messages.Content{Media: c.Media}},
			&messages.Enclosure{MessageId: e.MessageId, Content: &messages.Content{Text: c.Text, Entities: c.Entities}})
	}
	return out
}
