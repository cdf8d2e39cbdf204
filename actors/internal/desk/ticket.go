package desk

import (
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// TopicsOf lists the topics of a ticket that are not of an ended link, home first.
func TopicsOf(r *storage.Ticket) []*storage.Topic {
	topics := make([]*storage.Topic, 0, 1+len(r.Links))
	topics = append(topics, &r.Home)
	for i := range r.Links {
		if !r.Links[i].Ended && !IsAPILink(&r.Links[i]) {
			topics = append(topics, &r.Links[i].Topic)
		}
	}
	return topics
}

// TopicOf finds a topic of a ticket by its id, also that of an ended link.
func TopicOf(r *storage.Ticket, topicID string) *storage.Topic {
	if topicID == HomeTopic {
		return &r.Home
	}
	if link := LinkOf(r, topicID); link != nil {
		return &link.Topic
	}
	return nil
}

// LinkOf finds a link by its id, which its topic bears too.
func LinkOf(r *storage.Ticket, linkID string) *storage.Link {
	for i := range r.Links {
		if r.Links[i].LinkID == linkID {
			return &r.Links[i]
		}
	}
	return nil
}

func TopicAt(r *storage.Ticket, place string, thread int64) *storage.Topic {
	for _, topic := range TopicsOf(r) {
		if topic.GroupID == place && (thread != 0 || messages.IsPrivate(place)) && (topic.TelegramTopicID == thread || slices.Contains(topic.FormerThreads, thread)) {
			return topic
		}
	}
	return nil
}

// apiTopic is the topic of a ticket in which programs write. It is that of a link of its own, which copies only into home;
// the other links copy what is said in it as they do what is said in any other.
const APITopic = ":api"

func IsAPILink(l *storage.Link) bool { return strings.HasSuffix(l.LinkID, APITopic) }
