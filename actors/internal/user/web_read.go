package user

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// webReadAtMost is of how many tickets the desk keeps how far somebody has read them on the web desk.
const webReadAtMost = 200

// onWebRead keeps how far the person has read a ticket on the web desk, in one write, if they had not read that before.
func (u *user) onWebRead(m *messages.MarkWebRead) (proto.Message, error) {
	if u.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such person"), nil
	}
	now := u.Now()
	read := storage.WebRead{Number: m.Number, Sequence: m.Sequence, RecordedMs: min(m.RecordedMs, now.UnixMilli())}
	at := slices.IndexFunc(u.record.WebRead, func(r storage.WebRead) bool { return r.Number == m.Number })
	until := u.record.WebReadUntil
	if m.Number <= 0 || until.IsZero() || at >= 0 && u.record.WebRead[at].Sequence >= m.Sequence ||
		at < 0 && read.RecordedMs <= until.UnixMilli() {
		return entity.Duplicate(), nil
	}
	next := u.next()
	if at >= 0 {
		next.WebRead = slices.Delete(next.WebRead, at, at+1)
	}
	next.WebRead, next.WebReadUntil = withRead(next.WebRead, next.WebReadUntil, read)
	if err := u.save(next); err != nil {
		return nil, err
	}
	return entity.OK(), nil
}

// withRead adds what was read. Of too many tickets the one that was recorded the longest ago is forgotten: all that was
// recorded until then counts as read from now on.
func withRead(all []storage.WebRead, until time.Time, read storage.WebRead) ([]storage.WebRead, time.Time) {
	at, _ := slices.BinarySearchFunc(all, read.RecordedMs, func(r storage.WebRead, recordedMs int64) int { return cmp.Compare(r.RecordedMs, recordedMs) })
	all = slices.Insert(all, at, read)
	for len(all) > 0 && (len(all) > webReadAtMost || all[0].RecordedMs <= until.UnixMilli()) {
		if first := time.UnixMilli(all[0].RecordedMs).UTC(); first.After(until) {
			until = first
		}
		all = all[1:]
	}
	return slices.Clip(all), until
}
