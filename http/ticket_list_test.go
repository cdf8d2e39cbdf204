package httpedge

import (
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestTicketListNames: cursors of the release before, which took one status and one priority, are still of their list.
func TestTicketListNames(t *testing.T) {
	of := func(statuses, priorities []string) string {
		in := &listTicketsInput{CreatedBy: "user:5", Query: "x", Sort: "-createdAt"}
		m := &messages.ListTicketRecords{Statuses: statuses, Priorities: priorities, GroupId: "g", FromMs: 1}
		return ticketListName(in, m)
	}
	for got, want := range map[string]string{
		of(nil, nil):                               `tickets/["" "" "g" "user:5" "" "x" "-createdAt" "1" "0"]`,
		of([]string{"open"}, []string{"high"}):     `tickets/["open" "high" "g" "user:5" "" "x" "-createdAt" "1" "0"]`,
		of([]string{"closed", "open"}, []string{}): `tickets/["closed,open" "" "g" "user:5" "" "x" "-createdAt" "1" "0"]`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
