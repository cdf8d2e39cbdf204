package ticket

import (
	"testing"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

func TestWhatATicketCanBeAsked(t *testing.T) {
	verbs := map[string]bool{}
	for name, row := range ticketRequests {
		declared, known := messages.CommandOf(row.verb)
		verbs[row.verb] = true
		switch {
		case row.verb != "" && (!known || declared.About != messages.AboutTicket):
			t.Errorf("%s: /%s is no command about a ticket", name, row.verb)
		case row.verb == "" && row.may == nil && !row.forPrograms:
			t.Errorf("%s: nobody may ask it", name)
		case declared.Who == messages.ByOwnRule && row.may == nil:
			t.Errorf("%s: /%s has a rule of its own, and there is none", name, row.verb)
		case (row.effect == nil) == (row.decide == nil):
			t.Errorf("%s: it has one effect", name)
		}
	}
	for _, c := range messages.SlashCommands {
		if c.About == messages.AboutTicket && !verbs[c.Verb] {
			t.Errorf("/%s is declared, but a ticket does not know it", c.Verb)
		}
	}
}

// TestNobodyMayUnlessDeclared checks the default: what neither a declaration nor a rule allows is refused.
func TestNobodyMayUnlessDeclared(t *testing.T) {
	people := &messages.Origin{CommandId: "-1001:5", Place: "g-1001", From: &messages.Person{Id: 5}}
	k := &ticket{}
	for _, m := range []desk.Command{&messages.RegisterGroup{Origin: people}, &messages.UpdateTicket{Origin: people}} {
		if may, _, err := k.may(m); may != no || err != nil {
			t.Errorf("%s: %v, %v", entity.TypeName(m), may, err)
		}
	}
	if may, _, err := k.mayByVerb("unheard_of", people); may != no || err != nil {
		t.Errorf("an unknown verb: %v, %v", may, err)
	}
}
