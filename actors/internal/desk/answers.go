package desk

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a message shows of the one that it answers. That follows what the other says now (docs/decisions.md, D193).

// UTF-16 units that are shown of an answered message: of its beginning, and of what was quoted or was said elsewhere.
const (
	beginningUnits = 100
	quoteUnits     = 200
)

// Reworded is what a message answers, with the words that the other message has now; none, if that was deleted, if its
// words are to stay where they are, or if it says no longer what a person chose to quote. Said again it changes nothing. It never changes which message is answered.
func Reworded(r *storage.ReplyTo, answered *storage.Message) *storage.ReplyTo {
	next, content := *r, ContentOf(answered)
	next.Preview, next.PreviewEntities, next.MediaKind = "", nil, content.GetMedia().GetKind()
	switch {
	case answered.Deleted:
		next.Deleted, next.MediaKind = true, ""
		if next.Origin == nil { // it is told who had said it
			next.Origin = &storage.Forward{Kind: "hidden_user", Name: answered.Sender.Name}
		}
		return &next
	case answered.Internal || answered.Protected:
		next.ItemGone = r.Item != ""
		return &next
	}
	next.ItemGone = r.Item != "" && !hasItem(content.GetMedia(), r.Item)
	var marked []*messages.Entity
	switch units := messages.UTF16Len(r.Preview); {
	case r.Quote != "" && strings.Contains(answered.Text, r.Quote):
		next.Preview, marked = messages.Excerpt(r.Quote, EntitiesOf(r.QuoteEntities), quoteUnits)
	case r.Quote != "": // a person chose these words only, and they are said no more: nobody chose to show others
	case r.Origin != nil || units > beginningUnits:
		next.Preview, marked = Excerpt(content, quoteUnits)
	default:
		next.Preview, marked = Excerpt(content, beginningUnits)
	}
	next.PreviewEntities = EntitiesToStore(marked)
	return &next
}

// hasItem reports whether a poll still has an option, or a checklist a task, as a reply names it.
func hasItem(m *messages.Media, item string) bool {
	is := func(text string) bool {
		text, _ = messages.Excerpt(text, nil, quoteUnits)
		return text == item
	}
	return slices.ContainsFunc(m.GetPoll().GetOptions(), func(o *messages.PollOption) bool { return is(o.Text) }) ||
		slices.ContainsFunc(m.GetChecklist().GetTasks(), func(task *messages.ChecklistTask) bool {
			return is(messages.Marked{Text: task.Text, Entities: task.Entities}.Shown())
		})
}

// SameAnswer reports whether as much is shown of an answered message as before.
func SameAnswer(was, is *storage.ReplyTo) bool {
	return was.Preview == is.Preview && slices.Equal(was.PreviewEntities, is.PreviewEntities) &&
		was.MediaKind == is.MediaKind && was.Deleted == is.Deleted && was.ItemGone == is.ItemGone
}

// AnsweredBy finds the message that another one answers; shared says that it stands in one message of Telegram with
// others. storage.ErrNotFound: the desk has no such message.
func AnsweredBy(
	ctx context.Context, store storage.Store, r *messages.ReplyTo,
) (m *storage.Message, shared bool, err error) {
	if r.Answered != "" {
		m, err = store.Message(ctx, r.Answered)
		return m, false, err
	}
	m, err = store.Message(ctx, messages.MessageKey(r.ChatId, r.MessageId))
	if !errors.Is(err, storage.ErrNotFound) {
		return m, false, err
	}
	copies, err := store.CopiesAt(ctx, r.ChatId, r.MessageId)
	if err != nil {
		return nil, false, err
	}
	if len(copies) == 0 {
		return nil, false, storage.ErrNotFound
	}
	meant, err := QuotedIn(ctx, store, copies, r)
	if err != nil {
		return nil, false, err
	}
	m, err = store.Message(ctx, meant.MessageID)
	return m, len(copies) > 1, err
}

// EditedSince reports whether a message itself was edited since it had a revision of its content. What it shows of the
// message that it answers may have changed without that.
func EditedSince(m *storage.Message, revision int64) bool {
	n := len(m.Former)
	return m.ContentRevision > revision && n > 0 && m.Former[n-1].Revision >= revision
}

// HeadOf says what the head of a new copy shows of what its original answers; nil: nothing, since the copy replies to it.
func HeadOf(r *messages.ReplyTo) storage.Copy {
	return storage.Copy{
		Preview: r.GetPreview(), PreviewKind: r.GetMediaKind(), Reference: r != nil, Withheld: r.GetDeleted(),
	}
}

// ShowsAnswered reports whether a copy shows words of what its original answers, besides a quote of Telegram's.
func ShowsAnswered(m *storage.Message, c *storage.Copy) bool {
	return m.ReplyTo != nil && (c.Reference || c.Preview != "" || m.ReplyTo.Item != "")
}

// MayQuote reports whether a copy quotes, as Telegram does it, what its original answers: no bot can change that.
func MayQuote(m *storage.Message, c *storage.Copy) bool {
	return m.ReplyTo != nil && m.ReplyTo.Quote != "" && !c.Reference && c.Span == nil
}

// SetReference has the head of a copy show what its original answers: what that says now, once the copy is posted. r is
// what the original answers; nil: another part of its album does.
func SetReference(call *messages.SendCopyCall, c *storage.Copy, r *messages.ReplyTo) {
	call.ReplyPreview, call.ReplyMediaKind, call.ReplyDeleted = r.GetPreview(), r.GetMediaKind(), r.GetDeleted()
	call.PreviewEntities, call.ReplyItem = r.GetPreviewEntities(), r.GetItem()
	call.ReplyOrigin, call.ReplyUrl = r.GetOrigin(), r.GetUrl()
	switch {
	case c.State == CopyPartial || r == nil: // the other parts are cut where the first one was
		if c.Preview != call.ReplyPreview {
			call.PreviewEntities = nil
		}
		call.ReplyPreview, call.ReplyMediaKind, call.ReplyDeleted = c.Preview, c.PreviewKind, c.Withheld
		if !c.Reference {
			call.ReplyOrigin, call.ReplyUrl, call.ReplyMediaKind = nil, "", ""
		}
	case c.Reference:
	case c.Preview == "" && (c.Span == nil || !c.Withheld):
		call.ReplyPreview, call.ReplyMediaKind, call.ReplyDeleted = "", "", false
		call.ReplyOrigin, call.ReplyUrl = nil, ""
	case !r.GetDeleted(): // the preview alone, as merged copies show it
		call.ReplyMediaKind = ""
		call.ReplyOrigin, call.ReplyUrl = nil, ""
	}
}
