package actors

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// user is the entity that owns one person: their names, language and default group.
//
// Accepts  SaveProfile, SetDefaultGroup, SetUserLanguage, Wake; of the API: PutUser, DeleteUser
// Replies  one Reply each; to PutUser a UserRecord
// Emits    GroupChanged to the private chat, when the language has changed
// Stops    after 10 idle minutes
type user struct {
	*host
	record *storage.User // nil: not registered
}

func newUser(h *host) entity { return &user{host: h} }

func (u *user) load() error {
	id, err := strconv.ParseInt(u.key.identity, 10, 64)
	if err != nil {
		return fmt.Errorf("a user's identity is their Telegram id: %w", err)
	}
	record, err := u.store.User(u.ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		u.record = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the user: %w", err)
	}
	u.record = record
	return nil
}

func (u *user) resume() error { return nil }
func (u *user) idle() bool    { return true }

func (u *user) receive(m any) (proto.Message, error) {
	switch m := m.(type) {
	case *messages.SaveProfile:
		if u.record == nil && m.OnlyIfKnown {
			return ok(), nil
		}
		return u.change(m.Origin, func(*storage.User) {})
	case *messages.SetDefaultGroup:
		return u.change(m.Origin, func(r *storage.User) { r.DefaultGroupID = m.GroupId })
	case *messages.SetUserLanguage:
		return u.change(m.Origin, func(r *storage.User) { r.Language = m.Lang })
	case *messages.PutUser:
		return u.onPut(m)
	case *messages.DeleteUser:
		return u.onDelete(m)
	case *messages.Wake:
		return ok(), nil
	default:
		return answered(messages.Code_CONFLICT, "a user does not understand "+typeName(m)), nil
	}
}

// change writes the person's names as the command shows them, and a change; nothing when nothing differs.
func (u *user) change(o *messages.Origin, f func(*storage.User)) (proto.Message, error) {
	now := u.now().UTC().Truncate(time.Millisecond)
	next := storage.User{CreatedAt: now}
	if u.record != nil {
		next = *u.record
	}
	p := o.GetFrom()
	next.TelegramID, next.Username, next.FirstName, next.LastName, next.IsBot = p.GetId(), p.GetUsername(), p.GetFirstName(), p.GetLastName(), p.GetIsBot()
	if next.Language == "" {
		next.Language = o.GetLang()
	}
	f(&next)
	if u.record != nil && next == *u.record {
		return duplicate(), nil
	}
	next.UpdatedAt = now
	if err := u.save(next); err != nil {
		return nil, err
	}
	return ok(), nil
}

// save writes the record.
func (u *user) save(next storage.User) error {
	err := u.store.SaveUser(u.ctx, &next)
	if errors.Is(err, storage.ErrExists) {
		err = fmt.Errorf("%w: %w", storage.ErrConflict, err)
	}
	if err != nil {
		return fmt.Errorf("save the user: %w", err)
	}
	spoke := ""
	if u.record != nil {
		spoke = u.record.Language
	}
	u.record = &next
	if next.Language != spoke {
		u.tell(KindChat, "u"+u.key.identity, &messages.GroupChanged{}) // so that the answer is in the new one
	}
	return nil
}
