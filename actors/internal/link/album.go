package link

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Albums. Telegram delivers an album as separate messages, each with its caption, that share a media_group_id, and
// does not say how many there are. A lane gathers them, holds back the messages behind them, and posts them together;
// each original gets a counterpart of its own (docs/decisions.md, D15). A part that comes after the album has left is
// posted alone, as a reply to it.

const (
	// GatherFor is how long after its newest part an album is complete.
	GatherFor = 800 * time.Millisecond
	// albumLimit is how many messages an album has at most (Bot API, sendMediaGroup).
	albumLimit = 10
)

// album is the album whose first part an item is.
type album struct {
	key    string // where it was said, and its media_group_id
	parts  []*item
	ready  bool // nothing more is waited for
	formed bool // it is such as Telegram takes it
}

// gathered is a timer's message: an album that still has so many parts is complete.
type gathered struct {
	topicID, key string
	parts        int
}

// albumKey names the album that a message is a part of; "" for one that is posted alone.
func albumKey(it *item) string {
	m := it.content.GetMedia()
	if m.GetMediaGroupId() == "" || it.stored != nil || it.shape() != messages.ShapeCaptioned || it.family() == "" {
		return ""
	}
	return it.topicID + "/" + m.MediaGroupId
}

// family names the albums that an item may stand in; "" for none.
func (it *item) family() string { return messages.AlbumOf(it.content.GetMedia().GetKind()) }

// gather adds a message to the album that it belongs to, and says whether it did.
func (n *lane) gather(it *item) bool {
	key := albumKey(it)
	if key == "" {
		return false
	}
	for _, waiting := range n.items[n.enqueued:] {
		if a := waiting.album; a != nil && a.key == key && !a.ready {
			if a.part(it.messageID) == nil {
				a.parts = append(a.parts, it)
			}
			n.gatherLater(a)
			return true
		}
	}
	n.recallAlbums(it)
	if first, left := n.leftAlbum(key); left && first != it.messageID {
		chat, id, _ := strings.Cut(first, ":")
		it.replyTo = &messages.ReplyTo{}
		it.replyTo.ChatId, _ = strconv.ParseInt(chat, 10, 64)
		it.replyTo.MessageId, _ = strconv.ParseInt(id, 10, 64)
		return false
	}
	it.album = &album{key: key, parts: []*item{it}}
	n.gatherLater(it.album)
	return false
}

func (n *lane) gatherLater(a *album) {
	n.link.After(GatherFor, gathered{n.topicID, a.key, len(a.parts)})
}

// onGathered lets an album leave if nothing was added to it meanwhile.
func (l *link) onGathered(m gathered) error {
	if !l.exists {
		return nil
	}
	n := l.laneInto(m.topicID)
	for _, it := range n.items[n.enqueued:] {
		if a := it.album; a != nil && a.key == m.key && len(a.parts) == m.parts {
			a.ready = true
		}
	}
	l.enqueueAll()
	return l.report(false)
}

// leftAlbum finds the first message of an album that has left.
func (n *lane) leftAlbum(key string) (first ids.MessageKey, left bool) {
	if n.albums == nil {
		return "", false
	}
	return n.albums.Get(key)
}

// recallAlbums finds, once after the lane was loaded, the albums that left before: a part of them may still come.
func (n *lane) recallAlbums(it *item) {
	if n.albums != nil {
		return
	}
	n.albums = desk.NewRecent[string, ids.MessageKey](32)
	after := it.sequence - 1 - desk.AlbumsRecalled
	page, err := n.link.Store.MessagesAfter(n.link.Ctx, n.link.ticketID, after, desk.AlbumsRecalled)
	if err != nil {
		n.link.Log.Error("albums from before can't be read; their late parts are posted alone", "error", err)
		return
	}
	for i := range page {
		former := itemOfRecord(&page[i])
		if at, _ := n.find(former.messageID); at < 0 && former.sequence < it.sequence {
			n.noteAlbum(albumKey(former), former.messageID)
		}
	}
}

func (n *lane) noteAlbum(key string, messageID ids.MessageKey) {
	if n.albums == nil {
		n.albums = desk.NewRecent[string, ids.MessageKey](32)
	}
	if _, known := n.albums.Get(key); key != "" && !known {
		n.albums.Put(key, messageID)
	}
}

// formAlbum makes albums that Telegram accepts of what was gathered: of one family, with at most 10 parts each. A
// part that is left alone becomes an ordinary item.
func (n *lane) formAlbum(at int) {
	a := n.items[at].album
	n.noteAlbum(a.key, a.parts[0].messageID)
	slices.SortStableFunc(a.parts, func(x, y *item) int { return int(x.sequence - y.sequence) })
	var formed []*item
	for from := 0; from < len(a.parts); {
		to, family := from+1, a.parts[from].family()
		for to < len(a.parts) && to-from < albumLimit && family != "" && a.parts[to].family() == family {
			to++
		}
		first := a.parts[from]
		first.album = nil
		if to-from > 1 {
			first.album = &album{key: a.key, parts: slices.Clone(a.parts[from:to]), ready: true, formed: true}
			first.album.name(first)
		}
		formed = append(formed, first)
		from = to
	}
	n.items = slices.Replace(n.items, at, at+1, formed...)
}

// name decides which part bears the sender's name: the one with a caption if it is the only one (clients show an
// album's caption only then), else the first.
func (a *album) name(first *item) {
	named, captions := 0, 0
	for i, it := range a.parts {
		if it.content.GetText() != "" {
			captions++
			named = i
		}
	}
	if captions != 1 {
		named = 0
	}
	for i, it := range a.parts {
		it.bare = i != named
		it.order = first.sequence*1000 + int64(i)*(1000/albumLimit-1)
	}
}

func (a *album) part(messageID ids.MessageKey) *item {
	for _, it := range a.parts {
		if it.messageID == messageID {
			return it
		}
	}
	return nil
}

// posted says whether every part's copy is made or was given up.
func (a *album) posted() bool {
	for _, it := range a.parts {
		if it.stored == nil || it.stored.State == desk.CopyPartial {
			return false
		}
	}
	return true
}

// written says whether every part's copy is stored.
func (a *album) written() bool {
	return !slices.ContainsFunc(a.parts, func(it *item) bool { return it.stored == nil })
}

// albumOperation posts all parts of an album. It has one version: an edit that comes meanwhile is made once the album
// is posted.
func (n *lane) albumOperation(topic *storage.Topic, it *item) *messages.Operation {
	call := &messages.SendAlbumCall{}
	turn := it.album.turn()
	for _, part := range it.album.parts {
		copied := n.call(part, 0)
		n.giveTurn(copied, part, turn)
		call.Parts = append(call.Parts, copied)
	}
	op := n.posting(topic, it, 0)
	op.SetRef(n.albumRef(it))
	op.Call = &messages.Operation_SendAlbum{SendAlbum: call}
	return op
}

// albumRef names the posting of an album.
func (n *lane) albumRef(it *item) *messages.OperationRef {
	return &messages.OperationRef{Wanted: &messages.OperationRef_CopyAlbum{CopyAlbum: &messages.CopyAlbum{
		MessageId: it.messageID, TopicId: n.topicID, Parts: int32(len(it.album.parts))}}}
}

// onAlbumDone records the outcome of an album's call: a copy for each original.
func (n *lane) onAlbumDone(ref *messages.CopyAlbum, m *messages.Done) error {
	at := slices.IndexFunc(n.items[:n.enqueued], func(it *item) bool {
		return it.album != nil && !it.album.written() && it.messageID == ref.MessageId &&
			len(it.album.parts) == int(ref.Parts)
	})
	if at < 0 {
		return nil
	}
	a, posted := n.items[at].album, m.Outcome.GetMessageIds()
	done := m.Outcome.GetResult() == messages.Outcome_DONE && len(posted) > 0
	if m.Outcome.GetResult() == messages.Outcome_REJECTED {
		return n.dissolve(at)
	}
	now := n.link.Now().UTC().Truncate(time.Millisecond)
	copies := make([]storage.Copy, len(a.parts))
	for i, it := range a.parts {
		next := n.firstCopyOf(it)
		next.Revision = it.shows
		if done {
			next.Parts, next.ChatID = []int64{posted[min(i, len(posted)-1)]}, m.Outcome.ChatId
			next.SentAt, next.State = now, desk.CopySent
			if it.parts > 1 {
				next.State = desk.CopyPartial
			}
		} else {
			next.State, next.Reason = desk.CopyFailed, desk.ReasonOf(m.Outcome)
		}
		copies[i] = next
		if i > 0 && done {
			copies[0].Album = append(copies[0].Album, storage.AlbumPart{MessageID: it.messageID, Part: next.Parts[0],
				Wanted: next.Wanted, Bare: next.Bare})
		}
	}
	for i, it := range a.parts {
		if it.stored != nil {
			continue // storage failed at one behind it, and this is the second time
		}
		if err := n.save(&copies[i]); err != nil {
			return err
		}
		it.stored = &copies[i]
		n.noteFinished(it, m.Outcome)
	}
	return n.albumGoesOn(at)
}

// albumGoesOn enqueues what does not fit into the captions, or lets the album leave the lane.
func (n *lane) albumGoesOn(at int) error {
	if it := n.items[at]; it.album != nil && !it.album.posted() {
		if topic, ready := n.target(); ready {
			n.enqueueItem(topic, at)
		}
		return nil
	}
	n.remove(at)
	return nil
}

// dissolve posts the parts of an album one by one, after Telegram refused it as a whole: only the part at fault is
// then missing.
func (n *lane) dissolve(at int) error {
	parts := n.items[at].album.parts
	for _, it := range parts {
		it.album, it.bare, it.parts = nil, false, 0
	}
	n.link.Log.Warn("an album was refused; its parts are posted one by one",
		"message", parts[0].messageID, "parts", len(parts))
	n.items = slices.Replace(n.items, at, at+1, parts...)
	n.enqueued = at // nothing behind an album that has not left is offered
	return nil
}

// albumCopies are the copies that the record of an album's first part names. They may not be written yet.
func albumCopies(c *storage.Copy, known map[copyKey]storage.Copy) {
	for _, p := range c.Album {
		next := *c
		next.MessageID, next.Parts, next.Wanted, next.Bare = p.MessageID, []int64{p.Part}, p.Wanted, p.Bare
		next.Album, next.Version = nil, 0
		next.State = desk.CopySent
		if p.Wanted > 1 {
			next.State = desk.CopyPartial
		}
		known[copyKey{p.MessageID, c.TopicID}] = next
	}
}

// copyInAlbum writes the copy of a message that was posted in an album by a process that ended before it could record
// that.
func (n *lane) copyInAlbum(it *item) (*storage.Copy, error) {
	key := copyKey{it.messageID, n.topicID}
	next, known := n.link.albumed[key]
	if !known {
		return nil, nil
	}
	delete(n.link.albumed, key)
	next.Sequence = it.sequence
	if err := n.save(&next); err != nil {
		return nil, fmt.Errorf("a copy in an album: %w", err)
	}
	return &next, nil
}
