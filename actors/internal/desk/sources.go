package desk

import (
	"slices"
	"strings"
	"unicode"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A description is made of the words of messages in Telegram. Each is a source of it, so that its author can edit it, or take it
// back (docs/decisions.md, D205).

// betweenSources separates the parts of a description.
const betweenSources = "\n\n"

// SourceChange says what has become of the part of a description that a source has given.
type SourceChange int

const (
	SourceSame     SourceChange = iota // it is as it was
	SourceReworded                     // the description has changed
	SourceStray                        // it is not in the description any more: somebody has changed that
)

// SourcesToStore are the sources of a description as a record stores them.
func SourcesToStore(sources []*messages.Source) (out []storage.Source) {
	for _, s := range sources {
		part := description(s.GetText(), s.GetEntities())
		if s.GetMessageId() == "" && part.Text == "" {
			continue
		}
		out = append(out, storage.Source{
			MessageID: s.GetMessageId(), Text: part.Text, Entities: EntitiesToStore(part.Entities), Titles: s.GetTitles(),
			Withdrawn: s.GetWithdrawn(),
		})
	}
	return out
}

// SourcesOf are the stored sources of a description.
func SourcesOf(sources []storage.Source) (out []*messages.Source) {
	for i := range sources {
		s := &sources[i]
		out = append(out, &messages.Source{
			MessageId: s.MessageID, Text: s.Text, Entities: EntitiesOf(s.Entities), Titles: s.Titles, Withdrawn: s.Withdrawn,
		})
	}
	return out
}

// SourceAt is the place of a message among sources; -1: it is none.
func SourceAt(sources []storage.Source, id ids.MessageKey) int {
	return slices.IndexFunc(sources, func(s storage.Source) bool { return s.MessageID == id })
}

// KeepSources gives a new ticket the sources of its description.
func KeepSources(r *storage.Ticket, sources []*messages.Source) {
	r.Sources = SourcesToStore(sources)
	if !isLong(r) {
		dropEntities(r.Sources)
	}
}

// dropEntities leaves out what the description has, too.
func dropEntities(sources []storage.Source) {
	for i := range sources {
		sources[i].Entities = nil
	}
}

// isLong reports whether a description is shown whole only below the card.
func isLong(r *storage.Ticket) bool { return slices.ContainsFunc(r.Enclosures, isLongText) }

// isLongText reports whether an enclosure is a piece of a description that is too long.
func isLongText(e storage.Enclosure) bool { return e.MessageID == "" && e.Kind == "" && !e.Gone }

// RewordSource has a source of a ticket's description say something else: nothing, if words are empty. It changes nothing
// unless it is clear what of the description the source has given.
func RewordSource(r *storage.Ticket, id ids.MessageKey, words messages.Marked) SourceChange {
	at := SourceAt(r.Sources, id)
	if at < 0 {
		return SourceSame
	}
	words = description(words.Text, words.Entities)
	is := messages.Marked{Text: r.Description, Entities: EntitiesOf(r.DescriptionEntities)}
	if isLong(r) {
		whole := storedWhole(r.Sources)
		cut := storage.Ticket{}
		if Describe(&cut, whole.Text, whole.Entities); cut.Description != r.Description {
			return strayed(r.Sources[at].Text, words)
		}
		is = whole
	}
	whole, parts, found := reword(is, r.Sources, at, words)
	if !found {
		return strayed(r.Sources[at].Text, words)
	}
	wasLong, next := isLong(r), *r
	if !Describe(&next, whole.Text, whole.Entities) && (!wasLong || words.Text == r.Sources[at].Text) {
		return SourceSame
	}
	Lengthen(&next, whole.Text, whole.Entities)
	next.Sources = slices.Clone(r.Sources)
	next.Sources[at].Text = words.Text
	if dropEntities(next.Sources); isLong(&next) {
		for i := range parts {
			next.Sources[i].Entities = EntitiesToStore(parts[i].Entities)
		}
	}
	*r = next
	return SourceReworded
}

// strayed is what to say of a part that is not found: nothing, if nothing was to change.
func strayed(was string, words messages.Marked) SourceChange {
	if was == words.Text {
		return SourceSame
	}
	return SourceStray
}

// storedWhole is a long description as its sources have given it.
func storedWhole(sources []storage.Source) (whole messages.Marked) {
	for i := range sources {
		part := messages.Marked{Text: sources[i].Text, Entities: EntitiesOf(sources[i].Entities)}
		whole = whole.Then(betweenSources, part)
	}
	return whole
}

// reword replaces the part of one source. parts are those of all sources, if the text is nothing else.
func reword(is messages.Marked, sources []storage.Source, at int, words messages.Marked) (
	whole messages.Marked, parts []messages.Marked, found bool,
) {
	if parts := partsOf(is, sources); parts != nil {
		parts[at] = words
		for _, part := range parts {
			whole = whole.Then(betweenSources, part)
		}
		return whole, parts, true
	}
	from, to, found := onlyLines(is.Text, sources, at)
	if !found {
		return is, nil, false
	}
	before, after := is.Slice(0, from), is.Slice(to, len(is.Text))
	if words.Text == "" {
		return before.TrimFunc(unicode.IsSpace).Then(betweenSources, after.TrimFunc(unicode.IsSpace)), nil, true
	}
	return before.Then("", words).Then("", after), nil, true
}

// partsOf splits a text into the parts of its sources; nil: it is not what they have given.
func partsOf(is messages.Marked, sources []storage.Source) []messages.Marked {
	parts, at := make([]messages.Marked, len(sources)), 0
	for i := range sources {
		text := sources[i].Text
		if text == "" {
			continue
		}
		if at > 0 {
			if !strings.HasPrefix(is.Text[at:], betweenSources) {
				return nil
			}
			at += len(betweenSources)
		}
		if !strings.HasPrefix(is.Text[at:], text) {
			return nil
		}
		parts[i] = is.Slice(at, at+len(text))
		at += len(text)
	}
	if at < len(is.Text) {
		return nil
	}
	return parts
}

// onlyLines finds the part of a source in a text that somebody has changed since: whole lines that are there once, and that
// no other source has given.
func onlyLines(text string, sources []storage.Source, at int) (from, to int, found bool) {
	part := sources[at].Text
	if part == "" {
		return 0, 0, false
	}
	for i := range sources {
		if i != at && strings.Contains(sources[i].Text, part) {
			return 0, 0, false
		}
	}
	for begin := 0; begin <= len(text)-len(part); {
		i := strings.Index(text[begin:], part)
		if i < 0 {
			break
		}
		i += begin
		end := i + len(part)
		if (i == 0 || text[i-1] == '\n') && (end == len(text) || text[end] == '\n') {
			if found {
				return 0, 0, false
			}
			from, to, found = i, end, true
		}
		begin = i + 1
	}
	return from, to, found
}

// Lengthen has a ticket show below its card the whole of a description that Describe cuts, instead of what it showed there.
func Lengthen(r *storage.Ticket, text string, entities []*messages.Entity) {
	r.Enclosures = slices.Clone(r.Enclosures)
	for i := range r.Enclosures {
		if isLongText(r.Enclosures[i]) {
			r.Enclosures[i] = storage.Enclosure{Gone: true}
		}
	}
	if len(r.Enclosures) < enclosuresKept {
		r.Enclosures = append(r.Enclosures, LongDescription(text, entities)...)
	}
}

// RetractEnclosures takes what came with a message out of a ticket's description, and reports whether there was any.
func RetractEnclosures(r *storage.Ticket, id ids.MessageKey) (changed bool) {
	r.Enclosures = slices.Clone(r.Enclosures)
	for i := range r.Enclosures {
		if e := &r.Enclosures[i]; e.MessageID == id && !e.Gone {
			*e, changed = storage.Enclosure{MessageID: id, Gone: true}, true
		}
	}
	return changed
}

// AskedToRetract notes whose command has taken enclosures out of a ticket's description.
func AskedToRetract(was, r *storage.Ticket, o *messages.Origin) {
	asked, err := proto.Marshal(o)
	if err != nil || slices.EqualFunc(was.Enclosures, r.Enclosures, func(a, b storage.Enclosure) bool { return a.Gone == b.Gone }) {
		return
	}
	r.Enclosures = slices.Clone(r.Enclosures)
	for i := range was.Enclosures {
		if e := &r.Enclosures[i]; e.Gone && !was.Enclosures[i].Gone {
			e.Asked = asked
		}
	}
}

// IsRetracted reports whether the description of a ticket had a file once and has it no more.
func IsRetracted(r *storage.Ticket, file *storage.Attachment) bool {
	if file.MessageID != r.TicketID || file.FileUniqueID == "" {
		return false
	}
	gone := slices.ContainsFunc(r.Enclosures, func(e storage.Enclosure) bool { return e.Gone && e.MessageID != "" })
	return gone && !slices.ContainsFunc(r.Enclosures, func(e storage.Enclosure) bool { return e.FileUniqueID == file.FileUniqueID })
}

// Enclosed is what a ticket's description has of a message besides text, and whether words of the message are with it.
func Enclosed(r *storage.Ticket, id ids.MessageKey) (enclosures []storage.Enclosure, worded bool) {
	for i := range r.Enclosures {
		if e := r.Enclosures[i]; e.MessageID == id && !e.Gone {
			enclosures, worded = append(enclosures, e), worded || e.Text != ""
		}
	}
	return enclosures, worded
}

// Reenclose has a ticket's description show a message's medium, with the words that came with it if it had them, as they are now. It
// reports whether that changed anything.
func Reenclose(r *storage.Ticket, id ids.MessageKey, content *messages.Content) (added []storage.Enclosure, changed bool) {
	had, worded := Enclosed(r, id)
	if len(had) == 0 || content.GetMedia() == nil {
		return nil, false
	}
	now := &messages.Content{Media: content.Media, IsProtected: content.IsProtected}
	if worded {
		now.Text, now.Entities = content.Text, content.Entities
	}
	added = EnclosuresToStore(SplitCaptions([]*messages.Enclosure{{MessageId: id, Content: now}}))
	same := func(a, b storage.Enclosure) bool {
		return a.Kind == b.Kind && a.FileUniqueID == b.FileUniqueID && a.Text == b.Text && slices.Equal(a.Entities, b.Entities)
	}
	if slices.EqualFunc(had, added, same) {
		return nil, false
	}
	RetractEnclosures(r, id)
	if len(r.Enclosures) >= enclosuresKept {
		return nil, true
	}
	r.Enclosures = append(r.Enclosures, added...)
	return added, true
}

// NextEnclosure is the next enclosure that a topic is to show; the number of all if there is none.
func NextEnclosure(r *storage.Ticket, topic *storage.Topic) int {
	next := min(topic.MediaShown, len(r.Enclosures))
	for next < len(r.Enclosures) && r.Enclosures[next].Gone {
		next++
	}
	return next
}

// Retracted is an enclosure that the description has no more, and that a topic still shows; -1: there is none.
func Retracted(r *storage.Ticket, topic *storage.Topic) int {
	for _, post := range topic.Posts {
		if post.Medium < len(r.Enclosures) && r.Enclosures[post.Medium].Gone {
			return post.Medium
		}
	}
	return -1
}

// PostsOf are the messages that show an enclosure in a topic.
func PostsOf(topic *storage.Topic, medium int) (posts []int64) {
	for _, post := range topic.Posts {
		if post.Medium == medium {
			posts = append(posts, post.MessageID)
		}
	}
	return posts
}

// EnclosurePosts are the posts that a step has made of enclosures.
func EnclosurePosts(ref *messages.TopicStep, outcome *messages.Outcome) (posts []storage.EnclosurePost) {
	if outcome.GetResult() != messages.Outcome_DONE {
		return nil
	}
	for i, id := range outcome.GetMessageIds() {
		posts = append(posts, storage.EnclosurePost{Medium: int(ref.Medium) + i, MessageID: id})
	}
	if len(posts) == 0 && outcome.GetMessageId() != 0 {
		posts = append(posts, storage.EnclosurePost{Medium: int(ref.Medium), MessageID: outcome.MessageId})
	}
	return posts
}

// RewordDraft has a source of a draft's description say something else, as RewordSource does.
func RewordDraft(d *storage.Draft, id ids.MessageKey, words messages.Marked) SourceChange {
	at := SourceAt(d.Sources, id)
	if at < 0 {
		return SourceSame
	}
	words = description(words.Text, words.Entities)
	is := messages.Marked{Text: d.Description, Entities: EntitiesOf(d.DescriptionEntities)}
	whole, _, found := reword(is, d.Sources, at, words)
	if !found {
		return strayed(d.Sources[at].Text, words)
	}
	d.Description, d.DescriptionEntities = whole.Text, EntitiesToStore(whole.Entities)
	d.Sources = slices.Clone(d.Sources)
	d.Sources[at].Text, d.Sources[at].Entities = words.Text, EntitiesToStore(words.Entities)
	return SourceReworded
}
