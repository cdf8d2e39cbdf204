package actors

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// user is the entity that owns one person: their names, language and default group, and what they do in their private chat
// with the bot: the tickets that they are about to open from it (user_draft.go), and the one that they are talking on
// (user_private.go).
//
// Accepts  SaveProfile, SetDefaultGroup, SetUserLanguage, DraftTicket, ChooseGroup, ShowGroupPage, DropDraft, TalkOn,
//
//	SetBlocked; MemberChecked (from groups), Done (from chats), TicketOpened and ReachableNoted (from tickets), Wake; of the
//	API: PutUser, DeleteUser
//
// Replies  one Reply to each command; to PutUser a UserRecord
// Emits    GroupChanged to the private chat, when the language has changed; CheckMember to groups, OpenTicket and
//
//	PersonReachable to tickets, Send to the private chat
//
// # Stops    after 10 idle minutes with nothing owed
type user struct {
	*host
	record *storage.User // nil: not registered

	gathers map[string]*gather             // by ticket id of a draft: the groups that are asked
	offered map[string]*messages.Operation // given to the chat, by id
	told    map[telling]bool               // what other entities were told since the timer of offerAgain last fired
	tries   map[string]int64               // attempts of an operation that is tried again
	reoffer bool                           // the timer of offerAgain runs
}

func newUser(h *host) entity { return &user{host: h} }

func (u *user) load() error {
	u.gathers, u.offered, u.tries, u.reoffer = map[string]*gather{}, map[string]*messages.Operation{}, map[string]int64{}, false
	u.told = map[telling]bool{}
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

func (u *user) resume() error {
	u.follow()
	return nil
}

func (u *user) idle() bool { return u.record == nil || u.record.DueAt.IsZero() }

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
	case *messages.MemberChecked:
		return nil, u.onMemberChecked(m)
	case *messages.Done:
		return nil, u.onDone(m)
	case *messages.TicketOpened:
		return nil, u.onOpened(m)
	case *messages.ReachableNoted:
		return nil, u.settle(m.Told, func(*storage.User) {})
	case gatherOver:
		return nil, u.onGatherOver(m)
	case offerAgain:
		u.onOfferAgain()
		return nil, nil
	case *messages.Wake:
		return ok(), nil
	case command:
		return u.onPrivate(m)
	default:
		return answered(messages.Code_CONFLICT, "a user does not understand "+typeName(m)), nil
	}
}

// change writes the person's names as the command shows them, and a change; nothing when nothing differs.
func (u *user) change(o *messages.Origin, f func(*storage.User)) (proto.Message, error) {
	next := u.next()
	p := o.GetFrom()
	next.TelegramID, next.Username, next.FirstName, next.LastName, next.IsBot = p.GetId(), p.GetUsername(), p.GetFirstName(), p.GetLastName(), p.GetIsBot()
	if next.Language == "" {
		next.Language = o.GetLang()
	}
	f(next)
	if u.record != nil && reflect.DeepEqual(next, u.record) {
		return duplicate(), nil
	}
	if err := u.save(next); err != nil {
		return nil, err
	}
	return ok(), nil
}

// next is a copy of the record, to be changed and saved.
func (u *user) next() *storage.User {
	if u.record == nil {
		return &storage.User{CreatedAt: u.now().UTC().Truncate(time.Millisecond)}
	}
	next := *u.record
	next.Drafts, next.Pending, next.Handled = slices.Clone(next.Drafts), slices.Clone(next.Pending), slices.Clone(next.Handled)
	return &next
}

// save writes the record; what is in memory follows only what is stored.
func (u *user) save(next *storage.User) error {
	next.UpdatedAt, next.DueAt = u.now().UTC().Truncate(time.Millisecond), time.Time{}
	if len(next.Pending) > 0 || slices.ContainsFunc(next.Drafts, func(d storage.Draft) bool { return d.State != draftChoosing }) {
		next.DueAt = next.UpdatedAt.Add(owedFor)
	}
	err := u.store.SaveUser(u.ctx, next)
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
	if u.record = next; next.Language != spoke {
		u.tell(KindChat, "u"+u.key.identity, &messages.GroupChanged{}) // so that the answer is in the new one
	}
	return nil
}
