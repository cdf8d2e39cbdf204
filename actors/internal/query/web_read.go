package query

import (
	"errors"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// webReader is what somebody has read on the web desk. nil has read everything.
type webReader struct {
	id      int64
	untilMs int64           // what was recorded until then counts as read
	read    map[int64]int64 // by number of a ticket: the sequence of the last message that they saw
}

// webReaderOf reads that from their record; 0 is nobody.
func (q *query) webReaderOf(id ids.UserID) (*webReader, error) {
	if id == 0 {
		return nil, nil
	}
	u, err := q.env.Store.User(q.env.Ctx, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && u.WebReadUntil.IsZero() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &webReader{id: id, untilMs: desk.MillisOf(u.WebReadUntil), read: make(map[int64]int64, len(u.WebRead))}
	for _, one := range u.WebRead {
		r.read[one.Number] = one.Sequence
	}
	return r, nil
}

// lacks says whether they have not seen the newest message of a ticket (last, if it has any), or not the ticket at all. What they
// have said themselves is never new to them.
func (w *webReader) lacks(t *storage.Ticket, last []storage.Message) bool {
	if w == nil || t.Number == 0 {
		return false
	}
	byKind, by, recorded, sequence := t.CreatedBy.Kind, t.CreatedBy.ID, t.CreatedAt, int64(0)
	if len(last) > 0 {
		m := &last[0]
		byKind, by, recorded, sequence = m.Sender.Kind, strconv.FormatInt(m.Sender.ID, 10), m.RecordedAt, m.Sequence
	}
	if byKind == "user" && by == strconv.FormatInt(w.id, 10) {
		return false
	}
	if seen, ok := w.read[t.Number]; ok {
		return sequence > seen
	}
	return desk.MillisOf(recorded) > w.untilMs
}
