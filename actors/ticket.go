package actors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// ticket is the entity that owns one ticket: everything that happens to the ticket happens in its mailbox, in order.
//
// Accepts  OpenTicket, RecordMessage, EditMessage, React, DeleteMessage, Mention, ShowMentionPage, LinkTopic, UnlinkTopic, CloseTicket, ReopenTicket, SetPending,
//
//	SetPriority, ShowTicket, TopicRenamed, TopicCreated, RetryCopy; of programs also UpdateTicket, SendMessage, GetTicket; LinkSettled, TopicGone, TopicHeld, Changed, ShowReaction, RetryTaken
//	(from links), AdminChecked (from groups), Done, Held (from chats), downloaded (from its children), FilesDue, Wake
//
// Replies  one Reply to each command
// Emits    ticket.created, ticket.updated, ticket.closed, ticket.reopened, message.sent, message.edited,
//
//	message.reacted, message.deleted, user.mentioned, topic.created, topic.linked, topic.unlinked; Copy, Change and ResumeLink to links, Send to chats, CheckAdmin to groups
//
// # Stops    after 10 minutes without a message and nothing owed, or when storage fences it off
//
// A command is one write of the record: the new state, its events, and what is owed. Which calls follow from the state is
// worked out by wanted, each time anew.
type ticket struct {
	*host
	record    *storage.Ticket           // nil: there is no such ticket
	sequence  int64                     // of the newest message
	told      map[string]int64          // by link id: sequence of the newest message told to it
	settled   map[string]int64          // by link id: what it has settled, newer than the record
	linksTold int64                     // the revision that the links were woken for
	recent    *recent[string, struct{}] // ids of recorded messages
	notes     *recent[string, struct{}] // albums that are internal notes

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
	reoffer   bool // the timer of offerAgain runs
	postponed bool // something is wanted that only offerAgain offers
}

func newTicket(h *host) entity { return &ticket{host: h} }

func (t *ticket) load() error {
	t.told, t.settled, t.offered, t.tries = map[string]int64{}, map[string]int64{}, map[string]*step{}, map[string]int64{}
	t.adopting, t.verdicts = map[string]bool{}, map[verdictKey]verdict{}
	t.notes = nil
	t.following, t.caused = map[string]*following{}, map[string]string{}
	t.recent, t.unnumbered, t.settling, t.resting, t.reoffer, t.postponed, t.sequence = nil, nil, false, false, false, false, 0
	t.files.unfiled, t.files.full = nil, false
	record, err := t.store.Ticket(t.ctx, t.key.identity)
	if errors.Is(err, storage.ErrNotFound) {
		t.record = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ticket: %w", err)
	}
	t.record, t.linksTold = record, record.LinksRevision
	if t.sequence, err = t.store.LastSequence(t.ctx, t.key.identity); err != nil {
		return fmt.Errorf("read the last sequence: %w", err)
	}
	for _, link := range record.Links {
		t.settled[link.LinkID] = link.SettledSequence
	}
	return t.loadEvents()
}

// unborn says that there is no such ticket.
func (t *ticket) unborn() bool { return t.record == nil }

// resume goes on with what the record owes. A topic that is still to be opened may have been opened by a call whose answer
// the former process did not live to see: its appearance is waited for.
func (t *ticket) resume() error {
	if t.record == nil {
		return nil
	}
	for _, topic := range topicsOf(t.record) {
		if !isOpened(topic) && topic.Failure == "" {
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
		t.offerAgainLater()
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
			t.tell(KindLink, link.LinkID, &messages.ResumeLink{TicketId: t.record.TicketID, LinkId: link.LinkID})
		}
	}
}

func (t *ticket) idle() bool {
	return t.record == nil || t.record.DueAt.IsZero() && len(t.offered) == 0 && len(t.unnumbered) == 0 && len(t.adopting) == 0 && len(t.following) == 0 &&
		len(t.files.unfiled) == 0 && len(t.files.fetching) == 0
}

func (t *ticket) receive(m any) (proto.Message, error) {
	switch m := m.(type) {
	case *messages.RecordMessage:
		return t.onMessage(m)
	case *messages.LinkSettled:
		t.onLinkSettled(m)
		return nil, nil
	case *messages.EditMessage:
		return t.onEdit(m)
	case *messages.React:
		return t.onReact(m)
	case *messages.DeleteMessage:
		if t.isFromBefore(m.GetOrigin()) {
			return duplicate(), nil
		}
		return t.onDelete(m)
	case *messages.Changed:
		t.onChanged(m)
		return nil, nil
	case *messages.ShowReaction:
		return nil, t.onShowReaction(m)
	case *messages.Done:
		return nil, t.onDone(m)
	case *messages.FilesDue, filesDue:
		return nil, t.onFilesDue()
	case downloaded:
		t.onDownloaded(m)
		return nil, nil
	case settle:
		return nil, t.onSettle()
	case rest:
		t.resting = false
		t.settleSoon()
		return nil, nil
	case *messages.OpenTicket:
		if isPrivate(m.Origin.GetPlace()) {
			return ok(), t.onOpenPrivately(m)
		}
		return t.onOpen(m)
	case *messages.GetTicket:
		if t.record == nil {
			return &messages.TicketRecord{Code: messages.Code_NOT_FOUND}, nil
		}
		return t.apiRecord()
	case *messages.SendMessage:
		return t.onSend(m)
	case *messages.PersonReachable:
		return nil, t.onReachable(m)
	case *messages.TopicCreated:
		return t.onTopicCreated(m)
	case *messages.RetryCopy:
		return t.onRetry(m)
	case *messages.RetryTaken:
		return nil, t.onRetryTaken(m)
	case *messages.TopicGone:
		return nil, t.onTopicGone(m)
	case *messages.TopicHeld:
		return nil, t.onTopicHeld(m)
	case *messages.Held:
		return nil, t.onHeld(m)
	case *messages.AdminChecked:
		return nil, t.onAdminChecked(m)
	case adoptionOver:
		t.onAdoptionOver(m)
		return nil, nil
	case offerAgain:
		t.onOfferAgain()
		return nil, nil
	case *messages.QueueLost:
		t.offerOpen()
		return nil, nil
	case *messages.Wake:
		t.wakeLinks()
		return ok(), nil
	case command:
		if t.isFromBefore(m.GetOrigin()) {
			return duplicate(), nil
		}
		return t.onCommand(m)
	default:
		return answered(messages.Code_CONFLICT, "a ticket does not understand "+typeName(m)), nil
	}
}

// onMessage records what was said, in one write, and tells the links.
func (t *ticket) onMessage(m *messages.RecordMessage) (proto.Message, error) {
	o := m.Origin
	if t.record == nil {
		return answered(messages.Code_WRONG_TOPIC, "no such ticket"), nil
	}
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	if topic == nil || t.isFromBefore(o) {
		return answered(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
	}
	id := messageKey(o.ChatId, o.MessageId)
	if t.recent == nil {
		t.recent = newRecent[string, struct{}](recentMessages)
	}
	if _, known := t.recent.get(id); known {
		return duplicate(), nil
	}
	if t.record.Status == statusClosed && isPrivate(topic.GroupID) {
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
	now := t.now().UTC().Truncate(time.Millisecond)
	record := recordOf(m, t.record.TicketID, topic, t.sequence+1, now)
	err := t.store.InsertMessage(t.ctx, record)
	if errors.Is(err, storage.ErrExists) {
		t.recent.put(id, struct{}{})
		return duplicate(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("record a message: %w", err)
	}
	t.sequence++
	t.lastSaid = now
	t.recent.put(id, struct{}{})
	t.system.metrics.recorded.Inc()
	t.unnumbered = append(t.unnumbered, messageEvent(record))
	t.noteFile(record)
	if !m.Internal {
		t.tellLinks(m, topic, id)
	}
	t.settleSoon()
	return ok(), nil
}

// ofInternalAlbum says whether a message without a caption belongs to an album that another part has made an internal note.
// Telegram delivers the part with the caption first, as a rule.
func (t *ticket) ofInternalAlbum(m *messages.RecordMessage) bool {
	id := m.Content.GetMedia().GetMediaGroupId()
	if id == "" || !m.Internal && m.Content.GetText() != "" {
		return false
	}
	if t.notes == nil {
		t.notes = newRecent[string, struct{}](32)
		t.recallNotes()
	}
	if m.Internal {
		t.notes.put(id, struct{}{})
		return false
	}
	_, internal := t.notes.get(id)
	return internal
}

// recallNotes finds, once in the ticket's life, the albums that were internal notes in a former one.
func (t *ticket) recallNotes() {
	page, err := t.store.MessagesAfter(t.ctx, t.record.TicketID, t.sequence-albumsRecalled, albumsRecalled)
	if err != nil {
		t.log.Error("albums from before can't be read", "error", err)
		return
	}
	for i := range page {
		if media := page[i].Media; page[i].Internal && media != nil && media.MediaGroupID != "" {
			t.notes.put(media.MediaGroupID, struct{}{})
		}
	}
}

// tellLinks tells every link about a message; each knows into which topics it copies.
func (t *ticket) tellLinks(m *messages.RecordMessage, topic *storage.Topic, id string) {
	received := m.Origin.ReceivedMs
	if received == 0 {
		received = t.now().UnixMilli()
	}
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if link.Ended {
			continue
		}
		t.tell(KindLink, link.LinkID, &messages.Copy{
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
	next.DueAt = t.now().UTC().Add(owedFor).Truncate(time.Millisecond)
	return t.save(next)
}

func (t *ticket) save(next *storage.Ticket) error {
	if err := t.store.SaveTicket(t.ctx, next); err != nil {
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

// topicsOf lists the topics of a ticket that are not of an ended link, home first.
func topicsOf(r *storage.Ticket) []*storage.Topic {
	topics := make([]*storage.Topic, 0, 1+len(r.Links))
	topics = append(topics, &r.Home)
	for i := range r.Links {
		if !r.Links[i].Ended && !isAPILink(&r.Links[i]) {
			topics = append(topics, &r.Links[i].Topic)
		}
	}
	return topics
}

// topicOf finds a topic of a ticket by its id, also that of an ended link.
func topicOf(r *storage.Ticket, topicID string) *storage.Topic {
	if topicID == homeTopic {
		return &r.Home
	}
	if link := linkOf(r, topicID); link != nil {
		return &link.Topic
	}
	return nil
}

// linkOf finds a link by its id, which its topic bears too.
func linkOf(r *storage.Ticket, linkID string) *storage.Link {
	for i := range r.Links {
		if r.Links[i].LinkID == linkID {
			return &r.Links[i]
		}
	}
	return nil
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
	link := linkOf(t.record, topic.TopicID)
	if link == nil || link.Since == "" {
		return false
	}
	chat, _, _ := strings.Cut(link.Since, ":")
	return chat == strconv.FormatInt(o.GetChatId(), 10) && o.GetMessageId() < telegramID(link.Since)
}

// topicAt finds the ticket's topic in a place, by its thread of today or a deleted one.
func (t *ticket) topicAt(place string, thread int64) *storage.Topic {
	return topicAt(t.record, place, thread)
}

func topicAt(r *storage.Ticket, place string, thread int64) *storage.Topic {
	for _, topic := range topicsOf(r) {
		if topic.GroupID == place && (thread != 0 || isPrivate(place)) && (topic.TelegramTopicID == thread || slices.Contains(topic.FormerThreads, thread)) {
			return topic
		}
	}
	return nil
}
