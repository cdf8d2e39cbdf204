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

// reasonProtected is the reason on a copy that only says that there is something: Telegram lets nobody copy its
// original.
const reasonProtected = "protected content"

// failure is a copy that was given up, which must be shown at its source.
type failure struct {
	copy    storage.Copy
	inWords bool
	op      *messages.Operation // nil: not worded yet
	shown   bool                // its source was told
	taken   bool                // its ticket was told
	// attempt numbers the tries to show it, from 0 after each load. A chat that has answered a number gives the same
	// answer again, so a failure whose answer was lost with a panic is not shown twice.
	attempt int64
}

// showFailure tells the ticket that a copy was given up, which is an event. It tells the source, too: the first time by
// a notice with a button to retry; while the reason stays the same, by a reaction (docs/decisions.md, D13).
func (l *link) showFailure(c storage.Copy) {
	key := copyKey{c.MessageID, c.TopicID}
	if l.failures[key] != nil {
		return
	}
	lane := l.laneInto(c.TopicID)
	f := &failure{copy: c, inWords: lane.failing != c.Reason, taken: c.State != desk.CopyFailed}
	lane.failing = c.Reason
	l.failures[key] = f
	l.enqueueFailure(f)
	l.EnqueueAgainLater()
}

// enqueueFailure enqueues the notice for the source's chat, and tells the ticket. If the notice can't be rendered now,
// the timer tries again.
func (l *link) enqueueFailure(f *failure) {
	if !f.taken {
		l.Tell(messages.KindTicket, l.ticketID, &messages.CopyFailed{
			LinkId: l.ID, MessageId: f.copy.MessageID, TopicId: f.copy.TopicID, Tries: f.copy.Tries, Reason: f.copy.Reason})
	}
	if f.shown {
		return
	}
	if f.op == nil {
		op, err := l.wordFailure(f)
		if errors.Is(err, errNoSource) {
			f.shown = true
			if err = l.reported(f); err == nil {
				return
			}
			f.shown = false
		}
		if err != nil {
			l.Log.Error("a failed copy can't be shown at its source yet", "message", f.copy.MessageID, "error", err)
			return
		}
		f.op = op
	}
	l.Enqueue(f.op)
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
	op := &messages.Operation{Attempt: f.attempt, Content: c.Version, Place: source.GroupID,
		ThreadId: source.TelegramTopicID, Priority: messages.Operation_ANSWER}
	op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_Failure{Failure: &messages.FailureWord{
		MessageId: c.MessageID, TopicId: c.TopicID}}})
	if !f.inWords {
		op.Call = &messages.Operation_React{React: &messages.ReactCall{
			MessageId: desk.TelegramID(c.MessageID), Emoji: desk.FailureEmoji}}
		return op, nil
	}
	title, err := desk.GroupTitle(l.Ctx, l.Store, c.GroupID)
	if err != nil {
		return nil, err
	}
	args := map[string]string{"group": title}
	if messages.IsPrivate(source.GroupID) && c.TopicID != desk.HomeTopic {
		delete(args, "group") // which groups of colleagues there are is none of a customer's business
	}
	if c.Reason == reasonProtected {
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeCopyProtected, Args: args, ReplyTo: desk.TelegramID(c.MessageID)}}
		return op, nil
	}
	args["why"] = c.Reason
	if c.State == desk.CopySent { // it is there; what was edited is not
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: messages.NoticeEditFailed,
			Args: args, ReplyTo: desk.TelegramID(c.MessageID)}}
		return op, nil
	}
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: messages.NoticeCopyFailed, Args: args,
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

// sourceOf finds the topic in which the original was written.
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

// retryKeyboard is the button that retries a failed copy.
func retryKeyboard(ticketID string, c storage.Copy) *messages.Keyboard {
	_, number, _ := strings.Cut(c.LinkID, ":")
	side := "l"
	if c.TopicID == desk.HomeTopic {
		side = "h"
	}
	data := strings.Join([]string{messages.CallbackRetry, ticketID, number, strconv.FormatInt(c.Sequence, 10), side}, ":")
	return desk.OneButton(messages.ButtonRetry, data)
}

// onFailureShown records that the source was told.
func (l *link) onFailureShown(ref *messages.FailureWord, m *messages.Done) error {
	f := l.failures[copyKey{ref.MessageId, ref.TopicId}]
	if f == nil || f.op == nil || f.op.Version() != m.Version() {
		return nil
	}
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		f.attempt++
		f.op = proto.CloneOf(f.op)
		f.op.Attempt = f.attempt // the timer enqueues it again
		return nil
	}
	if m.Outcome.GetResult() != messages.Outcome_DONE {
		l.Log.Warn("a failed copy could not be shown at its source",
			"message", f.copy.MessageID, "why", m.Outcome.GetDescription())
	}
	f.shown = true
	if err := l.reported(f); err != nil {
		return err
	}
	return l.report(false)
}

// onFailureTaken learns that the ticket has caused the event of a failure.
func (l *link) onFailureTaken(m *messages.FailureTaken) error {
	f := l.failures[copyKey{m.MessageId, m.TopicId}]
	if f == nil || f.copy.Tries != m.Tries {
		return nil
	}
	f.taken = true
	if err := l.reported(f); err != nil {
		return err
	}
	return l.report(false)
}

// errNoSource says that a program wrote the original: whoever wants to know how it went asks the API.
var errNoSource = errors.New("the message was not said in Telegram")

// reported records that a failure was shown at its source and taken by its ticket, once both are true.
func (l *link) reported(f *failure) error {
	if !f.shown || !f.taken {
		return nil
	}
	next := f.copy
	next.Reported = true
	err := l.Written(l.Store.SaveCopy(l.Ctx, &next))
	if errors.Is(err, storage.ErrConflict) {
		err = l.reportedOther(next)
	}
	if err != nil {
		return fmt.Errorf("save a copy: %w", err)
	}
	delete(l.failures, copyKey{f.copy.MessageID, f.copy.TopicID})
	return nil
}

// reportedOther handles a copy that was retried or edited meanwhile: it has nothing to report any more, unless it
// failed again for the same reason.
func (l *link) reportedOther(c storage.Copy) error {
	stored, err := l.Store.Copy(l.Ctx, c.MessageID, c.TopicID)
	if err != nil || !stored.Open() || stored.Reason != c.Reason {
		return err
	}
	stored.Reported = true
	return l.Written(l.Store.SaveCopy(l.Ctx, stored))
}

// onRetry resumes a failed copy behind what waits, and tells the ticket that this is recorded, or that there is
// nothing to retry.
func (l *link) onRetry(m *messages.RetryCopy) error {
	tries := false
	if m.Unopened && l.exists {
		return l.onHomeMayOpen(m)
	}
	if l.exists {
		stored, original, err := l.failedCopy(m)
		if err != nil {
			return err
		}
		if stored != nil {
			if err := l.tryAgain(stored, original); err != nil {
				return err
			}
			tries = true
		}
	}
	l.Tell(messages.KindTicket, l.ticketID, &messages.RetryTaken{
		CommandId: m.Origin.GetCommandId(), Again: tries, Sequence: m.Sequence})
	if l.exists {
		l.enqueueAll()
	}
	return nil
}

// failedCopy finds the copy that a button is for; nil if none has failed.
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
	if stored.RetryID == m.Origin.GetCommandId() {
		return nil, nil, nil // it was tried, and has failed since
	}
	stored.RetryID = m.Origin.GetCommandId()
	return stored, &page[0], nil
}

func (l *link) tryAgain(c *storage.Copy, original *storage.Message) error {
	c = again(*c)
	if err := l.Written(l.Store.SaveCopy(l.Ctx, c)); err != nil {
		return fmt.Errorf("save a copy: %w", err)
	}
	delete(l.failures, copyKey{c.MessageID, c.TopicID})
	it := itemOfRecord(original)
	it.resume(original, c)
	lane := l.laneInto(c.TopicID)
	lane.failing = ""
	if at, _ := lane.find(c.MessageID); at < 0 && c.Sequence <= lane.seen {
		lane.add(it)
	} // else it waits there, or is still to be read
	l.finished = min(l.finished, c.Sequence-1)
	return nil
}
