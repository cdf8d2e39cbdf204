package ticket

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// The topics of a ticket: how one is created, adopted or given up, and who is notified.

// giveThread writes down that a topic has been created.
func (t *ticket) giveThread(r *storage.Ticket, topic *storage.Topic, thread ids.ThreadID) {
	for _, other := range desk.TopicsOf(r) {
		if other.TopicID != topic.TopicID && other.GroupID == topic.GroupID && other.TelegramTopicID == thread {
			other.TelegramTopicID = 0 // it adopted this topic's thread; its own call makes another
		}
	}
	topic.TelegramTopicID, topic.Suspended = thread, ""
	if topic.Generation > 0 {
		topic.OpenedAt = t.now()
	}
	r.LinksRevision++
	r.CardRevision++
	id := r.TicketID + "/" + topic.TopicID + "/" + strconv.FormatInt(thread, 10)
	t.cause(r, messages.EventTopicCreated, id, t.Now(), nil,
		&view.TopicData{Topic: t.topicRef(topic)})
	if messages.IsPrivate(topic.GroupID) {
		t.privatelyOpened(r)
		return
	}
	t.notifyWaiting(r, topic, "")
}

// introduce lets copies into a topic.
func (t *ticket) introduce(r *storage.Ticket, topic *storage.Topic) {
	if !topic.Introduced {
		topic.Introduced = true
		r.LinksRevision++
	}
}

// introduceWithoutContext introduces a topic that needs no context, once everything that belongs to its card is
// shown.
func (t *ticket) introduceWithoutContext(r *storage.Ticket, topic *storage.Topic) {
	link := desk.LinkOf(r, topic.TopicID)
	if topic.Generation == 0 && !desk.LacksEnclosures(r, topic) && (link == nil || link.BeginSequence == 0) {
		t.introduce(r, topic)
	}
}

// failTopic writes down that a topic can't be created.
func (t *ticket) failTopic(r *storage.Ticket, topic *storage.Topic, why string) {
	t.setFailure(r, topic, why)
	t.notifyWaiting(r, topic, why)
	if topic.TopicID == desk.HomeTopic && desk.PrivateLink(r, "") != nil {
		t.giveUpHome(r, why)
	}
	if link := desk.LinkOf(r, topic.TopicID); link != nil {
		link.Ended, link.EndSequence = true, link.BeginSequence
		r.CardRevision++
	}
}

// setFailure writes down why the ticket does without a topic, which is an event.
func (t *ticket) setFailure(r *storage.Ticket, topic *storage.Topic, why string) {
	topic.Failure = why
	r.LinksRevision++
	id := fmt.Sprintf("%s/%s/failed/%d", r.TicketID, topic.TopicID, r.LinksRevision)
	t.cause(r, messages.EventTopicFailed, id, t.now(), nil,
		&view.TopicFailedData{TopicData: view.TopicData{Topic: t.topicRef(topic)}, Reason: why})
}

// awaitTopic remembers whom to notify when a topic has been created or can't be.
func awaitTopic(r *storage.Ticket, topicID ids.TopicKey, o *messages.Origin) {
	if desk.IsAPI(o) {
		return // a program looks for itself
	}
	body, err := proto.Marshal(o)
	if err != nil {
		return
	}
	r.Pending = append(r.Pending, storage.Pending{ID: topicID, Kind: pendingNotice, Body: body})
}

// notifyWaiting notifies whoever waits for a topic.
func (t *ticket) notifyWaiting(r *storage.Ticket, topic *storage.Topic, failure string) {
	o := &messages.Origin{}
	found := false
	private := desk.PrivateLink(r, "")
	if topic.TopicID == desk.HomeTopic && failure == "" && private != nil && !desk.IsOpened(&private.Topic) {
		return // the person is told when it is known where they write on it
	}
	for _, pending := range r.Pending {
		if pending.Kind == pendingNotice && pending.ID == topic.TopicID {
			found = proto.Unmarshal(pending.Body, o) == nil
		}
	}
	if !found {
		return
	}
	forget(r, pendingNotice, topic.TopicID)
	args := map[string]string{"why": failure, "ticket": desk.NameOf(r)}
	group, err := t.Store.Group(t.Ctx, topic.GroupID)
	if err == nil {
		args["group"], args["url"] = group.Title, messages.TopicURL(group.TelegramGroupID, topic.TelegramTopicID)
	} else {
		args["group"], args["url"] = topic.GroupID, ""
		t.Log.Error("cannot read a group", "group", topic.GroupID, "error", err)
	}
	key := messages.NoticeTicketCreated
	link := desk.LinkOf(r, topic.TopicID)
	switch {
	case messages.IsPrivate(o.Place) && failure != "":
		key = messages.NoticePrivateFailed
	case messages.IsPrivate(o.Place) && private != nil && private.Topic.Threaded:
		key = messages.NoticePrivateCreatedTopic
	case messages.IsPrivate(o.Place):
		key = messages.NoticePrivateCreated
	case link != nil && failure != "":
		key, args["name"] = messages.NoticeMentionFailed, link.UserName
	case link != nil:
		key, args["name"] = messages.NoticeMentioned, link.UserName
	case failure != "":
		key = messages.NoticeTicketFailed
	}
	op := desk.OperationTo(o)
	notice := &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: o.MessageId}
	switch customer := r.OpenedFor; {
	case link != nil:
		notice.UserId = link.UserID
	case key == messages.NoticeTicketCreated && customer != nil && customer.Kind == "user":
		args["name"] = customer.Name // they have asked for no ticket, and hear of it
		notice.UserId, _ = strconv.ParseInt(customer.ID, 10, 64)
	}
	if key == messages.NoticePrivateFailed {
		notice.Keyboard = desk.OneButton(messages.ButtonRetry, messages.CallbackReopen+":"+r.TicketID)
	}
	op.Call = &messages.Operation_SendNotice{SendNotice: notice}
	// It gets an id of its own, since the first id of the command belongs to the answer that the pressed button
	// has had.
	desk.AddPending(r, o.CommandId+"/opened", op, 0)
	if failure == "" && o.GetSender().GetKind() == messages.Sender_USER && (link == nil || messages.IsPrivate(o.Place)) {
		at := topic
		if private != nil && messages.IsPrivate(o.Place) {
			at = &private.Topic
		}
		t.tellOpenedAway(r, o, at)
	}
}

// adoptionOver is the timer after which a topic that has not appeared is created again.
type adoptionOver struct {
	topicID ids.TopicKey
	waited  int  // how often the ticket has waited before
	blind   bool // no updates arrived during the wait
}

func (t *ticket) awaitAdoption(topicID ids.TopicKey) {
	if !t.adopting[topicID] {
		t.adopting[topicID] = true
		t.After(adoptionWait, adoptionOver{topicID: topicID})
	}
}

func (t *ticket) onAdoptionOver(m adoptionOver) error {
	// While no updates arrive, the topic can't appear, so the wait starts again when they do.
	works := t.room.IntakeWorks()
	if (!works || m.blind) && m.waited < adoptionWaitsAtMost {
		t.After(adoptionWait, adoptionOver{m.topicID, m.waited + 1, !works})
		return nil
	}
	delete(t.adopting, m.topicID)
	t.reconcile()
	t.flushSoon()
	return nil
}

// onTopicCreated adopts a topic that this bot created, as Telegram's service message reports. The message comes
// before anything that is sent in the topic. It may also come before the answer to the call, or instead of it.
func (t *ticket) onTopicCreated(m *messages.TopicCreated) (proto.Message, error) {
	o := m.Origin
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	if desk.TopicWith(t.record, o.GetPlace(), o.GetThreadId()) != nil {
		return entity.Duplicate(), nil
	}
	var topicID ids.TopicKey
	for _, topic := range desk.TopicsOf(t.record) {
		if topic.GroupID == o.GetPlace() && !desk.IsOpened(topic) && topicID == "" {
			topicID = topic.TopicID
		}
	}
	if topicID == "" {
		t.Log.Warn("no topic of this ticket is missing where one was created",
			"chat", o.GetChatId(), "topic", o.GetThreadId())
		return entity.Answer(messages.Code_CONFLICT, "no topic is missing there"), nil
	}
	err := t.change(func(r *storage.Ticket) {
		topic := desk.TopicOf(r, topicID)
		if topicID == desk.HomeTopic && topic.Failure != "" {
			homeMayOpen(r, o)
		}
		topic.Failure = ""
		for _, s := range t.enqueued {
			if m.HasIcon && s.ref.GetKind() == messages.TopicStep_CREATE && s.ref.TopicId == topicID {
				topic.Icon = s.ref.Icon
			}
		}
		t.giveThread(r, topic, o.ThreadId)
	})
	if errors.Is(err, storage.ErrTopicTaken) {
		return entity.Answer(messages.Code_CONFLICT, "the topic belongs to another ticket"), nil
	}
	if err != nil {
		return nil, err
	}
	delete(t.adopting, topicID)
	t.afterChange()
	if messages.IsPrivate(o.Place) {
		t.tellOpened(o.Place)
	}
	return entity.OK(), nil
}

// contextLines is how many messages the context in a new topic shows.
const contextLines = 10

// context is the last messages before a link's beginning, without internal notes and what was deleted.
func (t *ticket) context(topic *storage.Topic) ([]storage.Message, error) {
	if topic.Generation > 0 {
		return t.history(topic)
	}
	link := desk.LinkOf(t.record, topic.TopicID)
	if link == nil || link.BeginSequence == 0 {
		return nil, nil
	}
	after := max(0, link.BeginSequence-2*contextLines)
	page, err := t.Store.MessagesAfter(t.Ctx, t.record.TicketID, after, 2*contextLines)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	var lines []storage.Message
	for i := range page {
		if page[i].Sequence <= link.BeginSequence && !page[i].Hidden() {
			lines = append(lines, page[i])
		}
	}
	return lines[max(0, len(lines)-contextLines):], nil
}

// tellRevision wakes the links when something has changed that they must know.
func (t *ticket) tellRevision() {
	if t.record.LinksRevision == t.linksTold {
		return
	}
	t.linksTold = t.record.LinksRevision
	for i := range t.record.Links {
		link := &t.record.Links[i]
		if beyond := link.Ended && t.told[link.LinkID] > link.EndSequence; beyond || !link.Ended || !t.linkDone(link) {
			if beyond {
				// Its topic could not be created: the link drops what waits for it.
				t.told[link.LinkID] = link.EndSequence
			}
			t.resumeLink(link.LinkID)
		}
	}
	t.tellRetries()
}
