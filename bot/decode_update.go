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

// Update is one update, as much of it as intake needs. The field that belongs to its kind is set, the others are nil.
type Update struct {
	ID       int64
	Kind     string
	Received time.Time // when intake accepted it for handling; Decode leaves it zero
	Message  *Message  // KindMessage, KindEdited
	Callback *Callback
	Member   *Member // KindMyMember, KindChatMember
	Reaction *Reaction
}

// people are the people whom the update shows, as they are called today.
func (u *Update) people() []*messages.Person {
	switch {
	case u.Message != nil && u.Message.Sender.GetKind() == messages.Sender_USER:
		return append([]*messages.Person{u.Message.From}, u.Message.Seen...)
	case u.Message != nil: // who writes as a group or channel does not want to be known
		return u.Message.Seen
	case u.Callback != nil:
		return []*messages.Person{u.Callback.From}
	case u.Member != nil:
		return []*messages.Person{u.Member.From, u.Member.User}
	case u.Reaction != nil && u.Reaction.Sender.GetKind() == messages.Sender_USER:
		return []*messages.Person{u.Reaction.From}
	}
	return nil
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
	ID          int64
	Chat        Chat
	ThreadID    int64 // of a topic; 0 in the general topic and where there are no topics
	DateMS      int64
	EditDateMS  int64
	From        *messages.Person // nil for some messages of channels
	Sender      *messages.Sender // whose name it bears: a person, the group, or a channel
	GroupAdmin  bool             // by an anonymous administrator
	FromBot     bool             // by another bot, or by this one
	Text        string           // text, caption, or the words of a rich message
	RichHTML    string           // of a rich message that can be sent again; "": none, or it can't
	RichRTL     bool             // a rich message is shown right-to-left
	HasCaption  bool             // Text is a caption
	Entities    []*messages.Entity
	Media       *messages.Media   // nil for plain text
	Forward     *messages.Forward // nil when it was not forwarded
	Protected   bool              // must not be forwarded or copied
	Reply       *Reply
	LinkPreview *messages.LinkPreview // nil: the first link is previewed
	EffectID    string                // the animation that it begins with
	Seen        []*messages.Person    // whom the message shows beside its sender: mentioned, answered or forwarded people

	CommandNote bool                    // what a command has besides itself is an internal note, whatever an edit says (D228)
	Kept        *messages.RecordMessage // the whole message, as it waited on a shelf; nil: it comes from Telegram

	// Of service messages.
	TopicCreated  *string // the topic's name
	HasIcon       bool    // with TopicCreated
	TopicEdited   *string // the topic's new name, "" when only the icon changed
	IconEdited    bool    // with TopicEdited
	TopicClosed   bool
	TopicReopened bool
	MigrateTo     int64 // the group's new chat id
	MigrateFrom   int64 // the group's previous chat id
}

// Service says whether the message is one of the service messages that intake knows.
func (m *Message) Service() bool {
	return m.TopicCreated != nil || m.TopicEdited != nil || m.TopicClosed || m.TopicReopened ||
		m.MigrateTo != 0 || m.MigrateFrom != 0
}

// Reply is what a message answers. MessageID is 0 when the message only refers to its topic, as one that answers
// nothing does.
type Reply struct {
	ChatID          int64
	MessageID       int64
	From            *messages.Person
	AsChat          bool   // they wrote as a group or a channel
	Text            string // whole text or caption of the answered message; "" when that is in another chat
	Entities        []*messages.Entity
	Media           *messages.Media
	Forward         *messages.Forward
	Protected       bool
	Quote           string // the part of the text that the person chose; "" when they chose none
	QuotePosition   int32  // where the quote begins in the answered message, in UTF-16 units
	QuoteEntities   []*messages.Entity
	Preview         string // the quote, or the beginning of the text; of a medium without, what it is about
	PreviewEntities []*messages.Entity
	Item            string // the task of a checklist, or option of a poll, that is answered

	// Of a message in another chat or topic, or a story.
	Origin *messages.Forward // who said it, and where; nil: it is in the same topic
	URL    string            // of the message, or of who said it; "": there is none that everybody can open

	// Of a message that answers nothing in a topic: the topic's first service message.
	TopicCreated *string // the topic's name
	HasIcon      bool    // the topic was created with an icon
	TopicFromID  int64   // who created the topic
	TopicMessage int64   // id of the service message
}

// Callback is a pressed button.
type Callback struct {
	ID        string
	From      *messages.Person
	Data      string
	Chat      Chat // of the message that bears the button; Chat.ID is 0 for inline messages
	MessageID int64
	ThreadID  int64
	Visible   bool // Telegram still shows that message, so ThreadID can be trusted

	// Answered is the message that the button's message answers. nil: it answers none, or Telegram does not show the
	// answered message any more.
	Answered *Message
}

// Member is a change of someone's membership or rights in a chat.
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
	CanDelete       bool
}

// Reaction holds all reactions that somebody has on a message after a change.
type Reaction struct {
	Chat       Chat
	MessageID  int64
	From       *messages.Person // nil when somebody reacts as a group or a channel
	Sender     *messages.Sender
	GroupAdmin bool
	DateMS     int64
	Emojis     []*messages.Emoji // none: withdrawn
}
