package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// What a key writes for a team alone, and what it has tried again.

// linksLookedAt is how many links of a ticket are looked at for groups that can have a note.
const linksLookedAt = "100"

// noteGroups are the groups in which the ticket has a topic that the key can write an internal note into, that of the ticket first.
func (o *operator) noteGroups(t *keyTicket) (groups []int64, err error) {
	if !o.may(scopeMessagesWrite) || t.Status == "closed" {
		return nil, nil
	}
	groups = []int64{t.GroupID}
	if o.of.key.GroupId != "" { // it sees no other group
		return groups, nil
	}
	var links list[struct {
		State string   `json:"state"`
		Topic keyTopic `json:"topic"`
	}]
	if err := o.get("/tickets/"+t.TicketID+"/links?limit="+linksLookedAt, &links); err != nil {
		return nil, err
	}
	for _, l := range links.Data {
		if at := l.Topic.GroupID; l.State == "active" && at != nil && *at < 0 && !slices.Contains(groups, *at) { // a person's chat has no notes
			groups = append(groups, *at)
		}
	}
	return groups, nil
}

func (o *operator) noteTicket() error {
	text, _ := messages.CutNote(strings.TrimSpace(unixLines(o.c.FormValue("note")))) // it is one, with or without the mark of one
	body := map[string]any{"text": text}
	if where := o.c.FormValue("where"); where != "" {
		group, err := strconv.ParseInt(where, 10, 64)
		if err != nil {
			return o.again(&refusal{Status: http.StatusUnprocessableEntity, Code: "invalid", Errors: []fieldFault{{Name: "where", Detail: where}}}, o.ticket)
		}
		body["groupId"] = group
	}
	return o.ticketDone(http.MethodPost, "/notes", body, "noted")
}

// retryTicket tries the copies of a message again that were given up.
func (o *operator) retryTicket() error {
	message := o.c.FormValue("message")
	if message == "" {
		return errNowhere
	}
	return o.ticketDone(http.MethodPost, "/messages/"+url.PathEscape(message)+"/retry", nil, "tried_again")
}
