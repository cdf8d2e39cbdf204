package desk

import (
	"encoding/json"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// EventsSince lists the events of next that are not in previous. Both are in order, and next only appends.
func EventsSince(previous, next []storage.Event) []storage.Event {
	known := make(map[string]bool, len(previous))
	for _, e := range previous {
		known[e.EventID] = true
	}
	var fresh []storage.Event
	for _, e := range next {
		if !known[e.EventID] {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// mediaData is what an event tells of a message's medium, under the names that messages have.
type mediaData struct {
	Media     string             `json:"media,omitempty"`
	Poll      *storage.Poll      `json:"poll,omitempty"`
	Contact   *storage.Contact   `json:"contact,omitempty"`
	Location  *storage.Location  `json:"location,omitempty"`
	Venue     *storage.Venue     `json:"venue,omitempty"`
	Checklist *storage.Checklist `json:"checklist,omitempty"`
}

func mediaDataOf(m *storage.Media) mediaData {
	if m == nil {
		return mediaData{}
	}
	return mediaData{m.Kind, m.Poll, m.Contact, m.Location, m.Venue, m.Checklist}
}

// MessageEvent is the event that a message causes.
func MessageEvent(m *storage.Message) storage.Event {
	text, internal, media := m.Text, m.Internal, m.Media
	if len(m.Former) > 0 { // edited since: this event is about the first version
		text, internal, media = m.Former[0].Text, m.Former[0].Internal, m.Former[0].Media
	}
	data, _ := json.Marshal(struct { // of strings and numbers: it can't fail
		MessageID string         `json:"messageId"`
		TopicID   string         `json:"topicId"`
		Sender    storage.Sender `json:"sender"`
		Text      string         `json:"text"`
		Internal  bool           `json:"internal,omitempty"`
		SentAt    time.Time      `json:"sentAt"`
		mediaData
	}{m.MessageID, m.TopicID, m.Sender, text, internal, m.SentAt, mediaDataOf(media)})
	return storage.Event{
		EventID: messages.EventMessageSent + "/" + m.MessageID, TicketID: m.TicketID, Sequence: m.Sequence,
		Type: messages.EventMessageSent, At: m.RecordedAt, Internal: internal, Data: data,
	}
}

// EditedData is the data of message.edited.
func EditedData(m *storage.Message, revision int64) json.RawMessage {
	data, _ := json.Marshal(struct { // of strings, numbers and times: it can't fail
		MessageID string         `json:"messageId"`
		TopicID   string         `json:"topicId"`
		Sender    storage.Sender `json:"sender"`
		Text      string         `json:"text"`
		Internal  bool           `json:"internal"`
		Revision  int64          `json:"revision"`
		EditedAt  time.Time      `json:"editedAt"`
		mediaData
	}{m.MessageID, m.TopicID, m.Sender, m.Text, m.Internal, revision, m.EditedAt, mediaDataOf(m.Media)})
	return data
}

// ReactedData is the data of message.reacted.
func ReactedData(m *storage.Message, r storage.Reaction) json.RawMessage {
	data, _ := json.Marshal(map[string]any{ // of strings: it can't fail
		"messageId": m.MessageID, "topicId": m.TopicID, "by": r.By, "at": r.TopicID,
		"emoji": r.Emoji, "customEmojiId": r.CustomEmojiID,
	})
	return data
}
