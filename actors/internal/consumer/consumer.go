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
// It takes the messages that Kind lists, and replies to each with a ConsumerView. It emits nothing. It stops when it is
// idle, which it always is: a lease is in the record, and ends by itself.
type consumer struct {
	*entity.Host
	record *storage.Consumer // nil: nobody has read as it yet
}

// Kind declares the kind consumer.
func Kind() *entity.Kind {
	return &entity.Kind{
		Name: messages.KindConsumer,
		New:  func(h *entity.Host) entity.Entity { return &consumer{Host: h} },
		Messages: []entity.Handler{
			entity.Replies((*consumer).onLease), entity.Replies((*consumer).onCommit), entity.Replies((*consumer).onWake),
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

func (k *consumer) Resume() error { return nil }

func (k *consumer) Idle() bool { return true }

func (k *consumer) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }

// onLease gives the lease to a reader that has none, if it is free, or renews it. A token of a lease after which somebody
// else had one is refused, even if that lease has ended: its reader may be behind.
func (k *consumer) onLease(m *messages.LeaseConsumer) (proto.Message, error) {
	now, lease := k.Now().UTC(), time.Duration(m.LeaseMs)*time.Millisecond
	switch mine := k.has(m.Token) || k.has(m.Fresh); {
	case mine && k.record.LeasedUntil.Sub(now) >= lease/2: // a reader that polls often costs few writes
		return k.view(), nil
	case mine:
	case m.Token != "" || k.record != nil && now.Before(k.record.LeasedUntil):
		return k.refused(), nil
	}
	next := k.copy()
	if !k.has(m.Token) {
		next.LeaseToken = m.Fresh
	}
	next.LeasedUntil = now.Add(lease)
	return k.save(next)
}

// onCommit stores how far the reader is. It is accepted after the lease has ended, too, unless somebody else has had one
// since.
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
	next.LeasedUntil = k.Now().UTC().Add(time.Duration(m.LeaseMs) * time.Millisecond)
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
	return &messages.ConsumerView{Code: messages.Code_OK, Cursor: k.record.Cursor, Token: k.record.LeaseToken,
		LeasedUntilMs: desk.MillisOf(k.record.LeasedUntil)}
}

// refused does not tell the token: whoever knows it has the lease.
func (k *consumer) refused() *messages.ConsumerView {
	v := &messages.ConsumerView{Code: messages.Code_CONFLICT, Reason: messages.ReasonConsumerLeased}
	if k.record != nil {
		v.LeasedUntilMs = desk.MillisOf(k.record.LeasedUntil)
	}
	return v
}
