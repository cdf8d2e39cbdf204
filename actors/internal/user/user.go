package user

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// user is the entity that owns one person: their names, language and default group, and what they do in their private
// chat with the bot: their drafts (draft.go) and their current ticket (private.go). Their sessions at the web desk are
// its too (web.go).
//
// It takes the messages that Kind lists. It replies once to each command, to PutUser with a UserRecord, and to the web desk with a
// WebSession or WebSessionsEnded. It emits
// GroupChanged and Send to the private chat, CheckMember to groups, and OpenTicket and PersonReachable to tickets. It
// stops after 10 idle minutes with nothing pending.
type user struct {
	*entity.Host
	record *storage.User // nil: not registered

	gathers  map[ids.TicketID]*gather       // by ticket id of a draft: the groups that are asked
	enqueued map[string]*messages.Operation // given to the chat, by id
	sent     map[sending]bool               // messages to other entities since the timer of onEnqueueAgain last fired
	tries    map[string]int64               // attempts of an operation that is tried again
	remind   func()                         // stops the timer that repeats a question; nil: none runs
}

// Kind declares the users.
func Kind() *entity.Kind {
	return &entity.Kind{
		Name: messages.KindUser,
		New:  func(h *entity.Host) entity.Entity { return &user{Host: h} },
		Messages: []entity.Handler{
			entity.Replies((*user).onProfile), entity.Replies((*user).onDefaultGroup), entity.Replies((*user).onLanguage),
			// in the private chat
			asks((*user).drafting), asks((*user).correcting), asks((*user).choosing), asks((*user).showingPage),
			asks((*user).dropping),
			asks((*user).switching), entity.Replies((*user).onBlocked),
			entity.Replies((*user).onShelve), entity.Replies((*user).onTake),
			// the web desk
			entity.Replies((*user).onOfferWeb), entity.Replies((*user).onSignInWeb), entity.Replies((*user).onSignInMiniApp),
			entity.Replies((*user).onCheckWeb),
			entity.Replies((*user).onEndWeb), entity.Replies((*user).onWebRead),
			// programs
			entity.Replies((*user).onPut), entity.Replies((*user).onDelete),
			// groups, chats and tickets
			entity.Takes((*user).onMemberChecked), entity.Settles((*user).onDone), entity.Takes((*user).onOpened),
			entity.Takes((*user).onReachableNoted), entity.Takes((*user).onQueueLost),
			entity.Takes((*user).onUsernameTaken),
			// its own timers, and the sweep
			entity.Takes((*user).onGatherOver), entity.Takes((*user).onEnqueueAgain), entity.Takes((*user).onRemind),
			entity.Replies((*user).onWake),
		},
	}
}

func (u *user) Load() error {
	u.gathers, u.enqueued, u.tries = map[ids.TicketID]*gather{}, map[string]*messages.Operation{}, map[string]int64{}
	u.sent, u.remind = map[sending]bool{}, nil
	id, err := strconv.ParseInt(u.ID, 10, 64)
	if err != nil {
		return fmt.Errorf("a user's identity is their Telegram id: %w", err)
	}
	record, err := u.Store.User(u.Ctx, id)
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

func (u *user) Resume() error {
	u.follow()
	return nil
}

// place is the person's private chat.
func (u *user) place() ids.Place {
	id, _ := strconv.ParseInt(u.ID, 10, 64) // Load has checked it
	return messages.UserPlace(id)
}

var _ entity.Unborn = (*user)(nil)

// Unborn reports whether the desk does not keep the person. Most of those whom it sees it never keeps.
func (u *user) Unborn() bool { return u.record == nil }

var _ entity.Versioned = (*user)(nil)

// Versions implements entity.Versioned.
func (u *user) Versions() (known, stored int64, err error) {
	if u.record != nil {
		known = u.record.Version
	}
	id, _ := strconv.ParseInt(u.ID, 10, 64) // Load has checked it
	record, err := u.Store.User(u.Ctx, id)
	if err == nil {
		stored = record.Version
	}
	return known, stored, err
}

func (u *user) Idle() bool { return u.record == nil || u.record.DueAt.IsZero() }

func (u *user) onProfile(m *messages.SaveProfile) (proto.Message, error) {
	if u.record == nil && m.OnlyIfKnown {
		return entity.OK(), u.claimUsername(m.Origin)
	}
	return u.change(m.Origin, func(*storage.User) {})
}

// claimUsername tells the person who was last seen with the username that Telegram shows, if that is another one, that
// it is no longer theirs. What a program says of a person claims nothing: it could take anybody's name.
func (u *user) claimUsername(o *messages.Origin) error {
	p := o.GetFrom()
	if strconv.FormatInt(p.GetId(), 10) != u.ID || u.record != nil && strings.EqualFold(u.record.Username, p.Username) {
		return nil
	}
	former, err := u.anotherWith(p.Username)
	if err != nil || former == "" {
		return err
	}
	u.Tell(messages.KindUser, former, &messages.UsernameTaken{Username: p.Username})
	return nil
}

// anotherWith returns the id of somebody else whom the desk knows by the username; "" for nobody.
func (u *user) anotherWith(username string) (id string, err error) {
	if username == "" {
		return "", nil
	}
	known, err := u.Store.UserByUsername(u.Ctx, username)
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read who has the username: %w", err)
	}
	if id = strconv.FormatInt(known.TelegramID, 10); id == u.ID {
		return "", nil
	}
	return id, nil
}

func (u *user) onUsernameTaken(m *messages.UsernameTaken) error {
	if u.record == nil || !strings.EqualFold(u.record.Username, m.Username) {
		return nil
	}
	next := u.next()
	next.Username = ""
	return u.save(next)
}

func (u *user) onDefaultGroup(m *messages.SetDefaultGroup) (proto.Message, error) {
	return u.change(m.Origin, func(r *storage.User) { r.DefaultGroupID = m.GroupId })
}

func (u *user) onLanguage(m *messages.SetUserLanguage) (proto.Message, error) {
	return u.change(m.Origin, func(r *storage.User) { r.Language = m.Lang })
}

func (u *user) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), u.remindNow() }

// change writes the person's names as the command shows them, together with a change; nothing if nothing differs.
func (u *user) change(o *messages.Origin, f func(*storage.User)) (proto.Message, error) {
	next := u.next()
	p := o.GetFrom()
	next.TelegramID, next.IsBot = p.GetId(), p.GetIsBot()
	next.Username, next.FirstName, next.LastName = p.GetUsername(), p.GetFirstName(), p.GetLastName()
	if next.Language == "" {
		next.Language = o.GetLang()
	}
	f(next)
	if u.record != nil && reflect.DeepEqual(next, u.record) {
		return entity.Duplicate(), nil
	}
	if err := u.claimUsername(o); err != nil {
		return nil, err
	}
	if err := u.save(next); err != nil {
		return nil, err
	}
	return entity.OK(), nil
}

// next is a copy of the record, to be changed and saved.
func (u *user) next() *storage.User {
	if u.record == nil {
		return &storage.User{CreatedAt: u.Now().UTC().Truncate(time.Millisecond)}
	}
	next := *u.record
	next.Drafts, next.Pending = slices.Clone(next.Drafts), slices.Clone(next.Pending)
	next.Handled = slices.Clone(next.Handled)
	next.WebOffers, next.WebSessions = slices.Clone(next.WebOffers), slices.Clone(next.WebSessions)
	next.WebRead = slices.Clone(next.WebRead)
	next.WebSigned = slices.Clone(next.WebSigned)
	return &next
}

// owes reports whether something is to be done for the person now.
func owes(r *storage.User) bool {
	inProgress := func(d storage.Draft) bool { return d.State != draftChoosing }
	return len(r.Pending) > 0 || slices.ContainsFunc(r.Drafts, inProgress)
}

// save writes the record; what is in memory follows only what is stored.
func (u *user) save(next *storage.User) error {
	next.UpdatedAt, next.DueAt = u.Now().UTC().Truncate(time.Millisecond), time.Time{}
	if owes(next) {
		next.DueAt = next.UpdatedAt.Add(desk.PendingFor)
	} else {
		next.DueAt = desk.RemindAt(next.Shelf)
	}
	err := u.Written(u.Store.SaveUser(u.Ctx, next))
	if errors.Is(err, storage.ErrExists) {
		err = fmt.Errorf("%w: %w", storage.ErrConflict, err)
	}
	if err != nil {
		return fmt.Errorf("save the user: %w", err)
	}
	previous := ""
	if u.record != nil {
		previous = u.record.Language
	}
	if u.record = next; next.Language != previous {
		u.Tell(messages.KindChat, u.place(), &messages.GroupChanged{}) // so that the answer is in the new language
	}
	return nil
}
