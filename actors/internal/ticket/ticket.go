package ticket

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// ticket is the entity that owns one ticket: everything that happens to the ticket happens in its mailbox, in order.
//
// Accepts  what Kind (room.go) lists, and what has a row in ticketRequests (requests.go)
// Replies  one Reply to each command
// Emits    every type of event (messages.Events); Copy, Change and ResumeLink to links, Send to chats, CheckAdmin to groups
// Stops    after 10 minutes without a message and nothing owed, or when storage fences it off
//
// A command is one write of the record: the new state, its events, and what is owed. Which calls follow from the state is
// worked out by wanted, each time anew.
type ticket struct {
	*entity.Host
	room      *room
	record    *storage.Ticket                // nil: there is no such ticket
	sequence  int64                          // of the newest message
	told      map[string]int64               // by link id: sequence of the newest message told to it
	settled   map[string]int64               // by link id: what it has settled, newer than the record
	linksTold int64                          // the revision that the links were woken for
	recent    *desk.Recent[string, struct{}] // ids of recorded messages
	notes     *desk.Recent[string, struct{}] // albums that are internal notes

	unnumbered []storage.Event // in the order of their acceptance
	settling   bool            // the timer of settle runs
	resting    bool            // the timer of rest runs
	lastSaid   time.Time

	offered   map[string]*step       // operations given to chats, by id
	tries     map[string]int64       // attempts of an operation that is tried again
	adopting  map[string]bool        // by topic id: its createForumTopic may have been carried out; wait for the topic to appear
	verdicts  map[verdictKey]verdict // what groups said of who administers them, for commands that wait
	following map[string]*following  // by message id: changed, and not everything shows it
	caused    map[string]string      // message ids of changes' events that are not numbered, by event id
	files     ticketFiles
	postponed bool // something is wanted that only offerAgain offers
}

func (t *ticket) Load() error {
	t.told, t.settled, t.offered, t.tries = map[string]int64{}, map[string]int64{}, map[string]*step{}, map[string]int64{}
	t.adopting, t.verdicts = map[string]bool{}, map[verdictKey]verdict{}
	t.notes = nil
	t.following, t.caused = map[string]*following{}, map[string]string{}
	t.recent, t.unnumbered, t.settling, t.resting, t.postponed, t.sequence = nil, nil, false, false, false, 0
	t.files.unfiled, t.files.full = nil, false
	record, err := t.Store.Ticket(t.Ctx, t.ID)
	if errors.Is(err, storage.ErrNotFound) {
		t.record = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ticket: %w", err)
	}
	t.record, t.linksTold = record, record.LinksRevision
	if t.sequence, err = t.Store.LastSequence(t.Ctx, t.ID); err != nil {
		return fmt.Errorf("read the last sequence: %w", err)
	}
	for _, link := range record.Links {
		t.settled[link.LinkID] = link.SettledSequence
	}
	return t.loadEvents()
}

// Unborn says that there is no such ticket.
func (t *ticket) Unborn() bool { return t.record == nil }

// resume goes on with what the record owes. A topic that is still to be opened may have been opened by a call whose answer
// the former process did not live to see: its appearance is waited for.
func (t *ticket) Resume() error {
	if t.record == nil {
		return nil
	}
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
		t.OfferAgainLater()
	}
	if !t.record.DueAt.IsZero() || len(t.unnumbered) > 0 || len(t.files.unfiled) > 0 {
		t.settleSoon()
	}
	return nil
}

// wakeLinks wakes the links that have something left to copy.
func (t *ticket) wakeLinks() {
	if t.record == nil {
		return
	}
	for i := range t.record.Links {
		if link := &t.record.Links[i]; !t.linkDone(link) {
			t.Tell(messages.KindLink, link.LinkID, &messages.ResumeLink{TicketId: t.record.TicketID, LinkId: link.LinkID})
		}
	}
}

func (t *ticket) Idle() bool {
	return t.record == nil || t.record.DueAt.IsZero() && len(t.offered) == 0 && len(t.unnumbered) == 0 && len(t.adopting) == 0 && len(t.following) == 0 &&
		len(t.files.unfiled) == 0 && len(t.files.fetching) == 0
}

// onMessage records what was said, in one write, and tells the links.
func (t *ticket) onMessage(m *messages.RecordMessage) (proto.Message, error) {
	o := m.Origin
	if t.record == nil {
		return entity.Answer(messages.Code_WRONG_TOPIC, "no such ticket"), nil
	}
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	if topic == nil || t.isFromBefore(o) {
		return entity.Answer(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
	}
	id := messages.MessageKey(o.ChatId, o.MessageId)
	if t.recent == nil {
		t.recent = desk.NewRecent[string, struct{}](recentMessages)
	}
	if _, known := t.recent.Get(id); known {
		return entity.Duplicate(), nil
	}
	if t.record.Status == desk.StatusClosed && messages.IsPrivate(topic.GroupID) {
		return t.onMessageAfterClose(id)
	}
	// The sweep must find the ticket before it owes a copy: marked once for a whole conversation.
	if t.record.DueAt.IsZero() {
		if err := t.change(func(*storage.Ticket) {}); err != nil {
			return nil, err
		}
	}
	if t.ofInternalAlbum(m) {
		m = proto.CloneOf(m)
		m.Internal = true
	}
	now := t.Now().UTC().Truncate(time.Millisecond)
	record := recordOf(m, t.record.TicketID, topic, t.sequence+1, now)
	err := t.Store.InsertMessage(t.Ctx, record)
	if errors.Is(err, storage.ErrExists) {
		t.recent.Put(id, struct{}{})
		return entity.Duplicate(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("record a message: %w", err)
	}
	t.sequence++
	t.lastSaid = now
	t.recent.Put(id, struct{}{})
	t.room.recorded.Inc()
	t.unnumbered = append(t.unnumbered, messageEvent(record))
	t.noteFile(record)
	if !m.Internal {
		t.tellLinks(m, topic, id)
	}
	t.settleSoon()
	return entity.OK(), nil
}

// ofInternalAlbum says whether a message without a caption belongs to an album that another part has made an internal note.
// Telegram delivers the part with the caption first, as a rule.
func (t *ticket) ofInternalAlbum(m *messages.RecordMessage) bool {
	id := m.Content.GetMedia().GetMediaGroupId()
	if id == "" || !m.Internal && m.Content.GetText() != "" {
		return false
	}
	if t.notes == nil {
		t.notes = desk.NewRecent[string, struct{}](32)
		t.recallNotes()
	}
	if m.Internal {
		t.notes.Put(id, struct{}{})
		return false
	}
	_, internal := t.notes.Get(id)
	return internal
}

// recallNotes finds, once in the ticket's life, the albums that were internal notes in a former one.
func (t *ticket) recallNotes() {
	page, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, t.sequence-desk.AlbumsRecalled, desk.AlbumsRecalled)
	if err != nil {
		t.Log.Error("albums from before can't be read", "error", err)
		return
	}
	for i := range page {
		if media := page[i].Media; page[i].Internal && media != nil && media.MediaGroupID != "" {
			t.notes.Put(media.MediaGroupID, struct{}{})
		}
	}
}

// tellLinks tells every link about a message; each knows into which topics it copies.
func (t *ticket) tellLinks(m *messages.RecordMessage, topic *storage.Topic, id string) {
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
			TicketId: t.record.TicketID, LinkId: link.LinkID, MessageId: id, Sequence: t.sequence, Previous: t.told[link.LinkID],
			LinksRevision: t.record.LinksRevision, TopicId: topic.TopicID, ChatId: m.Origin.ChatId, TelegramMessageId: m.Origin.MessageId,
			Sender: m.Origin.Sender, Content: m.Content, ReplyTo: m.ReplyTo, ReceivedMs: received,
		})
		t.told[link.LinkID] = t.sequence
	}
}

// change writes the record with a change: the new state, its events and what is owed, in one piece. What is in memory
// follows only what is stored.
func (t *ticket) change(f func(*storage.Ticket)) error {
	next := cloneTicket(t.record)
	f(next)
	return t.keep(next)
}

// keep writes the record with the mark by which the sweep finds what it owes.
func (t *ticket) keep(next *storage.Ticket) error {
	next.DueAt = t.Now().UTC().Add(desk.OwedFor).Truncate(time.Millisecond)
	return t.save(next)
}

func (t *ticket) save(next *storage.Ticket) error {
	if err := t.Store.SaveTicket(t.Ctx, next); err != nil {
		return fmt.Errorf("save the ticket: %w", err)
	}
	caused := next.Events
	if t.record != nil {
		caused = eventsSince(t.record.Events, next.Events)
	}
	t.unnumbered = append(t.unnumbered, caused...)
	t.record = next
	return nil
}

func cloneTicket(r *storage.Ticket) *storage.Ticket {
	next := *r
	next.Links, next.Owed = slices.Clone(r.Links), slices.Clone(r.Owed)
	next.Events, next.Handled = slices.Clone(r.Events), slices.Clone(r.Handled)
	return &next
}

// isFromBefore says whether something was said before its topic was joined to the ticket: it comes again, after a crash, and
// was handled when the topic was another ticket's or nobody's.
func (t *ticket) isFromBefore(o *messages.Origin) bool {
	if t.record == nil || o.GetMessageId() == 0 {
		return false
	}
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	if topic == nil {
		return false
	}
	link := desk.LinkOf(t.record, topic.TopicID)
	if link == nil || link.Since == "" {
		return false
	}
	chatID, messageID, _ := messages.ParseMessageKey(link.Since)
	return chatID == o.GetChatId() && o.GetMessageId() < messageID
}

// topicAt finds the ticket's topic in a place, by its thread of today or a deleted one.
func (t *ticket) topicAt(place string, thread int64) *storage.Topic {
	return desk.TopicAt(t.record, place, thread)
}
