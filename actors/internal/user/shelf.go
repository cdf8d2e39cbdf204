package user

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file keeps the shelf of the person's private chat: messages that no ticket has yet.

// onShelve keeps a message, unless the album that it belongs to has been given to a ticket. If the message only asks, it
// tells what is kept.
func (u *user) onShelve(m *messages.Shelve) (proto.Message, error) {
	said := m.GetMessage()
	id := said.GetOrigin().GetMessageId()
	switch {
	case m.Closed != "" && m.Unclear != 0:
		return u.holdUnclear(m)
	case m.Asks && m.Closed != "":
		held, questions := desk.HeldFor(u.shelf(), m.Closed)
		return &messages.ShelfFound{Code: messages.Code_OK, Messages: held, Questions: questions}, nil
	case m.Asks:
		if home := desk.UnclearHomeOf(u.shelf(), id); home != "" {
			return &messages.ShelfFound{Code: messages.Code_OK, Messages: desk.KeptOnShelf(u.shelf(), id), TicketId: home, Done: true}, nil
		}
		found := &messages.ShelfFound{Code: messages.Code_OK, Messages: desk.KeptOnShelf(u.shelf(), id),
			TicketId: desk.HomeOf(u.shelf(), id), Withdrawn: desk.IsWithdrawn(u.shelf(), id)}
		if waits := desk.UnclearWith(u.shelf(), id); waits != 0 {
			found.Questions = []int64{waits}
		}
		return found, nil
	case m.Corrects:
		return u.correctShelved(said)
	case m.Withdraws:
		return u.withdrawShelved(id)
	case m.TitleAsked != 0:
		return u.askTitleShelved(m)
	case desk.IsWithdrawn(u.shelf(), id):
		return &messages.ShelfFound{Code: messages.Code_OK, Done: true, Withdrawn: true}, nil
	}
	if m.Follows != "" {
		return u.shelveForDraft(m)
	}
	if m.Homeless {
		if home, err := u.homeNow(); err != nil || home {
			return &messages.ShelfFound{Code: messages.Code_OK, Opening: true}, err
		}
	}
	// They have just said it.
	if m.Unclear != 0 && u.record != nil && m.Unclear <= u.record.SettledID && !desk.UnclearWaits(u.shelf(), m.Unclear) {
		return &messages.ShelfFound{Code: messages.Code_OK, TicketId: u.record.CurrentTicketID, Said: true}, nil
	}
	album := said.GetContent().GetMedia().GetMediaGroupId()
	if has, ok := desk.ShelvedAlbum(u.shelf(), album); ok && m.Untitled == 0 {
		return u.shelveWith(has, said)
	}
	waits := desk.WaitsForTitle(u.shelf(), album)
	if m.Unclear != 0 {
		waits = desk.AskedAbout(u.shelf(), m, u.Now())
		if !desk.HasRoomForUnclear(u.shelf()) && !desk.IsUnclear(u.shelf(), id) {
			return &messages.ShelfFound{Code: messages.Code_OK, Full: true}, nil // it gets a question of its own
		}
	}
	next, err := desk.PutOnShelf(u.shelf(), m, u.Now())
	if err != nil {
		return nil, fmt.Errorf("keep a message: %w", err)
	}
	if m.Homeless && asksForGroup(u.record) {
		waits = true
		if next != nil {
			next = desk.AwaitGroup(next, id)
		}
	}
	if next != nil {
		if err := u.introduce(said.Origin, func(r *storage.User) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{
		Code: messages.Code_OK, Done: waits, Messages: desk.OnShelf(u.shelf(), album),
	}, nil
}

// shelveForDraft gives a message to the draft that goes on from the closed ticket to which it was written. Opening says that there
// is, or was, such a draft, so that the message belongs to its ticket.
func (u *user) shelveForDraft(m *messages.Shelve) (proto.Message, error) {
	said, found := m.Message, &messages.ShelfFound{Code: messages.Code_OK}
	d := draftFollowing(u.record, m.Follows)
	if d == nil {
		found.Opening = true
		return found, nil
	}
	found.TicketId, found.Done = d.TicketID, !chosen(d)
	id := u.messageKey(said.Origin.GetMessageId())
	encloses := func(e storage.Enclosure) bool { return e.MessageID == id }
	switch {
	case originIn(d.Asked).GetMessageId() == said.Origin.GetMessageId(): // it is the draft
		found.Done = false
		return found, nil
	case desk.SourceAt(d.Sources, id) >= 0, slices.ContainsFunc(d.Enclosures, encloses):
		return found, nil
	case d.State == draftOpening:
		found.Opening = true
		return found, nil
	}
	err := u.introduce(said.Origin, func(r *storage.User) {
		describe(draftFollowing(r, m.Follows), desk.SourceOf(said), messages.EnclosuresIn([]*messages.RecordMessage{said}))
	})
	return found, err
}

// homeNow reports whether somebody who had no ticket has one by now, or almost: what they say goes there.
func (u *user) homeNow() (bool, error) {
	if u.record == nil {
		return false, nil
	}
	if slices.ContainsFunc(u.record.Drafts, func(d storage.Draft) bool { return d.State == draftOpening }) {
		return true, nil
	}
	current, err := u.Store.Ticket(u.Ctx, u.record.CurrentTicketID)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the current ticket: %w", err)
	}
	return current.Status != desk.StatusClosed && desk.PrivateLink(current, u.place()) != nil, nil
}

// asksForGroup reports whether the person is being asked in which group to open a ticket.
func asksForGroup(r *storage.User) bool {
	return r != nil && slices.ContainsFunc(r.Drafts, func(d storage.Draft) bool { return d.State != draftOpening })
}

// askTitleShelved keeps a message of which the bot asks whether it is a title, until its author has answered that.
func (u *user) askTitleShelved(m *messages.Shelve) (proto.Message, error) {
	next := desk.AnsweredOnShelf(u.shelf(), m.TitleAsked)
	if m.Question != nil {
		var err error
		if next, err = desk.AskTitleOnShelf(u.shelf(), m, u.Now()); err != nil {
			return nil, fmt.Errorf("keep what may be a title: %w", err)
		}
	}
	if next != nil {
		if err := u.alter(func(r *storage.User) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{Code: messages.Code_OK}, nil
}

// holdUnclear has what was unclear after a word wait for what is to be done with it, since the ticket that is meant is closed.
func (u *user) holdUnclear(m *messages.Shelve) (proto.Message, error) {
	if next := desk.HoldUnclear(u.shelf(), m.Unclear, m.Closed); next != nil {
		if err := u.alter(func(r *storage.User) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{Code: messages.Code_OK}, nil
}

// correctShelved has a kept message say what it was edited to, and the draft that it describes, too. Opening says that the draft is
// becoming a ticket that nobody can ask yet.
func (u *user) correctShelved(said *messages.RecordMessage) (proto.Message, error) {
	if opens, err := u.opensWith(said.GetOrigin().GetMessageId()); err != nil || opens {
		return &messages.ShelfFound{Code: messages.Code_OK, Opening: opens}, err
	}
	next, err := desk.CorrectOnShelf(u.shelf(), said)
	if err != nil {
		return nil, fmt.Errorf("correct a message: %w", err)
	}
	o, content := said.Origin, said.Content
	if next != nil || u.describes(o.GetMessageId()) {
		err := u.alter(func(r *storage.User) {
			if next != nil {
				r.Shelf = next
			}
			u.rewordDrafts(r, o.GetMessageId(), messages.Marked{Text: content.GetText(), Entities: content.GetEntities()})
		})
		if err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{Code: messages.Code_OK}, nil
}

// describes reports whether a message of the chat has given words to a draft that is not about to open.
func (u *user) describes(messageID int64) bool {
	return u.record != nil && slices.ContainsFunc(u.record.Drafts, func(d storage.Draft) bool {
		return d.State != draftOpening && has(&d, u.messageKey(messageID))
	})
}

// opensWith reports whether a ticket that has something of a message is about to be stored: it has what the message said before.
func (u *user) opensWith(messageID int64) (bool, error) {
	if u.record == nil {
		return false, nil
	}
	at := slices.IndexFunc(u.record.Drafts, func(d storage.Draft) bool {
		return d.State == draftOpening && has(&d, u.messageKey(messageID))
	})
	if at < 0 {
		return false, nil
	}
	_, err := u.Store.Ticket(u.Ctx, u.record.Drafts[at].TicketID)
	if errors.Is(err, storage.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the ticket of a draft: %w", err)
	}
	return false, nil
}

func (u *user) messageKey(messageID int64) ids.MessageKey {
	chatID, _ := strconv.ParseInt(u.ID, 10, 64)
	return messages.MessageKey(chatID, messageID)
}

// rewordDrafts has the drafts that a message describes say what it was edited to. What a command is edited to is CorrectDraft's.
func (u *user) rewordDrafts(r *storage.User, messageID int64, words messages.Marked) {
	id := u.messageKey(messageID)
	for i := range r.Drafts {
		d := &r.Drafts[i]
		at := desk.SourceAt(d.Sources, id)
		if d.State == draftOpening || at >= 0 && d.Sources[at].Withdrawn {
			continue
		}
		retitle(d, id, words)
		if at >= 0 && !d.Sources[at].Titles {
			desk.RewordDraft(d, id, words)
		}
		d.Enclosures = slices.Clone(d.Enclosures)
		for j := range d.Enclosures {
			if e := &d.Enclosures[j]; e.MessageID == id && e.Text != "" {
				e.Text, e.Entities = words.Text, desk.EntitiesToStore(words.Entities)
			}
		}
	}
}

// retitle has a draft whose title is the beginning of a message's words, or of a caption, begin as these do now.
func retitle(d *storage.Draft, id ids.MessageKey, words messages.Marked) {
	if title := messages.TitleOf(words); title != "" && beginsWithTitle(d, func(from ids.MessageKey) bool { return from == id }) {
		d.Title = title
	}
}

// withdrawFromDrafts takes a message out of the drafts that have something of it. A draft that has its title of the message,
// or of which it is unclear what else it has of it, is given up.
func (u *user) withdrawFromDrafts(r *storage.User, messageID int64) {
	id := u.messageKey(messageID)
	for _, draft := range slices.Clone(r.Drafts) {
		d := draftOf(r, draft.TicketID)
		if d.State == draftOpening || !has(d, id) {
			continue
		}
		r.Shelf = desk.WithdrawFromDraft(r.Shelf, d.TicketID, messageID)
		if titles(d, id) || desk.RewordDraft(d, id, messages.Marked{}) == desk.SourceStray {
			asked, args := originIn(d.Asked), u.cancel(r, d) // what it had would wait for an answer that nobody is asked for
			u.say(r, asked, &messages.SendNoticeCall{Key: messages.NoticePrivateDropped, Args: args})
			continue
		}
		d.Enclosures = slices.DeleteFunc(slices.Clone(d.Enclosures), func(e storage.Enclosure) bool { return e.MessageID == id })
		if d.Sources = slices.Clone(d.Sources); desk.SourceAt(d.Sources, id) < 0 {
			d.Sources = append(d.Sources, storage.Source{MessageID: id})
		}
		d.Sources[desk.SourceAt(d.Sources, id)].Withdrawn, d.Forwarded = true, nil
	}
}

// has reports whether a draft has something of a message.
func has(d *storage.Draft, id ids.MessageKey) bool {
	return desk.SourceAt(d.Sources, id) >= 0 ||
		slices.ContainsFunc(d.Enclosures, func(e storage.Enclosure) bool { return e.MessageID == id })
}

// titles reports whether a draft has its title of a message, or may have: as the words of no other message are the title, nor has a
// command, or the closed ticket that it goes on from, given it.
func titles(d *storage.Draft, id ids.MessageKey) bool {
	at := desk.SourceAt(d.Sources, id)
	switch {
	case at >= 0 && d.Sources[at].Titles:
		return true
	case beginsWithTitle(d, func(from ids.MessageKey) bool { return from != id }):
		return false
	}
	given := func(text string) bool { // as the title that a command gives, too: that may have been taken of it
		return strings.Contains(messages.CleanLine(text), strings.TrimSuffix(messages.CleanLine(d.Title), "…"))
	}
	if at >= 0 && given(d.Sources[at].Text) || slices.ContainsFunc(d.Enclosures, func(e storage.Enclosure) bool {
		return e.MessageID == id && given(e.Text)
	}) {
		return true
	}
	byCommand := slices.ContainsFunc(d.Sources, func(s storage.Source) bool { return s.MessageID != id && s.Titles })
	return !byCommand && (d.Follows == "" || len(messagesOf(d)) < 2)
}

// beginsWithTitle reports whether the words of some message of a draft begin with its title.
func beginsWithTitle(d *storage.Draft, which func(ids.MessageKey) bool) bool {
	gives := func(id ids.MessageKey, text string, entities []storage.Entity) bool {
		return which(id) && text != "" && d.Title == messages.TitleOf(messages.Marked{Text: text, Entities: desk.EntitiesOf(entities)})
	}
	return slices.ContainsFunc(d.Sources, func(s storage.Source) bool { return !s.Titles && gives(s.MessageID, s.Text, s.Entities) }) ||
		slices.ContainsFunc(d.Enclosures, func(e storage.Enclosure) bool { return gives(e.MessageID, e.Text, e.Entities) })
}

// messagesOf lists the messages that a draft has something of.
func messagesOf(d *storage.Draft) (all []ids.MessageKey) {
	for _, s := range d.Sources {
		if s.MessageID != "" && !s.Withdrawn && !slices.Contains(all, s.MessageID) {
			all = append(all, s.MessageID)
		}
	}
	for _, e := range d.Enclosures {
		if e.MessageID != "" && !slices.Contains(all, e.MessageID) {
			all = append(all, e.MessageID)
		}
	}
	return all
}

// withdrawShelved has no ticket get a kept message any more. Opening is as in correctShelved.
func (u *user) withdrawShelved(id int64) (proto.Message, error) {
	if opens, err := u.opensWith(id); err != nil || opens {
		return &messages.ShelfFound{Code: messages.Code_OK, Opening: opens}, err
	}
	if desk.WithdrawFromShelf(u.shelf(), id) == nil && !u.describes(id) {
		return &messages.ShelfFound{Code: messages.Code_OK, Withdrawn: desk.IsWithdrawn(u.shelf(), id)}, nil
	}
	err := u.alter(func(r *storage.User) {
		u.withdrawFromDrafts(r, id)
		if next := desk.WithdrawFromShelf(r.Shelf, id); next != nil { // also what a draft had that is given up
			r.Shelf = next
		}
	})
	if err != nil {
		return nil, err
	}
	return &messages.ShelfFound{Code: messages.Code_OK, Withdrawn: true}, nil
}

// shelveWith gives a message to the draft that has its album. When that is a ticket already, or nearly one, the answer
// says so.
func (u *user) shelveWith(has storage.ShelvedAlbum, said *messages.RecordMessage) (proto.Message, error) {
	found := &messages.ShelfFound{Code: messages.Code_OK, TicketId: has.TicketID, Said: has.Said,
		Messages: desk.OnShelf(u.record.Shelf, has.Album)}
	d := draftOf(u.record, has.TicketID)
	switch {
	case d == nil:
		return found, nil
	case d.State == draftOpening:
		found.Opening = true
		return found, nil
	}
	found.Done = true
	had := desk.EnclosuresOf(d.Enclosures)
	joined := messages.JoinEnclosures(had, messages.EnclosuresIn([]*messages.RecordMessage{said}), true)
	if len(joined) == len(had) {
		return found, nil
	}
	shelf, err := desk.PutOnShelf(u.shelf(), &messages.Shelve{Message: said}, u.Now()) // the draft may be dropped
	if err != nil {
		return nil, fmt.Errorf("keep a message: %w", err)
	}
	return found, u.alter(func(r *storage.User) {
		draftOf(r, has.TicketID).Enclosures = desk.EnclosuresToStore(joined)
		if shelf != nil {
			r.Shelf = shelf
		}
	})
}

// onTake gives a ticket what is on the shelf.
func (u *user) onTake(m *messages.TakeShelved) (proto.Message, error) {
	if d := draftOf(u.record, m.TicketId); d != nil && d.State != draftOpening && m.Unclear != 0 {
		return u.takeUnclear(m)
	}
	next, taken := desk.TakeFromShelf(u.shelf(), m, u.Now())
	if u.record != nil && (!m.Closed || len(taken) > 0) {
		if err := u.alter(func(r *storage.User) { r.Shelf = next }); err != nil {
			return nil, err
		}
	}
	return &messages.ShelfFound{
		Code: messages.Code_OK, Messages: taken, Withdrawn: desk.WithdrawnAfter(u.shelf(), m.Unclear),
		Questions: desk.AnsweredThrough(u.shelf(), m),
	}, nil
}

// takeUnclear adds to a draft what was unclear until its author chose the draft.
func (u *user) takeUnclear(m *messages.TakeShelved) (proto.Message, error) {
	next, words, media := desk.TakeUnclear(u.shelf(), m.TicketId, m.Unclear, u.Now())
	err := u.alter(func(r *storage.User) {
		r.Shelf = next
		describe(draftOf(r, m.TicketId), words, media)
	})
	if err != nil {
		return nil, err
	}
	return &messages.ShelfFound{Code: messages.Code_OK, Done: true, Withdrawn: desk.WithdrawnAfter(next, m.Unclear)}, nil
}

// withShelved returns the command that makes a draft, with what is on the shelf for it: also what the person has just
// sent while they had no ticket, in the order in which they wrote it.
func (u *user) withShelved(r *storage.User, m *messages.DraftTicket) *messages.DraftTicket {
	if waits := desk.UnclearWith(r.Shelf, m.DescribedId); m.WithWaiting && waits != 0 {
		m = proto.CloneOf(m)
		m.Untitled = waits // it may be the title, and a question about a title is known by the message that it was asked for
	}
	next, taken := desk.TakeFromShelf(desk.GiveDescribed(r.Shelf, m.DescribedId, m.TicketId), &messages.TakeShelved{
		TicketId: m.TicketId, Albums: m.Albums, Untitled: m.Untitled, Unclear: m.Untitled, Homeless: true,
	}, u.Now())
	if len(m.Albums) > 0 || m.Untitled != 0 || len(taken) > 0 {
		r.Shelf = next
	}
	full, described := proto.CloneOf(m), messages.DescribedIn(taken)
	full.Enclosures = messages.JoinEnclosures(m.Enclosures, messages.EnclosuresIn(taken), true)
	own := messages.Marked{Text: m.Description, Entities: m.DescriptionEntities}
	own = own.Then("\n\n", messages.Marked{Text: described.GetText(), Entities: described.GetEntities()})
	own, full.Sources = amidHomeless(r.Shelf, m, own, append(slices.Clone(m.Sources), messages.SourcesIn(taken)...))
	full.Description, full.DescriptionEntities = own.Text, own.Entities
	full.Forward = cmp.Or(m.Forward, described.GetForward())
	return full
}

// amidHomeless puts a draft's own words between those that the person wrote before and after them without a ticket.
func amidHomeless(s *storage.Shelf, m *messages.DraftTicket, own messages.Marked, sources []*messages.Source) (
	messages.Marked, []*messages.Source,
) {
	before, after := desk.HomelessOf(s, m)
	text := messages.WordsOfSources(before).Then("\n\n", own).Then("\n\n", messages.WordsOfSources(after))
	return text, slices.Concat(before, sources, after)
}

func (u *user) shelf() *storage.Shelf {
	if u.record == nil {
		return nil
	}
	return u.record.Shelf
}
