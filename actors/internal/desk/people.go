package desk

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Who wrote, created or uploaded something, and what they are called.

// senderKinds are the kinds of senders and creators as records name them.
var senderKinds = map[messages.Sender_Kind]string{
	messages.Sender_USER:    "user",
	messages.Sender_GROUP:   "group",
	messages.Sender_CHANNEL: "channel",
	messages.Sender_API_KEY: "apiKey",
}

// SenderOf is who sent the message or command with this origin.
func SenderOf(o *messages.Origin) storage.Sender {
	s := o.GetSender()
	if s == nil {
		from := o.GetFrom()
		return storage.Sender{ID: from.GetId(), Kind: "user", Name: Who(o), Username: from.GetUsername()}
	}
	return storage.Sender{ID: s.Id, Kind: senderKinds[s.Kind], Name: s.Name, Username: s.Username, KeyID: s.KeyId}
}

// SenderRecord is who sent a stored message.
func SenderRecord(s *storage.Sender) *messages.Sender {
	r := &messages.Sender{Id: s.ID, Name: s.Name, Username: s.Username, KeyId: s.KeyID}
	for kind, name := range senderKinds {
		if name == s.Kind {
			r.Kind = kind
		}
	}
	return r
}

// CreatorOf is who creates something with the command of this origin.
func CreatorOf(o *messages.Origin) storage.Creator {
	s, from := o.GetSender(), o.GetFrom()
	switch kind := s.GetKind(); kind {
	case messages.Sender_API_KEY:
		return storage.Creator{Kind: senderKinds[kind], ID: s.GetKeyId(), Name: s.GetName()}
	case messages.Sender_GROUP, messages.Sender_CHANNEL:
		// Their From does not tell them apart: Telegram shows the same bot for everybody who writes as a group or a
		// channel.
		return storage.Creator{Kind: senderKinds[kind], ID: strconv.FormatInt(s.GetId(), 10), Name: Who(o)}
	}
	id := strconv.FormatInt(from.GetId(), 10)
	return storage.Creator{Kind: "user", ID: id, Name: Who(o), Username: from.GetUsername()}
}

// CreatorRecord is who created a ticket, a link or an attachment.
func CreatorRecord(c storage.Creator) *messages.Creator {
	return &messages.Creator{Kind: c.Kind, Id: c.ID, Name: c.Name, Username: c.Username}
}

// Uploader is the sender of a message, as the one who uploaded its file.
func Uploader(s storage.Sender) storage.Creator {
	id := fmt.Sprint(s.ID)
	if s.KeyID != "" {
		id = s.KeyID
	}
	return storage.Creator{Kind: s.Kind, ID: id, Name: s.Name, Username: s.Username}
}

// Who is the name under which somebody acts.
func Who(o *messages.Origin) string {
	if n := o.GetSender().GetName(); n != "" {
		return n
	}
	from := o.GetFrom()
	return personName(from.GetFirstName(), from.GetLastName(), from.GetUsername(), from.GetId())
}

// UserName is what a person is called.
func UserName(u *storage.User) string {
	return personName(u.FirstName, u.LastName, u.Username, u.TelegramID)
}

func personName(first, last, username string, id ids.UserID) string {
	if name := strings.TrimSpace(first + " " + last); name != "" {
		return name
	}
	if username != "" {
		return "@" + username
	}
	return strconv.FormatInt(id, 10)
}

// NamedOf is a person as a call names them; nil: nobody.
func NamedOf(c *storage.Creator) *messages.Named {
	if c == nil {
		return nil
	}
	id, err := strconv.ParseInt(c.ID, 10, 64)
	if err != nil {
		return nil
	}
	return &messages.Named{UserId: id, Name: c.Name}
}
