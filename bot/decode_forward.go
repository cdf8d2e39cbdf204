package bot

import "github.com/topicdesk/topicdesk/messages"

// wireOrigin is where a forwarded message comes from: any type of Telegram's MessageOrigin.
type wireOrigin struct {
	Type       string    `json:"type"`
	Date       int64     `json:"date"`
	User       *wireUser `json:"sender_user"`
	HiddenName string    `json:"sender_user_name"`
	SenderChat *wireChat `json:"sender_chat"`
	Chat       *wireChat `json:"chat"`
	MessageID  int64     `json:"message_id"`
	Signature  string    `json:"author_signature"`
}

// forward returns where a message was forwarded from, nil when it was not forwarded. An origin of an unknown kind still
// counts as one.
func (w *wireOrigin) forward() *messages.Forward {
	if w == nil {
		return nil
	}
	f := &messages.Forward{Kind: w.Type, Signature: messages.WithoutDirection(w.Signature), MessageId: w.MessageID, DateMs: seconds(w.Date)}
	chat := w.Chat
	if chat == nil {
		chat = w.SenderChat
	}
	switch {
	case w.User != nil:
		if p := w.User.person(); p != nil {
			s := personSender(p)
			f.Id, f.Name, f.Username = s.Id, s.Name, s.Username
		}
	case chat != nil:
		f.Id, f.Name, f.Username = chat.ID, chat.name(), chat.Username
	default:
		f.Name = trim(messages.WithoutDirection(w.HiddenName))
	}
	return f
}

// name returns the chat's name, "" when there is no chat.
func (w *wireChat) name() string {
	if w == nil || w.ID == 0 {
		return ""
	}
	if w.Title != "" {
		return displayName(w.Title, "", w.Username, w.ID)
	}
	return displayName(w.FirstName, w.LastName, w.Username, w.ID)
}
