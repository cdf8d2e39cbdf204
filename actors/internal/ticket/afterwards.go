package ticket

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// What a customer says in a closed ticket: for some days it reopens the ticket, as their group has set, later it opens a new one.
// Thanks do neither (docs/decisions.md, D210).

// afterClose says what becomes of a message in a closed ticket: it may reopen that, or it is not recorded, since whoever wrote in
// private has to be asked first; why says about what. A word that was said in a group is always recorded,
// and the rest of an album that the ticket has a part of belongs to that: the caption may be what closed the ticket.
func (t *ticket) afterClose(m *messages.RecordMessage, topic *storage.Topic) (reopens bool, why string, err error) {
	if t.record.Status != desk.StatusClosed || m.AfterClose {
		return false, "", nil
	}
	if album := m.Content.GetMedia().GetMediaGroupId(); album != "" {
		if parts, err := t.albumBefore(album, topic.TopicID); err != nil || len(parts) > 0 {
			return false, "", err
		}
	}
	read, days, lately, err := t.reopenDays()
	switch {
	case err != nil:
		return false, "", err
	case !messages.IsPrivate(topic.GroupID):
		return lately, "", nil
	case !read:
		return false, messages.ReasonClosed, nil
	case m.Internal || messages.OnlyThanks(m.Content):
		return false, "", nil
	case days == 0:
		return false, messages.ReasonClosed, nil
	case !lately:
		return false, messages.ReasonClosedBefore, nil
	case !m.Reopens:
		return false, messages.ReasonClosedLately, nil
	}
	return true, "", nil
}

// reopenDays is for how many days after closing a customer's word reopens the ticket, and lately whether it does now: not unless
// somebody can read it in the group.
func (t *ticket) reopenDays() (read bool, days int64, lately bool, err error) {
	group, err := t.Store.Group(t.Ctx, t.record.GroupID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false, 0, false, fmt.Errorf("read a group: %w", err)
	}
	if err != nil || desk.TicketsIn(group) != messages.Standing_READY {
		return false, 0, false, nil
	}
	days = desk.ReopenDaysOf(group)
	return t.record.Home.Failure == "", days, days > 0 && t.now().Sub(t.record.ClosedAt) <= time.Duration(days)*24*time.Hour, nil
}

// openedWith says whether a message from a private chat, delivered again, is what the ticket was opened with.
func (t *ticket) openedWith(id ids.MessageKey, topic *storage.Topic) bool {
	return t.record.Follows != "" && messages.IsPrivate(topic.GroupID) && (desk.SourceAt(t.record.Sources, id) >= 0 ||
		slices.ContainsFunc(t.record.Enclosures, func(e storage.Enclosure) bool { return e.MessageID == id }))
}

// onMessageAfterClose refuses a message from a private chat to a closed ticket. A message that was recorded before the close may be
// delivered again after a crash; that is a duplicate.
func (t *ticket) onMessageAfterClose(id ids.MessageKey, why string) (proto.Message, error) {
	_, err := t.Store.Message(t.Ctx, id)
	if err == nil {
		return entity.Duplicate(), nil
	}
	if !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("look for a message: %w", err)
	}
	return entity.Answer(messages.Code_CONFLICT, why), nil
}

// reopenByWord is part of the write before the message's own. After a crash between them the message is delivered again, and
// finds the ticket open.
func (t *ticket) reopenByWord(r *storage.Ticket, m *storage.Message, o *messages.Origin) {
	o = proto.CloneOf(o)
	o.CommandId += "/reopen"
	now := t.now()
	r.WaitingFor, r.WaitingSince = storage.WaitsForDesk, m.RecordedAt
	goesOn(r, now)
	t.cause(r, messages.EventTicketReopened, o.CommandId, now, creatorOf(o), &view.TicketData{})
	desk.NotifyAll(r, o, messages.NoticeReopenedByWord, map[string]string{"who": desk.Who(o)}, 0)
}

// goOnFrom writes into a new ticket which closed one it goes on from.
func (t *ticket) goOnFrom(r *storage.Ticket, id ids.TicketID) error {
	former, err := t.Store.Ticket(t.Ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ticket before: %w", err)
	}
	if r.Follows = id; former.GroupID == r.GroupID { // what it is called stays within its group
		r.FollowsName = desk.NameOf(former)
	}
	return nil
}
