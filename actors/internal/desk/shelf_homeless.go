package desk

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What somebody without a ticket writes while the bot asks them in which group to open one (docs/decisions.md, D188).
// That goes into the ticket whose group they choose, however long that takes, and into no other: Shelved.Asked marks it.

// AwaitGroup marks a message of somebody who has no ticket: it was written while they were being asked for a group.
func AwaitGroup(s *storage.Shelf, messageID int64) *storage.Shelf {
	return eachHomeless(s, func(m *storage.Shelved) {
		if m.MessageID == messageID {
			m.Asked = true
		}
	})
}

// GiveDescribed gives a draft the message that describes it, if that was to go into the ticket whose group is chosen.
func GiveDescribed(s *storage.Shelf, messageID int64, ticketID ids.TicketID) *storage.Shelf {
	return eachHomeless(s, func(m *storage.Shelved) {
		if m.MessageID == messageID && m.Asked {
			m.TicketID = ticketID
		}
	})
}

// TakeHomeless gives a ticket whose group has been chosen what its author wrote since they asked for it: words for its
// description, and media.
func TakeHomeless(s *storage.Shelf, ticketID ids.TicketID, now time.Time) (
	next *storage.Shelf, words []*messages.Source, media []*messages.Enclosure,
) {
	next = eachHomeless(s, func(m *storage.Shelved) {
		said := &messages.RecordMessage{}
		if m.Untitled != 0 || !m.Asked && now.Sub(m.At) >= homelessFor || proto.Unmarshal(m.Body, said) != nil {
			return
		}
		m.TicketID = ticketID
		words = append(words, wordsOf(m, said)...)
	})
	next, taken := TakeFromShelf(next, &messages.TakeShelved{TicketId: ticketID, Homeless: true}, now)
	return next, words, messages.EnclosuresIn(taken)
}

// TakeUnclear gives a draft what was unclear after a word, and returns what of it the draft does not have yet.
func TakeUnclear(s *storage.Shelf, ticketID ids.TicketID, word int64, now time.Time) (
	next *storage.Shelf, words []*messages.Source, media []*messages.Enclosure,
) {
	next = tidied(s, time.Time{})
	for i := range next.Messages {
		m, said := &next.Messages[i], &messages.RecordMessage{}
		if m.Unclear == word && m.Waits() && proto.Unmarshal(m.Body, said) == nil {
			m.TicketID = ticketID
			words = append(words, wordsOf(m, said)...)
		}
	}
	next, taken := TakeFromShelf(next, &messages.TakeShelved{TicketId: ticketID, Unclear: word}, now)
	return next, words, messages.EnclosuresIn(taken)
}

// SourceOf is what a message adds to a description; nothing for a medium, which is enclosed with its words.
func SourceOf(said *messages.RecordMessage) []*messages.Source {
	if said.Content.GetMedia() != nil || said.Content.GetIsProtected() || said.Content.GetText() == "" {
		return nil
	}
	id := messages.MessageKey(said.Origin.GetChatId(), said.Origin.GetMessageId())
	return []*messages.Source{{MessageId: id, Text: said.Content.GetText(), Entities: said.Content.GetEntities()}}
}

// wordsOf is SourceOf for a message on the shelf: nothing for a command, which waits there only if it is unclear which ticket it is
// about. What merely looks like one ("/printer is broken") is words: its author has said so, or it would not wait.
func wordsOf(m *storage.Shelved, said *messages.RecordMessage) []*messages.Source {
	if m.Unclear != 0 && isCommand(said.Content) {
		return nil
	}
	return SourceOf(said)
}

// isCommand reports whether a message begins with one of the bot's commands.
func isCommand(c *messages.Content) bool {
	if len(c.GetEntities()) == 0 || c.Entities[0].Type != "bot_command" || c.Entities[0].Offset != 0 {
		return false
	}
	verb, _, _ := strings.Cut(c.Text[:min(len(c.Text), int(c.Entities[0].Length))], "@") // all of it is ASCII
	_, is := messages.CommandOf(strings.ToLower(strings.TrimPrefix(verb, "/")))
	return is
}

// NoGroupAsked has what waited for the choice of a group go into the ticket that its author opens within 10 minutes of
// writing it: they are asked no more.
func NoGroupAsked(s *storage.Shelf) *storage.Shelf {
	return eachHomeless(s, func(m *storage.Shelved) { m.Asked = false })
}

// LeaveHomeless has no later ticket take what a ticket that opens does not: its author is not without a ticket any more.
func LeaveHomeless(s *storage.Shelf, now time.Time) *storage.Shelf {
	before := storage.Kept(now.Add(-homelessFor))
	return eachHomeless(s, func(m *storage.Shelved) {
		if m.Asked = false; m.At.After(before) {
			m.At = before
		}
	})
}

// eachHomeless changes those messages of a shelf whose author had no ticket, and which no ticket has.
func eachHomeless(s *storage.Shelf, change func(*storage.Shelved)) *storage.Shelf {
	if s == nil {
		return nil
	}
	next := tidied(s, time.Time{})
	for i := range next.Messages {
		if m := &next.Messages[i]; m.Homeless && m.TicketID == "" && !m.Withdrawn {
			change(m)
		}
	}
	return next
}
