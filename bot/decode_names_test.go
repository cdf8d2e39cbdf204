package bot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestNamesTurnNothingAround: no name that people choose in Telegram reverses the words after it, wherever it is shown.
func TestNamesTurnNothingAround(t *testing.T) {
	u, err := Decode([]byte(strings.ReplaceAll(`{"update_id":1,"message":{"message_id":2,"date":3,
		"from":{"id":5,"first_name":"An%n","last_name":"%Lee"},
		"chat":{"id":-1001,"type":"supergroup","title":"Sup%port","is_forum":true},
		"forward_origin":{"type":"channel","chat":{"id":-1002,"type":"channel","title":"Ne%ws"},"message_id":1,"author_signature":"Ed%"},
		"document":{"file_id":"f","file_unique_id":"u","file_name":"bill%fdp.exe"},
		"caption":"words may have %"}}`, "%", "\u202e")))
	if err != nil {
		t.Fatal(err)
	}
	m := u.Message
	for name, got := range map[string]string{
		"first name": m.From.FirstName, "last name": m.From.LastName, "sender": m.Sender.GetName(), "group": m.Chat.Title,
		"origin": m.Forward.GetName(), "signature": m.Forward.GetSignature(), "file": m.Media.GetFileName(),
	} {
		if got == "" || strings.ContainsFunc(got, messages.Directs) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if shown, _ := json.Marshal(m.From); strings.Contains(string(shown), "\u202e") {
		t.Errorf("the person: %s", shown)
	}
}
