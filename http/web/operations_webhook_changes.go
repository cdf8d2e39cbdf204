package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// What operators do with webhooks.

func (o *operator) createWebhook() error {
	body := struct {
		URL         string   `json:"url"`
		Description string   `json:"description,omitempty"`
		Events      []string `json:"events,omitempty"`
	}{URL: strings.TrimSpace(o.c.FormValue("url")), Description: strings.TrimSpace(o.c.FormValue("description"))}
	body.Events = strings.FieldsFunc(o.c.FormValue("events"), func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
	var made webhook
	if err := o.call(http.MethodPost, "/webhooks", body, &made); err != nil {
		return o.again(err, o.webhooks)
	}
	return o.show("operations-secret", &secretPage{"new_webhook", made.Called(), made.Secret, o.path("/" + made.WebhookID)})
}

// changed carries out a change of a webhook, and leads back to its page.
func (o *operator) changed(method, path string, body any, what string) error {
	if err := o.call(method, "/webhooks/"+o.param("id")+path, body, nil); err != nil {
		return o.again(err, o.webhook)
	}
	return o.done("/"+o.param("id"), what)
}

func (o *operator) testWebhook() error {
	tested := &webhookTest{}
	body := map[string]string{"type": o.c.FormValue("type")}
	if err := o.call(http.MethodPost, "/webhooks/"+o.param("id")+"/test", body, tested); err != nil {
		return o.again(err, o.webhook)
	}
	return o.webhookWith(func(p *webhookPage) { p.Tested = tested })
}

func (o *operator) enableWebhook() error {
	var body any
	if o.c.FormValue("from") == "now" {
		body = map[string]string{"from": "now"}
	}
	return o.changed(http.MethodPost, "/enable", body, "enabled")
}

func (o *operator) disableWebhook() error {
	return o.changed(http.MethodPost, "/disable", nil, "disabled")
}

func (o *operator) deleteWebhook() error {
	if err := o.call(http.MethodDelete, "/webhooks/"+o.param("id"), nil, nil); err != nil {
		return o.again(err, o.webhook)
	}
	return o.done("", "deleted")
}

func (o *operator) rotateSecret() error {
	var made webhook
	if err := o.call(http.MethodPost, "/webhooks/"+o.param("id")+"/rotate-secret", nil, &made); err != nil {
		return o.again(err, o.webhook)
	}
	return o.show("operations-secret", &secretPage{"new_webhook", made.Called(), made.Secret, o.path("/" + made.WebhookID)})
}

// startReplay delivers again what was given up, or what happened in a time: of the reader's zone, as their browser told.
func (o *operator) startReplay() error {
	body := map[string]any{"missing": true}
	if o.c.FormValue("missing") == "" {
		body = map[string]any{}
		for _, name := range []string{"since", "until"} {
			if o.c.FormValue(name) == "" {
				continue
			}
			at, err := o.moment(name)
			if err != nil { // without it, the replay would go further than asked
				return o.again(err, o.webhook)
			}
			body[name] = at
		}
	}
	var started replay
	if err := o.call(http.MethodPost, "/webhooks/"+o.param("id")+"/replay", body, &started); err != nil {
		return o.again(err, o.webhook)
	}
	return o.c.Redirect(withQuery(o.path("/"+o.param("id")), "replay", started.ReplayID, "done", "replay"), http.StatusSeeOther)
}

func (o *operator) cancelReplay() error {
	return o.changed(http.MethodDelete, "/replays/"+url.PathEscape(o.c.Params("replay")), nil, "cancelled")
}

func (o *operator) retryDelivery() error {
	return o.changed(http.MethodPost, "/deliveries/"+url.PathEscape(o.c.Params("event"))+"/retry", nil, "retried")
}
