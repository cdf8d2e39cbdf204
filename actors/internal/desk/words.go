package desk

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// ReasonOf says why a copy was given up, in Telegram's words.
func ReasonOf(o *messages.Outcome) string {
	if o.GetDescription() != "" {
		return o.Description
	}
	return strings.ToLower(o.GetResult().String())
}

func CreatorOf(o *messages.Origin) storage.Creator {
	if s := o.GetSender(); s.GetKind() == messages.Sender_API_KEY {
		return storage.Creator{Kind: "apiKey", ID: s.KeyId, Name: s.Name}
	}
	if k := o.GetSender().GetKind(); k == messages.Sender_GROUP || k == messages.Sender_CHANNEL {
		// Telegram shows one and the same bot for everybody who writes as a group or a channel.
		return storage.Creator{Kind: strings.ToLower(k.String()), ID: strconv.FormatInt(o.GetSender().GetId(), 10), Name: Who(o)}
	}
	return storage.Creator{Kind: "user", ID: strconv.FormatInt(o.GetFrom().GetId(), 10), Name: Who(o), Username: o.GetFrom().GetUsername()}
}

// Who is the name under which somebody acts.
func Who(o *messages.Origin) string {
	if n := o.GetSender().GetName(); n != "" {
		return n
	}
	return personName(o.GetFrom().GetFirstName(), o.GetFrom().GetLastName(), o.GetFrom().GetUsername(), o.GetFrom().GetId())
}

func personName(first, last, username string, id int64) string {
	if name := strings.TrimSpace(first + " " + last); name != "" {
		return name
	}
	if username != "" {
		return "@" + username
	}
	return strconv.FormatInt(id, 10)
}

func Uploader(s storage.Sender) storage.Creator {
	id := fmt.Sprint(s.ID)
	if s.KeyID != "" {
		id = s.KeyID
	}
	return storage.Creator{Kind: s.Kind, ID: id, Name: s.Name, Username: s.Username}
}

func UserName(u *storage.User) string {
	return personName(u.FirstName, u.LastName, u.Username, u.TelegramID)
}
