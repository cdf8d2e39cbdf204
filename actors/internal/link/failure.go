package link

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// reasonProtected is kept on a copy that only says that there is something: Telegram lets nobody copy its original.
const reasonProtected = "protected content"

// failure is a copy that was given up and must be shown at its source.
type failure struct {
	copy    storage.Copy
	inWords bool
	op      *messages.Operation // nil: not worded yet
}

// showFailure tells the source that a copy was given up: the first time in words, with a button to try again; while the
// reason stays the same, by a reaction.
func (l *link) showFailure(c storage.Copy) {
	key := copyKey{c.MessageID, c.TopicID}
	if l.failures[key] != nil {
		return
	}
	lane := l.laneInto(c.TopicID)
	f := &failure{copy: c, inWords: lane.failing != c.Reason}
	lane.failing = c.Reason
	l.failures[key] = f
	l.offerFailure(f)
	l.OfferAgainLater()
}

// offerFailure offers the word to the source's chat; what can't be worded now is worded when the timer comes.
func (l *link) offerFailure(f *failure) {
	if f.op == nil {
		op, err := l.wordFailure(f)
		if errors.Is(err, errNoSource) {
			if err = l.told(f); err == nil {
				return
			}
		}
		if err != nil {
			l.Log.Error("a failed copy can't be shown at its source yet", "message", f.copy.MessageID, "error", err)
			return
		}
		f.op = op
	}
	l.Offer(f.op)
}

func (l *link) wordFailure(f *failure) (*messages.Operation, error) {
	c := f.copy
	source, err := l.sourceOf(c)
	if err != nil {
		return nil, err
	}
	if source.GroupID == "" {
		return nil, errNoSource
	}
	op := &messages.Operation{Attempt: l.attempts, Content: c.Version, Place: source.GroupID,
		ThreadId: source.TelegramTopicID, Priority: messages.Operation_ANSWER}
	op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_Failure{Failure: &messages.FailureWord{
		MessageId: c.MessageID, TopicId: c.TopicID}}})
	if !f.inWords {
		op.Call = &messages.Operation_React{React: &messages.ReactCall{MessageId: desk.TelegramID(c.MessageID), Emoji: desk.FailureEmoji}}
		return op, nil
	}
	title, err := desk.GroupTitle(l.Ctx, l.Store, c.GroupID)
	if err != nil {
		return nil, err
	}
	if c.Reason == reasonProtected {
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeCopyProtected, Args: map[string]string{"group": title}, ReplyTo: desk.TelegramID(c.MessageID)}}
		return op, nil
	}
	if c.State == desk.CopySent { // it is there; what was edited is not
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: messages.NoticeEditFailed,
			Args: map[string]string{"group": title, "why": c.Reason}, ReplyTo: desk.TelegramID(c.MessageID)}}
		return op, nil
	}
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: messages.NoticeCopyFailed, Args: map[string]string{"group": title, "why": c.Reason},
		ReplyTo: desk.TelegramID(c.MessageID), Keyboard: retryKeyboard(l.ticketID, c),
	}}
	return op, nil
}

func (l *link) laneInto(topicID string) *lane {
	if topicID == desk.HomeTopic {
		return &l.in
	}
	return &l.out
}

// sourceOf finds the topic in which the original was said.
func (l *link) sourceOf(c storage.Copy) (*storage.Topic, error) {
	original, err := l.Store.Message(l.Ctx, c.MessageID)
	if err != nil {
		return nil, fmt.Errorf("read the original: %w", err)
	}
	record, err := l.Store.Ticket(l.Ctx, l.ticketID)
	if err != nil {
		return nil, fmt.Errorf("read the ticket: %w", err)
	}
	if topic := desk.TopicOf(record, original.TopicID); topic != nil {
		return topic, nil
	}
	return nil, fmt.Errorf("topic %s: %w", original.TopicID, storage.ErrNotFound)
}

// retryKeyboard is the button that tries a failed copy again.
func retryKeyboard(ticketID string, c storage.Copy) *messages.Keyboard {
	_, number, _ := strings.Cut(c.LinkID, ":")
	side := "l"
	if c.TopicID == desk.HomeTopic {
		side = "h"
	}
	data := strings.Join([]string{messages.CallbackRetry, ticketID, number, strconv.FormatInt(c.Sequence, 10), side}, ":")
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{{Key: messages.ButtonRetry, Data: data}}}}}
}

// onFailureShown writes down that the source knows.
func (l *link) onFailureShown(ref *messages.FailureWord, m *messages.Done) error {
	f := l.failures[copyKey{ref.MessageId, ref.TopicId}]
	if f == nil || f.op == nil || f.op.Version() != m.Version() {
		return nil
	}
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		l.attempts++
		f.op = proto.CloneOf(f.op)
		f.op.Attempt = l.attempts // offered again by the timer
		return nil
	}
	if m.Outcome.GetResult() != messages.Outcome_DONE {
		l.Log.Warn("a failed copy could not be shown at its source", "message", f.copy.MessageID, "why", m.Outcome.GetDescription())
	}
	if err := l.told(f); err != nil {
		return err
	}
	return l.report(false)
}

// errNoSource says that the original is a program's: whoever wants to know asks the API how it went.
var errNoSource = errors.New("the message was not said in Telegram")

// told writes down that a failure is shown.
func (l *link) told(f *failure) error {
	next := f.copy
	next.Told = true
	err := l.Store.SaveCopy(l.Ctx, &next)
	if errors.Is(err, storage.ErrConflict) {
		err = l.toldOther(next)
	}
	if err != nil {
		return fmt.Errorf("save a copy: %w", err)
	}
	delete(l.failures, copyKey{f.copy.MessageID, f.copy.TopicID})
	return nil
}

// toldOther: a copy that was tried again or edited meanwhile has nothing to tell any more, unless that failed for the same
// reason.
func (l *link) toldOther(c storage.Copy) error {
	stored, err := l.Store.Copy(l.Ctx, c.MessageID, c.TopicID)
	if err != nil || !stored.Open() || stored.Reason != c.Reason {
		return err
	}
	stored.Told = true
	return l.Store.SaveCopy(l.Ctx, stored)
}

// onRetry takes a failed copy up again, behind what waits, and tells the ticket that it has written that down; or that there
// is nothing to try again.
func (l *link) onRetry(m *messages.RetryCopy) error {
	again := false
	if l.exists {
		stored, original, err := l.failedCopy(m)
		if err != nil {
			return err
		}
		if stored != nil {
			if err := l.tryAgain(stored, original); err != nil {
				return err
			}
			again = true
		}
	}
	l.Tell(messages.KindTicket, l.ticketID, &messages.RetryTaken{CommandId: m.Origin.GetCommandId(), Again: again})
	if l.exists {
		l.offerAll()
	}
	return nil
}

// failedCopy finds the copy that a button was for; nil when there is none that failed.
func (l *link) failedCopy(m *messages.RetryCopy) (*storage.Copy, *storage.Message, error) {
	page, err := l.Store.MessagesAfter(l.Ctx, l.ticketID, m.Sequence-1, 1)
	if err != nil {
		return nil, nil, fmt.Errorf("read the original: %w", err)
	}
	if len(page) == 0 || page[0].Sequence != m.Sequence {
		return nil, nil, nil
	}
	stored, err := l.Store.Copy(l.Ctx, page[0].MessageID, l.laneFor(page[0].TopicID).topicID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && stored.State != desk.CopyFailed {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the copy: %w", err)
	}
	return stored, &page[0], nil
}

func (l *link) tryAgain(c *storage.Copy, original *storage.Message) error {
	c.State, c.Reason, c.Told = desk.CopyPartial, "", false
	c.Tries++
	if err := l.Store.SaveCopy(l.Ctx, c); err != nil {
		return fmt.Errorf("save a copy: %w", err)
	}
	delete(l.failures, copyKey{c.MessageID, c.TopicID})
	it := itemOfRecord(original)
	it.resume(original, c)
	lane := l.laneInto(c.TopicID)
	lane.failing = ""
	lane.add(it)
	l.settled = min(l.settled, c.Sequence-1)
	return nil
}
