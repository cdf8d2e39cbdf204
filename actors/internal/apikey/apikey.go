package apikey

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// apikey is the entity that owns one API key: its record, what is left of its limits, and which requests with an
// Idempotency-Key are in flight.
//
// It takes the messages that Kind lists, and replies once to each: Authenticated to Authenticate and BeginKeySession, APIKeyView
// to the commands that change the key, RequestBegun to BeginRequest, else Reply. It emits nothing. It stops after 10 idle
// minutes with no request in flight.
//
// The command line writes keys too, beside a running service. So the record is read again before it is relied on,
// unless that was a moment ago; and a command that meets a conflict is handled again.
type apikey struct {
	*entity.Host
	record *storage.APIKey // nil: no such key
	readAt time.Time

	// A token bucket: tokens is how many requests may be made now, as of filled.
	tokens  float64
	filled  time.Time
	counted int // requests that took one here

	inFlight map[string]*request
}

const (
	// trustRecord is how long a record is relied on. A revocation by command line takes effect within this time.
	trustRecord = 500 * time.Millisecond
	// lastUsedEvery is how exact "last used" is. To write it each time would cost more than most requests do.
	lastUsedEvery = time.Minute
	// secretsAtMost is how many secrets a key has at the same time. One more ends the oldest before its time.
	secretsAtMost = 10
)

// Kind declares the kind apikey.
func Kind() *entity.Kind {
	return &entity.Kind{
		Name: messages.KindAPIKey,
		New:  func(h *entity.Host) entity.Entity { return &apikey{Host: h} },
		Messages: []entity.Handler{
			entity.Replies((*apikey).onAuthenticate),
			entity.Replies((*apikey).onCreate), entity.Replies((*apikey).onRotate), entity.Replies((*apikey).onRevoke),
			entity.Replies((*apikey).onBegin), entity.Replies((*apikey).onEnd),
			entity.Replies((*apikey).onBeginSession), entity.Replies((*apikey).onEndSession),
			entity.Replies((*apikey).onWake), entity.Takes((*apikey).onAllowanceLeft),
		},
	}
}

func (k *apikey) Load() error {
	if k.inFlight == nil { // not at a reload after a conflict
		k.inFlight = map[string]*request{}
	}
	return k.read()
}

func (k *apikey) read() error {
	record, err := k.Store.APIKey(k.Ctx, k.ID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("read the API key: %w", err)
	}
	if errors.Is(err, storage.ErrNotFound) {
		record = nil
	}
	k.record, k.readAt = record, k.Now()
	return nil
}

func (k *apikey) Resume() error { return nil }

func (k *apikey) Idle() bool {
	k.dropAbandoned()
	return len(k.inFlight) == 0
}

func (k *apikey) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }

func (k *apikey) onAuthenticate(m *messages.Authenticate) (proto.Message, error) {
	now, err := k.fresh()
	if err != nil {
		return nil, err
	}
	hash, until := m.Hash, int64(0)
	if len(m.Session) > 0 {
		s := k.session(m.Session, now)
		if s == nil {
			return &messages.Authenticated{Code: messages.Code_OK, Verdict: messages.Authenticated_UNKNOWN}, nil
		}
		hash, until = s.KeyHash, s.ExpiresAt.UnixMilli()
	}
	reply := k.judge(now, hash, m.Again)
	reply.SessionUntilMs = until
	return reply, nil
}

// fresh reads the record again, unless that was a moment ago, and returns the time.
func (k *apikey) fresh() (time.Time, error) {
	now := k.Now().UTC()
	if age := now.Sub(k.readAt); k.record == nil || age >= trustRecord || age < 0 {
		if err := k.read(); err != nil {
			return now, err
		}
	}
	return now, nil
}

// judge says whether a secret is the key's, and counts a request; again: of one that was counted.
func (k *apikey) judge(now time.Time, hash []byte, again bool) *messages.Authenticated {
	reply := &messages.Authenticated{Code: messages.Code_OK, Verdict: messages.Authenticated_UNKNOWN}
	found := -1
	if k.record != nil {
		for i, s := range k.record.Secrets { // all of them, so that the time it takes tells nothing
			if subtle.ConstantTimeCompare(s.Hash, hash) == 1 {
				found = i
			}
		}
	}
	if found < 0 {
		return reply
	}
	if !k.record.RevokedAt.IsZero() {
		reply.Verdict = messages.Authenticated_REVOKED
		return reply
	}
	if until := k.record.Secrets[found].Until; !until.IsZero() && !now.Before(until) {
		reply.Verdict = messages.Authenticated_REPLACED
		return reply
	}
	if !k.record.ExpiresAt.IsZero() && !now.Before(k.record.ExpiresAt) {
		reply.Verdict = messages.Authenticated_EXPIRED
		return reply
	}
	reply.Key = desk.KeyView(k.record)
	if again {
		reply.Verdict = messages.Authenticated_ACCEPTED
		return reply
	}
	reply.Verdict = k.count(now, reply)
	k.noteUse(now, found)
	return reply
}

// count takes a token for one request, if there is one left, and notes in the reply what is left of the limits.
func (k *apikey) count(now time.Time, reply *messages.Authenticated) messages.Authenticated_Verdict {
	rate, burst := desk.LimitsOf(k.record)
	if k.filled.IsZero() {
		k.tokens, k.filled = k.atFirst(now), now
	}
	if passed := now.Sub(k.filled).Seconds(); passed > 0 {
		k.tokens = min(float64(burst), k.tokens+passed*float64(rate))
		k.filled = now
	}
	k.tokens = min(k.tokens, float64(burst)) // the burst may have been made smaller
	verdict := messages.Authenticated_ACCEPTED
	if k.tokens >= 1 {
		k.tokens--
		k.counted++
	} else {
		verdict = messages.Authenticated_LIMITED
		reply.RetryAfterMs = millisFor((1 - k.tokens) / float64(rate))
	}
	reply.Burst, reply.WindowMs = burst, millisFor(float64(burst)/float64(rate))
	reply.Remaining, reply.ResetMs = int64(k.tokens), millisFor((float64(burst)-k.tokens)/float64(rate))
	return verdict
}

func millisFor(seconds float64) int64 { return int64(math.Ceil(seconds * 1000)) }

// noteUse writes when the key was used, from time to time, and that a secret was used for the first time. A failed
// write is no reason to refuse the request: the next request writes the same.
func (k *apikey) noteUse(now time.Time, secret int) {
	if k.record.Secrets[secret].Used && now.Sub(k.record.LastUsedAt) < lastUsedEvery {
		return
	}
	next := k.copy()
	next.LastUsedAt = now.Truncate(lastUsedEvery)
	next.Secrets[secret].Used = true
	if err := k.Store.SaveAPIKey(k.Ctx, next); err != nil {
		k.Log.Warn("when the API key was last used could not be written", "error", err)
		k.readAt = time.Time{}
		return
	}
	k.record = next
}
