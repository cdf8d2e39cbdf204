package ticket

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// ticket is the entity that owns one ticket: everything that happens to the ticket happens in its mailbox, in order.
//
// It takes what Kind (room.go) lists and what has a row in ticketRequests (requests.go): commands of people and of
// programs, reports from links, chats, groups, persons and downloads, what other tickets say of messages that its own
// answer, and its own timers.
//
// It replies once to each command: to GetTicket with a TicketRecord, to all others with a Reply.
//
// It emits every type of event (messages.Events). It sends Copy, Change, ResumeLink and RetryCopy to links,
// operations to chats, CheckAdmin to groups, TicketOpened and ReachableNoted to persons, and Reword to other tickets.
//
// It stops after 10 minutes without a message if nothing is pending, or only what has to wait for room with its chat, or when
// storage fences it off.
//
// Each command is one write of the record: the new state, its events, and what is pending from then on. The calls
// that a topic needs are not stored: reconcile derives them from the state whenever it runs (see wanted.go).
type ticket struct {
	*entity.Host
	room           *room
	record         *storage.Ticket                    // nil: there is no such ticket
	sequence       int64                              // of the newest message
	told           map[ids.TopicKey]int64             // by link: sequence of the newest message that it was told of
	finished       map[ids.TopicKey]int64             // by link: sequence up to which it has finished
	linksTold      int64                              // LinksRevision that the links were last woken for
	recent         *desk.Recent[ids.MessageKey, bool] // recorded messages, and whether they may be others since
	internalAlbums *desk.Recent[string, bool]         // by media group id: whether an album is an internal note

	unnumbered    []storage.Event // in the order of their acceptance
	appending     int             // how many of them the log was given, and has not answered
	appendedAt    time.Time
	numbered      []storage.Event // those that the log has, which records still hold
	eventNumber   int64           // of the newest event in the log
	commands      []causedEvent   // of the events of the next write
	unmade        error           // why an event of the next write could not be made: save returns it
	flushing      bool            // the flush timer runs
	flushingSince time.Time
	awaitingQuiet bool // the quiet timer runs
	lastActivity  time.Time

	enqueued map[string]*step // by operation id: operations that chats have
	tries    map[string]int64 // by operation id: attempts of one that is tried again
	// adopting are the topics whose createForumTopic may have been carried out: the ticket waits for them to appear.
	adopting  map[ids.TopicKey]bool
	singly    map[ids.TopicKey]bool                 // topics that refused an album of the description: its media go there one by one
	verdicts  map[verdictKey]verdict                // what groups answered about their administrators, for commands that wait
	refusals  *desk.Recent[string, *messages.Reply] // by command id: of commands of the web desk that waited
	following map[ids.MessageKey]*following
	asked     map[ids.MessageKey]*messages.Reword // by the message that is to show what another ticket's says now
	caused    map[string]ids.MessageKey           // by event id, for unnumbered events of changes: the message that holds it
	files     ticketFiles
	people    people
	worked    worked     // the timers of the record, and what they follow from
	ringing   ringing    // the next of them
	listed    listed     // as it was saved last
	times     knownTimes // of the group, for customers' words
	// awaitingIcons says that the timer for icons runs; iconVersion is the version of the newest change of one; iconsHeld says that
	// some differ from what they should say, where the bot may not change them.
	awaitingIcons bool
	iconsHeld     bool
	iconVersion   int64
	iconsFailed   map[ids.TopicKey]int  // how often the change of a topic's icon could not be made, in a row
	iconsMarked   map[ids.TopicKey]bool // topics of which the record says that a change is pending before it is enqueued
	loadedAt      time.Time
	deferred      bool // something is wanted that only the next onEnqueueAgain enqueues
}

var (
	_ entity.Unborn  = (*ticket)(nil)
	_ entity.Stopper = (*ticket)(nil)
	_ entity.Parent  = (*ticket)(nil)
)

// Load reads the record and the events that have no number yet.
func (t *ticket) Load() error {
	t.told, t.finished = map[ids.TopicKey]int64{}, map[ids.TopicKey]int64{}
	t.enqueued, t.tries = map[string]*step{}, map[string]int64{}
	t.singly = map[ids.TopicKey]bool{}
	t.adopting, t.verdicts = map[ids.TopicKey]bool{}, map[verdictKey]verdict{}
	if t.refusals == nil {
		t.refusals = desk.NewRecent[string, *messages.Reply](refusalsKept)
	}
	t.internalAlbums = nil
	t.asked = map[ids.MessageKey]*messages.Reword{}
	t.following, t.caused = map[ids.MessageKey]*following{}, map[string]ids.MessageKey{}
	t.numbered, t.appending, t.eventNumber = nil, 0, 0
	t.unmade, t.people = nil, people{}
	t.worked, t.ringing, t.times = worked{}, ringing{}, knownTimes{}
	t.recent, t.unnumbered, t.flushing, t.awaitingQuiet, t.deferred, t.sequence = nil, nil, false, false, false, 0
	t.files.unrecorded, t.files.moreDue = nil, false
	t.awaitingIcons, t.iconsHeld, t.loadedAt, t.iconsFailed, t.iconsMarked = false, false, t.now(), map[ids.TopicKey]int{}, nil
	record, err := t.Store.Ticket(t.Ctx, t.ID)
	if errors.Is(err, storage.ErrNotFound) {
		t.record = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ticket: %w", err)
	}
	for i := range record.Events {
		record.Events[i].EventID = desk.EventID(record.Events[i].EventID)
	}
	if record.Timers.Settings == 0 && record.Status == desk.StatusClosed { // an open one learns its timers first
		leaveIcons(record)
	}
	t.record, t.linksTold, t.listed = record, record.LinksRevision, listedAs(record)
	if t.sequence, err = t.Store.LastSequence(t.Ctx, t.ID); err != nil {
		return fmt.Errorf("read the last sequence: %w", err)
	}
	for _, link := range record.Links {
		t.finished[link.LinkID] = link.SettledSequence
	}
	return t.loadEvents()
}

// Unborn reports whether there is no such ticket.
func (t *ticket) Unborn() bool { return t.record == nil }

var _ entity.Versioned = (*ticket)(nil)

// Versions implements entity.Versioned.
func (t *ticket) Versions() (known, stored int64, err error) {
	if t.record != nil {
		known = t.record.Version
	}
	record, err := t.Store.Ticket(t.Ctx, t.ID)
	if err == nil {
		stored = record.Version
	}
	return known, stored, err
}

// Resume continues with what is pending. A topic without a thread may have been created by a call whose answer the
// previous process did not live to see, so the ticket first waits for that topic to appear.
func (t *ticket) Resume() error {
	if t.record == nil {
		return nil
	}
	if t.record.Number == 0 {
		if err := t.numberAgain(); err != nil {
			return err
		}
	}
	if err := t.judgeAgain(); err != nil {
		return err
	}
	if t.record.Untimed() {
		if err := t.change(func(*storage.Ticket) {}); err != nil {
			return err
		}
	}
	t.armRing()
	for _, topic := range desk.TopicsOf(t.record) {
		if !desk.IsOpened(topic) && topic.Failure == "" {
			t.awaitAdoption(topic.TopicID)
		}
	}
	for i := range t.record.Links {
		t.told[t.record.Links[i].LinkID] = t.sequence
	}
	t.wakeLinks()
	t.askPending()
	t.reconcile()
	if len(t.following) > 0 {
		t.tellChangesAgain()
		t.EnqueueAgainLater()
	}
	if t.isMarked() { // whoever saved it so may not have lived to tell
		t.tellLists(t.record)
	}
	if t.isMarked() || len(t.unnumbered) > 0 || len(t.files.unrecorded) > 0 {
		t.flushSoon()
	}
	return nil
}

// wakeLinks wakes the links that still have something to copy.
func (t *ticket) wakeLinks() {
	if t.record == nil {
		return
	}
	for i := range t.record.Links {
		if link := &t.record.Links[i]; !t.linkDone(link) {
			t.resumeLink(link.LinkID)
			t.awaitLinks()
		}
	}
}

// awaitLinks has the links woken again until they have finished: what they were told may be lost on the way to another node,
// or with it, and a link that does not know of a message is found by nobody else (docs/decisions.md, D156).
func (t *ticket) awaitLinks() {
	if t.Clustered() {
		t.EnqueueAgainLater()
	}
}

func (t *ticket) resumeLink(linkID ids.TopicKey) {
	t.Tell(messages.KindLink, linkID, &messages.ResumeLink{TicketId: t.record.TicketID, LinkId: linkID})
}

// Idle reports whether the ticket may stop: nothing is pending but what waits for room with its chat, and it waits for nobody.
func (t *ticket) Idle() bool {
	return t.record == nil || (!t.isMarked() && len(t.enqueued) == 0 || t.waitsForRoom()) &&
		(t.nothingUnnumbered() || t.dropsLater()) &&
		len(t.adopting) == 0 && len(t.following) == 0 && !t.awaitingIcons &&
		len(t.files.unrecorded) == 0 && len(t.files.downloading) == 0
}

// onMessage records a message, in one write, and tells the links.
func (t *ticket) onMessage(m *messages.RecordMessage) (proto.Message, error) {
	o := m.Origin
	if t.record == nil {
		return entity.Answer(messages.Code_WRONG_TOPIC, "no such ticket"), nil
	}
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	if topic == nil || t.predatesLink(o) {
		return entity.Answer(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
	}
	id := messages.MessageKey(o.ChatId, o.MessageId)
	if _, known := t.recentOnes().Get(id); known {
		return entity.Duplicate(), nil
	}
	if t.openedWith(id, topic) {
		return entity.Duplicate(), nil
	}
	reopens, why, err := t.afterClose(m, topic)
	if err != nil {
		return nil, err
	}
	if why != "" {
		return t.onMessageAfterClose(id, why)
	}
	if err := t.noteAlbum(m, topic); err != nil {
		return nil, err
	}
	if t.inInternalAlbum(m) {
		m = proto.CloneOf(m)
		m.Internal = true
	}
	if m, err = t.withAnswered(m); err != nil {
		return nil, err
	}
	now := t.now()
	record := recordOf(m, t.record.TicketID, topic, t.sequence+1, now)
	claims, err := t.judge(record, o)
	if err != nil {
		return nil, err
	}
	first, err := t.beforeMessage(record, o, claims, reopens && record.Side == storage.WaitsForCustomer)
	if err != nil {
		return nil, err
	}
	if first.changes() { // a repeated message claims nothing: the ticket may have been released since, or closed again
		if _, err := t.Store.Message(t.Ctx, id); err == nil {
			return t.recordedBefore(id)
		} else if !errors.Is(err, storage.ErrNotFound) {
			return nil, fmt.Errorf("look for a message: %w", err)
		}
	}
	if err := t.prepare(record, first, o); err != nil {
		return nil, err
	}
	if err := t.carryOver(topic, m); err != nil {
		return nil, err
	}
	heard := t.heard(record)
	noteTurn(record, t.record, heard)
	event, err := t.messageSent(heard, record) // before the write: it may need to read
	if err != nil {
		return nil, err
	}
	err = t.Written(t.Store.InsertMessage(t.Ctx, record))
	if errors.Is(err, storage.ErrExists) {
		return t.recordedBefore(id)
	}
	if err != nil {
		return nil, fmt.Errorf("record a message: %w", err)
	}
	t.sequence++
	before := t.record
	t.record, t.lastActivity = heard, now
	t.recent.Put(id, m.Internal) // of a note an answer shows nothing, whatever Telegram showed
	t.room.recorded.Inc()
	t.unnumbered = append(t.unnumbered, event)
	t.noteFile(record)
	if !m.Internal {
		t.tellLinks(record, m, topic)
	}
	t.compareSoon(record)
	switch {
	case topic.TelegramTopicID != o.ThreadId || first.changes():
		t.reconcile()
	case t.looksAtIcons(before, heard):
		t.icons()
	}
	t.offerNamed(record, o)
	t.flushSoon()
	return entity.OK(), nil
}

// recordedBefore answers for a message that is in storage and that this activation does not know: perhaps an older one, which
// told nobody, has recorded it.
func (t *ticket) recordedBefore(id ids.MessageKey) (proto.Message, error) {
	if err := t.behind(); err != nil {
		return nil, err
	}
	t.recent.Put(id, true)
	return entity.Duplicate(), nil
}

// behind returns storage.ErrConflict when somebody else has recorded a message since the ticket was loaded: an older
// activation on another node may do that without a look (D143), and then be gone. The host has the ticket loaded anew.
func (t *ticket) behind() error {
	if t.record == nil || !t.Clustered() {
		return nil
	}
	last, err := t.Store.LastSequence(t.Ctx, t.ID)
	if err != nil {
		return fmt.Errorf("read the last sequence: %w", err)
	}
	if last > t.sequence {
		return fmt.Errorf("message %d was recorded elsewhere: %w", last, storage.ErrConflict)
	}
	return nil
}

// tellLinks tells every link about a message. Each link knows into which topics it copies.
func (t *ticket) tellLinks(record *storage.Message, m *messages.RecordMessage, topic *storage.Topic) {
	received := m.Origin.ReceivedMs
	if received == 0 {
		received = t.Now().UnixMilli()
	}
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if link.Ended {
			continue
		}
		t.Tell(messages.KindLink, link.LinkID, &messages.Copy{
			TicketId: t.record.TicketID, LinkId: link.LinkID, LinksRevision: t.record.LinksRevision,
			MessageId: record.MessageID, Sequence: t.sequence, Previous: t.told[link.LinkID], TopicId: topic.TopicID,
			ChatId: m.Origin.ChatId, TelegramMessageId: m.Origin.MessageId, ReceivedMs: received,
			Sender: m.Origin.Sender, Content: m.Content, ReplyTo: m.ReplyTo, Taken: record.Taken, Turn: desk.NamedOf(record.Turn),
		})
		t.told[link.LinkID] = t.sequence
		t.awaitLinks()
	}
}

// topicAt finds the ticket's topic in a chat by its thread, the present one or a deleted one.
func (t *ticket) topicAt(place ids.Place, thread ids.ThreadID) *storage.Topic {
	return desk.TopicAt(t.record, place, thread)
}
