package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// The page of API keys.

var keyRoutes = []operationRoute{
	{http.MethodGet, "", (*operator).keys},
	{http.MethodPost, "", (*operator).createKey},
	{http.MethodPost, "/:id/revoke", (*operator).revokeKey},
	{http.MethodPost, "/:id/rotate", (*operator).rotateKey},
}

type apiKey struct {
	KeyID      string     `json:"keyId"`
	Name       string     `json:"name"`
	Owner      string     `json:"owner"`
	Scopes     []string   `json:"scopes"`
	GroupID    *int64     `json:"groupId"`
	Rate       int64      `json:"rate"`
	Burst      int64      `json:"burst"`
	ExpiresAt  *time.Time `json:"expiresAt"`
	RevokedAt  *time.Time `json:"revokedAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
	OldUntil   *time.Time `json:"oldSecretUntil"`
	CreatedAt  time.Time  `json:"createdAt"`
	Key        string     `json:"key"` // when it was just made
}

type keysPage struct {
	*listPage[apiKey]
	Scopes []scopeChoice // that a new key may get from this one
	Choose []group       // to which a new key can be bound
	Bound  int64         // the one that was chosen; 0: none
	Expire int           // the days that were chosen; 0: never
	Name   string        // as it was entered
	Owner  string
	Own    string // id of the key that is signed in
	Days   []int  // after which a new key may expire
}

type scopeChoice struct {
	Name   string
	Chosen bool
}

func (o *operator) keys() error {
	found, err := listed[apiKey](o, "/api-keys", o.path(""))
	if err != nil {
		return err
	}
	p := &keysPage{listPage: found, Own: o.of.key.KeyId, Days: []int{7, 30, 90, 365}}
	if p.Groups, err = o.groupTitles(); err != nil {
		return err
	}
	if o.may("keys:write") {
		p.Name, p.Owner = o.entered("name"), o.entered("owner")
		chosen := o.formValues("scope")
		for _, scope := range messages.Scopes {
			if o.may(scope) {
				p.Scopes = append(p.Scopes, scopeChoice{scope, slices.Contains(chosen, scope)})
			}
		}
		p.Bound, _ = strconv.ParseInt(o.entered("group"), 10, 64)
		p.Expire, _ = strconv.Atoi(o.entered("days"))
		if p.Choose, err = o.groupList(); err != nil {
			return err
		}
	}
	return o.show("operations-keys", p)
}

// formValues are all values of a field of a form.
func (o *operator) formValues(name string) (values []string) {
	for _, v := range o.c.Context().PostArgs().PeekMulti(name) {
		values = append(values, string(v))
	}
	return values
}

type secretPage struct {
	Title  string // key of the text that says what it is
	Name   string
	Secret string
	Back   string // address of where it belongs
}

func (o *operator) createKey() error {
	body := struct {
		Name      string   `json:"name"`
		Owner     string   `json:"owner,omitempty"`
		Scopes    []string `json:"scopes"`
		GroupID   int64    `json:"groupId,omitempty"`
		ExpiresAt string   `json:"expiresAt,omitempty"`
	}{Name: o.c.FormValue("name"), Owner: strings.TrimSpace(o.c.FormValue("owner")), Scopes: o.formValues("scope")}
	if body.Scopes == nil {
		body.Scopes = []string{}
	}
	body.GroupID, _ = strconv.ParseInt(o.c.FormValue("group"), 10, 64)
	if days, err := strconv.Atoi(o.c.FormValue("days")); err == nil && days > 0 && days <= 3660 {
		// Of a day, so that the form sent twice is the same request.
		body.ExpiresAt = o.site.o.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, days+1).Format(time.RFC3339)
	}
	var made apiKey
	if err := o.call(http.MethodPost, "/api-keys", body, &made); err != nil {
		return o.again(err, o.keys)
	}
	return o.show("operations-secret", &secretPage{"new_key", made.Name, made.Key, o.path("")})
}

func (o *operator) revokeKey() error {
	if err := o.call(http.MethodDelete, "/api-keys/"+o.param("id"), nil, nil); err != nil {
		return o.again(err, o.keys)
	}
	return o.done("", "revoked")
}

func (o *operator) rotateKey() error {
	seconds, err := strconv.ParseInt(o.c.FormValue("overlap"), 10, 64)
	if err != nil {
		return errNowhere
	}
	var rotated apiKey
	body := map[string]int64{"overlapSeconds": seconds}
	if err := o.call(http.MethodPost, "/api-keys/"+o.param("id")+"/rotate", body, &rotated); err != nil {
		return o.again(err, o.keys)
	}
	return o.show("operations-secret", &secretPage{"new_key", rotated.Name, rotated.Key, o.path("")})
}
