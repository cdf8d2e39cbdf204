package httpedge

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// APIKey is a key as the API shows it, without its secret.
type APIKey struct {
	KeyID      string     `json:"keyId" doc:"The key's id, which is also part of the key." example:"k7c2m4q3x5ad"`
	Name       string     `json:"name" doc:"What the key is for. Telegram shows it as the author of the key's messages." example:"CRM"`
	Owner      string     `json:"owner" doc:"Who is responsible for the key." example:"ops@example.org"`
	Scopes     []string   `json:"scopes" nullable:"false" doc:"What the key may do." example:"[\"tickets:read\",\"tickets:write\"]"`
	GroupID    *int64     `json:"groupId" doc:"Telegram id of the only group that the key sees. null: it sees all groups." example:"-1001234567890"`
	Rate       int64      `json:"rate" doc:"The most requests per second, on average." example:"100"`
	Burst      int64      `json:"burst" doc:"The most requests in one burst." example:"200"`
	ExpiresAt  *view.Time `json:"expiresAt" doc:"When the key expires. null: never."`
	RevokedAt  *view.Time `json:"revokedAt" doc:"When the key was revoked. null: it is not revoked."`
	LastUsedAt *view.Time `json:"lastUsedAt" doc:"When the key was last used, to the minute. null: never."`
	OldUntil   *view.Time `json:"oldSecretUntil" doc:"After a rotation: until when the previous secret is accepted."`
	CreatedAt  view.Time  `json:"createdAt" doc:"When the key was created."`
	UpdatedAt  view.Time  `json:"updatedAt" doc:"When the key was last changed."`
}

// NewAPIKey is a key that was just created or rotated. Its secret is shown only here.
type NewAPIKey struct {
	APIKey
	Key string `json:"key" doc:"The key itself. It is shown only this once: the desk stores a hash of it." example:"td_live_k7c2m4q3x5ad4ah6tz2ytx6cnmb4qhvrxm3ce7sk2lyqj5uaba"`
}

// usualOverlap is how long the previous secret of a rotated key is accepted if the request does not say.
const usualOverlap = 24 * time.Hour

func (a *API) keyOperations() {
	register(a, op{
		id: "listApiKeys", method: http.MethodGet, path: "/api-keys",
		tag: tagKeys, summary: "List API keys", scope: "keys:read",
		description: "Lists the keys that this key sees, including revoked ones, sorted by id. A key that is bound to a " +
			"group sees only the keys of that group.",
		answer: exampleList(exampleKey()),
	}, a.listKeys)
	register(a, op{
		id: "createApiKey", method: http.MethodPost, path: "/api-keys",
		tag: tagKeys, summary: "Create an API key", scope: "keys:write",
		status: http.StatusCreated, sealed: true,
		codes: []string{codeGrantTooWide, codeGroupUnknown, messages.ReasonKeyShown},
		description: "Creates a key, which only this answer shows. The new key can't have more scopes, a higher rate or " +
			"burst, or a later expiry than the key that creates it, unless that one has the scope `admin`. A key that is " +
			"bound to a group creates keys of that group.",
		request: map[string]any{"name": "CRM", "owner": "ops@example.org",
			"scopes": []string{"tickets:read", "tickets:write"}, "groupId": -1001234567890},
		answer: exampleNewKey(),
	}, a.createKey)
	register(a, op{
		id: "revokeApiKey", method: http.MethodDelete, path: "/api-keys/{id}",
		tag: tagKeys, summary: "Revoke an API key", scope: "keys:write",
		status: http.StatusNoContent, codes: []string{codeGrantTooWide},
		description: "Revokes a key. After the answer it is refused everywhere; it stays in the list. Revoking it again " +
			"changes nothing. A key can only revoke keys that do not exceed it in scopes, rate, burst and expiry.",
	}, a.revokeKey)
	register(a, op{
		id: "rotateApiKey", method: http.MethodPost, path: "/api-keys/{id}/rotate",
		tag: tagKeys, summary: "Give an API key a new secret", scope: "keys:write",
		sealed: true, codes: []string{codeGrantTooWide, messages.ReasonKeyRevoked, messages.ReasonKeyShown},
		description: "Gives a key a new secret, which only this answer shows. The previous one is accepted for another " +
			"`overlapSeconds`, so that programs can change over. Id, scopes and limits stay. A key can only rotate keys " +
			"that do not exceed it in scopes, rate, burst and expiry.",
		request: map[string]any{"overlapSeconds": 3600}, answer: exampleNewKey(),
	}, a.rotateKey)
}

type keyListOutput struct {
	Body List[APIKey]
}

func (a *API) listKeys(ctx context.Context, c *call, in *PageInput) (*keyListOutput, error) {
	list, after := "api-keys", ""
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	m := &messages.ListAPIKeys{GroupId: c.key.GroupId, After: after, Limit: int32(in.Limit + 1)}
	found, err := ask[*messages.APIKeyList](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	key := func(k *messages.APIKey) any { return k.KeyId }
	return &keyListOutput{Body: listOf(found.Keys, in.Limit, list, key, keyOf)}, nil
}

type createKeyInput struct {
	Body struct {
		Name      string     `json:"name" minLength:"1" maxLength:"100" doc:"What the key is for. Telegram shows it as the author of the key's messages." example:"CRM"`
		Owner     string     `json:"owner,omitempty" maxLength:"100" doc:"Who is responsible for the key."`
		Scopes    []string   `json:"scopes" minItems:"1" maxItems:"20" nullable:"false" doc:"What the key may do."`
		GroupID   *int64     `json:"groupId,omitempty" doc:"Telegram id of the only group that the key will see."`
		Rate      int64      `json:"rate,omitempty" minimum:"1" maximum:"100000" doc:"The most requests per second, on average. If absent: 100, or the rate of the key that creates it if that is lower."`
		Burst     int64      `json:"burst,omitempty" minimum:"1" maximum:"200000" doc:"The most requests in one burst. If absent: twice the rate, or the burst of the key that creates it if that is lower."`
		ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"When the key expires. If absent: never, or when the key that creates it expires."`
	}
}

type newKeyOutput struct {
	Location string `header:"Location" doc:"The path of the key."`
	Body     NewAPIKey
}

func (a *API) createKey(ctx context.Context, c *call, in *createKeyInput) (*newKeyOutput, error) {
	b := in.Body
	name := messages.CleanLine(b.Name)
	if messages.Blank(name) {
		return nil, invalid("/name", "it has no visible text")
	}
	for i, scope := range b.Scopes {
		if !slices.Contains(messages.Scopes, scope) {
			return nil, invalid(fmt.Sprintf("/scopes/%d", i), "one of "+strings.Join(messages.Scopes, ", "))
		}
		if !grants(c.key.Scopes, scope) {
			return nil, problem(codeGrantTooWide)
		}
	}
	create := &messages.CreateAPIKey{Origin: c.origin(), Name: name, Owner: messages.CleanLine(b.Owner),
		Scopes: b.Scopes, GroupId: c.key.GroupId, Rate: b.Rate, Burst: b.Burst}
	if b.GroupID != nil {
		place, err := a.place(ctx, c, *b.GroupID)
		if err != nil {
			return nil, unknownGroup(err, "/groupId")
		}
		create.GroupId = place
	}
	if b.ExpiresAt != nil {
		if !b.ExpiresAt.After(c.now) {
			return nil, invalid("/expiresAt", "expected a time in the future")
		}
		create.ExpiresMs = b.ExpiresAt.UnixMilli()
	}
	withinLimits(c.key, create)
	if exceeds(c.key, create.Rate, create.Burst, create.ExpiresMs) {
		return nil, tooWide()
	}
	keyID := messages.NewAPIKeyID(c.commandID)
	key, hash := messages.NewAPIKey(keyID)
	create.Hash = hash
	view, err := ask[*messages.APIKeyView](ctx, a, messages.KindAPIKey, keyID, create)
	if err != nil {
		return nil, err
	}
	made := NewAPIKey{APIKey: keyOf(view.Key), Key: key}
	return &newKeyOutput{Location: apiPrefix + "/api-keys/" + keyID, Body: made}, nil
}

// KeyPath names an API key in the path.
type KeyPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"The key's id." example:"k7c2m4q3x5ad"`
}

func (a *API) revokeKey(ctx context.Context, c *call, in *KeyPath) (*struct{}, error) {
	if err := a.manages(ctx, c, in.ID); err != nil {
		return nil, err
	}
	_, err := ask[*messages.APIKeyView](ctx, a, messages.KindAPIKey, in.ID, &messages.RevokeAPIKey{Origin: c.origin()})
	return nil, err
}

type rotateKeyInput struct {
	KeyPath
	Body *struct {
		OverlapSeconds *int64 `json:"overlapSeconds,omitempty" minimum:"0" maximum:"604800" doc:"How long the previous secret is accepted, in seconds. If absent: one day."`
	} `required:"false"`
}

type rotatedKeyOutput struct {
	Body NewAPIKey
}

func (a *API) rotateKey(ctx context.Context, c *call, in *rotateKeyInput) (*rotatedKeyOutput, error) {
	if err := a.manages(ctx, c, in.ID); err != nil {
		return nil, err
	}
	overlap := usualOverlap
	if in.Body != nil && in.Body.OverlapSeconds != nil {
		overlap = time.Duration(*in.Body.OverlapSeconds) * time.Second
	}
	key, hash := messages.NewAPIKey(in.ID)
	m := &messages.RotateAPIKey{Origin: c.origin(), Hash: hash, OverlapMs: overlap.Milliseconds()}
	view, err := ask[*messages.APIKeyView](ctx, a, messages.KindAPIKey, in.ID, m)
	if err != nil {
		return nil, err
	}
	return &rotatedKeyOutput{Body: NewAPIKey{APIKey: keyOf(view.Key), Key: key}}, nil
}

// manages checks that the caller's key may change a key: it must see that key, and that key must not exceed it in scopes,
// limits or expiry.
func (a *API) manages(ctx context.Context, c *call, keyID string) error {
	if !messages.IsAPIKeyID(keyID) {
		return problem(codeNotFound)
	}
	found, err := ask[*messages.APIKeyView](ctx, a, messages.KindQuery, "", &messages.GetAPIKey{KeyId: keyID})
	if err != nil {
		return err
	}
	if !c.sees(found.Key.GroupId) {
		return problem(codeNotFound)
	}
	for _, scope := range found.Key.Scopes {
		if !grants(c.key.Scopes, scope) {
			return problem(codeGrantTooWide)
		}
	}
	if exceeds(c.key, found.Key.Rate, found.Key.Burst, found.Key.ExpiresMs) {
		return tooWide()
	}
	return nil
}

// unknownGroup turns "not found" of a group that a body names into a problem of that field.
func unknownGroup(err error, pointer string) error {
	if p := asProblem(err); p.Code != codeNotFound {
		return err
	}
	p := problem(codeGroupUnknown)
	p.Errors = []FieldError{{In: "body", Pointer: "#" + pointer, Detail: problemKinds[codeGroupUnknown].detail}}
	return p
}

func keyOf(k *messages.APIKey) APIKey {
	v := APIKey{
		KeyID: k.KeyId, Name: k.Name, Owner: k.Owner, Scopes: k.Scopes, Rate: k.Rate, Burst: k.Burst,
		ExpiresAt: view.TimeOf(k.ExpiresMs), RevokedAt: view.TimeOf(k.RevokedMs), LastUsedAt: view.TimeOf(k.LastUsedMs),
		OldUntil: view.TimeOf(k.OldUntilMs), CreatedAt: view.At(k.CreatedMs),
		UpdatedAt: view.At(k.UpdatedMs),
	}
	if k.GroupId != "" {
		v.GroupID = &k.ChatId
	}
	return v
}

func exampleKey() APIKey {
	return APIKey{KeyID: "k7c2m4q3x5ad", Name: "CRM", Owner: "ops@example.org",
		Scopes: []string{"tickets:read", "tickets:write"}, Rate: 100, Burst: 200,
		CreatedAt: view.ExampleTime, UpdatedAt: view.ExampleTime}
}

func exampleNewKey() NewAPIKey {
	return NewAPIKey{APIKey: exampleKey(), Key: "td_live_k7c2m4q3x5ad4ah6tz2ytx6cnmb4qhvrxm3ce7sk2lyqj5uaba"}
}

func exampleList[T any](item T) List[T] { return List[T]{Data: []T{item}} }
