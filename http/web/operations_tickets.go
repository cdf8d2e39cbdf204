package web

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// The pages of tickets for who signed in by an API key: what the key could read by the API, and do.

var ticketRoutes = []operationRoute{
	{http.MethodGet, "", (*operator).tickets},
	{http.MethodGet, "/:id", (*operator).ticket},
	{http.MethodGet, "/:id/export.json", (*operator).exportTicket},
	{http.MethodGet, "/:id/files/:file", (*operator).ticketFile},
	{http.MethodGet, "/:id/files/:file/thumbnail", (*operator).ticketThumbnail},
	{http.MethodPost, "/:id/answer", (*operator).answerTicket},
	{http.MethodPost, "/:id/note", (*operator).noteTicket},
	{http.MethodPost, "/:id/retry", (*operator).retryTicket},
	{http.MethodPost, "/:id/files", (*operator).sendFile},
	{http.MethodPost, "/:id/close", (*operator).closeTicket},
	{http.MethodPost, "/:id/reopen", (*operator).reopenTicket},
	{http.MethodPost, "/:id/change", (*operator).changeTicket},
	{http.MethodPost, "/:id/mention", (*operator).mentionPerson},
	{http.MethodPost, "/:id/assign", (*operator).assignTicket},
	{http.MethodPost, "/:id/snooze", (*operator).snoozeTicket},
}

const (
	scopeMessagesRead  = "messages:read"
	scopeMessagesWrite = "messages:write"
	filesLookedUp      = 100 // of a page: their names are asked for one by one
)

type keyTicket struct {
	TicketID            string       `json:"ticketId"`
	Number              int64        `json:"number"`
	Title               string       `json:"title"`
	Description         string       `json:"description"`
	DescriptionEntities []textEntity `json:"descriptionEntities"`
	Status              string       `json:"status"`
	Priority            string       `json:"priority"`
	GroupID             int64        `json:"groupId"`
	CreatedBy           nameOnly     `json:"createdBy"`
	Assignee            *nameOnly    `json:"assignee"`
	CreatedAt           time.Time    `json:"createdAt"`
	LastMessageAt       time.Time    `json:"lastMessageAt"`
	WaitingFor          string       `json:"waitingFor"`
	WaitingSince        *time.Time   `json:"waitingSince"`
	OverdueSince        *time.Time   `json:"overdueSince"`
	SnoozedUntil        *time.Time   `json:"snoozedUntil"`
	Topic               struct {
		Link *string `json:"link"`
	} `json:"topic"`
}

// Waits says for whom the ticket waits: desk, customer; "": for nobody.
func (t keyTicket) Waits() string {
	if t.WaitingFor == "nobody" || t.WaitingSince == nil {
		return ""
	}
	return t.WaitingFor
}

// Rich is the description with its markup.
func (t keyTicket) Rich(v *view) template.HTML {
	return markedHTML(t.Description, entitiesOf(t.DescriptionEntities), v.T("spoiler"))
}

type nameOnly struct {
	Name string `json:"name"`
}

type textEntity struct {
	Type     string `json:"type"`
	Offset   int32  `json:"offset"`
	Length   int32  `json:"length"`
	URL      string `json:"url"`
	Language string `json:"language"`
}

func entitiesOf(all []textEntity) []*messages.Entity {
	list := make([]*messages.Entity, 0, len(all))
	for _, e := range all {
		list = append(list, &messages.Entity{Type: e.Type, Offset: e.Offset, Length: e.Length, Url: e.URL, Language: e.Language})
	}
	return list
}

type keyMessage struct {
	MessageID   string       `json:"messageId"`
	Text        string       `json:"text"`
	Entities    []textEntity `json:"entities"`
	Sender      nameOnly     `json:"sender"`
	Topic       keyTopic     `json:"topic"`
	Internal    bool         `json:"internal"`
	Deleted     bool         `json:"deleted"`
	SentAt      time.Time    `json:"sentAt"`
	EditedAt    *time.Time   `json:"editedAt"`
	Media       *string      `json:"media"`
	Attachments []string     `json:"attachments"`
	Deliveries  []struct {
		Topic  keyTopic `json:"topic"`
		State  string   `json:"state"`
		Reason string   `json:"reason"`
	} `json:"deliveries"`

	Files []keyFile `json:"-"`
}

type keyTopic struct {
	GroupID *int64 `json:"groupId"`
}

// Rich is the text with its markup.
func (m keyMessage) Rich(v *view) template.HTML {
	return markedHTML(m.Text, entitiesOf(m.Entities), v.T("spoiler"))
}

// Again says whether a copy of it was given up that can be tried again.
func (m keyMessage) Again() bool {
	for _, d := range m.Deliveries {
		if d.State == "failed" && !m.Deleted {
			return true
		}
	}
	return false
}

// Besides is the key of what it carries, where nothing else shows that.
func (m keyMessage) Besides() string {
	if m.Media == nil || len(m.Files) > 0 {
		return ""
	}
	return mediaKey(*m.Media)
}

type keyFile struct {
	AttachmentID string  `json:"attachmentId"`
	TicketID     string  `json:"ticketId"`
	FileName     string  `json:"fileName"`
	State        string  `json:"state"`
	ThumbnailURL *string `json:"thumbnailUrl"`
}

// keyTurn is for whom a ticket waits, and since when.
type keyTurn struct {
	Ticket *keyTicket
	Since  age
}

// Turn is what the template of that needs.
func (p *operationsPage) Turn(t *keyTicket) keyTurn {
	turn := keyTurn{Ticket: t}
	if t.WaitingSince != nil {
		turn.Since = p.Ago(*t.WaitingSince)
	}
	return turn
}

type ticketsPage struct {
	*listPage[*keyTicket]
	States []filter
	State  string
	Text   string
}

// keyStates are the filters of the list, as the address names them, with the API's parameters.
var keyStates = []struct {
	name  string
	query []string
}{
	{"active", []string{"status", "open,pending"}}, {"desk", []string{"waitingFor", "desk"}}, {"customer", []string{"waitingFor", "customer"}},
	{"closed", []string{"status", "closed"}}, {"all", nil},
}

func (o *operator) tickets() error {
	p := &ticketsPage{State: o.c.Query("state", keyStates[0].name), Text: firstOf(messages.CleanLine(o.c.Query("q")), searchAtMost)}
	page := func(state string) string {
		if state == keyStates[0].name {
			state = ""
		}
		return withQuery(o.path(""), "state", state, "q", p.Text)
	}
	var query []string
	for _, state := range keyStates {
		current := state.name == p.State
		if current {
			query = state.query
		}
		p.States = append(p.States, filter{state.name, page(state.name), current})
	}
	if p.Text == "" && !slices.Contains(query, "waitingFor") {
		query = append(slices.Clone(query), "sort", "-lastMessageAt")
	}
	var err error
	p.listPage, err = listed[*keyTicket](o, withQuery("/tickets", append([]string{"limit", strconv.Itoa(ticketsOnPage), "q", p.Text}, query...)...), page(p.State))
	if err != nil {
		p.listPage = &listPage[*keyTicket]{}
		return o.again(err, func() error { return o.show("operations-tickets", p) })
	}
	if p.Groups, err = o.groupTitles(); err != nil {
		return err
	}
	return o.show("operations-tickets", p)
}

type keyTicketPage struct {
	*listPage[keyMessage]
	Ticket *keyTicket
	People []user  // whom the fields that name one offer
	Notes  []int64 // the groups, by their ids in Telegram, for which the key can write internal notes
	Reads  bool    // the key may read messages
	Files  bool    // the service keeps files
	Text   string  // of an answer, as it was entered
	Note   string  // of an internal note, in the same way
	Reason string  // of closing, in the same way
	Why    string  // beside the form that has either: why it was not taken; "": it was
}

func (o *operator) ticket() error {
	p := &keyTicketPage{listPage: &listPage[keyMessage]{}, Ticket: &keyTicket{}, Reads: o.may(scopeMessagesRead), Files: o.site.o.Files != nil,
		Text: o.entered("text"), Note: o.entered("note"), Reason: o.entered("reason")}
	if o.beside {
		p.Why = o.refused.Detail
	}
	api := "/tickets/" + o.param("id")
	if err := o.get(api, p.Ticket); err != nil {
		return err
	}
	var err error
	if p.People, err = o.mentionable(); err != nil {
		return err
	}
	if p.Notes, err = o.noteGroups(p.Ticket); err != nil {
		return err
	}
	if p.Reads {
		p.listPage, err = listed[keyMessage](o, api+"/messages?sort=-sentAt&limit="+strconv.Itoa(messagesOnPage), o.path("/"+p.Ticket.TicketID))
		if err != nil {
			return err
		}
		slices.Reverse(p.Rows) // the newest stand at the end
		o.lookUpFiles(p.Rows)
	}
	if p.Groups, err = o.groupTitles(); err != nil {
		return err
	}
	return o.show("operations-ticket", p)
}

// lookUpFiles asks what the files of messages are. One that does not answer is left out.
func (o *operator) lookUpFiles(all []keyMessage) {
	asked := 0
	for i := range all {
		for _, id := range all[i].Attachments {
			if asked++; all[i].Deleted || asked > filesLookedUp {
				continue
			}
			var found keyFile
			if err := o.get("/attachments/"+url.PathEscape(id), &found); err == nil {
				all[i].Files = append(all[i].Files, found)
			}
		}
	}
}

// ticketDone carries out a change of a ticket, and leads back to its page.
func (o *operator) ticketDone(method, path string, body any, what string) error {
	if err := o.call(method, "/tickets/"+o.param("id")+path, body, nil); err != nil {
		return o.again(err, o.ticket)
	}
	return o.done("/"+o.param("id"), what)
}

// forOthers says whether words are what people type for the bot, or as an internal note: there are forms for that, and everybody would
// read these.
func forOthers(text string) bool {
	_, note := messages.CutNote(text)
	return note || looksLikeCommand(text)
}

// refuseWords shows the ticket again, with the words and why they were not taken beside them.
func (o *operator) refuseWords(key string) error {
	o.beside = true
	return o.again(&refusal{Status: http.StatusUnprocessableEntity, Detail: textOf(languageOf(o.c, o.of), key)}, o.ticket)
}

func (o *operator) answerTicket() error {
	text := strings.TrimSpace(unixLines(o.c.FormValue("text")))
	if forOthers(messages.CleanText(text)) {
		return o.refuseWords("key_words")
	}
	return o.ticketDone(http.MethodPost, "/messages", map[string]string{"text": text}, "answered")
}

func (o *operator) closeTicket() error {
	body := map[string]string{}
	reason := messages.CleanLine(o.c.FormValue("reason"))
	if forOthers(reason) {
		return o.refuseWords("key_words")
	}
	if reason != "" {
		body["reason"] = reason
	}
	return o.ticketDone(http.MethodPost, "/close", body, "closed")
}

func (o *operator) reopenTicket() error {
	return o.ticketDone(http.MethodPost, "/reopen", nil, "reopened")
}

// changeTicket changes the one thing that its form has.
func (o *operator) changeTicket() error {
	body := map[string]string{}
	for _, name := range []string{"title", "priority", "status"} {
		if given := o.c.FormValue(name); given != "" {
			body[name] = given
		}
	}
	return o.ticketDone(http.MethodPatch, "", body, "ticket_changed")
}
