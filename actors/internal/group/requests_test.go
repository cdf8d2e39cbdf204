package group

import (
	"testing"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

func TestWhatAGroupCanBeAsked(t *testing.T) {
	for _, row := range groupRequests {
		name := entity.TypeName(row.message)
		c, known := messages.CommandOf(row.verb)
		if !known || c.About != messages.AboutChat || !c.Where.Have(messages.InGroup) {
			t.Errorf("%s: /%s is no command about a group", name, row.verb)
		}
		if row.refused == "" || row.effect == nil {
			t.Errorf("%s: %+v", name, row)
		}
	}
}

// TestNobodyMayWithoutADeclaration holds the default.
func TestNobodyMayWithoutADeclaration(t *testing.T) {
	people := &messages.Origin{CommandId: "-1001:5", Place: "g-1001", From: &messages.Person{Id: 5}}
	if (&group{}).may("unheard_of", people) {
		t.Error("a group allows an unknown verb")
	}
}
