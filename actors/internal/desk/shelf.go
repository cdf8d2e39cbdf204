package desk

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The shelf of a chat: messages that no ticket has yet (docs/decisions.md, D66). A group keeps its own, a person that
// of their private chat. Functions here leave a shelf as it is and return the next one.

// What a shelf has at most. The oldest goes first; what waits for an answer goes last.
const (
	shelvedFor    = 24 * time.Hour
	heldFor       = 7 * 24 * time.Hour // what waits since its ticket is closed: as long as a word reopens one, unless its group has set another time
	shelvedAtMost = 60                 // messages of one kind: six albums
	unclearAtMost = 40                 // those that wait until their author says which ticket they are about
	forButton     = 10                 // those that wait for nothing, but a button may send: anybody can write many
	homelessMost  = 20                 // those of somebody who has no ticket
	shelvedBytes  = 2 << 20            // more than six albums with the longest captions that Telegram has, with all their entities
	albumsKnown   = 60                 // that were given to tickets
)

// kind says what a shelf keeps a message for. None is dropped because there are too many of another kind.
type kind int

const (
	part kind = iota
	untitled
	unclear
	afterClosing
	homeless
	loose
	kinds
)

// keptOf is how many messages of each kind a shelf keeps. Those that were unclear stay with those that are: a repeated
// answer finds them again.
var keptOf = [kinds]int{part: shelvedAtMost, untitled: shelvedAtMost, unclear: 2 * unclearAtMost,
	afterClosing: shelvedAtMost, homeless: homelessMost, loose: forButton}

func kindOf(m *storage.Shelved) kind {
	switch {
	case m.Unclear != 0:
		return unclear
	case m.Untitled != 0:
		return untitled
	case m.Closed != "":
		return afterClosing
	case m.Album != "":
		return part
	case m.Homeless:
		return homeless
	}
	return loose
}

// ShelvedAlbum returns which ticket has an album. It is not ok when none has.
func ShelvedAlbum(s *storage.Shelf, album string) (a storage.ShelvedAlbum, ok bool) {
	if s == nil || album == "" {
		return a, false
	}
	i := slices.IndexFunc(s.Albums, func(a storage.ShelvedAlbum) bool { return a.Album == album })
	if i < 0 {
		return a, false
	}
	return s.Albums[i], true
}

// WaitsForTitle reports whether an album belongs to a ticket whose title the bot has asked for.
func WaitsForTitle(s *storage.Shelf, album string) bool {
	return s != nil && album != "" && slices.ContainsFunc(s.Messages, func(m storage.Shelved) bool {
		return m.Album == album && m.Untitled != 0 && m.Waits()
	})
}

// askAgainAfter is when a message is asked about although an earlier one, which is unclear too, waits for an answer: the
// person may not have seen that question.
const askAgainAfter = time.Minute

// AskedAbout reports whether the question which ticket a message is about stands above it, for another message that it
// waits with. Above the desk's last word it does not stand any more.
func AskedAbout(s *storage.Shelf, m *messages.Shelve, now time.Time) bool {
	return s != nil && slices.ContainsFunc(s.Messages, func(k storage.Shelved) bool {
		asked := k.Unclear == m.Unclear && k.Asked && k.Waits() && k.MessageID > m.LastWord
		return asked && k.MessageID != m.GetMessage().GetOrigin().GetMessageId() && now.Sub(k.At) < askAgainAfter
	})
}

// HasRoomForUnclear reports whether the shelf keeps one more message that is unclear.
func HasRoomForUnclear(s *storage.Shelf) bool {
	n := 0
	for i := range tidied(s, time.Time{}).Messages {
		if m := &s.Messages[i]; m.Unclear != 0 && m.Waits() {
			n++
		}
	}
	return n < unclearAtMost
}

// IsUnclear reports whether a message is one of those that wait because they are unclear.
func IsUnclear(s *storage.Shelf, messageID int64) bool {
	return s != nil && slices.ContainsFunc(s.Messages, func(m storage.Shelved) bool { return isUnclear(&m, messageID) })
}

func isUnclear(m *storage.Shelved, messageID int64) bool {
	return m.MessageID == messageID && m.Unclear != 0 && m.Waits()
}

// CorrectOnShelf has a message that waits for its ticket say something else. nil: it is not kept.
func CorrectOnShelf(s *storage.Shelf, m *messages.RecordMessage) (*storage.Shelf, error) {
	id, next := m.GetOrigin().GetMessageId(), tidied(s, time.Time{})
	at := slices.IndexFunc(next.Messages, func(k storage.Shelved) bool {
		return isUnclear(&k, id) || k.MessageID == id && (k.Homeless || k.Closed != "") && k.TicketID == "" && !k.Withdrawn
	})
	if at < 0 {
		return nil, nil
	}
	kept := &messages.RecordMessage{}
	if err := proto.Unmarshal(next.Messages[at].Body, kept); err != nil {
		return nil, err
	}
	kept.Content, kept.Internal = m.Content, m.Internal
	body, err := proto.Marshal(kept)
	if err != nil {
		return nil, err
	}
	next.Messages[at].Body = body
	return next, nil
}

// OnShelf are the messages of an album that are on a shelf, in the order in which they were sent.
func OnShelf(s *storage.Shelf, album string) []*messages.RecordMessage {
	if s == nil || album == "" {
		return nil
	}
	return shelved(s, func(m *storage.Shelved) bool { return m.Album == album })
}

// KeptOnShelf is a message as it was put on a shelf; none if it is not there.
func KeptOnShelf(s *storage.Shelf, id int64) []*messages.RecordMessage {
	if s == nil {
		return nil
	}
	return shelved(s, func(m *storage.Shelved) bool { return m.MessageID == id })
}

func shelved(s *storage.Shelf, which func(*storage.Shelved) bool) (found []*messages.RecordMessage) {
	for i := range s.Messages {
		m := &messages.RecordMessage{}
		if which(&s.Messages[i]) && !s.Messages[i].Withdrawn && proto.Unmarshal(s.Messages[i].Body, m) == nil { // we wrote it
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(a, b *messages.RecordMessage) int {
		return cmp.Compare(a.GetOrigin().GetMessageId(), b.GetOrigin().GetMessageId())
	})
	return found
}

// PutOnShelf keeps a message. nil: it is kept already.
func PutOnShelf(s *storage.Shelf, m *messages.Shelve, now time.Time) (*storage.Shelf, error) {
	id := m.GetMessage().GetOrigin().GetMessageId()
	next := tidied(s, now)
	at := slices.IndexFunc(next.Messages, func(k storage.Shelved) bool { return k.MessageID == id })
	if at >= 0 && (m.Untitled == 0 || next.Messages[at].Untitled != 0) &&
		(m.Unclear == 0 || next.Messages[at].Unclear != 0) && (!m.Homeless || next.Messages[at].Homeless) &&
		(m.Closed == "" || next.Messages[at].Closed != "") {
		return nil, nil
	}
	if m.Untitled != 0 && m.Former != 0 {
		for i := range next.Messages {
			if kept := &next.Messages[i]; kept.Waits() && kept.Untitled == m.Former {
				kept.Untitled = m.Untitled
			}
		}
	}
	if at < 0 {
		body, err := proto.Marshal(m.Message)
		if err != nil {
			return nil, err
		}
		next.Messages = append(next.Messages, storage.Shelved{
			MessageID: id, Album: m.Message.Content.GetMedia().GetMediaGroupId(), Body: body, At: storage.Kept(now),
		})
		at = len(next.Messages) - 1
	} else if m.Message.Described != nil {
		if err := describe(&next.Messages[at], m.Message.Described); err != nil {
			return nil, err
		}
	}
	if m.Untitled != 0 { // its author has said what to do with it
		next.Messages[at].Untitled, next.Messages[at].Closed, next.Messages[at].Question = m.Untitled, "", nil
	}
	next.Messages[at].Homeless = next.Messages[at].Homeless || m.Homeless
	if m.Closed != "" {
		next.Messages[at].Closed = m.Closed
	}
	if m.Unclear != 0 {
		next.Messages[at].Unclear = m.Unclear
		if err := askOnShelf(next, at, m, now); err != nil {
			return nil, err
		}
	}
	return tidied(next, now), nil
}

// describe adds to a message what its ticket has of its description.
func describe(kept *storage.Shelved, described *messages.Content) error {
	said := &messages.RecordMessage{}
	if err := proto.Unmarshal(kept.Body, said); err != nil {
		return err
	}
	said.Described = described
	body, err := proto.Marshal(said)
	if err != nil {
		return err
	}
	kept.Body = body
	return nil
}

// TakeFromShelf gives a ticket what waits for it. Taking the same again finds the same.
func TakeFromShelf(
	s *storage.Shelf, m *messages.TakeShelved, now time.Time,
) (next *storage.Shelf, taken []*messages.RecordMessage) {
	next = tidied(s, now)
	albums := slices.Clone(m.Albums)
	// A second answer to the same question finds nothing.
	waited := func(kept *storage.Shelved) bool {
		asked := m.Untitled != 0 && kept.Untitled == m.Untitled || m.Unclear != 0 && kept.Unclear == m.Unclear ||
			m.Closed && kept.Closed == m.TicketId && kept.Waits()
		if kept.Unclear != 0 && kept.Unclear <= m.UnclearThrough {
			asked = kept.Waits() || kept.By != "" && kept.By == m.By
		}
		another := kept.Untitled != 0 && kept.Untitled != m.Untitled // it waits for the title of another ticket
		if kept.Homeless && m.Homeless && !another {
			asked = asked || kept.TicketID != "" || !kept.Asked && now.Sub(kept.At) < homelessFor
		}
		return asked && !kept.Withdrawn && (kept.TicketID == "" || kept.TicketID == m.TicketId)
	}
	var given []int64 // it may wait no more once it is
	for i := range next.Messages {
		if kept := &next.Messages[i]; waited(kept) {
			given = append(given, kept.MessageID)
			if kept.Waits() { // the answer may come again: what it gets has just been taken, however long it waited
				kept.At = storage.Kept(now)
			}
			kept.TicketID, kept.By = m.TicketId, m.By
			albums = append(albums, kept.Album)
		}
	}
	for i := range next.Messages { // a part that waited for something else
		if kept := &next.Messages[i]; kept.Album != "" && slices.Contains(albums, kept.Album) && kept.Closed != m.TicketId {
			kept.Closed = ""
		}
	}
	for _, album := range albums {
		if _, has := ShelvedAlbum(next, album); !has && album != "" {
			next.Albums = append(next.Albums, storage.ShelvedAlbum{
				Album: album, TicketID: m.TicketId, Said: m.Said, At: storage.Kept(now),
			})
		}
	}
	taken = shelved(next, func(kept *storage.Shelved) bool {
		return slices.Contains(given, kept.MessageID) || kept.Album != "" && slices.Contains(albums, kept.Album)
	})
	return tidied(next, now), taken
}

// ReturnToShelf forgets what a ticket has, because it is not opened after all.
func ReturnToShelf(s *storage.Shelf, ticketID ids.TicketID) *storage.Shelf {
	if s == nil {
		return nil
	}
	next := tidied(s, time.Time{})
	next.Albums = slices.DeleteFunc(next.Albums, func(a storage.ShelvedAlbum) bool { return a.TicketID == ticketID })
	for i := range next.Messages {
		if m := &next.Messages[i]; (m.Homeless || m.Unclear != 0) && m.TicketID == ticketID {
			m.TicketID, m.Asked = "", false
		}
	}
	for i := range next.Messages { // a title is asked for again if it is still to be said whether a message is it
		if m := &next.Messages[i]; m.Untitled != 0 && m.TicketID == ticketID && IsUnclear(next, m.TitleAsked) {
			m.TicketID = ""
		}
	}
	return next
}

// tidied is a copy of a shelf without what is too old or too much.
func tidied(s *storage.Shelf, now time.Time) *storage.Shelf {
	next := &storage.Shelf{}
	if s == nil {
		return next
	}
	next.Messages, next.Albums = slices.Clone(s.Messages), slices.Clone(s.Albums)
	since := now.Add(-shelvedFor)
	next.Messages = slices.DeleteFunc(next.Messages, func(m storage.Shelved) bool {
		held := m.Closed != "" && m.Waits() && !m.At.Before(now.Add(-heldFor))
		return m.At.Before(since) && !held && !(m.Unclear != 0 && m.Waits()) // its author may answer tomorrow
	})
	next.Albums = slices.DeleteFunc(next.Albums, func(a storage.ShelvedAlbum) bool { return a.At.Before(since) })
	next.Albums = next.Albums[max(0, len(next.Albums)-albumsKnown):]
	size := 0
	var n [kinds]int
	for i := range next.Messages {
		size += len(next.Messages[i].Body)
		n[kindOf(&next.Messages[i])]++
	}
	drop := func(which func(*storage.Shelved) bool) {
		at := slices.IndexFunc(next.Messages, func(m storage.Shelved) bool { return which(&m) && !m.Waits() })
		if at < 0 {
			at = slices.IndexFunc(next.Messages, func(m storage.Shelved) bool { return which(&m) })
		}
		size -= len(next.Messages[at].Body)
		next.Messages = slices.Delete(next.Messages, at, at+1)
	}
	for k := range kinds {
		for ; n[k] > keptOf[k]; n[k]-- {
			drop(func(m *storage.Shelved) bool { return kindOf(m) == k })
		}
	}
	for len(next.Messages) > 1 && size > shelvedBytes {
		drop(func(*storage.Shelved) bool { return true })
	}
	return next
}
