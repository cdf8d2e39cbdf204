package report

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json" // decodes in a third of the time: docs/decisions.md, D50

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// How events become tallies.

const (
	// logID is the id of the tally that says how far the log is counted.
	logID = "log"
	// hourPrefix and ticketPrefix begin the ids of tallies of hours and of tickets. hourForm is how an id names an hour.
	hourPrefix, ticketPrefix = "hour/", "ticket/"
	hourForm                 = "2006-01-02T15"
	quarter                  = 15 * time.Minute
	// peopleAtMost is how many people an hour of a group tells apart. Further ones are counted together: Others.
	peopleAtMost = 1000
	// nameAtMost is how much is kept of the name of a person, in characters.
	nameAtMost = 100
)

// Others are the people of an hour of a group beyond those that are told apart.
var Others = storage.Creator{Kind: "others"}

func hourID(group string, hour time.Time) string {
	return hourPrefix + group + "/" + hour.UTC().Format(hourForm)
}

// eventData is what is counted of the data of an event.
type eventData struct {
	Ticket struct {
		CreatedAt time.Time `json:"createdAt"`
		CreatedBy person    `json:"createdBy"`
		Customer  person    `json:"customer"` // of an event from before this was told: nobody
	} `json:"ticket"`
	Actor   person `json:"actor"`
	Message struct {
		Sender person `json:"sender"`
	} `json:"message"`
}

// customer is whose ticket it is.
func (d *eventData) customer() person { return cmp.Or(d.Ticket.Customer, d.Ticket.CreatedBy) }

// person is somebody as events show them; nobody has no kind.
type person struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (p person) creator() storage.Creator {
	return storage.Creator{Kind: p.Kind, ID: p.ID, Name: messages.Shorten(messages.CleanLine(p.Name), nameAtMost)}
}

// is says whether they are the same one, whatever their name is.
func (p person) is(other person) bool { return p.Kind == other.Kind && p.ID == other.ID }

// batch counts events. Each tally is read once, and written by whoever has counted.
type batch struct {
	number  int64
	read    func(tallyID string) (*storage.Tally, error)
	tickets map[string]*storage.Tally
	hours   map[string]*hour
}

// hour is the tally of an hour with an index of its counts.
type hour struct {
	*storage.Tally
	index   map[countKey]int
	people  map[[2]string]bool
	counted bool // this batch is counted in it already
}

type countKey struct {
	quarter  int
	kind, id string
}

func newBatch(number int64, read func(tallyID string) (*storage.Tally, error)) *batch {
	return &batch{number: number, read: read, tickets: map[string]*storage.Tally{}, hours: map[string]*hour{}}
}

// find reads a tally, or makes it.
func (b *batch) find(id, group string) (*storage.Tally, error) {
	t, err := b.read(id)
	if errors.Is(err, storage.ErrNotFound) {
		return &storage.Tally{TallyID: id, GroupID: group}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a tally: %w", err)
	}
	return t, nil
}

// count counts an event. One that the tally of its ticket has already changes nothing there.
func (b *batch) count(e *storage.Event) error {
	if e.TicketID == "" {
		return nil
	}
	t := b.tickets[e.TicketID]
	if t == nil {
		var err error
		if t, err = b.find(ticketPrefix+e.TicketID, e.GroupID); err != nil {
			return err
		}
		b.tickets[e.TicketID] = t
	}
	var data eventData
	counted := countedTypes[e.Type]
	if counted || t.CreatedAt.IsZero() {
		if err := jsonv2.Unmarshal(e.Data, &data, storage.AsStored); err != nil || data.Ticket.CreatedAt.IsZero() {
			return nil // an event of a release from before the log: it does not say what is counted
		}
	}
	if e.Number > t.Number {
		follow(t, e, &data)
	}
	if !counted {
		return nil
	}
	return b.countHour(e, &data)
}

// countedTypes are the types of events of which hours have counts.
var countedTypes = map[string]bool{messages.EventTicketCreated: true, messages.EventTicketClosed: true,
	messages.EventTicketReopened: true, messages.EventMessageSent: true}

// follow notes the next event of a ticket.
func follow(t *storage.Tally, e *storage.Event, data *eventData) {
	if t.CreatedAt.IsZero() {
		t.CreatedAt = data.Ticket.CreatedAt
	}
	t.Partial = t.Partial || e.Number != t.Number+1
	t.Number = e.Number
	if e.At.After(t.ChangedAt) {
		t.ChangedAt = e.At
	}
	switch e.Type {
	case messages.EventTicketClosed:
		t.ClosedAt, t.ClosedBy = e.At, data.Actor.creator()
		if t.FirstClosedAt.IsZero() {
			t.FirstClosedAt, t.FirstClosedBy = t.ClosedAt, t.ClosedBy
		}
	case messages.EventTicketReopened:
		t.ClosedAt, t.ClosedBy = time.Time{}, storage.Creator{}
	case messages.EventMessageSent:
		if sender := data.Message.Sender; !e.Internal && !sender.is(data.customer()) && t.AnsweredAt.IsZero() {
			t.AnsweredAt, t.AnsweredBy = e.At, sender.creator()
		}
	}
}

// countHour counts an event in its hour.
func (b *batch) countHour(e *storage.Event, data *eventData) error {
	h, err := b.hour(e.GroupID, e.At.UTC().Truncate(time.Hour))
	if err != nil || h.counted {
		return err
	}
	by := data.Actor
	switch e.Type {
	case messages.EventTicketCreated:
		by = data.Ticket.CreatedBy
	case messages.EventMessageSent:
		by = data.Message.Sender
	}
	c := h.of(int(e.At.UTC().Sub(h.ChangedAt)/quarter), by.creator())
	switch {
	case e.Type == messages.EventTicketCreated:
		c.Opened++
	case e.Type == messages.EventTicketClosed:
		c.Closed++
	case e.Type == messages.EventTicketReopened:
		c.Reopened++
	case e.Internal:
		c.Notes++
	case by.is(data.customer()):
		c.Asked++
	default:
		c.Answered++
	}
	return nil
}

func (b *batch) hour(group string, began time.Time) (*hour, error) {
	id := hourID(group, began)
	if h := b.hours[id]; h != nil {
		return h, nil
	}
	t, err := b.find(id, group)
	if err != nil {
		return nil, err
	}
	h := &hour{Tally: t, index: map[countKey]int{}, people: map[[2]string]bool{}, counted: t.Batch >= b.number}
	t.ChangedAt = began
	if !h.counted {
		t.Batch = b.number
	}
	for i, c := range t.Counts {
		h.index[countKey{c.Quarter, c.By.Kind, c.By.ID}] = i
		h.people[[2]string{c.By.Kind, c.By.ID}] = true
	}
	b.hours[id] = h
	return h, nil
}

// of finds the count of somebody in a quarter, or makes it. The newest name of a person is kept.
func (h *hour) of(quarter int, by storage.Creator) *storage.TallyCount {
	if who := [2]string{by.Kind, by.ID}; !h.people[who] {
		if len(h.people) >= peopleAtMost {
			by = Others
		}
		h.people[[2]string{by.Kind, by.ID}] = true
	}
	key := countKey{quarter, by.Kind, by.ID}
	i, found := h.index[key]
	if !found {
		i = len(h.Counts)
		h.index[key] = i
		h.Counts = append(h.Counts, storage.TallyCount{Quarter: quarter, By: by})
	}
	h.Counts[i].By.Name = by.Name
	return &h.Counts[i]
}

// changed are the tallies that are to be written.
func (b *batch) changed() (all []*storage.Tally) {
	for _, t := range b.tickets {
		if t.Number > 0 {
			all = append(all, t)
		}
	}
	for _, h := range b.hours {
		if !h.counted {
			all = append(all, h.Tally)
		}
	}
	return all
}
