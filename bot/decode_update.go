package bot

import (
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Kinds of updates that intake acts on; any other is KindOther.
const (
	KindMessage    = "message"
	KindEdited     = "edited_message"
	KindCallback   = "callback_query"
	KindMyMember   = "my_chat_member"
	KindChatMember = "chat_member"
	KindReaction   = "message_reaction"
	KindOther      = "other"
)

// Update is one update as far as intake needs it. What belongs to its kind is set, the rest is nil.
type Update struct {
	ID       int64
	Kind     string
	Received time.Time // when intake took it up; Decode leaves it zero
	Message  *Message  // KindMessage, KindEdited
	Callback *Callback
	Member   *Member // KindMyMember, KindChatMember
	Reaction *Reaction
}

// Chat is where something happened.
type Chat struct {
	ID      int64
	Type    string // private, group, supergroup, channel
	Title   string
	IsForum bool
}

// Private says whether the chat is a person's private chat with the bot.
func (c Chat) Private() bool { return c.Type == "private" }

// Group says whether the chat is a group of any kind.
func (c Chat) Group() bool { return c.Type == "group" || c.Type == "supergroup" }

// Message is a message, or a service message.
type Message struct {
	ID         int64
	Chat       Chat
	ThreadID   int64 // of a topic; 0 in the general topic and where there are no topics
	DateMS     int64
	EditDateMS int64
	From       *messages.Person // nil for some messages of channels
	Sender     *messages.Sender // nil when nobody of interest said it: see SenderKind
	GroupAdmin bool             // an anonymous administrator
	FromBot    bool             // another bot, or this one
	Text       string           // text or caption
	Entities   []*messages.Entity
	Media      *messages.Media   // nil for plain text
	Forward    *messages.Forward // nil when it was not forwarded
	Protected  bool              // nobody may forward or copy it
	Reply      *Reply

	TopicCreated  *string // the name
	TopicEdited   *string // the new name, "" when only the icon changed
	TopicClosed   bool
	TopicReopened bool
	MigrateTo     int64
	MigrateFrom   int64
}

// Service says whether the message is one of the service messages that intake knows.
func (m *Message) Service() bool {
	return m.TopicCreated != nil || m.TopicEdited != nil || m.TopicClosed || m.TopicReopened || m.MigrateTo != 0 || m.MigrateFrom != 0
}

// Reply is what a message answers. MessageID is 0 when it answers only the topic itself, which is no answer at all.
type Reply struct {
	ChatID        int64
	MessageID     int64
	FromID        int64
	FromBot       bool
	Text          string // whole text or caption of the answered message; "" for an external one
	Media         *messages.Media
	Protected     bool
	Quote         string // only when the person chose a part
	QuotePosition int32  // where that stands in the answered message, in UTF-16 units
	QuoteEntities []*messages.Entity
	Preview       string

	TopicCreated *string // the answered message is the topic's beginning, and this is its name
	TopicFromID  int64   // who created the topic
	TopicMessage int64   // id of that service message
}

// Callback is a pressed button.
type Callback struct {
	ID        string
	From      *messages.Person
	Data      string
	Chat      Chat // of the message that bears the button; Chat.ID is 0 for inline messages
	MessageID int64
	ThreadID  int64
	Answered  *Message // what that message answers, where the button is about it; nil: none, or Telegram does not show it any more
	Visible   bool     // Telegram still shows the message, so that ThreadID can be trusted
}

// Member is a change of someone's place in a chat.
type Member struct {
	Chat            Chat
	From            *messages.Person
	User            *messages.Person
	DateMS          int64
	OldStatus       string
	NewStatus       string
	NotIn           bool // restricted, and not in the chat
	CanManageTopics bool
	CanPinMessages  bool
}

// Reaction is what somebody shows on a message from now on.
type Reaction struct {
	Chat       Chat
	MessageID  int64
	From       *messages.Person // nil for who reacts as a group or a channel
	Sender     *messages.Sender
	GroupAdmin bool
	DateMS     int64
	Emojis     []*messages.Emoji // none: taken away
}
