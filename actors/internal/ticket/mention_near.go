package ticket

import (
	"errors"
	"fmt"
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
	near := slices.DeleteFunc(users, func(u storage.User) bool { return !isNear(&u, begins) })
	if len(near) == 0 {
		return nil, nil
	}
	keyboard, err := t.personButtons(messages.CallbackMentionUser, near)
	if err != nil {
		return nil, err
	}
	args := map[string]string{"given": given}
	return func(r *desk.Result) { desk.RespondKeyboard(r, o, messages.NoticeMentionNear, args, keyboard) }, nil
}

// knownByName finds somebody who has written on the ticket lately and is called so, without a default group, in which a topic would be
// opened; "": nobody is.
func (t *ticket) knownByName(m *messages.Mention, given string) (name string, err error) {
	begins := strings.ToLower(strings.TrimPrefix(given, "@"))
	if m.UserId != 0 || begins == "" {
		return "", nil
	}
	said, err := t.searched()
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(said, func(s storage.Message) bool {
		return s.Sender.Kind == "user" && slices.Contains(strings.Fields(strings.ToLower(s.Sender.Name)), begins)
	})
	if at < 0 {
		return "", nil
	}
	user, err := t.Store.User(t.Ctx, said[at].Sender.ID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", fmt.Errorf("read a user: %w", err)
	}
	if err == nil && user.DefaultGroupID != "" {
		return "", nil
	}
	return said[at].Sender.Name, nil
}

// isNear reports whether a name begins as somebody has typed, in lower case.
func isNear(u *storage.User, begins string) bool {
	return slices.ContainsFunc([]string{u.Username, u.FirstName, u.LastName}, func(name string) bool {
		return strings.HasPrefix(strings.ToLower(name), begins)
	})
}

// personButtons are the buttons for a page of users.
func (t *ticket) personButtons(callback string, users []storage.User) (*messages.Keyboard, error) {
	keyboard := &messages.Keyboard{}
	for i := range users[:min(len(users), mentionPage)] {
		row, err := t.personButton(callback, &users[i])
		if err != nil {
			return nil, err
		}
		keyboard.Rows = append(keyboard.Rows, row)
	}
	return keyboard, nil
}

// nearJudged is of how many people with such a name it is found out whether they can take care of the ticket: each is a look
// into storage.
const nearJudged = 50

// offeringAssignees shows those whose name begins so, and who can take care of the ticket; nil: there are none.
func (t *ticket) offeringAssignees(m *messages.AssignTicket, given string) (effect, error) {
	o, begins := m.Origin, strings.ToLower(strings.TrimPrefix(given, "@"))
	if m.UserId != 0 || desk.IsAPI(o) || o.GetWeb() || begins == "" {
		return nil, nil
	}
	users, _, err := t.Store.InternalUsers(t.Ctx, 0, mentionableRead)
	if err != nil {
		return nil, fmt.Errorf("read internal users: %w", err)
	}
	users = slices.DeleteFunc(users, func(u storage.User) bool { return u.IsBot || !isNear(&u, begins) })
	if len(users) == 0 {
		return nil, nil
	}
	said, err := t.searched()
	if err != nil {
		return nil, err
	}
	var near []storage.User
	for i := range users[:min(len(users), nearJudged)] {
		u := &users[i]
		if len(near) == mentionPage {
			break
		}
		who, err := t.teamPersonAmong(&messages.AssignTicket{Origin: o, UserId: u.TelegramID}, u, said)
		if err != nil {
			return nil, err
		}
		if who != nil && who.fits {
			near = append(near, *u)
		}
	}
	if len(near) == 0 {
		return nil, nil
	}
	keyboard, err := t.personButtons(messages.CallbackAssignUser, near)
	if err != nil {
		return nil, err
	}
	args := map[string]string{"given": given}
	return func(r *desk.Result) {
		if !t.refuseClosed(r, o, messages.VerbAssign) {
			desk.RespondKeyboard(r, o, messages.NoticeAssignNear, args, keyboard)
		}
	}, nil
}
