package storage

import (
	"slices"
	"strconv"
)

// UserParty names a person as a party of a ticket. A group is named by its internal id.
func UserParty(telegramID int64) string { return "u" + strconv.FormatInt(telegramID, 10) }

// ClosedParty names a party of a ticket that is closed, so that who lists what is open reads nothing else.
func ClosedParty(party string) string { return "closed/" + party }

// MessageParty names a message whose words a ticket has in its description.
func MessageParty(messageID string) string { return "m" + messageID }

// Parties returns by what tickets are looked up: who is on one, and whose words are in its description.
func (t *Ticket) Parties() []string {
	all := t.people()
	for i := range t.Sources {
		if id := t.Sources[i].MessageID; id != "" && !slices.Contains(all, MessageParty(id)) {
			all = append(all, MessageParty(id))
		}
	}
	return all
}

// people returns who is on a ticket by its links that have not ended, which are people who were mentioned and the groups of
// the linked topics, and whose message it was opened from. The creator and the home group are none. Those of a closed
// ticket have names of their own (ClosedParty).
func (t *Ticket) people() (all []string) {
	for i := range t.Links {
		link := &t.Links[i]
		if link.Ended {
			continue
		}
		if link.UserID != 0 {
			all = append(all, UserParty(link.UserID))
		}
		all = append(all, link.Topic.GroupID)
	}
	if of := t.OpenedFor; of != nil && of.Kind == "user" {
		all = append(all, "u"+of.ID)
	}
	slices.Sort(all)
	creator := ""
	if t.CreatedBy.Kind == "user" {
		creator = "u" + t.CreatedBy.ID
	}
	all = slices.DeleteFunc(slices.Compact(all), func(party string) bool {
		return party == "" || party == t.GroupID || party == creator // in their private chat, or on two sides
	})
	if t.Status == "closed" {
		for i := range all {
			all[i] = ClosedParty(all[i])
		}
	}
	return all
}
