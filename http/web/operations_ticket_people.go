package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Whom a key brings into a ticket, to whom it gives it, and until when it puts it aside.

const peopleOffered = 100 // in the fields that name one

// Handle is what such a field takes.
func (u user) Handle() string {
	if u.Username != "" {
		return "@" + u.Username
	}
	return strconv.FormatInt(u.TelegramID, 10)
}

// mentionable are the first people who can be mentioned, for a key that may know them.
func (o *operator) mentionable() (people []user, err error) {
	var page list[user]
	if !o.may("users:read") || !o.may("tickets:write") {
		return nil, nil
	}
	if err := o.get("/users?limit="+strconv.Itoa(peopleOffered), &page); err != nil {
		return nil, err
	}
	for _, u := range page.Data {
		if u.DefaultGroupID != nil && !u.IsBot {
			people = append(people, u)
		}
	}
	return people, nil
}

// personNamed reads whom a form names: by a Telegram id, else by a username.
func (o *operator) personNamed() (id int64, username string) {
	given := messages.CleanLine(o.c.FormValue("person"))
	if id, err := strconv.ParseInt(given, 10, 64); err == nil {
		return id, ""
	}
	return 0, strings.TrimPrefix(given, "@")
}

func (o *operator) mentionPerson() error {
	id, username := o.personNamed()
	body := map[string]any{"username": username}
	if id != 0 {
		body = map[string]any{"userId": id}
	}
	return o.ticketDone(http.MethodPost, "/mention", body, "mentioned")
}

// assignTicket gives the ticket to whom the form names, or takes it back from whoever has it. The API knows them by their id alone.
func (o *operator) assignTicket() error {
	if o.c.FormValue("release") != "" {
		return o.ticketDone(http.MethodPatch, "", map[string]any{"assigneeId": nil}, "ticket_changed")
	}
	id, username := o.personNamed()
	if id == 0 && username != "" {
		if lang := languageOf(o.c, o.of); !o.may("users:read") {
			return o.again(&refusal{Status: http.StatusForbidden, Detail: textOf(lang, "key_lookup", "scope", "users:read")}, o.ticket)
		}
		var found list[user]
		if err := o.get("/users?username="+url.QueryEscape(username), &found); err != nil {
			return o.again(err, o.ticket)
		}
		if len(found.Data) > 0 {
			id = found.Data[0].TelegramID
		}
	}
	if id == 0 {
		return o.again(&refusal{Status: http.StatusUnprocessableEntity, Code: messages.NoticeAssignUnknown,
			Detail: textOf(languageOf(o.c, o.of), "refused_assign_unknown")}, o.ticket)
	}
	return o.ticketDone(http.MethodPatch, "", map[string]any{"assigneeId": id}, "ticket_changed")
}

// snoozeTicket puts the ticket aside until the time of the form, or takes it up again.
func (o *operator) snoozeTicket() error {
	if o.c.FormValue("off") != "" {
		return o.ticketDone(http.MethodPatch, "", map[string]any{"snoozedUntil": nil}, "ticket_changed")
	}
	until, err := o.moment("until")
	if err != nil {
		return o.again(err, o.ticket)
	}
	return o.ticketDone(http.MethodPatch, "", map[string]any{"snoozedUntil": until}, "ticket_changed")
}

// moment reads a time of a form: in the reader's zone, as their browser told. What is none is a *refusal.
func (o *operator) moment(name string) (time.Time, error) {
	given := o.c.FormValue(name)
	at, err := time.ParseInLocation("2006-01-02T15:04", given, zoneOf(o.c))
	if err != nil {
		return at, &refusal{Status: http.StatusUnprocessableEntity, Code: "invalid", Errors: []fieldFault{{Name: name, Detail: given}}}
	}
	return at.UTC(), nil
}
