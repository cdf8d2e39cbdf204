package consumer

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// consumer is the entity that owns one named reader of the feed: its cursor, and its lease. Of several programs that read
// as one consumer, the one that has the lease's token goes on; the others hear CONFLICT until the lease ends.
//
// It takes the messages that Kind lists, and replies to each with a ConsumerView, to DeleteConsumer with a Reply. It emits
// nothing. It stops when it is idle, which it always is: a lease is in the record, and ends by itself.
type consumer struct {
	*entity.Host
	keep   time.Duration
	record *storage.Consumer // nil: nobody has read as it yet
}

// perKey is how many consumers an API key may have.
const perKey = 100

// Kind declares the kind consumer. One that nobody has used for as long as events are kept makes room for another, since its
// cursor leads nowhere; 0: events are kept forever.
func Kind(keep time.Duration) *entity.Kind {
	return &entity.Kind{
		Name: messages.KindConsumer,
		New:  func(h *entity.Host) entity.Entity { return &consumer{Host: h, keep: keep} },
		Messages: []entity.Handler{
			entity.Replies((*consumer).onLease), entity.Replies((*consumer).onCommit), entity.Replies((*consumer).onDelete),
			entity.Replies((*consumer).onWake),
		},
	}
}

var _ entity.Unborn = (*consumer)(nil)

// Unborn implements entity.Unborn.
func (k *consumer) Unborn() bool { return k.record == nil }

func (k *consumer) Load() error {
	keyID, name, ok := strings.Cut(k.ID, "/")
	if !ok {
		return fmt.Errorf("%q is no identity of a consumer", k.ID)
	}
	record, err := k.Store.Consumer(k.Ctx, keyID, name)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("read the consumer: %w", err)
	}
	k.record = record
	if errors.Is(err, storage.ErrNotFound) {
		k.record = nil
	}
	return nil
}

var _ entity.Versioned = (*consumer)(nil)

// Versions implements entity.Versioned.
func (k *consumer) Versions() (known, stored int64, err error) {
	if k.record != nil {
		known = k.record.Version
	}
	keyID, name, _ := strings.Cut(k.ID, "/")
	record, err := k.Store.Consumer(k.Ctx, keyID, name)
	if err == nil {
		stored = record.Version
	}
	return known, stored, err
}

func (k *consumer) Resume() error { return nil }

func (k *consumer) Idle() bool { return true }

func (k *consumer) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }

// onLease gives the lease to a reader that has none, if it is free, or renews it. A token of a lease after which somebody
// else had one is refused, even if that lease has ended: its reader may be behind.
func (k *consumer) onLease(m *messages.LeaseConsumer) (proto.Message, error) {
	now, lease := k.Now().UTC(), time.Duration(m.LeaseMs)*time.Millisecond
	switch mine := k.has(m.Token) || k.has(m.Fresh); {
	case mine && !k.record.Released && k.record.LeasedUntil.Sub(now) >= lease/2 && (m.Start == "" || k.record.Cursor != ""): // a reader that polls often costs few writes
		return k.view(), nil
	case mine:
	case m.Token != "" && k.record == nil: // it was deleted: whoever waited for the lease would wait for ever
		return &messages.ConsumerView{Code: messages.Code_NOT_FOUND}, nil
	case m.Token != "" || k.record != nil && leased(k.record, now):
		return k.refused(), nil
	}
	if k.record == nil {
		if full, err := k.full(now); err != nil || full {
			return &messages.ConsumerView{Code: messages.Code_CONFLICT, Reason: messages.ReasonConsumerLimit}, err
		}
	}
	next := k.copy()
	if !k.has(m.Token) {
		next.LeaseToken = m.Fresh
	}
	if next.Cursor == "" { // a reader that is cut off before it commits goes on where it began
		next.Cursor = m.Start
	}
	next.LeasedUntil, next.Released = now.Add(lease), false
	return k.save(next)
}

// leased says whether somebody has the lease. One that was released is free even if somebody has set the clock back since.
func leased(c *storage.Consumer, now time.Time) bool { return !c.Released && now.Before(c.LeasedUntil) }

// full reports whether the key has as many consumers as it may, after those that were given up are deleted.
func (k *consumer) full(now time.Time) (bool, error) {
	keyID, _, _ := strings.Cut(k.ID, "/")
	all, err := k.Store.Consumers(k.Ctx, keyID, "", perKey)
	if err != nil {
		return false, fmt.Errorf("list the consumers of a key: %w", err)
	}
	left := len(all)
	for i := range all {
		c := &all[i]
		if left < perKey || k.keep <= 0 || now.Sub(c.UpdatedAt) < k.keep || leased(c, now) {
			continue
		}
		// By its version: whoever uses it in this moment keeps it.
		switch err := k.Store.DeleteConsumer(k.Ctx, keyID, c.Name, c.Version); {
		case err == nil:
			left--
			k.Log.Info("a consumer of the feed is deleted: nobody has used it for as long as events are kept", "consumer", c.Name)
		case !errors.Is(err, storage.ErrConflict):
			return false, fmt.Errorf("delete a consumer: %w", err)
		}
	}
	return left >= perKey, nil
}

// onDelete forgets the reader.
func (k *consumer) onDelete(*messages.DeleteConsumer) (proto.Message, error) {
	if k.record == nil {
		return &messages.Reply{Code: messages.Code_NOT_FOUND}, nil
	}
	keyID, name, _ := strings.Cut(k.ID, "/")
	if err := k.Store.DeleteConsumer(k.Ctx, keyID, name, k.record.Version); err != nil {
		return nil, fmt.Errorf("delete the consumer: %w", err)
	}
	k.record = nil
	return entity.OK(), nil
}

// onCommit stores how far the reader is. It is accepted after the lease has ended, too, unless somebody else has had one
// since. A lease that was released stays so: a commit that comes late would keep the next reader away.
func (k *consumer) onCommit(m *messages.CommitConsumer) (proto.Message, error) {
	switch {
	case k.record == nil:
		return &messages.ConsumerView{Code: messages.Code_NOT_FOUND}, nil
	case !k.has(m.Token):
		return k.refused(), nil
	}
	next := k.copy()
	if m.Cursor != "" {
		next.Cursor = m.Cursor
	}
	if !next.Released {
		next.LeasedUntil, next.Released = k.Now().UTC().Add(time.Duration(m.LeaseMs)*time.Millisecond), m.LeaseMs == 0
	}
	return k.save(next)
}

// has reports whether a token is that of the newest lease.
func (k *consumer) has(token string) bool {
	return k.record != nil && token != "" && subtle.ConstantTimeCompare([]byte(k.record.LeaseToken), []byte(token)) == 1
}

func (k *consumer) copy() *storage.Consumer {
	if k.record != nil {
		next := *k.record
		return &next
	}
	keyID, name, _ := strings.Cut(k.ID, "/")
	return &storage.Consumer{KeyID: keyID, Name: name}
}

func (k *consumer) save(next *storage.Consumer) (proto.Message, error) {
	next.UpdatedAt = k.Now().UTC()
	if err := k.Store.SaveConsumer(k.Ctx, next); err != nil {
		if errors.Is(err, storage.ErrExists) { // another activation has made it: read it, and decide again
			err = fmt.Errorf("%w: %w", storage.ErrConflict, err)
		}
		return nil, fmt.Errorf("save the consumer: %w", err)
	}
	k.record = next
	return k.view(), nil
}

func (k *consumer) view() *messages.ConsumerView {
	v := desk.ConsumerView(k.record)
	v.Token = k.record.LeaseToken
	return v
}

// refused does not tell the token: whoever knows it has the lease.
func (k *consumer) refused() *messages.ConsumerView {
	v := &messages.ConsumerView{Code: messages.Code_CONFLICT, Reason: messages.ReasonConsumerLeased}
	if k.record != nil {
		v.LeasedUntilMs = desk.MillisOf(k.record.LeasedUntil)
	}
	return v
}
