package actors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// lane is one direction of a link: the copies into one topic, in the order of their originals.
type lane struct {
	link    *link
	topicID string
	seen    int64 // every message up to it was read or told
	behind  bool  // there was no room for all of them: more is to be read
	items   []*item
	under   int                     // items at the front that were offered
	recent  *recent[string, place]  // message id → its counterpart in this topic
	again   int                     // items that somebody asked to be tried again
	albums  *recent[string, string] // by key: first message of an album that has left
	failing string                  // the last reason, until a copy arrives: told once
	thread  int64                   // of the topic, as it was last known
	dead    int64                   // that thread, when it was deleted
	held    bool                    // the ticket was told that the bot may not write there
}

func newLane(l *link, topicID string, seen int64) lane {
	n := lane{link: l, topicID: topicID, seen: seen}
	topic, _ := n.target()
	n.thread = topic.TelegramTopicID
	return n
}

func (n *lane) empty() bool { return len(n.items) == 0 }
func (n *lane) full() bool  { return len(n.items) >= laneLimit }

// first is the lowest sequence that waits: the first item's, unless some are tried again, which are at the end.
func (n *lane) first() (sequence int64, some bool) {
	for i, it := range n.items {
		if i == 0 || it.sequence < sequence {
			sequence = it.sequence
		}
		if n.again == 0 {
			break
		}
	}
	return sequence, len(n.items) > 0
}

func (n *lane) add(it *item) {
	if n.gather(it) {
		return
	}
	n.items = append(n.items, it)
	if it.stored != nil && it.stored.Tries > 0 {
		it.late = true
	}
	if it.late {
		n.again++
	}
	n.link.offerAgainLater()
}

// addUnlessDone adds a message that was read, unless its copy is made or given up.
func (n *lane) addUnlessDone(m *storage.Message, done map[copyKey]storage.Copy) error {
	it := itemOfRecord(m)
	stored, found := done[copyKey{it.messageID, n.topicID}]
	if !found {
		c, err := n.copyInAlbum(it)
		if err != nil {
			return err
		}
		if found = c != nil; found {
			stored = *c
		}
	}
	if found {
		n.noteAlbum(albumKey(it), it.messageID)
		if stored.State != copyPartial {
			return nil
		}
		it.resume(m, &stored) // the rest of its parts is owed
	}
	n.add(it)
	return nil
}

// dropBeyondEnd forgets what came after the link's end before the link heard of that.
func (n *lane) dropBeyondEnd() {
	beyond := func(it *item) bool { return !n.link.covers(it.sequence) }
	for _, it := range n.items[n.under:] {
		if it.album != nil && !beyond(it) {
			it.album.parts = slices.DeleteFunc(it.album.parts, beyond)
			n.gatherLater(it.album)
		}
	}
	waiting := slices.DeleteFunc(n.items[n.under:], beyond)
	n.items = n.items[:n.under+len(waiting)]
}

// target is the topic that the lane's copies go to; ready says that copies may go there.
func (n *lane) target() (topic *storage.Topic, ready bool) {
	topic = &n.link.spec.Topic
	if n.topicID == homeTopic {
		topic = &n.link.home
	}
	return topic, isOpened(topic) && (n.dead == 0 || topic.TelegramTopicID != n.dead) && (topic.Introduced || topic.Adopted) && topic.Failure == ""
}

// offer gives the chat as many copies as the window holds.
func (n *lane) offer() {
	topic, ready := n.target()
	if !ready {
		n.giveUp(topic)
		return
	}
	for n.under < len(n.items) && n.under < laneWindow {
		if n.under > 0 && n.items[n.under-1].holdsBack() {
			return
		}
		if a := n.items[n.under].album; a != nil && !a.ready {
			return
		} else if a != nil && !a.formed {
			n.formAlbum(n.under)
		}
		it := n.items[n.under]
		if !n.prepare(it) {
			return
		}
		n.under++
		n.offerItem(topic, it)
	}
}

func (n *lane) offerAgain() {
	topic, ready := n.target()
	if n.dead != 0 && topic.TelegramTopicID == n.dead {
		n.tellGone()
	}
	if !ready {
		n.giveUp(topic)
		return
	}
	for _, it := range n.items[:n.under] {
		n.offerItem(topic, it)
	}
	n.offer()
}

func (n *lane) offerItem(topic *storage.Topic, it *item) {
	if a := it.album; a != nil {
		if !a.written() {
			n.link.offer(n.albumOperation(topic, it))
			return
		}
		for _, x := range a.parts {
			for part := x.sent(); part < x.parts; part++ {
				n.link.offer(n.operation(topic, x, part))
			}
		}
		return
	}
	for part := it.sent(); part < it.offerable(); part++ {
		n.link.offer(n.operation(topic, it, part))
	}
}

// prepare looks up what the copy needs. It returns false when it must wait: what it answers is itself still under way.
func (n *lane) prepare(it *item) bool {
	if it.replyTo != nil && it.replyID == 0 && it.preview == "" && it.previewKind == "" {
		if n.isUnderWay(answeredKey(it.replyTo)) {
			return false
		}
		replyID, waits, err := n.counterpart(it)
		if err != nil {
			n.link.log.Error("the counterpart of a reply can't be read; the copy quotes instead", "message", it.messageID, "error", err)
		}
		if waits {
			return false
		}
		it.replyID = replyID
		if replyID != 0 && it.replyTo.Quote != "" {
			n.checkQuote(it)
		}
		if replyID == 0 {
			it.preview, it.previewKind = it.replyTo.Preview, it.replyTo.MediaKind
		}
	}
	if it.parts == 0 && it.sent() > 0 {
		it.parts = it.stored.Wanted // the rest is cut where the beginning was
	}
	n.count(it)
	if it.album != nil {
		for _, x := range it.album.parts[1:] {
			x.preview, x.previewKind = it.preview, it.previewKind
			n.count(x)
		}
	}
	return true
}

// count finds out how many parts a copy takes.
func (n *lane) count(it *item) {
	if it.parts == 0 {
		it.parts = n.link.messagesFor(n.call(it, 0))
	}
}

func (n *lane) isUnderWay(messageID string) bool {
	at, _ := n.find(messageID)
	return at >= 0 && at < n.under
}

// find finds a message that is on its way, and at which place of the lane: that of the album it is a part of.
func (n *lane) find(messageID string) (at int, it *item) {
	for at, it := range n.items {
		if it.album != nil {
			if part := it.album.part(messageID); part != nil {
				return at, part
			}
		} else if it.messageID == messageID {
			return at, it
		}
	}
	return -1, nil
}

// nowhere says that the lane's topic is not in Telegram: nothing is copied into it.
func (n *lane) nowhere() bool { return n.topicID != homeTopic && isAPILink(&n.link.spec) }

// messagesFor is how many messages a copy takes.
func (l *link) messagesFor(call *messages.SendCopyCall) int {
	return max(1, l.system.telegram.Parts(&messages.Operation{Call: &messages.Operation_SendCopy{SendCopy: call}}))
}

// call words one part of a copy.
func (n *lane) call(it *item, part int) *messages.SendCopyCall {
	call := &messages.SendCopyCall{SenderName: it.sender, Content: it.content, Part: int32(part), ReplyPreview: it.preview,
		ReplyMediaKind: it.previewKind, Bare: it.bare}
	if part == 0 {
		call.ReplyTo = it.replyID
		if it.replyID != 0 {
			call.Quote, call.QuoteEntities, call.QuotePosition = it.replyTo.Quote, it.replyTo.QuoteEntities, it.quoteAt
			call.JoinedPreview = it.replyTo.Preview
		}
	}
	call.GroupTitle = n.titleOf(it)
	if part > 0 && it.shape() == messages.ShapeCaptioned {
		call.After = mainPart(it.stored)
	}
	if it.sent() > 0 {
		call.GroupTitle, call.ReplyPreview, call.ReplyMediaKind = it.stored.GroupTitle, it.stored.Preview, it.stored.PreviewKind
		call.Bare = it.stored.Bare
	}
	return call
}

// posting is an operation of a copy in the place that is its in the topic.
func (n *lane) posting(topic *storage.Topic, it *item, part int) *messages.Operation {
	order := it.order
	if order == 0 {
		order = it.sequence * 1000
	}
	return &messages.Operation{Waits: true, Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Order: order + int64(part),
		ReceivedMs: it.receivedMs}
}

// operation posts one part of a copy.
func (n *lane) operation(topic *storage.Topic, it *item, part int) *messages.Operation {
	op := n.posting(topic, it, part)
	op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_CopyPart{CopyPart: &messages.CopyPart{
		MessageId: it.messageID, TopicId: n.topicID, Part: int32(part)}}})
	op.Attempt, op.Content = it.attempt(), it.shows
	op.Call = &messages.Operation_SendCopy{SendCopy: n.call(it, part)}
	return op
}

// titleOf is the name of the group that the message was said in, where names of groups are shown.
// A private chat is told which of its tickets it is instead, not who is inside the desk.
func (n *lane) titleOf(it *item) string {
	if n.topicID == homeTopic || !isPrivate(n.link.spec.Topic.GroupID) {
		return n.link.titles[n.link.topics[it.topicID]]
	}
	if it.label == nil {
		label := n.link.labelOf()
		it.label = &label
	}
	return *it.label
}

// settle writes the outcome of one part; the item leaves the lane when all its parts are posted or it is given up.
func (n *lane) settle(ref *messages.CopyPart, m *messages.Done) error {
	at, it := n.find(ref.MessageId)
	if at < 0 || at >= n.under {
		return nil // answered twice
	}
	part := int(ref.Part)
	if part != it.sent() || part == 0 && n.items[at].album != nil {
		return nil
	}
	next, outcome := n.firstCopyOf(it), m.Outcome
	if len(next.Parts) == 0 {
		if next.Span = spanOf(outcome); next.Span != nil && it.replyID != 0 {
			next.Preview = it.replyTo.Preview
		}
	}
	switch {
	case m.Withdrawn && len(next.Parts) == 0:
		n.remove(at)
		return nil
	case m.Withdrawn: // what is posted of it goes again
		next.State, next.Wanted = copySent, len(next.Parts)
	case outcome.GetResult() == messages.Outcome_DONE:
		next.Parts = append(append([]int64(nil), next.Parts...), outcome.MessageId)
		next.ChatID, next.SentAt = outcome.ChatId, n.link.now().UTC().Truncate(time.Millisecond)
		next.State, next.Revision = copyPartial, m.Content
		if len(next.Parts) >= it.parts {
			next.State = copySent
			if it.content.GetIsProtected() {
				next.Reason = reasonProtected // told to the source
			}
		}
	default:
		next.State, next.Reason = copyFailed, reasonOf(outcome)
	}
	if err := n.save(&next); err != nil {
		return err
	}
	it.stored = &next
	n.noteSettled(it, outcome)
	if n.items[at].album != nil {
		return n.albumGoesOn(at)
	}
	if next.State == copyPartial {
		if topic, ready := n.target(); ready && part == 0 && it.shape() == messages.ShapeCaptioned {
			n.offerItem(topic, it) // the rest of the caption
		}
		return nil
	}
	n.remove(at)
	return nil
}

// firstCopyOf is the record of a copy to go on with; of one that begins it says how.
func (n *lane) firstCopyOf(it *item) storage.Copy {
	next := n.copyOf(it)
	if len(next.Parts) == 0 {
		next.Wanted, next.GroupTitle, next.Preview, next.PreviewKind = it.parts, n.titleOf(it), it.preview, it.previewKind
		next.Main, next.Bare = it.main(), it.bare
	}
	return next
}

// noteSettled remembers where a copy is, and shows at the source that it is nowhere.
func (n *lane) noteSettled(it *item, outcome *messages.Outcome) {
	switch next := *it.stored; next.State {
	case copySent:
		if next.Reason != "" {
			n.link.showFailure(next)
		} else {
			n.failing = ""
		}
		if n.recent == nil {
			n.recent = newRecent[string, place](recentCopies)
		}
		n.recent.put(it.messageID, place{next.ChatID, mainPart(&next)})
		if next.Tries > 0 {
			n.link.tell(KindTicket, n.link.ticketID, &messages.ShowReaction{MessageId: it.messageID})
		}
	case copyFailed:
		n.link.system.metrics.failed.WithLabelValues(outcome.GetResult().String()).Inc()
		n.link.showFailure(next)
	}
}

// remove takes an item that was offered out of the lane.
func (n *lane) remove(at int) {
	it := n.items[at]
	n.items = append(n.items[:at], n.items[at+1:]...)
	n.under--
	n.left(it)
}

func (n *lane) copyOf(it *item) storage.Copy {
	if it.stored != nil {
		return *it.stored
	}
	topic, _ := n.target()
	return storage.Copy{MessageID: it.messageID, TopicID: n.topicID, TicketID: n.link.ticketID, LinkID: n.link.key.identity,
		Sequence: it.sequence, GroupID: topic.GroupID}
}

// save writes a copy; one that another activation wrote already is left as it is.
func (n *lane) save(c *storage.Copy) error {
	err := n.link.store.SaveCopy(n.link.ctx, c)
	if errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("%w: copy of %s into %s", storage.ErrConflict, c.MessageID, c.TopicID)
	}
	if err != nil {
		return fmt.Errorf("save a copy: %w", err)
	}
	return nil
}

// reasonOf says why a copy was given up, in Telegram's words.
func reasonOf(o *messages.Outcome) string {
	if o.GetDescription() != "" {
		return o.Description
	}
	return strings.ToLower(o.GetResult().String())
}

func messageKey(chatID, messageID int64) string {
	return strconv.FormatInt(chatID, 10) + ":" + strconv.FormatInt(messageID, 10)
}

// telegramID returns the Telegram message id in a message's id.
func telegramID(messageID string) int64 {
	_, last, _ := strings.Cut(messageID, ":")
	id, _ := strconv.ParseInt(last, 10, 64)
	return id
}
