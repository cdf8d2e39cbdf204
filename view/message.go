package view

import (
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// Message is a message of a ticket.
type Message struct {
	MessageID   string       `json:"messageId" doc:"The message's id. It is opaque: do not parse it." example:"-1001234567890:42"`
	Text        string       `json:"text" example:"No paper either."`
	Entities    []TextEntity `json:"entities" nullable:"false" doc:"The markup of the text."`
	Sender      Author       `json:"sender"`
	Topic       TopicRef     `json:"topic" doc:"The topic in which it was written."`
	Internal    bool         `json:"internal" doc:"Whether it is an internal note, which stays in its topic."`
	Deleted     bool         `json:"deleted" doc:"Whether it was deleted. Its text and its files are kept."`
	SentAt      Time         `json:"sentAt"`
	EditedAt    *Time        `json:"editedAt" doc:"When it was last edited. null if never."`
	ReplyTo     *string      `json:"replyTo" doc:"The messageId of the message that it answers."`
	Forwarded   *string      `json:"forwarded" doc:"The name of the original sender of a forwarded message."`
	Media       *string      `json:"media" doc:"What it carries besides text: photo, document … More kinds may come."`
	Attachments []string     `json:"attachments" nullable:"false" doc:"The attachmentIds of its files."`
	Deliveries  []Delivery   `json:"deliveries" nullable:"false" doc:"Its copies in the ticket's other topics."`

	Reference *MessageReference `json:"reference,omitempty" doc:"What it answers, as far as Telegram shows it: also where that is in another chat, so that replyTo is null."`
	Poll      *Poll             `json:"poll,omitempty" doc:"With media poll."`
	Contact   *Contact          `json:"contact,omitempty" doc:"With media contact."`
	Location  *Location         `json:"location,omitempty" doc:"With media location or venue."`
	Venue     *Venue            `json:"venue,omitempty" doc:"With media venue."`
	Checklist *Checklist        `json:"checklist,omitempty" doc:"With media checklist."`
}

// Author is the sender whose name a message shows.
type Author struct {
	Kind string `json:"kind" enum:"user,apiKey,group,channel" example:"apiKey"`
	ID   string `json:"id" doc:"The Telegram id of a user, group or channel; the keyId of an API key." example:"k7c2m4q3x5ad"`
	Name string `json:"name" example:"Nok"`
}

// TopicRef is a topic of a ticket.
type TopicRef struct {
	TopicID         string  `json:"topicId" doc:"home, or the linkId. For messages that came through the API: the ticketId with :api, which is not a topic in Telegram." example:"home"`
	GroupID         *int64  `json:"groupId" doc:"Telegram id of the topic's group." example:"-1001234567890"`
	TelegramTopicID *int64  `json:"telegramTopicId" example:"42"`
	Link            *string `json:"link" doc:"The link that opens the topic in Telegram, for members of its group. null if there is none." example:"https://t.me/c/1234567890/42"`
	Name            string  `json:"name" example:"#42 Printer is on fire"`
	State           string  `json:"state" enum:"pending,open,closed,failed,api" example:"open"`
	Reason          string  `json:"reason,omitempty" doc:"Why the topic can't be opened or written to."`
}

// Delivery is the copy of a message in one topic.
type Delivery struct {
	Topic              TopicRef `json:"topic"`
	State              string   `json:"state" enum:"pending,sent,failed" example:"sent"`
	Reason             string   `json:"reason,omitempty" doc:"Why copying failed, in Telegram's words."`
	SentAt             *Time    `json:"sentAt"`
	TelegramMessageIDs []int64  `json:"telegramMessageIds" nullable:"false" doc:"The ids of the copy in Telegram: several if the message was too long for one."`
}

// TextEntity marks a part of a text (Bot API, MessageEntity). Offsets and lengths count UTF-16 code units.
type TextEntity struct {
	Type     string `json:"type" example:"bold"`
	Offset   int32  `json:"offset" minimum:"0" example:"0"`
	Length   int32  `json:"length" minimum:"1" example:"4"`
	URL      string `json:"url,omitempty" maxLength:"2048" doc:"The address of a text_link."`
	Language string `json:"language,omitempty" maxLength:"30" doc:"The programming language of a pre."`
}

// MessageOf is a message with its deliveries.
func MessageOf(m *messages.MessageRecord) Message {
	v := Message{
		MessageID: m.MessageId, Text: m.GetContent().GetText(), Entities: EntitiesOf(m.GetContent().GetEntities()),
		Sender: AuthorOf(m.Sender), Topic: TopicOf(m.Topic), Internal: m.Internal, Deleted: m.Deleted,
		SentAt: At(m.SentMs), EditedAt: TimeOf(m.EditedMs), Attachments: []string{},
		Deliveries: DeliveriesOf(m.Deliveries),
	}
	v.Attachments = append(v.Attachments, m.AttachmentIds...)
	if m.ReplyTo != "" {
		v.ReplyTo = &m.ReplyTo
	}
	v.setMedia(m.GetContent().GetMedia())
	v.Reference = ReferenceOf(m.Reference)
	if f := m.GetContent().GetForward(); f != nil {
		v.Forwarded = &f.Name
	}
	return v
}

// senderKinds are the kinds of authors by those of senders.
var senderKinds = map[messages.Sender_Kind]string{messages.Sender_USER: "user", messages.Sender_GROUP: "group",
	messages.Sender_CHANNEL: "channel", messages.Sender_API_KEY: "apiKey"}

// AuthorOf is the sender of a message.
func AuthorOf(s *messages.Sender) Author {
	v := Author{Kind: senderKinds[s.GetKind()], ID: strconv.FormatInt(s.GetId(), 10), Name: s.GetName()}
	if s.GetKind() == messages.Sender_API_KEY {
		v.ID = s.GetKeyId()
	}
	return v
}

// TopicOf is a topic of a ticket.
func TopicOf(t *messages.TopicRecord) TopicRef {
	return TopicRef{TopicID: t.TopicId, GroupID: orNull(t.ChatId), TelegramTopicID: orNull(t.TelegramTopicId),
		Link: linkTo(t), Name: t.Name, State: t.State, Reason: t.Failure}
}

// DeliveriesOf are the copies of a message.
func DeliveriesOf(all []*messages.Delivery) []Delivery {
	list := make([]Delivery, 0, len(all))
	for _, d := range all {
		v := Delivery{Topic: TopicOf(d.Topic), State: d.State, Reason: d.Reason, SentAt: TimeOf(d.SentMs),
			TelegramMessageIDs: d.TelegramMessageIds}
		if v.TelegramMessageIDs == nil {
			v.TelegramMessageIDs = []int64{}
		}
		list = append(list, v)
	}
	return list
}

// EntitiesOf is the markup of a text as the API shows it.
func EntitiesOf(entities []*messages.Entity) []TextEntity {
	list := make([]TextEntity, 0, len(entities))
	for _, e := range entities {
		list = append(list,
			TextEntity{Type: e.Type, Offset: e.Offset, Length: e.Length, URL: e.Url, Language: e.Language})
	}
	return list
}
