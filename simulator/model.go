package simulator

import "encoding/json"

// Ids that Telegram uses for messages nobody in particular wrote.
const (
	GroupAnonymousBotID int64 = 1087968824 // anonymous administrators
	ChannelBotID        int64 = 136817688  // people who write as a channel
	LinkedChannelID     int64 = 777000     // posts that arrive from a group's linked channel
)

// GeneralTopic is the thread id of the general topic in Telegram's own protocol; the Bot API refuses it.
const GeneralTopic = 1

// AllThreads asks Messages for a whole chat.
const AllThreads = -1

// Role is what a person or the bot is in a group.
type Role string

// The roles; Left and Kicked are not in the group.
const (
	Creator       Role = "creator"
	Administrator Role = "administrator"
	Member        Role = "member"
	Restricted    Role = "restricted" // in the group, may not write
	Left          Role = "left"
	Kicked        Role = "kicked"
)

func (r Role) in() bool    { return r == Creator || r == Administrator || r == Member || r == Restricted }
func (r Role) admin() bool { return r == Creator || r == Administrator }

// Person is somebody who can be in groups and talk to the bot. ID 0 asks AddPerson to choose one.
type Person struct {
	ID           int64  `json:"id"`
	FirstName    string `json:"firstName"`
	LastName     string `json:"lastName,omitempty"`
	Username     string `json:"username,omitempty"`
	LanguageCode string `json:"languageCode,omitempty"`
	IsBot        bool   `json:"isBot,omitempty"`     // another bot: ours does not see what it writes
	Topics       bool   `json:"hasTopics,omitempty"` // their private chat with the bot has topics; SetTopics changes it
}

// Name is first and last name, as Telegram shows it.
func (p Person) Name() string {
	if p.LastName == "" {
		return p.FirstName
	}
	return p.FirstName + " " + p.LastName
}

// BotRights is the bot's place in one group; the rights matter only for an administrator.
type BotRights struct {
	Status            Role `json:"status"`
	CanManageTopics   bool `json:"canManageTopics"`
	CanPinMessages    bool `json:"canPinMessages"`
	CanDeleteMessages bool `json:"canDeleteMessages"`
}

// Group is a group chat. ID 0 asks AddGroup to choose one; a zero Bot.Status means that the bot is not in it.
type Group struct {
	ID       int64     `json:"id"`
	Title    string    `json:"title"`
	Username string    `json:"username,omitempty"`
	Forum    bool      `json:"isForum"`
	Basic    bool      `json:"basic,omitempty"` // a group that is not yet a supergroup
	Bot      BotRights `json:"bot"`
}

// Topic is one forum thread, of a group or of a private chat. The general topic is not among them. In a group its id is
// that of the message that announces it; in a private chat it is counted apart from the bot's message ids, as the person's
// side counts (tdlib/telegram-bot-api, Client.cpp).
type Topic struct {
	Thread     int    `json:"threadId"`
	Name       string `json:"name"`
	Closed     bool   `json:"closed"`
	Deleted    bool   `json:"deleted"`
	IconColor  int    `json:"iconColor,omitempty"`
	IconEmoji  string `json:"iconEmoji,omitempty"` // id of a custom emoji
	Icon       string `json:"icon,omitempty"`      // the emoji itself, as people see it
	Creator    int64  `json:"creator,omitempty"`
	FromTheBot bool   `json:"fromTheBot,omitempty"`
}

// Sender is who wrote a message, as people see it.
type Sender struct {
	ID    int64    `json:"id"`
	Name  string   `json:"name"`
	IsBot bool     `json:"isBot"`
	As    *Channel `json:"as,omitempty"` // the sender_chat: the group itself, or a channel
}

// Channel is a channel that posts in a group.
type Channel struct {
	ID       int64  `json:"id"`
	Title    string `json:"title"`
	Username string `json:"username,omitempty"`
}

// Entity marks a part of a text; Offset and Length are in UTF-16 units. Its JSON is the Bot API's.
type Entity struct {
	Type           string          `json:"type"`
	Offset         int             `json:"offset"`
	Length         int             `json:"length"`
	URL            string          `json:"url,omitempty"`
	User           json.RawMessage `json:"user,omitempty"`
	Language       string          `json:"language,omitempty"`
	CustomEmojiID  string          `json:"custom_emoji_id,omitempty"`
	UnixTime       int64           `json:"unix_time,omitempty"`
	DateTimeFormat string          `json:"date_time_format,omitempty"`
}

// Button is one inline button.
type Button struct {
	Text string `json:"text"`
	Data string `json:"data,omitempty"`
	URL  string `json:"url,omitempty"`
	App  string `json:"app,omitempty"` // the address of a Mini App; see InitData
}

// Reaction is one person's (or the bot's) reaction.
type Reaction struct {
	Emoji string `json:"emoji"`
	From  int64  `json:"from"`
}

// Service is what a service message says. Kind is the Bot API field that carries it.
type Service struct {
	Kind    string          `json:"kind"`
	Text    string          `json:"text"`
	Payload json.RawMessage `json:"payload,omitempty"` // the value of the Bot API field Kind
	Pinned  int             `json:"pinned,omitempty"`  // the message that was pinned
}

// Origin is where a forwarded message comes from. Its JSON is the page's.
type Origin struct {
	Name   string   `json:"name"`
	Person int64    `json:"person,omitempty"` // 0 with a name only: a hidden user
	Chat   *Channel `json:"chat,omitempty"`
	Date   int64    `json:"date"`
	ID     int      `json:"id,omitempty"` // message id in a channel
}

// Quote is the part of the answered message that a reply quotes; Position is in UTF-16 units.
type Quote struct {
	Text     string   `json:"text"`
	Entities []Entity `json:"entities,omitempty"`
	Position int      `json:"position"`
	Manual   bool     `json:"is_manual,omitempty"`
}

// Media is anything beside text. Value is the Bot API's value of the message field Kind ("photo", "document", …).
type Media struct {
	Kind     string          `json:"kind"`
	FileID   string          `json:"fileId,omitempty"`
	FileName string          `json:"fileName,omitempty"`
	MimeType string          `json:"mimeType,omitempty"`
	Size     int64           `json:"size,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`
}

// Message is one message, by anybody, as the transcript shows it. Text is the caption when there is Media.
type Message struct {
	ID          int             `json:"id"`
	Chat        int64           `json:"chat"`
	Thread      int             `json:"thread,omitempty"` // forum topic; 0 in the general one and outside forums
	From        Sender          `json:"from"`
	Text        string          `json:"text"`
	Entities    []Entity        `json:"entities,omitempty"`
	ReplyTo     int             `json:"replyTo,omitempty"`
	External    json.RawMessage `json:"external,omitempty"`    // the Bot API's external_reply: it answers a message elsewhere
	Story       json.RawMessage `json:"story,omitempty"`       // the Bot API's reply_to_story
	ReplyTask   int             `json:"replyTask,omitempty"`   // the task of a checklist that it answers
	ReplyOption string          `json:"replyOption,omitempty"` // the option of a poll that it answers
	LinkPreview *LinkPreview    `json:"linkPreview,omitempty"`
	Effect      string          `json:"effect,omitempty"`
	Quote       *Quote          `json:"quote,omitempty"`
	Date        int64           `json:"date"`
	EditDate    int64           `json:"editDate,omitempty"`
	Edited      bool            `json:"edited,omitempty"`
	Edits       int             `json:"edits,omitempty"`
	Deleted     bool            `json:"deleted,omitempty"`
	Pinned      bool            `json:"pinned,omitempty"`
	Protected   bool            `json:"protected,omitempty"`
	Silent      bool            `json:"silent,omitempty"`       // nobody's phone makes a sound
	Spoiler     bool            `json:"spoiler,omitempty"`      // the media are covered
	Above       bool            `json:"captionAbove,omitempty"` // the caption stands above the media
	AutoForward bool            `json:"autoForward,omitempty"`
	Service     *Service        `json:"service,omitempty"`
	Buttons     [][]Button      `json:"buttons,omitempty"`
	Keyboard    json.RawMessage `json:"keyboard,omitempty"`    // the inline keyboard as the bot sent it
	ReplyMarkup json.RawMessage `json:"replyMarkup,omitempty"` // other reply markup: ForceReply, keyboards
	Reactions   []Reaction      `json:"reactions,omitempty"`
	ForwardOf   *Origin         `json:"forwardOf,omitempty"`
	AlbumID     string          `json:"albumId,omitempty"`
	Media       *Media          `json:"media,omitempty"`
	Rich        *Rich           `json:"rich,omitempty"` // Text is its words then
}
