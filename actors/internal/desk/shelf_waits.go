package desk

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What waits on a shelf until its author says which ticket it is about, and what waits for their first ticket.

const (
	// remindAfter is when a question that nobody has answered is repeated.
	remindAfter = 5 * time.Minute
	// homelessFor is how long before the press of a button, or a command, what somebody sent belongs to the ticket that they
	// open by it.
	homelessFor = 10 * time.Minute
)

// NewestUnclear is the newest message that waits until its author says which ticket it is about; nil: none waits.
func NewestUnclear(s *storage.Shelf) *storage.Shelved {
	return newest(s, func(m *storage.Shelved) bool { return m.Unclear != 0 })
}

// NewestUntitled is the newest message that waits for the title of its ticket; nil: none waits.
func NewestUntitled(s *storage.Shelf) *storage.Shelved {
	return newest(s, func(m *storage.Shelved) bool { return m.Untitled != 0 })
}

func newest(s *storage.Shelf, which func(*storage.Shelved) bool) (newest *storage.Shelved) {
	for i := range messagesOn(s) {
		if m := &s.Messages[i]; m.Waits() && which(m) && (newest == nil || m.MessageID > newest.MessageID) {
			newest = m
		}
	}
	return newest
}

// AskTitleOnShelf notes of which message the bot has asked whether it is the title that others wait for, and keeps that
// message with the question. What is unclear with it waits for the same answer. nil: it is noted, or none waits.
func AskTitleOnShelf(s *storage.Shelf, m *messages.Shelve, now time.Time) (*storage.Shelf, error) {
	next, changed := tidied(s, time.Time{}), false
	for i := range next.Messages {
		if k := &next.Messages[i]; k.Untitled == m.Untitled && k.Waits() && k.TitleAsked == 0 {
			k.TitleAsked, changed = m.TitleAsked, true
		}
	}
	if !changed {
		return nil, nil
	}
	question, err := proto.Marshal(m.Question)
	if err != nil {
		return nil, err
	}
	kept, err := PutOnShelf(next, &messages.Shelve{Message: m.Message, Unclear: m.Unclear, LastWord: m.LastWord}, now)
	if err != nil {
		return nil, err
	}
	if kept != nil {
		next = kept
	}
	for i := range next.Messages {
		if k := &next.Messages[i]; k.MessageID == m.TitleAsked {
			k.Question = question
		}
	}
	return next, nil
}

// AnsweredOnShelf has the question about a message, and about the album that it is of, not repeated: its author has answered it, so it
// waits for nothing more. nil: it did not, or waits with others.
func AnsweredOnShelf(s *storage.Shelf, messageID int64) *storage.Shelf {
	next, album, changed := tidied(s, time.Time{}), "", false
	for i := range next.Messages {
		if m := &next.Messages[i]; m.MessageID == messageID {
			album = m.Album
		}
	}
	for i := range next.Messages {
		m := &next.Messages[i]
		if m.MessageID != messageID && (album == "" || m.Album != album) || m.Unclear != 0 || len(m.Question) == 0 && m.Closed == "" {
			continue
		}
		m.Question, m.Closed, changed = nil, "", true
	}
	if !changed {
		return nil
	}
	return next
}

// UnclearWaits reports whether something waits that was unclear after a word.
func UnclearWaits(s *storage.Shelf, word int64) bool {
	for i := range messagesOn(s) {
		if m := &s.Messages[i]; m.Unclear == word && m.Waits() {
			return true
		}
	}
	return false
}

// askOnShelf notes that a message is asked about, unless the question for another one stands above it. Only the newest
// question is repeated.
func askOnShelf(s *storage.Shelf, at int, m *messages.Shelve, now time.Time) error {
	asked := &s.Messages[at]
	if asked.Asked = !AskedAbout(s, m, now); !asked.Asked || m.Question == nil {
		return nil
	}
	question, err := proto.Marshal(m.Question)
	if err != nil {
		return err
	}
	for i := range s.Messages {
		if other := &s.Messages[i]; other.Unclear == m.Unclear {
			other.Question = nil
		}
	}
	asked.Question = question
	return nil
}

// repeats reports whether the question about a message is to be repeated.
func repeats(m *storage.Shelved) bool { return len(m.Question) > 0 && m.TicketID == "" && !m.Withdrawn }

// RemindAt is when the first question that waits is to be repeated; zero: none is.
func RemindAt(s *storage.Shelf) (at time.Time) {
	for i := range messagesOn(s) {
		m := &s.Messages[i]
		if due := m.At.Add(remindAfter); repeats(m) && (at.IsZero() || due.Before(at)) {
			at = due
		}
	}
	return at
}

// Reminder repeats a question.
type Reminder struct {
	Origin   *messages.Origin // of the message that it is about
	Question *messages.SendNoticeCall
}

// Remind returns the questions that are to be repeated by now, and the shelf that has none of them any more.
func Remind(s *storage.Shelf, now time.Time) (next *storage.Shelf, due []Reminder) {
	next = tidied(s, time.Time{})
	for i := range next.Messages {
		m := &next.Messages[i]
		if !repeats(m) || now.Before(m.At.Add(remindAfter)) {
			continue
		}
		said, question := &messages.RecordMessage{}, &messages.SendNoticeCall{}
		if proto.Unmarshal(m.Body, said) == nil && proto.Unmarshal(m.Question, question) == nil { // we wrote both
			question.ReplyTo = m.MessageID
			due = append(due, Reminder{said.Origin, question})
		}
		m.Question = nil
	}
	return next, due
}

// WithdrawFromShelf has no ticket get a message any more. What it said is forgotten; that it was withdrawn is kept, since
// its buttons stay. nil: it is not kept, or a ticket has it.
func WithdrawFromShelf(s *storage.Shelf, messageID int64) *storage.Shelf {
	next := tidied(s, time.Time{})
	for i := range next.Messages {
		if m := &next.Messages[i]; m.MessageID == messageID && m.TicketID == "" && !m.Withdrawn {
			passQuestion(next, m)
			m.Withdrawn, m.Body = true, nil
			return next
		}
	}
	return nil
}

// WithdrawFromDraft has a draft not get again what it had of a message on the shelf.
func WithdrawFromDraft(s *storage.Shelf, ticketID ids.TicketID, messageID int64) *storage.Shelf {
	if s == nil {
		return nil
	}
	next := tidied(s, time.Time{})
	for i := range next.Messages {
		if m := &next.Messages[i]; m.MessageID == messageID && m.TicketID == ticketID {
			m.TicketID, m.Withdrawn, m.Body = "", true, nil
			m.Question, m.Asked = nil, false
		}
	}
	return next
}

// CancelOnShelf withdraws what its author said was about a draft that they cancel, and reports whether there was any.
// It is about no other ticket.
func CancelOnShelf(s *storage.Shelf, ticketID ids.TicketID) (next *storage.Shelf, any bool) {
	if s == nil {
		return nil, false
	}
	next = tidied(s, time.Time{})
	for i := range next.Messages {
		if m := &next.Messages[i]; m.Unclear != 0 && !m.Homeless && m.TicketID == ticketID {
			m.TicketID, m.Withdrawn, m.Body, any = "", true, nil, true
			m.Question, m.Asked = nil, false
		}
	}
	return next, any
}

// passQuestion has the newest of those that wait with a message keep its question: they wait on.
func passQuestion(s *storage.Shelf, from *storage.Shelved) {
	question, asked := from.Question, from.Asked
	from.Question, from.Asked = nil, false
	if from.Unclear == 0 {
		return
	}
	rest := newest(s, func(m *storage.Shelved) bool { return m.MessageID != from.MessageID && m.Unclear == from.Unclear })
	if rest == nil {
		return
	}
	rest.Asked = rest.Asked || asked
	if len(question) > 0 {
		rest.Question = question
	}
}

// IsWithdrawn reports whether the author of a message has withdrawn it.
func IsWithdrawn(s *storage.Shelf, messageID int64) bool {
	return withdrawn(s, func(m *storage.Shelved) bool { return m.MessageID == messageID })
}

// WithdrawnAfter reports whether the author has withdrawn something that was unclear after a word.
func WithdrawnAfter(s *storage.Shelf, word int64) bool {
	return word != 0 && withdrawn(s, func(m *storage.Shelved) bool { return m.Unclear == word })
}

func withdrawn(s *storage.Shelf, which func(*storage.Shelved) bool) bool {
	for i := range messagesOn(s) {
		if m := &s.Messages[i]; m.Withdrawn && which(m) {
			return true
		}
	}
	return false
}

// HomeOf is the ticket that has a message whose author had none; empty: none has it.
func HomeOf(s *storage.Shelf, messageID int64) ids.TicketID {
	for i := range messagesOn(s) {
		if m := &s.Messages[i]; m.MessageID == messageID && m.Homeless {
			return m.TicketID
		}
	}
	return ""
}

// UnclearHomeOf is the ticket, or the draft, that has a message which was unclear; empty: none has it.
func UnclearHomeOf(s *storage.Shelf, messageID int64) ids.TicketID {
	for i := range messagesOn(s) {
		if m := &s.Messages[i]; m.MessageID == messageID && m.Unclear != 0 {
			return m.TicketID
		}
	}
	return ""
}

// UnclearWith is the word after which a message that waits is unclear; 0: it does not wait so.
func UnclearWith(s *storage.Shelf, messageID int64) int64 {
	for i := range messagesOn(s) {
		if m := &s.Messages[i]; isUnclear(m, messageID) {
			return m.Unclear
		}
	}
	return 0
}

// AnsweredThrough are the words after which something was unclear that a ticket has got with all up to a word.
func AnsweredThrough(s *storage.Shelf, m *messages.TakeShelved) (words []int64) {
	for i := range messagesOn(s) {
		k := &s.Messages[i]
		if k.Unclear != 0 && k.Unclear <= m.UnclearThrough && k.TicketID == m.TicketId && !slices.Contains(words, k.Unclear) {
			words = append(words, k.Unclear)
		}
	}
	return words
}

// HomelessOf returns what of a ticket's messages on the shelf was sent by somebody who had no ticket, or was unclear until they
// chose the draft of the ticket, and which of it may be words of its description: neither those of the message that the description is, nor those that are described already.
func HomelessOf(s *storage.Shelf, m *messages.DraftTicket) (before, after []*messages.Source) {
	about := m.DescribedId
	if about == 0 {
		about = m.Origin.GetMessageId()
	}
	for i := range messagesOn(s) {
		k := &s.Messages[i]
		if !k.Homeless && k.Unclear == 0 || k.TicketID != m.TicketId || k.MessageID == about || k.Untitled != 0 && k.Untitled == m.Untitled {
			continue
		}
		said := &messages.RecordMessage{}
		if proto.Unmarshal(k.Body, said) != nil {
			continue
		}
		if k.MessageID < about {
			before = append(before, wordsOf(k, said)...)
		} else {
			after = append(after, wordsOf(k, said)...)
		}
	}
	return before, after
}

func messagesOn(s *storage.Shelf) []storage.Shelved {
	if s == nil {
		return nil
	}
	return s.Messages
}
