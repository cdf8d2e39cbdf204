package ticket

import (
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// People type the beginning of a name for the name: @ben for Ben Carter, who is @ben_carter.

// offering shows the internal users whose username or first name begins as the username that nobody has; nil: none does.
func (t *ticket) offering(m *messages.Mention, given string) (effect, error) {
	o, begins := m.Origin, strings.ToLower(strings.TrimPrefix(given, "@"))
	if m.UserId != 0 || desk.IsAPI(o) || begins == "" {
		return nil, nil
	}
	users, err := t.mentionable(o)
	if err != nil {
		return nil, err
	}
	near := slices.DeleteFunc(users, func(u storage.User) bool {
		return !strings.HasPrefix(strings.ToLower(u.Username), begins) && !strings.HasPrefix(strings.ToLower(u.FirstName), begins)
	})
	if len(near) == 0 {
		return nil, nil
	}
	keyboard := &messages.Keyboard{}
	for i := range near[:min(len(near), mentionPage)] {
		row, err := t.mentionButton(&near[i])
		if err != nil {
			return nil, err
		}
		keyboard.Rows = append(keyboard.Rows, row)
	}
	args := map[string]string{"given": given}
	return func(r *desk.Result) { desk.RespondKeyboard(r, o, messages.NoticeMentionNear, args, keyboard) }, nil
}
