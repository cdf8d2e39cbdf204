package apikey

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// apikey is the entity that owns one key of the API: its record, how much of its limits is used up, and which requests with an
// Idempotency-Key are under way.
//
// Accepts  Authenticate, CreateAPIKey, RotateAPIKey, RevokeAPIKey, BeginRequest, EndRequest, Wake
// Replies  Authenticated, APIKeyView (to the three commands), RequestBegun, Reply
// Emits    nothing
// Stops    after 10 idle minutes with no request under way
//
// The command line writes keys, too, beside a running service: the record is read again before it is relied on, unless that
// was a moment ago.
type apikey struct {
	*entity.Host
	record *storage.APIKey // nil: no such key
	readAt time.Time

	tokens float64 // requests that may be made at once
	filled time.Time

	underWay map[string]*request
}

// request is one with an Idempotency-Key that has no answer yet.
type request struct {
	attempt     string
	fingerprint []byte
	since       time.Time
	version     int64 // of the expired answer that it replaces
}

const (
	// trustRecord is how long a record is relied on; revoking by command line takes effect within it.
	trustRecord = 500 * time.Millisecond
	// lastUsedEvery is how exact "last used" is: a write each time would cost more than most requests.
	lastUsedEvery = time.Minute
	// keepAnswers is how long the answer to an Idempotency-Key is given again.
	keepAnswers = 24 * time.Hour
	// requestAtMost is how long a request may be under way; whoever made it is gone then.
	requestAtMost = 5 * time.Minute

	// secretsAtMost is how many secrets of a key are accepted at once; of more, the oldest ends before its time.
	secretsAtMost = 10
)

// Kind declares the keys of the API.
func Kind() *entity.Kind {
	return &entity.Kind{
		Name: messages.KindAPIKey,
		New:  func(h *entity.Host) entity.Entity { return &apikey{Host: h} },
		Messages: []entity.Handler{
			entity.Replies((*apikey).onAuthenticate), entity.Replies((*apikey).onBegin), entity.Replies((*apikey).onEnd),
			entity.Replies((*apikey).onCreate), entity.Replies((*apikey).onRotate), entity.Replies((*apikey).onRevoke),
			entity.Replies((*apikey).onWake),
		},
	}
}

func (k *apikey) Load() error {
	if k.underWay == nil { // else it is read again after a conflict
		k.underWay = map[string]*request{}
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
	k.forget()
	return len(k.underWay) == 0
}

func (k *apikey) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }

func (k *apikey) onAuthenticate(m *messages.Authenticate) (proto.Message, error) {
	now := k.Now().UTC()
	if age := now.Sub(k.readAt); k.record == nil || age >= trustRecord || age < 0 {
		if err := k.read(); err != nil {
			return nil, err
		}
	}
	answer := &messages.Authenticated{Code: messages.Code_OK, Verdict: messages.Authenticated_UNKNOWN}
	found := -1
	if k.record != nil {
		for i, s := range k.record.Secrets { // all of them, so that the time taken tells nothing
			if subtle.ConstantTimeCompare(s.Hash, m.Hash) == 1 && (s.Until.IsZero() || now.Before(s.Until)) {
				found = i
			}
		}
	}
	if found < 0 {
		return answer, nil
	}
	if !k.record.RevokedAt.IsZero() {
		answer.Verdict = messages.Authenticated_REVOKED
		return answer, nil
	}
	if !k.record.ExpiresAt.IsZero() && !now.Before(k.record.ExpiresAt) {
		answer.Verdict = messages.Authenticated_EXPIRED
		return answer, nil
	}
	answer.Verdict = k.count(now, answer)
	k.noteUse(now, found)
	answer.Key = desk.KeyView(k.record)
	return answer, nil
}

// count takes one request from the key's allowance, if there is one left.
func (k *apikey) count(now time.Time, answer *messages.Authenticated) messages.Authenticated_Verdict {
	rate, burst := desk.LimitsOf(k.record)
	if k.filled.IsZero() {
		k.tokens = float64(burst)
	}
	if passed := now.Sub(k.filled).Seconds(); passed > 0 {
		k.tokens = min(float64(burst), k.tokens+passed*float64(rate))
		k.filled = now
	}
	k.tokens = min(k.tokens, float64(burst)) // a smaller one was set meanwhile
	verdict := messages.Authenticated_ACCEPTED
	if k.tokens >= 1 {
		k.tokens--
	} else {
		verdict = messages.Authenticated_LIMITED
		answer.RetryAfterMs = millisFor((1 - k.tokens) / float64(rate))
	}
	answer.Burst, answer.WindowMs = burst, millisFor(float64(burst)/float64(rate))
	answer.Remaining, answer.ResetMs = int64(k.tokens), millisFor((float64(burst)-k.tokens)/float64(rate))
	return verdict
}

func millisFor(seconds float64) int64 { return int64(math.Ceil(seconds * 1000)) }

// noteUse writes down when the key was used, now and then, and that a secret has arrived where it was wanted. A failure to
// write is no reason to refuse the request: what it would have said is said the next time.
func (k *apikey) noteUse(now time.Time, secret int) {
	if k.record.Secrets[secret].Used && now.Sub(k.record.LastUsedAt) < lastUsedEvery {
		return
	}
	next := k.copy()
	next.LastUsedAt = now.Truncate(lastUsedEvery)
	next.Secrets[secret].Used = true
	if err := k.Store.SaveAPIKey(k.Ctx, next); err != nil {
		k.Log.Warn("when the API key was used could not be written down", "error", err)
		k.readAt = time.Time{}
		return
	}
	k.record = next
}

// copy is the record to be changed.
func (k *apikey) copy() *storage.APIKey {
	next := *k.record
	next.Secrets, next.Scopes = slices.Clone(next.Secrets), slices.Clone(next.Scopes)
	return &next
}

// save writes the record of a command; what the command line wrote meanwhile is a conflict, after which the command is handled
// again.
func (k *apikey) save(next *storage.APIKey) (proto.Message, error) {
	next.UpdatedAt = k.Now().UTC().Truncate(time.Millisecond)
	err := k.Store.SaveAPIKey(k.Ctx, next)
	if errors.Is(err, storage.ErrExists) {
		err = fmt.Errorf("%w: %w", storage.ErrConflict, err)
	}
	if err != nil {
		return nil, fmt.Errorf("save the API key: %w", err)
	}
	k.record, k.readAt = next, k.Now()
	return k.view()
}

func (k *apikey) view() (proto.Message, error) {
	view := desk.KeyView(k.record)
	chat, err := desk.ChatOf(k.Ctx, k.Store, k.record.GroupID)
	if err != nil {
		return nil, err
	}
	view.ChatId = chat
	return &messages.APIKeyView{Code: messages.Code_OK, Key: view}, nil
}

// onCreate makes the key. The same command again comes from someone who got no answer: they get another secret in place of the
// one that nobody has.
func (k *apikey) onCreate(m *messages.CreateAPIKey) (proto.Message, error) {
	now := k.Now().UTC().Truncate(time.Millisecond)
	secret := storage.KeySecret{Hash: m.Hash, CommandID: m.Origin.GetCommandId(), CreatedAt: now}
	if k.record != nil {
		return k.replace(secret)
	}
	next := &storage.APIKey{KeyID: k.ID, Name: m.Name, Owner: m.Owner, Scopes: m.Scopes, GroupID: m.GroupId,
		Rate: m.Rate, Burst: m.Burst, By: desk.CreatorOf(m.Origin), Secrets: []storage.KeySecret{secret}, CreatedAt: now}
	if m.ExpiresMs != 0 {
		next.ExpiresAt = time.UnixMilli(m.ExpiresMs).UTC()
	}
	return k.save(next)
}

func (k *apikey) onRotate(m *messages.RotateAPIKey) (proto.Message, error) {
	if k.record == nil {
		return &messages.APIKeyView{Code: messages.Code_NOT_FOUND}, nil
	}
	if !k.record.RevokedAt.IsZero() {
		return &messages.APIKeyView{Code: messages.Code_CONFLICT, Reason: messages.ReasonKeyRevoked}, nil
	}
	now := k.Now().UTC().Truncate(time.Millisecond)
	secret := storage.KeySecret{Hash: m.Hash, CommandID: m.Origin.GetCommandId(), CreatedAt: now}
	if slices.ContainsFunc(k.record.Secrets, func(s storage.KeySecret) bool { return s.CommandID == secret.CommandID }) {
		return k.replace(secret)
	}
	next, until := k.copy(), now.Add(time.Duration(m.OverlapMs)*time.Millisecond)
	for i, s := range next.Secrets {
		if s.Until.IsZero() || s.Until.After(until) {
			next.Secrets[i].Until = until
		}
	}
	next.Secrets = slices.DeleteFunc(next.Secrets, func(s storage.KeySecret) bool { return !now.Before(s.Until) })
	next.Secrets = slices.Insert(next.Secrets, 0, secret)
	next.Secrets = next.Secrets[:min(len(next.Secrets), secretsAtMost)]
	return k.save(next)
}

// replace puts a new secret in the place of the one that the same command made, unless somebody has that.
func (k *apikey) replace(secret storage.KeySecret) (proto.Message, error) {
	at := slices.IndexFunc(k.record.Secrets, func(s storage.KeySecret) bool { return s.CommandID == secret.CommandID })
	if at < 0 || k.record.Secrets[at].Used || !k.record.RevokedAt.IsZero() {
		return &messages.APIKeyView{Code: messages.Code_CONFLICT, Reason: messages.ReasonKeyShown}, nil
	}
	next := k.copy()
	next.Secrets[at].Hash = secret.Hash
	return k.save(next)
}

func (k *apikey) onRevoke(*messages.RevokeAPIKey) (proto.Message, error) {
	if k.record == nil {
		return &messages.APIKeyView{Code: messages.Code_NOT_FOUND}, nil
	}
	if !k.record.RevokedAt.IsZero() {
		return k.view()
	}
	next := k.copy()
	next.RevokedAt = k.Now().UTC().Truncate(time.Millisecond)
	return k.save(next)
}

// forget gives requests up whose makers are gone.
func (k *apikey) forget() {
	now := k.Now()
	for id, r := range k.underWay {
		if now.Sub(r.since) > requestAtMost {
			delete(k.underWay, id)
		}
	}
}

func (k *apikey) onBegin(m *messages.BeginRequest) (proto.Message, error) {
	begun := func(state messages.RequestBegun_State) (proto.Message, error) {
		return &messages.RequestBegun{Code: messages.Code_OK, State: state}, nil
	}
	k.forget()
	if r := k.underWay[m.Request]; r != nil {
		switch {
		case subtle.ConstantTimeCompare(r.fingerprint, m.Fingerprint) == 0:
			return begun(messages.RequestBegun_DIFFERENT)
		case r.attempt == m.Attempt: // the same question again: its answer was lost
			return begun(messages.RequestBegun_NEW)
		}
		return begun(messages.RequestBegun_UNDER_WAY)
	}
	r := &request{attempt: m.Attempt, fingerprint: m.Fingerprint, since: k.Now()}
	kept, err := k.Store.Idempotency(k.Ctx, k.requestID(m.Request))
	switch {
	case err == nil && k.Now().Before(kept.ExpiresAt):
		if subtle.ConstantTimeCompare(kept.Fingerprint, m.Fingerprint) == 0 {
			return begun(messages.RequestBegun_DIFFERENT)
		}
		answer := &messages.KeptAnswer{Status: int32(kept.Status), Body: kept.Body, Sealed: kept.Sealed}
		for _, h := range kept.Headers {
			answer.Headers = append(answer.Headers, &messages.HeaderLine{Name: h.Name, Value: h.Value})
		}
		return &messages.RequestBegun{Code: messages.Code_OK, State: messages.RequestBegun_ANSWERED, Answer: answer}, nil
	case err == nil:
		r.version = kept.Version
	case !errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("read a kept answer: %w", err)
	}
	k.underWay[m.Request] = r
	return begun(messages.RequestBegun_NEW)
}

func (k *apikey) requestID(request string) string { return k.ID + "/" + request }

// onEnd keeps the answer of a request. One that an earlier attempt left is as good.
func (k *apikey) onEnd(m *messages.EndRequest) (proto.Message, error) {
	r := k.underWay[m.Request]
	if r == nil || r.attempt != m.Attempt {
		r = &request{}
	} else {
		delete(k.underWay, m.Request)
	}
	if m.Answer == nil {
		return entity.OK(), nil
	}
	now := k.Now().UTC()
	kept := &storage.Idempotency{RequestID: k.requestID(m.Request), Fingerprint: m.Fingerprint, Status: int64(m.Answer.Status),
		Body: m.Answer.Body, Sealed: m.Answer.Sealed, CreatedAt: now, ExpiresAt: now.Add(keepAnswers), Version: r.version}
	for _, h := range m.Answer.Headers {
		kept.Headers = append(kept.Headers, storage.Header{Name: h.Name, Value: h.Value})
	}
	err := k.Store.SaveIdempotency(k.Ctx, kept)
	if errors.Is(err, storage.ErrConflict) && r.version > 0 { // the sweep deleted the expired one meanwhile
		kept.Version = 0
		err = k.Store.SaveIdempotency(k.Ctx, kept)
	}
	if errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrConflict) {
		return entity.Duplicate(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("keep an answer: %w", err)
	}
	return entity.OK(), nil
}
