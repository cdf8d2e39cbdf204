package messages_test

import (
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestNewWebhookID: a repeated request must name the same endpoint, also after an update of the service.
func TestNewWebhookID(t *testing.T) {
	id := messages.NewWebhookID("api:k7c2m4q3x5ad:1")
	if id != messages.NewWebhookID("api:k7c2m4q3x5ad:1") || !messages.IsWebhookID(id) {
		t.Error("not the same id, or none:", id)
	}
	if id == messages.NewWebhookID("api:k7c2m4q3x5ad:2") {
		t.Error("two commands make the same id")
	}
	if want := "wh_"; id[:3] != want || len(id) != 23 {
		t.Error(id)
	}
}

func TestIsWebhookID(t *testing.T) {
	for id, want := range map[string]bool{
		"wh_aaaaaaaaaaaaaaaaaaaa": true, "wh_a2b3c4d5e6f7aaaaaaaa": true, "": false, "wh_": false, "wh_aaaa": false,
		"wh_aaaaaaaaaaaaaaaaaaaaa": false, "wh_AAAAAAAAAAAAAAAAAAAA": false, "wh_aaaaaaaaaaaaaaaaaaa1": false,
		"xx_aaaaaaaaaaaaaaaaaaaa": false, "wh_aaaaaaaaaa/../../aaa": false, "wh_aaaaaaaaaaaaaaaaaaſ": false,
	} {
		if messages.IsWebhookID(id) != want {
			t.Errorf("%q: want %v", id, want)
		}
	}
}
