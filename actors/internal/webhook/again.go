package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Programs ask for events again: one by one, or many by a replay.

// onRetryDelivery tries an event again now.
func (w *webhook) onRetryDelivery(m *messages.RetryDelivery) (proto.Message, error) {
	if w.gone() {
		return &messages.DeliveryView{Code: messages.Code_NOT_FOUND}, nil
	}
	r := w.run
	row, unsaved, err := w.deliveryOf(m.EventId)
	if errors.Is(err, storage.ErrNotFound) {
		return &messages.DeliveryView{Code: messages.Code_NOT_FOUND}, nil
	}
	if err != nil {
		return nil, err
	}
	if r == nil || r.ending {
		return &messages.DeliveryView{Code: messages.Code_CONFLICT, Reason: messages.ReasonWebhookOff}, nil
	}
	if err := w.release(); err != nil {
		return nil, err
	}
	r.unpack()
	if x := r.find(row); x != nil { // it is in memory: now is its time
		if x.lane.queue[0] == x {
			r.goFirst(x.lane)
		}
		if x.row != nil {
			row = x.row
		}
		return &messages.DeliveryView{Code: messages.Code_OK, Delivery: desk.DeliveryView(row)}, w.pump()
	}
	switch e, err := w.Store.Event(w.Ctx, m.EventId); {
	case err == nil && !r.to.wants(e):
		return &messages.DeliveryView{Code: messages.Code_CONFLICT, Reason: messages.ReasonEventUnheard}, nil
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("read an event: %w", err)
	}
	if unsaved != nil { // its outcome is written first
		unsaved.again = true
		w.askedAgain(row)
	} else if err := w.tryAgain(row); err != nil {
		return nil, err
	}
	return &messages.DeliveryView{Code: messages.Code_OK, Delivery: desk.DeliveryView(row)}, w.pump()
}

// deliveryOf is the delivery of an event as it is stored, or is about to be: then with the item whose outcome is not written
// yet.
func (w *webhook) deliveryOf(eventID string) (*storage.Delivery, *item, error) {
	if r := w.run; r != nil {
		for _, unsaved := range [][]*item{r.dirty, r.batch} {
			if i := slices.IndexFunc(unsaved, func(x *item) bool { return x.of.eventID == eventID }); i >= 0 {
				row := *unsaved[i].row
				return &row, unsaved[i], nil
			}
		}
	}
	row, err := w.Store.Delivery(w.Ctx, w.ID, eventID)
	if err != nil {
		return nil, nil, fmt.Errorf("read a delivery: %w", err)
	}
	return row, nil, nil
}

// askedAgain makes a delivery one that a program has asked to try again. It reports whether the event comes anyway, when those
// before it are done: then only its pause ends.
func (w *webhook) askedAgain(row *storage.Delivery) (comes bool) {
	row.NextAttemptAt, row.UpdatedAt = w.now(), w.now()
	if row.Open() && row.ReplayID == "" {
		return true
	}
	row.State, row.ReplayID = storage.DeliveryPending, retried
	return false
}

// tryAgain has an event that is not in memory tried again.
func (w *webhook) tryAgain(row *storage.Delivery) error {
	comes := w.askedAgain(row)
	if err := w.Store.SaveDeliveries(w.Ctx, []*storage.Delivery{row}); err != nil {
		return fmt.Errorf("save a delivery: %w", err)
	}
	if !comes {
		w.run.goFirst(w.run.retry(row))
	}
	return nil
}

// againWhenSaved has an event tried again, now that its outcome is written, if a program has asked for it meanwhile.
func (r *run) againWhenSaved(x *item) error {
	if !x.again || x.dirty {
		return nil
	}
	row := *x.row
	if err := r.w.tryAgain(&row); err != nil {
		r.write(x) // and after that again
		return r.trouble(err)
	}
	x.again = false
	return nil
}

// find finds an event that waits in memory, by its delivery.
func (r *run) find(row *storage.Delivery) *item {
	for _, key := range []string{row.EventID, row.TicketID, "replay/" + row.TicketID, "replay/" + row.EventID} {
		if l := r.lanes[key]; l != nil {
			if i := slices.IndexFunc(l.queue, func(x *item) bool { return x.of.eventID == row.EventID }); i >= 0 {
				return l.queue[i]
			}
		}
	}
	return nil
}

// retry puts a delivery that is tried once more into a lane of its own.
func (r *run) retry(row *storage.Delivery) *lane {
	x := r.itemOf(eventOf(row), row)
	x.done, x.once, x.tries = true, true, 0
	l := r.laneFor(row.EventID, "")
	l.behind = true
	r.behind++
	r.enqueue(l, x)
	return l
}

// replayID is the id of the replay that a command begins.
func replayID(commandID string) string {
	sum := sha256.Sum256([]byte(commandID))
	return "rpl_" + hex.EncodeToString(sum[:10])
}

func (w *webhook) onStartReplay(m *messages.StartReplay) (proto.Message, error) {
	if w.gone() {
		return &messages.ReplayView{Code: messages.Code_NOT_FOUND}, nil
	}
	id := replayID(w.ID + "/" + m.Origin.GetCommandId())
	switch before, err := w.Store.Replay(w.Ctx, id); {
	case err == nil:
		return &messages.ReplayView{Code: messages.Code_OK, Replay: desk.ReplayView(before)}, nil
	case !errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("read a replay: %w", err)
	}
	refuse := func(reason string) (proto.Message, error) {
		return &messages.ReplayView{Code: messages.Code_CONFLICT, Reason: reason}, nil
	}
	switch {
	case w.run == nil || !w.record.Enabled:
		return refuse(messages.ReasonWebhookOff)
	case w.replay != nil:
		return refuse(messages.ReasonReplayRunning)
	}
	now := w.now()
	replay := &storage.Replay{
		ReplayID: id, WebhookID: w.ID, Since: desk.TimeOf(m.SinceMs), Until: desk.TimeOf(m.UntilMs), Types: m.Types,
		TicketID: m.TicketId, Missing: m.Missing, State: replayRuns, CreatedAt: now, UpdatedAt: now,
	}
	var err error
	switch {
	case len(m.EventIds) > 0:
		replay.EventIDs, replay.Positions, replay.Total = m.EventIds, []int64{0}, int64(len(m.EventIds))
	case m.Missing:
		replay.Positions = []int64{0, 0}
	default:
		w.run.unpack()
		replay.Ends = w.run.settled()
		if replay.Positions, err = w.room.Log.Since(w.Ctx, replay.Since); err != nil {
			return nil, err
		}
	}
	if err := w.Store.SaveReplay(w.Ctx, replay); err != nil {
		return nil, fmt.Errorf("save a replay: %w", err)
	}
	w.replay = replay
	return &messages.ReplayView{Code: messages.Code_OK, Replay: desk.ReplayView(replay)}, w.pump()
}

func (w *webhook) onCancelReplay(m *messages.CancelReplay) (proto.Message, error) {
	if w.gone() {
		return &messages.ReplayView{Code: messages.Code_NOT_FOUND}, nil
	}
	replay, err := w.Store.Replay(w.Ctx, m.ReplayId)
	if errors.Is(err, storage.ErrNotFound) || err == nil && replay.WebhookID != w.ID {
		return &messages.ReplayView{Code: messages.Code_NOT_FOUND}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a replay: %w", err)
	}
	if replay.State != replayRuns {
		return &messages.ReplayView{Code: messages.Code_OK, Replay: desk.ReplayView(replay)}, nil
	}
	replay.State, replay.UpdatedAt = replayCancelled, w.now()
	if err := w.Store.SaveReplay(w.Ctx, replay); err != nil {
		return nil, fmt.Errorf("save a replay: %w", err)
	}
	w.replay = nil
	return &messages.ReplayView{Code: messages.Code_OK, Replay: desk.ReplayView(replay)}, w.turnOver()
}
