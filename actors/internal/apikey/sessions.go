package apikey

import (
	"crypto/subtle"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Sessions at the web desk that somebody began with the key. Each ends with the secret by which it began: when the key is
// revoked or expires, or when a rotation has that secret accepted no longer.

const (
	sessionFor     = 12 * time.Hour
	sessionsAtMost = 10 // one more ends the oldest
)

// session finds one that has not expired; nil: there is none. It compares with all of them, so that the time it takes tells
// nothing.
func (k *apikey) session(hash []byte, now time.Time) (found *storage.KeySession) {
	if k.record == nil {
		return nil
	}
	for i := range k.record.WebSessions {
		s := &k.record.WebSessions[i]
		if subtle.ConstantTimeCompare(s.Hash, hash) == 1 && now.Before(s.ExpiresAt) {
			found = s
		}
	}
	return found
}

func (k *apikey) onBeginSession(m *messages.BeginKeySession) (proto.Message, error) {
	now, err := k.fresh()
	if err != nil {
		return nil, err
	}
	reply := k.judge(now, m.Hash, false)
	if reply.Verdict != messages.Authenticated_ACCEPTED || len(m.Session) == 0 {
		return reply, nil
	}
	s := k.session(m.Session, now)
	if s == nil { // else its reply was lost
		began := now.Truncate(time.Millisecond)
		s = &storage.KeySession{Hash: slices.Clone(m.Session), KeyHash: slices.Clone(m.Hash), CreatedAt: began,
			ExpiresAt: began.Add(sessionFor)}
		next := k.copy()
		next.WebSessions = append(k.lasting(now), *s)
		next.WebSessions = next.WebSessions[max(0, len(next.WebSessions)-sessionsAtMost):]
		if err := k.saveSessions(next); err != nil {
			return nil, err
		}
	}
	reply.SessionUntilMs = s.ExpiresAt.UnixMilli()
	return reply, nil
}

func (k *apikey) onEndSession(m *messages.EndKeySession) (proto.Message, error) {
	now, err := k.fresh()
	if err != nil {
		return nil, err
	}
	if k.session(m.Session, now) == nil {
		return entity.OK(), nil
	}
	next := k.copy()
	next.WebSessions = slices.DeleteFunc(k.lasting(now), func(s storage.KeySession) bool {
		return subtle.ConstantTimeCompare(s.Hash, m.Session) == 1
	})
	if err := k.saveSessions(next); err != nil {
		return nil, err
	}
	return entity.OK(), nil
}

// lasting are the sessions that have not expired.
func (k *apikey) lasting(now time.Time) []storage.KeySession {
	return slices.DeleteFunc(slices.Clone(k.record.WebSessions), func(s storage.KeySession) bool { return !now.Before(s.ExpiresAt) })
}

// saveSessions writes the record without counting it as changed: that is about the key itself. A conflict with the command line
// has the host reload, and handle the message again.
func (k *apikey) saveSessions(next *storage.APIKey) error {
	if err := k.Store.SaveAPIKey(k.Ctx, next); err != nil {
		return fmt.Errorf("save the sessions of the API key: %w", err)
	}
	k.record, k.readAt = next, k.Now()
	return nil
}
