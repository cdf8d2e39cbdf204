package ticket

import (
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Events are kept in the record that caused them, and given to the log at once. The log numbers and keeps them. That the
// record needs to keep them no longer is written later, with one write for many messages of a busy ticket; the same write
// says how far its links are.

// flush is the timer that writes down what is done.
type flush struct{}

// quiet is the timer that looks again whether the ticket has been quiet.
type quiet struct{}

const (
	// flushAfter is how long a ticket has been silent when it writes down what the log has, and flushWithin is how long it waits for that
	// where people go on writing: each time is a write.
	flushAfter  = 500 * time.Millisecond
	flushWithin = 3 * time.Second
	// quietAfter keeps a ticket marked as due while people talk, so that the next message needs no write for the
	// mark.
	quietAfter = 10 * time.Second
	// numberedKept is how long a record keeps events that the log has, at most, while a reminder waits to leave.
	numberedKept = time.Hour
	// eventsTogether is how many events the ticket gives to the log until it hears of them; if it does not within
	// appendAgainAfter, it gives them again.
	eventsTogether   = 200
	appendAgainAfter = 5 * time.Second
)

// flushSoon gives new events to the log, and soon afterwards writes down what is done.
func (t *ticket) flushSoon() {
	t.publish()
	if !t.flushing {
		t.flushing, t.flushingSince = true, t.Now()
		t.After(flushAfter, flush{})
	}
}

// flushWait is how long a flush waits still in a ticket that has been silent and has waited for so long; 0: it does not. Both may be negative,
// since the clock may have been set back.
func flushWait(silent, waited time.Duration) time.Duration {
	if silent < 0 || silent >= flushAfter || waited < 0 || waited >= flushWithin {
		return 0
	}
	return min(flushAfter-silent, flushWithin-waited)
}

func (t *ticket) onLinkProgress(m *messages.LinkProgress) error {
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

// publish gives the oldest events without a number to the log, unless it has not answered yet.
func (t *ticket) publish() {
	if t.record == nil || len(t.unnumbered) == 0 || t.appending > 0 && t.Now().Sub(t.appendedAt) < appendAgainAfter {
		return
	}
	t.appending, t.appendedAt = min(len(t.unnumbered), eventsTogether), t.Now()
	t.Tell(messages.KindLog, desk.PartitionOf(t.ID),
		desk.AppendEvents(messages.KindTicket, t.ID, t.record.EventNumber, t.unnumbered[:t.appending]))
}

// onAppended hears that the log has events.
func (t *ticket) onAppended(m *messages.Appended) error {
	if t.record == nil {
		return nil
	}
	done := make(map[string]bool, len(m.EventIds))
	for _, id := range m.EventIds {
		done[id] = true
	}
	t.unnumbered = slices.DeleteFunc(slices.Clone(t.unnumbered), func(e storage.Event) bool {
		if done[e.EventID] {
			t.numbered = append(t.numbered, e)
		}
		return done[e.EventID]
	})
	t.eventNumber, t.appending = max(t.eventNumber, m.Number), 0
	t.publish()
	t.flushSoon()
	return nil
}

// onFlush writes down which events the log has. When nothing is pending and the ticket has been quiet, it clears the mark
// by which the sweep finds the ticket. After an error the host sends the same timer again, so flushing stays set.
func (t *ticket) onFlush(flush) error {
	if t.record == nil {
		t.flushing = false
		return nil
	}
	wait := flushWait(t.Now().Sub(t.lastActivity), t.Now().Sub(t.flushingSince))
	if wait > 0 && len(t.files.unrecorded) == 0 { // somebody may ask for files as soon as they are there
		t.publish()
		t.After(wait, flush{})
		return nil
	}
	if err := t.recordFiles(); err != nil {
		return err
	}
	t.publish()
	if !t.dropsLater() {
		if err := t.dropNumbered(); err != nil {
			return err
		}
	}
	if err := t.clearChanges(nil); err != nil {
		return err
	}
	if t.nothingUnnumbered() && t.isMarked() && t.nothingPending() && t.isQuiet() {
		if err := t.behind(); err != nil {
			return err
		}
		next := desk.CloneTicket(t.record)
		t.takeProgress(next)
		if err := t.saveQuiet(next); err != nil {
			return err
		}
	}
	t.flushing = false
	if !t.nothingUnnumbered() && !t.dropsLater() || len(t.files.unrecorded) > 0 {
		t.flushSoon()
	}
	return nil
}

// dropsLater says whether the record may keep events that the log has: a reminder is pending, and the record is written again
// when that has left. Of thousands that ring together each spares a write so. If the ticket is loaded before, the log is given the events
// again, and knows them, since they are far younger than what it deletes.
func (t *ticket) dropsLater() bool {
	reminds := false
	for _, s := range t.enqueued {
		reminds = reminds || s.ref == nil && s.op.Priority == messages.Operation_LAST
	}
	young := t.now().Add(-numberedKept)
	return reminds && len(t.unnumbered) == 0 && !slices.ContainsFunc(t.numbered, func(e storage.Event) bool {
		return e.At.Before(young) || !slices.ContainsFunc(t.record.Events, func(of storage.Event) bool { return of.EventID == e.EventID })
	})
}

func (t *ticket) nothingUnnumbered() bool { return len(t.unnumbered) == 0 && len(t.numbered) == 0 }

func (t *ticket) nothingPending() bool {
	return len(t.record.Pending) == 0 && len(t.enqueued) == 0 && !t.deferred &&
		len(t.files.unrecorded) == 0 && len(t.following) == 0 && len(t.adopting) == 0 && !t.awaitingIcons &&
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
	if now := t.now(); t.lastActivity.After(now) { // the clock was set back
		t.lastActivity = now
	}
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

// saveQuiet writes a record for which nothing is pending: the sweep finds it when its next timer is due.
func (t *ticket) saveQuiet(next *storage.Ticket) error {
	if err := t.retime(next); err != nil {
		return err
	}
	next.DueAt = nextTimer(next)
	return t.save(next)
}

// dropNumbered drops the events that the log has from the records that caused them.
func (t *ticket) dropNumbered() error {
	if len(t.numbered) == 0 {
		return nil
	}
	numbered := make(map[string]bool, len(t.numbered))
	for _, e := range t.numbered {
		numbered[e.EventID] = true
	}
	// The ticket's own record is written last: until it counts these events, they are given to the log again after a
	// crash, which keeps each once.
	if err := t.clearChanges(numbered); err != nil {
		return err
	}
	next := desk.CloneTicket(t.record)
	next.EventNumber = max(next.EventNumber, t.eventNumber)
	for _, e := range t.numbered {
		next.EventsThrough = max(next.EventsThrough, e.Sequence)
		if e.Type == messages.EventMessageSent && e.At.After(next.LastMessageAt) {
			next.LastMessageAt = e.At
		}
	}
	next.Events = slices.DeleteFunc(next.Events, func(e storage.Event) bool { return numbered[e.EventID] })
	t.takeProgress(next)
	save := t.saveQuiet
	if len(t.unnumbered) > 0 || !t.nothingPending() || !t.isQuiet() {
		next.DueAt = t.now().Add(desk.PendingFor)
		save = t.save
	} else if err := t.behind(); err != nil {
		return err
	}
	if err := save(next); err != nil {
		return err
	}
	t.numbered = nil
	return nil
}

// loadEvents finds the events that the log may not have: those in the record, those of changed messages, and those of the
// messages after the newest numbered one. The log may have some, since a previous process did not live to write that down;
// it keeps each once. On the way it finds the files without records.
func (t *ticket) loadEvents() error {
	t.unnumbered = slices.Clone(t.record.Events)
	t.noteDescription()
	after := min(t.record.EventsThrough, t.record.FilesThrough)
	if !t.record.Unjudged() && t.record.Status != desk.StatusClosed { // else it is judged anew, or waits for nobody
		after = min(after, t.record.WaitingThrough)
	}
	for {
		page, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, after, desk.PageOfMessages)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		for i := range page {
			if after = page[i].Sequence; after > t.record.WaitingThrough && !t.record.Unjudged() {
				t.record = t.heard(&page[i])
			}
			if after > t.record.EventsThrough {
				event, err := t.messageSent(t.record, &page[i])
				if err != nil {
					return err
				}
				t.unnumbered = append(t.unnumbered, event)
				t.compareSoon(&page[i])
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
	return nil
}
