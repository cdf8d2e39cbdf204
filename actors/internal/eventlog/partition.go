package eventlog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// partition appends to one partition of the log.
//
// It accepts AppendEvents, for which the owner gets an Appended once the events are stored. Everything that waits in its
// mailbox goes into one write. It stops when it is retired; nothing is pending then.
type partition struct {
	*entity.Host
	log    *Log
	number int
	last   int64 // the newest position
	owners map[string]*owner
	queue  []*messages.AppendEvents // what is not stored
	mark   *tracing.Mark            // of one of those: they are written together
	unsure bool                     // a write failed: look where the partition ends first
	doubt  bool                     // the last write met a conflict: look each event up first
}

// owner is what the partition remembers of whoever appends to it.
type owner struct {
	number  int64            // of its newest event
	numbers map[string]int64 // by event id, of events that the owner may not know to be here
}

// write is the message that follows what waits in the mailbox.
type write struct{}

const (
	batch = 500 // events in one write, at most
	// ownersAtMost is how many owners a partition remembers. Of another it reads the events again.
	ownersAtMost = 1000
	pageOfEvents = 500
)

func (p *partition) Load() error {
	number, err := strconv.Atoi(p.ID)
	if err != nil || number < 0 || number >= storage.Partitions {
		return fmt.Errorf("there is no partition %q of the log", p.ID)
	}
	p.number, p.owners = number, map[string]*owner{}
	return p.findEnd()
}

// findEnd reads where the partition ends. Readers are told of what they have not heard of: a write that failed may have
// been carried out all the same, and the node that had the partition may have ended before it told.
func (p *partition) findEnd() (err error) {
	if p.last, err = p.Store.LastPosition(p.Ctx, p.number); err != nil {
		return fmt.Errorf("read the last position: %w", err)
	}
	if err := p.log.catchUp(p.Ctx, p.number, p.last); err != nil {
		return err
	}
	p.tellOthers()
	p.unsure = false
	return nil
}

// tellOthers tells the other nodes of a cluster where the partition ends.
func (p *partition) tellOthers() {
	p.Announce(&messages.LogAppended{Partition: int64(p.number), Last: p.last})
}

func (p *partition) Resume() error {
	if len(p.queue) > 0 {
		p.Note(write{})
	}
	return nil
}

func (p *partition) Idle() bool { return len(p.queue) == 0 }

func (p *partition) onAppend(m *messages.AppendEvents) error {
	if mark := p.Mark(); mark != nil {
		p.mark = mark
	}
	if p.queue = append(p.queue, m); len(p.queue) == 1 {
		p.Note(write{})
	}
	return nil
}

// onWrite stores what has come. After trouble that may pass the host has it tried again; what comes meanwhile waits.
func (p *partition) onWrite(write) error {
	defer p.In(p.mark)()
	if p.unsure {
		if err := p.findEnd(); err != nil {
			return err
		}
	}
	for len(p.queue) > 0 {
		events, told, err := p.nextBatch()
		if err == nil && len(events) > 0 {
			err = p.Store.AppendEvents(p.Ctx, events)
		}
		if err != nil {
			clear(p.owners) // they are ahead of what is stored
			p.unsure = true
			p.doubt = errors.Is(err, storage.ErrConflict)
			if !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, storage.ErrConflict) && p.Ctx.Err() == nil {
				p.queue = nil // it would fail each time; the owners send it again
			}
			return fmt.Errorf("append events: %w", err)
		}
		if len(events) > 0 {
			p.last, p.doubt = events[len(events)-1].Position, false
			p.log.count(events)
			p.log.appended(events)
			p.tellOthers()
		}
		for i, m := range p.queue[:len(told)] {
			p.Tell(m.OwnerKind, m.OwnerId, told[i])
		}
		p.queue = slices.Delete(p.queue, 0, len(told))
	}
	p.queue, p.mark = nil, nil
	return nil
}

// nextBatch gives places to the events of the first entries of the queue. told is what their owners are told once the
// events are stored.
func (p *partition) nextBatch() (events []storage.Event, told []*messages.Appended, err error) {
	if len(p.owners) > ownersAtMost {
		clear(p.owners)
	}
	last := p.last
	for _, m := range p.queue {
		if len(told) > 0 && len(events)+len(m.Events) > batch {
			break
		}
		o, err := p.owner(m)
		if err != nil {
			return nil, nil, err
		}
		done := &messages.Appended{}
		for _, e := range m.Events {
			done.EventIds = append(done.EventIds, e.EventId)
			if _, known := o.numbers[e.EventId]; known {
				continue
			}
			event := desk.EventToStore(e)
			if stored, err := p.stored(&event); err != nil {
				return nil, nil, err
			} else if stored {
				o.numbers[e.EventId] = event.Number
				continue
			}
			last++
			event.Partition, event.Position = p.number, last
			if event.TicketID != "" {
				o.number++
				event.Number = o.number
			}
			o.numbers[e.EventId] = event.Number
			events = append(events, event)
		}
		done.Number = o.number
		told = append(told, done)
	}
	return events, told, nil
}

// stored looks an event up after a conflict. One of another ticket that has its id, which releases before this one made,
// does not stop it: it gets an id of its own.
func (p *partition) stored(event *storage.Event) (bool, error) {
	if !p.doubt {
		return false, nil
	}
	for range 2 {
		other, err := p.Store.Event(p.Ctx, event.EventID)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return false, nil
		case err != nil:
			return false, fmt.Errorf("look up an event: %w", err)
		case other.TicketID == event.TicketID:
			event.Number = other.Number
			return true, nil
		}
		p.Log.Warn("an event's id belongs to an event of another ticket; it gets another one", "event", event.EventID,
			"ticket", event.TicketID, "other", other.TicketID)
		event.EventID = ids.EventID(event.TicketID + "/" + event.EventID)
	}
	return false, nil
}

// owner finds what the log has of an owner that it may not know of.
func (p *partition) owner(m *messages.AppendEvents) (*owner, error) {
	key := m.OwnerKind + "/" + m.OwnerId
	o := p.owners[key]
	if o == nil {
		o = &owner{number: m.Numbered, numbers: map[string]int64{}}
		if err := p.read(m, o); err != nil {
			return nil, err
		}
		p.owners[key] = o
	}
	for id, number := range o.numbers {
		if number > 0 && number <= m.Numbered {
			delete(o.numbers, id)
		}
	}
	return o, nil
}

func (p *partition) read(m *messages.AppendEvents, o *owner) error {
	if m.OwnerKind != messages.KindTicket { // its events have no numbers: each is looked up
		for _, e := range m.Events {
			switch _, err := p.Store.Event(p.Ctx, e.EventId); {
			case err == nil:
				o.numbers[e.EventId] = 0
			case !errors.Is(err, storage.ErrNotFound):
				return fmt.Errorf("look up an event: %w", err)
			}
		}
		return nil
	}
	for {
		page, err := p.Store.EventsAfter(p.Ctx, m.OwnerId, o.number, pageOfEvents)
		if err != nil {
			return fmt.Errorf("read a ticket's events: %w", err)
		}
		for _, e := range page {
			o.number = e.Number
			o.numbers[e.EventID] = e.Number
		}
		if len(page) < pageOfEvents {
			return nil
		}
	}
}
