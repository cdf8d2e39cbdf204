package ticket

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Failed copies are tried again on demand, and when their home topic may open after all. From then on the retry is
// pending in the ticket, until the link has written it down. Then the ticket sets back how far the link has finished,
// to before that message.

// onRetry makes another attempt at a copy pending.
func (t *ticket) onRetry(m *messages.RetryCopy) (proto.Message, error) {
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	o := m.Origin
	if slices.Contains(t.record.Handled, o.GetCommandId()) {
		return entity.Duplicate(), nil
	}
	notice := func(key string) (proto.Message, error) { return t.accept(m, answer(o, key, nil)) }
	silent := o.GetWeb() || desk.IsAPI(o) // a page, and the API, show that the copy waits
	if !desk.IsAPI(o) && t.topicAt(o.GetPlace(), o.GetThreadId()) == nil || desk.LinkOf(t.record, m.LinkId) == nil {
		return notice(messages.NoticeButtonStale)
	}
	failed, err := t.hasFailed(m)
	if err != nil {
		return nil, err
	}
	if !failed {
		return notice(messages.NoticeNothingToRetry)
	}
	body, err := desk.Pack(m)
	if err != nil {
		return nil, err
	}
	answer, err := t.accept(m, func(r *desk.Result) {
		r.Pending = append(r.Pending, storage.Pending{ID: o.GetCommandId(), Kind: pendingRetry, Body: body})
		if !silent {
			desk.Respond(r, o, messages.NoticeRetrying, nil)
		}
	})
	if err == nil {
		t.Tell(messages.KindLink, m.LinkId, m)
		t.EnqueueAgainLater()
	}
	return answer, err
}

// hasFailed reports whether the copy that a button is about was given up.
func (t *ticket) hasFailed(m *messages.RetryCopy) (bool, error) {
	page, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, m.Sequence-1, 1)
	if err != nil {
		return false, fmt.Errorf("read the original: %w", err)
	}
	if len(page) == 0 || page[0].Sequence != m.Sequence {
		return false, nil
	}
	into := m.LinkId
	if m.ToHome {
		into = desk.HomeTopic
	}
	c, err := t.Store.Copy(t.Ctx, page[0].MessageID, into)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the copy: %w", err)
	}
	return c.State == desk.CopyFailed, nil
}

// tellRetries tells links about the retries that they have not written down yet.
func (t *ticket) tellRetries() {
	for _, pending := range t.record.Pending {
		if pending.Kind != pendingRetry {
			continue
		}
		if m := t.retryOf(pending); m != nil {
			t.Tell(messages.KindLink, m.LinkId, m)
			t.EnqueueAgainLater()
		}
	}
}

func (t *ticket) retryOf(pending storage.Pending) *messages.RetryCopy {
	m, err := desk.Unpack(pending.Body)
	if err != nil {
		t.Log.Error("cannot read a retry", "command", pending.ID, "error", err)
		return nil
	}
	r, _ := m.(*messages.RetryCopy)
	return r
}

// onRetryTaken learns that the link has written down that it tries again, or that there is nothing to try.
func (t *ticket) onRetryTaken(taken *messages.RetryTaken) error {
	at := -1
	if t.record != nil {
		at = slices.IndexFunc(t.record.Pending, func(o storage.Pending) bool {
			return o.Kind == pendingRetry && o.ID == taken.CommandId
		})
	}
	if at < 0 {
		return nil
	}
	m := t.retryOf(t.record.Pending[at])
	again := m != nil && taken.Again
	err := t.change(func(r *storage.Ticket) {
		forget(r, pendingRetry, taken.CommandId)
		if link := desk.LinkOf(r, m.GetLinkId()); again && link != nil {
			link.SettledSequence = min(link.SettledSequence, taken.Sequence-1)
		}
	})
	if err != nil {
		return err
	}
	if again {
		t.finished[m.LinkId] = min(t.finished[m.LinkId], taken.Sequence-1)
	}
	t.afterChange()
	return nil
}
