package user

import (
	"cmp"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/storage"
)

// A question that nobody answers is repeated once: what waits for the answer reaches nobody until then, and its author
// may not know (docs/decisions.md, D188).

// remindDue tells the entity that a question may be due.
type remindDue struct{}

// remindLater sets the timer for the first question that is to be repeated.
func (u *user) remindLater() {
	if u.remind != nil {
		u.remind()
		u.remind = nil
	}
	if at := desk.RemindAt(u.record.Shelf); !at.IsZero() {
		u.remind = u.After(max(0, at.Sub(u.Now())), remindDue{})
	}
}

func (u *user) onRemind(remindDue) error {
	u.remind = nil
	return u.remindNow()
}

// remindNow repeats the questions that are due, in the write that forgets them.
func (u *user) remindNow() error {
	if u.record == nil {
		return nil
	}
	if at := desk.RemindAt(u.record.Shelf); at.IsZero() || u.Now().Before(at) {
		return nil
	}
	next, due := desk.Remind(u.record.Shelf, u.Now())
	return u.alter(func(r *storage.User) {
		r.Shelf = next
		for _, one := range due {
			o := proto.CloneOf(one.Origin)
			o.Lang = cmp.Or(r.Language, o.Lang)
			u.say(r, o, one.Question)
		}
	})
}
