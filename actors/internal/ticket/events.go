package ticket

import (
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Events are kept in the record that caused them. They get their numbers a moment later, with one write for many
// messages of a busy ticket; the same write says how far its links are.

// flush is the timer that numbers events and clears what is done.
type flush struct{}

// quiet is the timer that looks again whether the ticket has been quiet.
type quiet struct{}

const (
	flushAfter = 500 * time.Millisecond
	// quietAfter keeps a ticket marked as due while people talk, so that the next message needs no write for the
	// mark.
	quietAfter   = 10 * time.Second
	eventsAtOnce = 200
)

func (t *ticket) flushSoon() {
	if !t.flushing {
		t.flushing = true
		t.After(flushAfter, flush{})
	}
}

func (t *ticket) onLinkSettled(m *messages.LinkProgress) error {
	if t.record == nil || m.Sequence <= t.finished[m.LinkId] {
		return nil
	}
	t.finished[m.LinkId] = m.Sequence
	if t.waitsForCopies() {
		t.reconcile()
	}
	t.flushSoon()
	return nil
}

// linkDone reports whether a link has nothing left to copy. Messages after the last one that it was told of are
// internal notes.
func (t *ticket) linkDone(link *storage.Link) bool {
	last := t.told[link.LinkID]
	if link.Ended {
		last = min(last, link.EndSequence)
	}
	return t.finished[link.LinkID] >= last
}

// finishedThrough is the sequence up to which every link has finished.
func (t *ticket) finishedThrough() int64 {
	through := t.sequence
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if !t.linkDone(link) {
			through = min(through, t.finished[link.LinkID])
		}
	}
	return through
}

// finishedFor is how far the copies are that must arrive before a topic is closed, and before the notice of it.
// Copies that wait because the bot may not write where they go keep only that topic from closing.
func (t *ticket) finishedFor(topic *storage.Topic) int64 {
	if topic.Suspended != "" {
		return t.finishedThrough()
	}
	through := t.sequence
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if link.Topic.Suspended == "" && t.record.Home.Suspended == "" && !t.linkDone(link) {
			through = min(through, t.finished[link.LinkID])
		}
	}
	return through
}

// onFlush numbers events. When nothing is pending and the ticket has been quiet, it clears the mark by which the
// sweep finds the ticket. After an error the host sends the same timer again, so flushing stays set.
func (t *ticket) onFlush(flush) error {
	if t.record == nil {
		t.flushing = false
		return nil
	}
	if err := t.recordFiles(); err != nil {
		return err
	}
	if err := t.number(); err != nil {
		return err
	}
	if err := t.clearChanges(nil); err != nil {
		return err
	}
	if len(t.unnumbered) == 0 && !t.record.DueAt.IsZero() && t.nothingPending() && t.isQuiet() {
		next := desk.CloneTicket(t.record)
		t.takeProgress(next)
		next.DueAt = time.Time{}
		if err := t.save(next); err != nil {
			return err
		}
	}
	t.flushing = false
	if len(t.unnumbered) > 0 || len(t.files.unrecorded) > 0 {
		t.flushSoon()
	}
	return nil
}

func (t *ticket) nothingPending() bool {
	return len(t.record.Pending) == 0 && len(t.enqueued) == 0 && !t.deferred &&
		len(t.files.unrecorded) == 0 && len(t.following) == 0 && len(t.adopting) == 0 &&
		t.finishedThrough() == t.sequence
}

func (t *ticket) onQuiet(quiet) error {
	t.awaitingQuiet = false
	t.flushSoon()
	return nil
}

// isQuiet reports whether nothing was sent or changed for quietAfter. If something was, the ticket looks again
// when that time has passed.
func (t *ticket) isQuiet() bool {
	wait := quietAfter - t.Now().Sub(t.lastActivity)
	if wait > 0 && !t.awaitingQuiet {
		t.awaitingQuiet = true
		t.After(wait, quiet{})
	}
	return wait <= 0
}

// takeProgress writes into a record how far its links and files are.
func (t *ticket) takeProgress(next *storage.Ticket) {
	next.FilesThrough = max(next.FilesThrough, t.filesThrough())
	for i := range next.Links {
		next.Links[i].SettledSequence = max(next.Links[i].SettledSequence, t.finished[next.Links[i].LinkID])
	}
}

// number gives the oldest unnumbered events their numbers and appends them to the ticket's events. Repeating it is
// harmless: an event that has a number keeps it.
func (t *ticket) number() error {
	if len(t.unnumbered) == 0 {
		return nil
	}
	batch := slices.Clone(t.unnumbered[:min(len(t.unnumbered), eventsAtOnce)])
	for i := range batch {
		batch[i].Number = t.record.EventNumber + int64(i) + 1
	}
	if err := t.Store.AppendEvents(t.Ctx, batch); err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	numbered := make(map[string]bool, len(batch))
	for _, e := range batch {
		numbered[desk.EventID(e.EventID)] = true
	}
	// The record is written last. Until it counts these events as numbered, Load finds them among the ticket's
	// events, with their numbers.
	if err := t.clearChanges(numbered); err != nil {
		return err
	}
	next := desk.CloneTicket(t.record)
	next.EventNumber += int64(len(batch))
	for _, e := range batch {
		next.EventsThrough = max(next.EventsThrough, e.Sequence)
	}
	next.Events = slices.DeleteFunc(next.Events, func(e storage.Event) bool { return numbered[e.EventID] })
	t.takeProgress(next)
	next.DueAt = t.now().Add(desk.PendingFor)
	if len(batch) == len(t.unnumbered) && t.nothingPending() && t.isQuiet() {
		next.DueAt = time.Time{}
	}
	if err := t.save(next); err != nil {
		return err
	}
	t.unnumbered = slices.Clone(t.unnumbered[len(batch):])
	return nil
}

// loadEvents finds the events without a number: those in the record, those of changed messages, and those of the
// messages after the newest numbered one. A previous process may have numbered some without living to write that
// down. Those keep their numbers, including the ones that no record holds any more. On the way it finds the files
// without records.
func (t *ticket) loadEvents() error {
	t.unnumbered = slices.Clone(t.record.Events)
	t.noteDescription()
	for after := min(t.record.EventsThrough, t.record.FilesThrough); ; {
		page, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, after, desk.PageOfMessages)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		for i := range page {
			after = page[i].Sequence
			if after > t.record.EventsThrough {
				event, err := t.messageSent(&page[i])
				if err != nil {
					return err
				}
				t.unnumbered = append(t.unnumbered, event)
			}
			if after > t.record.FilesThrough {
				t.noteFile(&page[i])
			}
		}
		if len(page) < desk.PageOfMessages {
			break
		}
	}
	if err := t.loadChanges(); err != nil {
		return err
	}
	slices.SortStableFunc(t.unnumbered, func(a, b storage.Event) int { return a.At.Compare(b.At) })
	numbered, err := t.Store.EventsAfter(t.Ctx, t.record.TicketID, t.record.EventNumber, 2*eventsAtOnce)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	if len(numbered) > 0 {
		t.unnumbered = append(numbered, desk.EventsSince(numbered, t.unnumbered)...)
	}
	return nil
}
