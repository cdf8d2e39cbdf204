package apikey

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The commands that make, rotate and revoke a key.

// copy is a copy of the record, to be changed and saved.
func (k *apikey) copy() *storage.APIKey {
	next := *k.record
	next.Secrets, next.Scopes = slices.Clone(next.Secrets), slices.Clone(next.Scopes)
	next.WebSessions = slices.Clone(next.WebSessions)
	return &next
}

// save writes the record that a command changed. If the command line wrote it meanwhile, that is a conflict: the host
// reloads and handles the command again.
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

// view replies with the key.
func (k *apikey) view() (proto.Message, error) {
	view := desk.KeyView(k.record)
	chat, err := desk.ChatOf(k.Ctx, k.Store, k.record.GroupID)
	if err != nil {
		return nil, err
	}
	view.ChatId = chat
	return &messages.APIKeyView{Code: messages.Code_OK, Key: view}, nil
}

// onCreate makes the key. A repeated command comes from someone who got no reply. They get another secret instead of
// the one that nobody has.
func (k *apikey) onCreate(m *messages.CreateAPIKey) (proto.Message, error) {
	now := k.Now().UTC().Truncate(time.Millisecond)
	secret := storage.KeySecret{Hash: m.Hash, CommandID: m.Origin.GetCommandId(), CreatedAt: now}
	if k.record != nil {
		return k.replace(secret)
	}
	return k.save(&storage.APIKey{
		KeyID: k.ID, Name: m.Name, Owner: m.Owner, Scopes: m.Scopes, GroupID: m.GroupId, Rate: m.Rate, Burst: m.Burst,
		By: desk.CreatorOf(m.Origin), Secrets: []storage.KeySecret{secret},
		CreatedAt: now, ExpiresAt: desk.TimeOf(m.ExpiresMs),
	})
}

// onRotate adds a secret. The older ones end after the overlap, or earlier if they would have anyway.
func (k *apikey) onRotate(m *messages.RotateAPIKey) (proto.Message, error) {
	if k.record == nil {
		return &messages.APIKeyView{Code: messages.Code_NOT_FOUND}, nil
	}
	if !k.record.RevokedAt.IsZero() {
		return &messages.APIKeyView{Code: messages.Code_CONFLICT, Reason: messages.ReasonKeyRevoked}, nil
	}
	now := k.Now().UTC().Truncate(time.Millisecond)
	secret := storage.KeySecret{Hash: m.Hash, CommandID: m.Origin.GetCommandId(), CreatedAt: now}
	if k.secretOf(secret.CommandID) >= 0 {
		return k.replace(secret)
	}
	next, until := k.copy(), now.Add(time.Duration(m.OverlapMs)*time.Millisecond)
	for i, s := range next.Secrets {
		if s.Until.IsZero() || s.Until.After(until) {
			next.Secrets[i].Until = until
		}
	}
	next.Secrets = slices.Insert(next.Secrets, 0, secret) // those that have ended stay last: whoever still sends one is told so
	next.Secrets = next.Secrets[:min(len(next.Secrets), secretsAtMost)]
	return k.save(next)
}

// replace replaces the secret that the same command made, unless somebody has used that one already.
func (k *apikey) replace(secret storage.KeySecret) (proto.Message, error) {
	at := k.secretOf(secret.CommandID)
	if at < 0 || k.record.Secrets[at].Used || !k.record.RevokedAt.IsZero() {
		return &messages.APIKeyView{Code: messages.Code_CONFLICT, Reason: messages.ReasonKeyShown}, nil
	}
	next := k.copy()
	next.Secrets[at].Hash = secret.Hash
	return k.save(next)
}

// secretOf is the index of the secret that a command made; -1: there is none.
func (k *apikey) secretOf(commandID string) int {
	return slices.IndexFunc(k.record.Secrets, func(s storage.KeySecret) bool { return s.CommandID == commandID })
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
