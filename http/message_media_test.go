package httpedge

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

func TestWhatMessagesCarry(t *testing.T) {
	for kind, c := range map[string]struct {
		media *messages.Media
		want  string
	}{
		"poll": {&messages.Media{Poll: &messages.Poll{Question: "Tea?", Description: "at 4", IsAnonymous: true, Options: []*messages.PollOption{{Text: "yes"}, {Text: "no"}}}},
			`{"poll":{"question":"Tea?","options":[{"text":"yes"},{"text":"no"}],"isQuiz":false,"isAnonymous":true,"allowsMultipleAnswers":false,"isClosed":false,"description":"at 4"}}`},
		"contact": {&messages.Media{Contact: &messages.Contact{PhoneNumber: "+66 1", FirstName: "Nok", UserId: 7}},
			`{"contact":{"phoneNumber":"+66 1","firstName":"Nok","userId":7}}`},
		"venue": {&messages.Media{Location: &messages.Location{Latitude: 1.5, Longitude: 2}, Venue: &messages.Venue{Title: "Office", Address: "Silom"}},
			`{"location":{"latitude":1.5,"longitude":2},"venue":{"title":"Office","address":"Silom"}}`},
		"checklist": {&messages.Media{Checklist: &messages.Checklist{Title: "Move", Tasks: []*messages.ChecklistTask{{Text: "pack", Done: true}, {Text: "paint"}}}},
			`{"checklist":{"title":"Move","tasks":[{"text":"pack","done":true},{"text":"paint"}]}}`},
		"hologram": {&messages.Media{}, `{}`},
	} {
		t.Run(kind, func(t *testing.T) {
			c.media.Kind = kind
			v := view.MessageOf(&messages.MessageRecord{
				Topic: &messages.TopicRecord{}, Content: &messages.Content{Media: c.media},
				Reference: &messages.ReplyTo{Preview: "Friday", Origin: &messages.Forward{Name: "Shop"}, Url: "https://t.me/shop/17"},
			})
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var all, want map[string]any
			if err := json.Unmarshal(raw, &all); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			got := map[string]any{}
			for _, name := range []string{"poll", "contact", "location", "venue", "checklist"} {
				if value, here := all[name]; here {
					got[name] = value
				}
			}
			if d := cmp.Diff(want, got); d != "" || all["media"] != kind {
				t.Errorf("media %v\n%s", all["media"], d)
			}
			reference := map[string]any{"from": "Shop", "url": "https://t.me/shop/17", "text": "Friday"}
			if d := cmp.Diff(reference, all["reference"]); d != "" {
				t.Error(d)
			}
		})
	}
}
