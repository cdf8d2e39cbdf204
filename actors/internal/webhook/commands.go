package webhook

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// endpointsPerKey is how many endpoints an API key may make.
	endpointsPerKey = 100
	// removeTogether is how many deliveries of a deleted endpoint, or old ones, are deleted in one write.
	removeTogether = 500
)

func refuse(code messages.Code, reason string) (proto.Message, error) {
	return &messages.WebhookView{Code: code, Reason: reason}, nil
}

// view replies with the endpoint.
func (w *webhook) view(secret string) (proto.Message, error) {
	v, err := desk.WebhookView(w.record, func(group ids.Place) (ids.ChatID, error) {
		return desk.ChatOf(w.Ctx, w.Store, group)
	})
	if err != nil {
		return nil, err
	}
	v.LastError = w.health.lastError
	if w.health.failingSince.IsZero() != w.record.FailingSince.IsZero() {
		v.FailingSinceMs = desk.MillisOf(w.health.failingSince)
	}
	v.LastSuccessMs = max(v.LastSuccessMs, desk.MillisOf(w.health.lastSuccess))
	if w.gate.hold.After(w.Now()) {
		v.HoldUntilMs = w.gate.hold.UnixMilli()
	}
	return &messages.WebhookView{Code: messages.Code_OK, Webhook: v, Secret: secret}, nil
}

// onCreate makes the endpoint. Whoever repeats the command gets the same answer.
func (w *webhook) onCreate(m *messages.CreateWebhook) (proto.Message, error) {
	if w.record != nil {
		if !w.record.DeletedAt.IsZero() || w.record.CommandID != m.Origin.GetCommandId() {
			return refuse(messages.Code_CONFLICT, messages.ReasonWebhookName)
		}
		return w.viewWithSecret()
	}
	if n, err := w.Store.CountWebhooks(w.Ctx, m.KeyId); err != nil {
		return nil, fmt.Errorf("count the webhooks of a key: %w", err)
	} else if n >= endpointsPerKey {
		return refuse(messages.Code_CONFLICT, messages.ReasonWebhookLimit)
	}
	heads, err := w.room.Log.Heads(w.Ctx)
	if err != nil {
		return nil, err
	}
	now := w.now()
	next := &storage.Webhook{
		WebhookID: w.ID, CommandID: m.Origin.GetCommandId(), Name: m.Name, KeyID: m.KeyId, GroupID: m.GroupId,
		Positions: heads, CreatedAt: now, UpdatedAt: now, Revision: 1,
	}
	if faults := w.set(next, m.Settings); len(faults) > 0 {
		return &messages.WebhookView{Code: messages.Code_CONFLICT, Reason: messages.ReasonWebhookInvalid, Faults: faults}, nil
	}
	if !next.Enabled {
		next.DisabledReason = reasonProgram
	}
	w.addSecret(next, next.CommandID)
	switch err := w.Store.SaveWebhook(w.Ctx, next); {
	case errors.Is(err, storage.ErrNameTaken):
		return refuse(messages.Code_CONFLICT, messages.ReasonWebhookName)
	case errors.Is(err, storage.ErrExists):
		return nil, errors.Join(storage.ErrConflict, err)
	case err != nil:
		return nil, fmt.Errorf("save the webhook: %w", err)
	}
	w.record = next
	w.gate, w.health = newGate(next), healthOf(next)
	if err := w.tooMany(); err != nil {
		return refuse(messages.Code_CONFLICT, messages.ReasonWebhookLimit)
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	return w.viewWithSecret()
}

// errTooMany says that commands at the same time have made more endpoints than a key may.
var errTooMany = errors.New("too many webhooks")

// tooMany takes an endpoint back that was one too many when it was made.
func (w *webhook) tooMany() error {
	n, err := w.Store.CountWebhooks(w.Ctx, w.record.KeyID)
	if err != nil || n <= endpointsPerKey {
		return nil // it is made, and one more does no harm
	}
	if err := w.Store.DeleteWebhook(w.Ctx, w.ID, w.record.Version); err != nil {
		return nil
	}
	w.record = nil
	return errTooMany
}

func (w *webhook) viewWithSecret() (proto.Message, error) {
	secret, err := w.room.seals.open(w.ID, w.record.Secrets[0].Sealed)
	if err != nil {
		return nil, err
	}
	return w.view(secret)
}

// addSecret gives the endpoint a new secret, which signs from now on.
func (w *webhook) addSecret(r *storage.Webhook, commandID string) {
	secret := delivery.NewSecret()
	r.Secrets = slices.Insert(r.Secrets, 0, storage.WebhookSecret{Sealed: w.room.seals.seal(w.ID, secret.Text()), CommandID: commandID})
}

func (w *webhook) onUpdate(m *messages.UpdateWebhook) (proto.Message, error) {
	if w.gone() {
		return refuse(messages.Code_NOT_FOUND, "")
	}
	if m.Revision != 0 && m.Revision != w.record.Revision {
		return refuse(messages.Code_CONFLICT, messages.ReasonRevision)
	}
	var faults []*messages.SettingFault
	err := w.changeSettings(func(r *storage.Webhook) bool {
		faults = w.set(r, m.Settings)
		return len(faults) == 0
	})
	if len(faults) > 0 {
		return &messages.WebhookView{Code: messages.Code_CONFLICT, Reason: messages.ReasonWebhookInvalid, Faults: faults}, nil
	}
	if err != nil {
		return nil, err
	}
	return w.view("")
}

// changeSettings writes the settings that f has changed, unless it says not to, and goes on with them.
func (w *webhook) changeSettings(f func(r *storage.Webhook) bool) error {
	next, wasEnabled, failed := w.next(), w.record.Enabled, w.record.DisabledReason != reasonProgram
	if !f(next) {
		return nil
	}
	next.Revision++
	next.UpdatedAt = w.now()
	moved := delivery.Origin(next.URL) != delivery.Origin(w.record.URL)
	if moved { // who failed, and asked for a pause, was another
		next.HoldUntil, next.FailingSince, next.Warned, next.WarnedAt = time.Time{}, time.Time{}, 0, time.Time{}
	}
	if !wasEnabled && next.Enabled { // it begins anew
		next.DisabledReason, next.FailingSince, next.Warned, next.HoldUntil = "", time.Time{}, 0, time.Time{}
	}
	if wasEnabled && !next.Enabled {
		next.DisabledReason = reasonProgram
	}
	if err := w.save(next); err != nil {
		return err
	}
	if moved {
		w.gate, w.eager = newGate(w.record), true
		w.health.failingSince, w.health.lastFailed, w.health.firsts = time.Time{}, time.Time{}, nil
	}
	if !wasEnabled && w.record.Enabled {
		w.gate, w.health.failingSince, w.health.firsts = newGate(w.record), time.Time{}, nil
		if w.eager = true; failed {
			w.gate.comesBack(w.Now())
		}
	}
	return w.turnOver()
}

func (w *webhook) onDelete(m *messages.DeleteWebhook) (proto.Message, error) {
	if w.gone() {
		return refuse(messages.Code_NOT_FOUND, "")
	}
	if m.Revision != 0 && m.Revision != w.record.Revision {
		return refuse(messages.Code_CONFLICT, messages.ReasonRevision)
	}
	if err := w.change(func(r *storage.Webhook) {
		r.Name, r.Enabled, r.DeletedAt, r.Secrets, r.Headers = "", false, w.now(), nil, nil
	}); err != nil {
		return nil, err
	}
	w.endRun()
	w.removeSoon()
	return &messages.WebhookView{Code: messages.Code_OK}, nil
}

func (w *webhook) onRotate(m *messages.RotateWebhookSecret) (proto.Message, error) {
	if w.gone() {
		return refuse(messages.Code_NOT_FOUND, "")
	}
	command := m.Origin.GetCommandId()
	if len(w.record.Secrets) > 0 && w.record.Secrets[0].CommandID == command {
		return w.viewWithSecret()
	}
	now := w.now()
	until := now.Add(time.Duration(m.OverlapMs) * time.Millisecond)
	err := w.changeSettings(func(r *storage.Webhook) bool {
		r.Secrets = slices.DeleteFunc(slices.Clone(r.Secrets), func(s storage.WebhookSecret) bool {
			return !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt)
		})
		r.Secrets = r.Secrets[:min(len(r.Secrets), 1)] // two at a time
		for i := range r.Secrets {
			r.Secrets[i].ExpiresAt = until
		}
		w.addSecret(r, command)
		return true
	})
	if err != nil {
		return nil, err
	}
	return w.viewWithSecret()
}

func (w *webhook) onEnable(m *messages.EnableWebhook) (proto.Message, error) {
	if w.gone() {
		return refuse(messages.Code_NOT_FOUND, "")
	}
	if err := w.release(); err != nil {
		return nil, err
	}
	if w.record.Enabled && !m.FromNow {
		if err := w.pump(); err != nil {
			return nil, err
		}
		return w.view("")
	}
	heads, err := w.room.Log.Heads(w.Ctx)
	if err != nil {
		return nil, err
	}
	err = w.changeSettings(func(r *storage.Webhook) bool {
		r.Enabled, r.DisabledReason = true, ""
		if m.FromNow {
			r.SkipTo = heads
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return w.view("")
}

// release ends a pause that the receiver has asked for: somebody who runs it says that it is there. What waits for its own
// time goes on waiting until an attempt has shown that this is so.
func (w *webhook) release() error {
	if !w.gate.release(w.Now()) {
		return nil
	}
	return w.change(func(r *storage.Webhook) { r.HoldUntil = time.Time{} })
}

func (w *webhook) onDisable(*messages.DisableWebhook) (proto.Message, error) {
	if w.gone() {
		return refuse(messages.Code_NOT_FOUND, "")
	}
	if !w.record.Enabled {
		return w.view("")
	}
	err := w.changeSettings(func(r *storage.Webhook) bool {
		r.Enabled = false
		return true
	})
	if err != nil {
		return nil, err
	}
	return w.view("")
}

// remove makes a deleted endpoint delete its deliveries, and then itself.
type remove struct{}

func (w *webhook) removeSoon() {
	if !w.removing {
		w.removing = true
		w.Note(remove{})
	}
}

func (w *webhook) onRemove(remove) error {
	w.removing = false
	if w.record == nil || w.record.DeletedAt.IsZero() {
		return nil
	}
	n, err := w.Store.DeleteDeliveries(w.Ctx, w.ID, time.Time{}, removeTogether)
	if err == nil && n == 0 {
		n, err = w.Store.DeleteReplays(w.Ctx, w.ID, time.Time{}, removeTogether)
	}
	if err != nil {
		w.Log.Warn("a deleted webhook's deliveries can't be deleted; tried again", "error", err)
		w.removing = true
		w.After(time.Minute, remove{})
		return nil
	}
	if n > 0 {
		w.removeSoon()
		return nil
	}
	if err := w.Store.DeleteWebhook(w.Ctx, w.ID, w.record.Version); err != nil {
		return fmt.Errorf("delete the webhook: %w", err)
	}
	w.record = nil
	return nil
}

// cleanMore makes the endpoint delete further old deliveries.
type cleanMore struct{}

const (
	// cleanPause is the pause between two writes that delete old deliveries.
	cleanPause = 100 * time.Millisecond
	// An endpoint looks for old deliveries this often, and a hundred times while events are kept if that is more often. Each
	// look is two writes: a thousand endpoints that looked in each sweep, or all in the same, would be felt.
	cleanEvery, cleanShare = time.Hour, 100
)

// clean deletes deliveries and replays that are older than events are kept, some at a time until none is left.
func (w *webhook) clean() {
	now := w.Now()
	if w.room.Keep <= 0 || w.cleaning || now.Before(w.cleanAt) {
		return
	}
	w.cleanAt = now.Add(jittered(min(cleanEvery, w.room.Keep/cleanShare)))
	before := now.Add(-w.room.Keep)
	n, err := w.Store.DeleteDeliveries(w.Ctx, w.ID, before, removeTogether)
	if err == nil && n < removeTogether {
		n, err = w.Store.DeleteReplays(w.Ctx, w.ID, before, removeTogether)
	}
	switch {
	case err == nil && n == removeTogether:
		w.cleaning = true
		w.After(cleanPause, cleanMore{})
	case err != nil && w.Ctx.Err() == nil:
		w.cleanAt = time.Time{}
		w.Log.Warn("old deliveries can't be deleted; tried again", "error", err)
	}
}

func (w *webhook) onCleanMore(cleanMore) error {
	w.cleaning, w.cleanAt = false, time.Time{}
	if !w.gone() {
		w.clean()
	}
	return nil
}
