package storage

import (
	"slices"
	"strconv"
)

// UserParty names a person as a party of a ticket. A group is named by its internal id.
func UserParty(telegramID int64) string { return "u" + strconv.FormatInt(telegramID, 10) }

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
// the linked topics, and whose message it was opened from. The creator and the home group are none. A closed ticket has
// none, since nobody looks for it by them.
func (t *Ticket) people() (all []string) {
	if t.Status == "closed" {
		return nil
	}
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
	return slices.DeleteFunc(slices.Compact(all), func(party string) bool {
		return party == "" || party == t.GroupID || party == creator // in their private chat, or on two sides
	})
}
