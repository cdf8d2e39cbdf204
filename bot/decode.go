package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// MaxUpdateBytes is the largest update that is read. The largest of Telegram's are replies to rich messages by rich
// messages, with twice 32,768 characters in up to 500 blocks.
const MaxUpdateBytes = 4 << 20

// ErrUndecodable marks an update that can't be understood, now or later. The caller logs it and passes it over.
var ErrUndecodable = errors.New("update can't be decoded")

// Decode reads one update. An error wraps ErrUndecodable and is final; the returned update then has its id, if that
// could be read. A wrong type in a field that is not used, or not needed, loses nothing.
func Decode(raw []byte) (*Update, error) {
	if len(raw) > MaxUpdateBytes {
		return &Update{}, fmt.Errorf("%w: %d bytes, at most %d are read", ErrUndecodable, len(raw), MaxUpdateBytes)
	}
	var w wireUpdate
	if err := json.Unmarshal(raw, &w); err != nil {
		// encoding/json leaves out a value of a wrong type and still reads the rest. The code below checks whether
		// what is needed is there.
		var odd *json.UnmarshalTypeError
		if !errors.As(err, &odd) || essential(odd.Field) {
			return &Update{ID: idOf(&w)}, fmt.Errorf("%w: %w", ErrUndecodable, err)
		}
	}
	u := &Update{ID: idOf(&w), Kind: KindOther}
	if w.ID == nil {
		return u, fmt.Errorf("%w: no update_id", ErrUndecodable)
	}
	var err error
	switch {
	case w.Message != nil:
		u.Kind = KindMessage
		u.Message, err = w.Message.message()
	case w.Edited != nil:
		u.Kind = KindEdited
		u.Message, err = w.Edited.message()
	case w.Callback != nil:
		u.Kind = KindCallback
		u.Callback, err = w.Callback.callback()
	case w.MyMember != nil:
		u.Kind = KindMyMember
		u.Member, err = w.MyMember.member()
	case w.ChatMember != nil:
		u.Kind = KindChatMember
		u.Member, err = w.ChatMember.member()
	}
	if w.Reaction != nil && u.Kind == KindOther {
		u.Kind = KindReaction
		u.Reaction, err = w.Reaction.reaction()
	}
	if err != nil {
		return u, fmt.Errorf("%w: %s: %w", ErrUndecodable, u.Kind, err)
	}
	u.Message.readUnknown(raw, u.Kind)
	if u.Message != nil {
		u.Message.Reply.readUnknown(raw, u.Kind, "reply_to_message")
	}
	if u.Callback != nil {
		u.Callback.Answered.readUnknown(raw, KindCallback, "message", "reply_to_message")
	}
	return u, nil
}

// essential says whether a message without this field would be something that nobody wrote.
func essential(field string) bool {
	for _, part := range []string{"reply_to_message", "external_reply", "quote", "reply_to_story"} {
		if strings.Contains(field, part) {
			return false
		}
	}
	switch field[strings.LastIndexByte(field, '.')+1:] {
	case "", "update_id", "id", "message_id", "message", "chat", "text", "caption", "entities", "caption_entities",
		"offset", "length", "is_topic_message", "message_thread_id", "is_bot", "from", "sender_chat", "data":
		return true
	}
	return false
}

func idOf(w *wireUpdate) int64 {
	if w.ID == nil {
		return 0
	}
	return *w.ID
}

func (w *wireMessage) message() (*Message, error) {
	chat, err := w.Chat.chat()
	if err != nil {
		return nil, err
	}
	if w.ID <= 0 {
		return nil, errors.New("no message_id")
	}
	m := &Message{
		ID: w.ID, Chat: chat, DateMS: seconds(w.Date), EditDateMS: seconds(w.EditDate),
		From: w.From.person(), Media: w.wireMedia.media(), Forward: w.ForwardOrigin.forward(), Protected: w.Protected,
		TopicClosed: bool(w.TopicClosed), TopicReopened: bool(w.TopicReopened),
		LinkPreview: w.LinkPreview.options(), EffectID: w.EffectID,
		MigrateTo: w.MigrateToChat, MigrateFrom: w.MigrateFromChat,
	}
	if w.IsTopicMessage && w.ThreadID > 0 {
		m.ThreadID = w.ThreadID
	}
	if w.TopicCreated != nil {
		m.TopicCreated, m.HasIcon = &w.TopicCreated.Name, w.TopicCreated.Icon != nil
	}
	if w.TopicEdited != nil {
		m.TopicEdited, m.IconEdited = &w.TopicEdited.Name, w.TopicEdited.Icon != nil
	}
	w.sender(m)
	if m.Sender == nil && m.From == nil {
		return nil, errors.New("no sender")
	}
	switch {
	case w.Text != "":
		m.Text, m.Entities = w.Text, entities(w.Entities, w.Text)
	case w.Caption != "":
		m.Text, m.Entities, m.HasCaption = w.Caption, entities(w.CaptionEntities, w.Caption), true
	case w.RichMessage.here:
		m.setRich(readRich(w.RichMessage.value, langOf(m.From)))
	}
	m.Reply, m.Seen = w.reply(m), append(w.seen(), m.Seen...)
	return m, nil
}

// seen are the people whom a message shows beside its sender.
func (w *wireMessage) seen() (people []*messages.Person) {
	see := func(u *wireUser) {
		if p := u.person(); p != nil && !p.IsBot {
			people = append(people, p)
		}
	}
	for _, es := range [][]wireEntity{w.Entities, w.CaptionEntities} {
		for i := range es {
			see(es[i].User)
		}
	}
	if w.ReplyTo != nil {
		see(w.ReplyTo.From)
	}
	if w.ForwardOrigin != nil {
		see(w.ForwardOrigin.User)
	}
	return people
}

// sender sets whose name the message bears.
func (w *wireMessage) sender(m *Message) {
	if c := w.SenderChat; c != nil && c.ID != 0 {
		name := displayName(c.Title, "", c.Username, c.ID)
		m.Sender = &messages.Sender{Kind: messages.Sender_GROUP, Id: c.ID, Name: name, Username: c.Username}
		switch {
		case c.ID == w.Chat.ID:
			m.GroupAdmin = true
			if c.Title == "" {
				m.Sender.Name = displayName(w.Chat.Title, "", c.Username, c.ID)
			}
		case c.Type == "channel":
			m.Sender.Kind = messages.Sender_CHANNEL
		}
		return
	}
	if m.From == nil {
		return
	}
	m.FromBot = m.From.IsBot
	m.Sender = personSender(m.From)
}

func personSender(p *messages.Person) *messages.Sender {
	name := displayName(p.FirstName, p.LastName, p.Username, p.Id)
	return &messages.Sender{Kind: messages.Sender_USER, Id: p.Id, Name: name, Username: p.Username}
}

// displayName returns a visible name: deleted accounts have no name, and some names are invisible characters.
func displayName(first, last, username string, id int64) string {
	first, last = trim(messages.WithoutDirection(first)), trim(messages.WithoutDirection(last))
	switch {
	case first != "" && last != "" && !(messages.Blank(first) || messages.Blank(last)):
		return first + " " + last
	case !messages.Blank(first):
		return first
	case !messages.Blank(last):
		return last
	case username != "":
		return "@" + username
	}
	return strconv.FormatInt(id, 10)
}

func (w *wireCallback) callback() (*Callback, error) {
	if w.ID == "" {
		return nil, errors.New("no id")
	}
	c := &Callback{ID: w.ID, From: w.From.person(), Data: w.Data}
	if c.From == nil {
		return nil, errors.New("no sender")
	}
	if m := w.Message; m != nil && m.Chat != nil && m.Chat.ID != 0 {
		c.Chat, _ = m.Chat.chat()
		c.MessageID, c.Visible = m.ID, m.Date != 0
		if c.Visible && m.IsTopicMessage && m.ThreadID > 0 {
			c.ThreadID = m.ThreadID
		}
		if m.ReplyTo != nil {
			c.Answered, _ = m.ReplyTo.message()
		}
	}
	return c, nil
}

func (w *wireReaction) reaction() (*Reaction, error) {
	chat, err := w.Chat.chat()
	if err != nil {
		return nil, err
	}
	if w.MessageID <= 0 {
		return nil, errors.New("no message_id")
	}
	// A reaction names its sender in other fields than a message does.
	as := wireMessage{Chat: w.Chat, From: w.User, SenderChat: w.ActorChat}
	m := Message{From: w.User.person()}
	as.sender(&m)
	if m.Sender == nil {
		return nil, errors.New("nobody reacted")
	}
	r := &Reaction{Chat: chat, MessageID: w.MessageID, From: m.From, Sender: m.Sender, GroupAdmin: m.GroupAdmin,
		DateMS: seconds(w.Date)}
	for _, e := range w.New {
		switch e.Type {
		case "emoji":
			r.Emojis = append(r.Emojis, &messages.Emoji{Emoji: e.Emoji})
		case "custom_emoji":
			r.Emojis = append(r.Emojis, &messages.Emoji{CustomEmojiId: e.CustomEmojiID})
		default: // a paid reaction, or a newer kind: somebody reacted, and no bot can show how
			r.Emojis = append(r.Emojis, &messages.Emoji{CustomEmojiId: e.Type})
		}
	}
	return r, nil
}

func (w *wireMember) member() (*Member, error) {
	chat, err := w.Chat.chat()
	if err != nil {
		return nil, err
	}
	if w.New == nil || w.New.Status == "" {
		return nil, errors.New("no new_chat_member")
	}
	m := &Member{
		Chat: chat, From: w.From.person(), User: w.New.User.person(), DateMS: seconds(w.Date),
		NewStatus: w.New.Status, CanManageTopics: w.New.CanManageTopics, CanPinMessages: w.New.CanPinMessages,
		CanDelete: w.New.CanDelete,
		NotIn:     w.New.IsMember != nil && !*w.New.IsMember,
	}
	if w.Old != nil {
		m.OldStatus = w.Old.Status
	}
	if m.User == nil {
		return nil, errors.New("no user in new_chat_member")
	}
	return m, nil
}

func (w *wireChat) chat() (Chat, error) {
	if w == nil || w.ID == 0 {
		return Chat{}, errors.New("no chat")
	}
	c := Chat{ID: w.ID, Type: w.Type, Title: messages.WithoutDirection(w.Title), IsForum: w.IsForum}
	if c.Type == "private" && c.Title == "" {
		c.Title = displayName(w.FirstName, w.LastName, w.Username, w.ID)
	}
	return c, nil
}

func (w *wireUser) person() *messages.Person {
	if w == nil || w.ID == 0 {
		return nil
	}
	return &messages.Person{
		Id: w.ID, Username: w.Username,
		FirstName: messages.WithoutDirection(w.FirstName), LastName: messages.WithoutDirection(w.LastName),
		LanguageCode: w.LanguageCode, IsBot: w.IsBot,
	}
}

// entities returns those that lie within the text: Telegram would refuse the whole copy for one that does not.
func entities(ws []wireEntity, text string) []*messages.Entity {
	if len(ws) == 0 {
		return nil
	}
	units := int64(messages.UTF16Len(text))
	out := make([]*messages.Entity, 0, len(ws))
	for i := range ws {
		w := &ws[i]
		if w.Offset < 0 || w.Length <= 0 || int64(w.Offset)+int64(w.Length) > units {
			continue
		}
		e := &messages.Entity{
			Type: w.Type, Offset: w.Offset, Length: w.Length, Url: w.URL, Language: w.Language,
			CustomEmojiId: w.CustomEmojiID, UnixTime: w.UnixTime, DateTimeFormat: w.DateTimeFormat,
		}
		if w.User != nil {
			e.UserId = w.User.ID
			e.UserName = displayName(w.User.FirstName, w.User.LastName, w.User.Username, w.User.ID)
		}
		out = append(out, e)
	}
	return out
}

// latestDate is the end of the year 9999, the last that RFC 3339 can express.
const latestDate = 253_402_300_799

// seconds turns a date of Telegram's into milliseconds. An impossible date becomes 0.
func seconds(s int64) int64 {
	if s < 0 || s > latestDate {
		return 0
	}
	return s * 1000
}
