package ticket

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The icon of a topic shows the state of its ticket. It is derived as other calls are, but is worth less than any of them: it
// waits until the state has lasted, changes seldom, leaves last, and is withdrawn when the state has passed meanwhile. That a
// change is under way is written down before it is enqueued, so that a crash leaves no icon of which the record is wrong
// (docs/decisions.md, D200).

const (
	// iconSettles is how long a state must last: the first answer claims the ticket, and may close it.
	iconSettles = 3 * time.Second
	// iconEvery is the least time between two changes of a topic's icon.
	iconEvery = 30 * time.Second
	// iconTries is how often a change is tried that can't be made now, for example since Telegram does not say which icons there are: after
	// twice as long each time, for about three hours in all. Then it counts as refused.
	iconTries = 8
)

// iconsDue is the timer that looks which icons are to change.
type iconsDue struct{}

// iconOf is what the icons of a ticket's topics should say.
func iconOf(r *storage.Ticket) string {
	switch {
	case r.Status == desk.StatusClosed:
		return messages.IconClosed
	case !r.SnoozedUntil().IsZero():
		return messages.IconSnoozed
	case r.Overdue():
		return messages.IconOverdue
	case r.WaitingFor == storage.WaitsForCustomer:
		return messages.IconCustomer
	case r.Assignee != nil:
		return messages.IconClaimed
	}
	return messages.IconNew
}

// leaveIcons has the topics of a ticket from before icons keep what they have until its state changes: an upgrade must not
// change the icons of all tickets.
func leaveIcons(r *storage.Ticket) {
	for _, topic := range desk.TopicsOf(r) {
		if desk.IsOpened(topic) && topic.Icon == messages.IconNone {
			topic.Icon = iconOf(r)
		}
	}
}

// showsIcon says whether a topic's icon is the desk's: not of one that people made, nor where people have chosen another, nor in
// a private chat, where the card tells enough.
func (t *ticket) showsIcon(topic *storage.Topic) bool {
	if messages.IsPrivate(topic.GroupID) || !desk.IsOpened(topic) || topic.Adopted || topic.IconByHand ||
		topic.Failure != "" || topic.Suspended != "" || topic.Unproven || topic.Doubtful {
		return false
	}
	link := desk.LinkOf(t.record, topic.TopicID)
	return link == nil || !link.Ended
}

// icons withdraws changes whose state has passed, and has the timer run if icons differ from what they should say.
func (t *ticket) icons() {
	if t.record == nil {
		return
	}
	want := iconOf(t.record)
	for id, s := range t.enqueued {
		if s.ref.GetKind() != messages.TopicStep_ICON || s.op.GetWithdraw() != nil {
			continue
		}
		topic := desk.TopicOf(t.record, s.ref.TopicId)
		if topic != nil && t.showsIcon(topic) && (s.ref.Icon == want || s.ref.Icon == messages.IconNone) {
			continue
		}
		op := proto.CloneOf(s.op)
		op.Call = &messages.Operation_Withdraw{Withdraw: &messages.WithdrawCall{}}
		t.enqueued[id] = &step{ref: s.ref, op: op}
		t.Enqueue(op)
		t.EnqueueAgainLater()
	}
	if t.awaitingIcons {
		return
	}
	var next time.Time
	for _, topic := range desk.TopicsOf(t.record) {
		if at := t.iconDue(topic); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if !next.IsZero() {
		t.lookAtIcons(max(iconSettles, next.Sub(t.Now())))
	}
}

func (t *ticket) lookAtIcons(wait time.Duration) {
	t.awaitingIcons = true
	t.After(wait, iconsDue{})
}

// iconDue is when the icon of a topic may change; zero: it says what it should, or a change is enqueued.
func (t *ticket) iconDue(topic *storage.Topic) time.Time {
	marked := t.iconsMarked[topic.TopicID] // and nothing else
	if !t.showsIcon(topic) || (!topic.IconPending || marked) && topic.Icon == iconOf(t.record) {
		return time.Time{}
	}
	if _, enqueued := t.enqueued[t.iconRef(topic, "").ID()]; enqueued {
		return time.Time{}
	}
	changed := topic.IconAt
	if topic.IconPending && !marked && changed.Before(t.loadedAt) { // an earlier process may have changed it just before its end
		changed = t.loadedAt
	}
	if changed.After(t.now()) { // the clock was set back: an icon does not stay until it shows that time again
		changed = time.Time{}
	}
	return changed.Add(iconEvery << t.iconsFailed[topic.TopicID])
}

// onIcons enqueues the changes that are due. A group may want none, or not let the bot make any.
func (t *ticket) onIcons(iconsDue) error {
	if t.record == nil {
		t.awaitingIcons = false
		return nil
	}
	t.unmarkIcons()
	var due []*step
	var next time.Time
	now, written, held := t.Now(), true, false
	for _, topic := range desk.TopicsOf(t.record) {
		at := t.iconDue(topic)
		if at.IsZero() {
			continue
		}
		if at.After(now) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			continue
		}
		want, may, err := t.iconIn(topic)
		if err != nil {
			return err
		}
		if !may {
			held = true
			continue
		}
		if want == topic.Icon && (!topic.IconPending || t.iconsMarked[topic.TopicID]) {
			continue
		}
		due, written = append(due, t.iconStep(topic, want)), written && topic.IconPending
	}
	if !written {
		err := t.change(func(r *storage.Ticket) {
			for _, s := range due {
				desk.TopicOf(r, s.ref.TopicId).IconPending = true
			}
		})
		if err != nil {
			return err
		}
	}
	t.awaitingIcons, t.iconsHeld = false, held
	for _, s := range due {
		delete(t.iconsMarked, s.ref.TopicId)
		t.enqueueStep(s)
	}
	if !next.IsZero() {
		t.lookAtIcons(next.Sub(now))
	}
	t.flushSoon()
	return nil
}

// looksAtIcons says whether a message gives reason to look at the icons: it changes what they say, or some are held back by what the
// bot may not do in their groups, of which it is not told when it may.
func (t *ticket) looksAtIcons(before, heard *storage.Ticket) bool {
	return iconOf(heard) != iconOf(before) || t.iconsHeld
}

// iconIn is what the icon of a topic should say there. may is false where the bot can't change it, or need not know.
func (t *ticket) iconIn(topic *storage.Topic) (want string, may bool, err error) {
	return t.iconFor(t.record, topic)
}

// iconFor is iconIn for a record.
func (t *ticket) iconFor(r *storage.Ticket, topic *storage.Topic) (want string, may bool, err error) {
	group, err := t.recentGroup(topic.GroupID)
	switch {
	case err != nil:
		return "", false, err
	case group.Group == nil || desk.TopicsIn(group.Group) != messages.Standing_READY:
		return "", false, nil
	case group.NoIcons:
		return messages.IconNone, true, nil
	}
	return iconOf(r), true, nil
}

// markIcons has a record that is about to be written say that changes of icons are pending, which spares a write.
func (t *ticket) markIcons(r *storage.Ticket) error {
	for _, topic := range desk.TopicsOf(r) {
		if topic.IconPending || !t.showsIcon(topic) || topic.Icon == iconOf(r) {
			continue
		}
		want, may, err := t.iconFor(r, topic)
		if err != nil {
			return err
		}
		if may && want != topic.Icon {
			if t.iconsMarked == nil {
				t.iconsMarked = map[ids.TopicKey]bool{}
			}
			topic.IconPending, t.iconsMarked[topic.TopicID] = true, true
		}
	}
	return nil
}

// unmarkIcons takes back that changes are pending whose state has passed. Memory is ahead of the record then.
func (t *ticket) unmarkIcons() {
	for topicID := range t.iconsMarked {
		if topic := desk.TopicOf(t.record, topicID); topic == nil || topic.Icon != iconOf(t.record) {
			continue
		}
		delete(t.iconsMarked, topicID)
		t.record = desk.CloneTicket(t.record)
		desk.TopicOf(t.record, topicID).IconPending = false
	}
}

// openingIcon is the icon with which a topic is created, which costs no call.
func (t *ticket) openingIcon(topic *storage.Topic) (string, error) {
	if messages.IsPrivate(topic.GroupID) {
		return messages.IconNone, nil
	}
	want, _, err := t.iconIn(topic)
	return want, err
}

func (t *ticket) iconRef(topic *storage.Topic, icon string) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_TopicStep{TopicStep: &messages.TopicStep{
		TicketId: t.record.TicketID, TopicId: topic.TopicID, Generation: topic.Generation, Kind: messages.TopicStep_ICON,
		Icon: icon}}}
}

// iconStep makes the change of an icon. Its version is the time, so that no chat takes it for one of an earlier activation.
func (t *ticket) iconStep(topic *storage.Topic, icon string) *step {
	ref := t.iconRef(topic, icon)
	op := desk.OperationIn(t.record, topic)
	op.SetRef(ref)
	op.Priority, op.Call = messages.Operation_LAST, &messages.Operation_SetIcon{SetIcon: &messages.SetIconCall{Icon: icon}}
	t.iconVersion = max(t.iconVersion+1, t.Now().UnixMilli())
	op.Content = t.iconVersion
	return &step{ref: ref.GetTopicStep(), op: op}
}

// onIconDone learns what an icon says now. Memory is ahead of the record then; the record says that a change is pending until
// the next save. A refusal counts as done: it is tried again when the state changes.
func (t *ticket) onIconDone(ref *messages.TopicStep, m *messages.Done) error {
	s := t.enqueued[m.OperationId]
	mine := s != nil && s.op.Attempt == m.Attempt && s.op.Content == m.Content
	if mine {
		delete(t.enqueued, m.OperationId)
	}
	result := m.Outcome.GetResult()
	if mine && !m.Withdrawn && result == messages.Outcome_TOPIC_DELETED && t.mayRecreate(s) {
		return t.onStepTopicGone(s)
	}
	next := desk.CloneTicket(t.record)
	topic := desk.TopicOf(next, ref.TopicId)
	done := result == messages.Outcome_DONE
	switch {
	case topic == nil || topic.Generation != ref.Generation:
	case m.Withdrawn:
		topic.IconPending = topic.IconPending && !mine
	case (result == messages.Outcome_TRANSIENT || result == messages.Outcome_UNKNOWN) && t.iconsFailed[ref.TopicId]+1 < iconTries:
		t.iconsFailed[ref.TopicId]++
		topic.IconAt = t.now() // it is tried again, not sooner than it would change
	case done || mine:
		topic.Icon, topic.IconPending = ref.Icon, false
		delete(t.iconsFailed, ref.TopicId)
		if done {
			topic.IconAt = t.now()
		}
	}
	t.record = next
	t.icons()
	t.flushSoon()
	return nil
}
