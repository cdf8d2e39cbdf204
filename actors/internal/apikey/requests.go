package apikey

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Requests with an Idempotency-Key. Nothing is stored before a request's effect; while it is in flight, only this
// entity knows of it (docs/decisions.md, D10). What is kept after that is its answer.

// request is a request with an Idempotency-Key that is in flight.
type request struct {
	attempt     string
	fingerprint []byte
	since       time.Time
	version     int64 // of the expired answer that its own replaces
}

const (
	// keepAnswers is how long a kept answer is given again.
	keepAnswers = 24 * time.Hour
	// requestAtMost is how long a request may be in flight. Whoever made it must be gone then.
	requestAtMost = 5 * time.Minute
)

// dropAbandoned drops the requests whose makers must be gone.
func (k *apikey) dropAbandoned() {
	now := k.Now()
	for id, r := range k.inFlight {
		if now.Sub(r.since) > requestAtMost {
			delete(k.inFlight, id)
		}
	}
}

// onBegin says what to do with a request: carry it out (NEW), give its kept answer (ANSWERED), or refuse it, because it
// is in flight (IN_PROGRESS) or because its Idempotency-Key belongs to another request (DIFFERENT).
func (k *apikey) onBegin(m *messages.BeginRequest) (proto.Message, error) {
	begun := func(state messages.RequestBegun_State) (proto.Message, error) {
		return &messages.RequestBegun{Code: messages.Code_OK, State: state}, nil
	}
	k.dropAbandoned()
	if r := k.inFlight[m.Request]; r != nil {
		switch {
		case subtle.ConstantTimeCompare(r.fingerprint, m.Fingerprint) == 0:
			return begun(messages.RequestBegun_DIFFERENT)
		case r.attempt == m.Attempt: // the same message again: its reply was lost
			return begun(messages.RequestBegun_NEW)
		}
		return begun(messages.RequestBegun_IN_PROGRESS)
	}
	r := &request{attempt: m.Attempt, fingerprint: m.Fingerprint, since: k.Now()}
	kept, err := k.Store.Idempotency(k.Ctx, k.requestID(m.Request))
	switch {
	case err == nil && k.Now().Before(kept.ExpiresAt):
		if subtle.ConstantTimeCompare(kept.Fingerprint, m.Fingerprint) == 0 {
			return begun(messages.RequestBegun_DIFFERENT)
		}
		return &messages.RequestBegun{
			Code: messages.Code_OK, State: messages.RequestBegun_ANSWERED, Answer: answerOf(kept),
		}, nil
	case err == nil:
		r.version = kept.Version
	case !errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("read a kept answer: %w", err)
	}
	k.inFlight[m.Request] = r
	return begun(messages.RequestBegun_NEW)
}

func answerOf(kept *storage.Idempotency) *messages.KeptAnswer {
	answer := &messages.KeptAnswer{Status: int32(kept.Status), Body: kept.Body, Sealed: kept.Sealed}
	for _, h := range kept.Headers {
		answer.Headers = append(answer.Headers, &messages.HeaderLine{Name: h.Name, Value: h.Value})
	}
	return answer
}

// requestID is the id under which storage keeps the answer.
func (k *apikey) requestID(request string) string { return k.ID + "/" + request }

// onEnd keeps the answer to a request, if there is one to keep. If an earlier attempt left its answer, that one stays.
func (k *apikey) onEnd(m *messages.EndRequest) (proto.Message, error) {
	r := k.inFlight[m.Request]
	if r == nil || r.attempt != m.Attempt {
		r = &request{}
	} else {
		delete(k.inFlight, m.Request)
	}
	if m.Answer == nil {
		return entity.OK(), nil
	}
	now := k.Now().UTC()
	kept := &storage.Idempotency{
		RequestID: k.requestID(m.Request), Fingerprint: m.Fingerprint,
		Status: int64(m.Answer.Status), Body: m.Answer.Body, Sealed: m.Answer.Sealed,
		CreatedAt: now, ExpiresAt: now.Add(keepAnswers), Version: r.version,
	}
	for _, h := range m.Answer.Headers {
		kept.Headers = append(kept.Headers, storage.Header{Name: h.Name, Value: h.Value})
	}
	err := k.Store.SaveIdempotency(k.Ctx, kept)
	if errors.Is(err, storage.ErrConflict) && r.version > 0 { // the sweep has deleted the expired answer
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
