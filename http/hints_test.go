package httpedge_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestRefusalsSayWhatIsWrong: a refusal names what its sender can mend.
func TestRefusalsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	s, key := ticketService(t)
	ticket := s.ticket(key, "Printer")
	says := func(r *response, status int, part string) {
		t.Helper()
		if r.is(status); !strings.Contains(string(r.body), part) {
			t.Errorf("it does not say %q: %s", part, r.body)
		}
	}
	from := "/api/v1/tickets?createdFrom=2026-11-30T20:00:00"
	says(s.do("GET", from+"+07:00", key, nil), 422, "%2B")
	s.do("GET", from+"%2B07:00", key, nil).is(200)
	if r := s.do("GET", "/api/v1/tickets?createdFrom=soon", key, nil); strings.Contains(string(r.body), "%2B") {
		t.Errorf("it speaks of a time zone: %s", r.body)
	}
	file := s.do("POST", at(ticket)+"/attachments", key, fileForm("file", "a.txt", "hello")).is(201)["attachmentId"].(string)
	says(s.do("GET", "/api/v1/attachments/"+file+"/thumbnail", key, nil), 404, "no thumbnail")
	says(s.do("POST", at(ticket)+"/attachments", key, fileForm("file", "a.txt", "")), 422, "The file is empty. Send its bytes")
	group := s.otherGroup(true, simulator.BotRights{CanManageTopics: true})
	s.botLeaves(group)
	p := s.do("POST", "/api/v1/tickets", key, object{"title": "x", "groupId": group})
	if p.is(409, "group_needs_rights"); !strings.Contains(string(p.body), "The bot is not in this group") {
		t.Errorf("%s", p.body)
	}
}
