package desk

import (
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The content of a message, as it travels in messages and as a record stores it. Each pair of fields is listed once,
// for both directions.

// SetContent writes a content into the record of a message; nil is an empty content.
func SetContent(r *storage.Message, c *messages.Content) {
	if c == nil {
		c = &messages.Content{}
	}
	toStore.content(c, r)
}

// ContentOf is the content of a stored message.
func ContentOf(m *storage.Message) *messages.Content {
	c := &messages.Content{}
	fromStore.content(c, m)
	return c
}

// EntitiesToStore are the entities of a text as a record stores them.
func EntitiesToStore(es []*messages.Entity) (out []storage.Entity) {
	pairs(toStore, &es, &out, way.entity)
	return out
}

// EntitiesOf are the entities of a stored text.
func EntitiesOf(es []storage.Entity) (out []*messages.Entity) {
	pairs(fromStore, &out, &es, way.entity)
	return out
}

// MediaToStore is a medium as a record stores it; nil: none.
func MediaToStore(m *messages.Media) (out *storage.Media) {
	pair(toStore, &m, &out, way.media)
	return out
}

// MediaOf is a stored medium; nil: none.
func MediaOf(m *storage.Media) (out *messages.Media) {
	pair(fromStore, &out, &m, way.media)
	return out
}

// ReplyToStore is what a message answers as a record stores it; nil: nothing.
func ReplyToStore(p *messages.ReplyTo) (out *storage.ReplyTo) {
	pair(toStore, &p, &out, way.replyTo)
	return out
}

// ReplyOf is what a stored message answers, without the words that must not be shown any more; nil: nothing.
func ReplyOf(m *storage.Message) (out *messages.ReplyTo) {
	pair(fromStore, &out, &m.ReplyTo, way.replyTo)
	if out.GetDeleted() {
		out.Quote, out.QuoteEntities, out.QuotePosition, out.Item = "", nil, 0, ""
	}
	if m.ReplyTo != nil && m.ReplyTo.ItemGone {
		out.Item = ""
	}
	return out
}

// Excerpt says in a few words, at most n UTF-16 units, what a content says: the beginning of its text, or else what its
// medium is about.
func Excerpt(c *messages.Content, n int) (string, []*messages.Entity) {
	if c.GetText() == "" {
		return messages.Excerpt(messages.WordsOf(c.GetMedia()), nil, n)
	}
	return messages.Excerpt(c.GetText(), c.GetEntities(), n)
}

// ForwardToStore is where a message was forwarded from, as a record stores it; nil: nowhere.
func ForwardToStore(f *messages.Forward) (out *storage.Forward) {
	pair(toStore, &f, &out, way.forward)
	return out
}

// ForwardOf is where a stored message was forwarded from; nil: nowhere.
func ForwardOf(f *storage.Forward) (out *messages.Forward) {
	pair(fromStore, &out, &f, way.forward)
	return out
}

// EnclosuresToStore are the enclosures of a description as a record stores them.
func EnclosuresToStore(es []*messages.Enclosure) (out []storage.Enclosure) {
	for _, e := range es {
		c := e.GetContent()
		stored := storage.Enclosure{
			MessageID: e.GetMessageId(), Text: c.GetText(), Entities: EntitiesToStore(c.GetEntities()),
			Protected: c.GetIsProtected(),
		}
		if media := MediaToStore(c.GetMedia()); media != nil {
			stored.Media = *media
		}
		out = append(out, stored)
	}
	return out
}

// EnclosureOf is a stored enclosure of a description.
func EnclosureOf(e *storage.Enclosure) *messages.Enclosure {
	c := &messages.Content{Text: e.Text, Entities: EntitiesOf(e.Entities), IsProtected: e.Protected}
	if e.Kind != "" {
		c.Media = MediaOf(&e.Media)
	}
	return &messages.Enclosure{MessageId: e.MessageID, Content: c}
}

// EnclosuresOf are the stored enclosures of a description.
func EnclosuresOf(es []storage.Enclosure) (out []*messages.Enclosure) {
	for i := range es {
		out = append(out, EnclosureOf(&es[i]))
	}
	return out
}

// way is the direction of a conversion: which side of each pair is written.
type way bool

const (
	toStore   way = true
	fromStore way = false
)

// same converts a pair of fields of the same type.
func same[T any](w way, travels, stored *T) {
	if w == toStore {
		*stored = *travels
	} else {
		*travels = *stored
	}
}

// pair converts a pair of pointers; nil becomes nil.
func pair[T, S any](w way, travels **T, stored **S, fields func(way, *T, *S)) {
	if w == toStore {
		*stored = nil
		if *travels != nil {
			*stored = new(S)
			fields(w, *travels, *stored)
		}
		return
	}
	*travels = nil
	if *stored != nil {
		*travels = new(T)
		fields(w, *travels, *stored)
	}
}

// pairs converts a pair of lists; an empty list becomes nil.
func pairs[T, S any](w way, travels *[]*T, stored *[]S, fields func(way, *T, *S)) {
	if w == toStore {
		*stored = nil
		for _, t := range *travels {
			var s S
			fields(w, t, &s)
			*stored = append(*stored, s)
		}
		return
	}
	*travels = nil
	for i := range *stored {
		t := new(T)
		fields(w, t, &(*stored)[i])
		*travels = append(*travels, t)
	}
}

// moment converts a pair of a time in milliseconds, 0 for none, and a time.
func moment(w way, travels *int64, stored *time.Time) {
	if w == toStore {
		*stored = TimeOf(*travels)
	} else {
		*travels = MillisOf(*stored)
	}
}

func (w way) content(c *messages.Content, r *storage.Message) {
	same(w, &c.Text, &r.Text)
	pairs(w, &c.Entities, &r.Entities, way.entity)
	pair(w, &c.Media, &r.Media, way.media)
	pair(w, &c.Forward, &r.Forwarded, way.forward)
	same(w, &c.IsProtected, &r.Protected)
	pair(w, &c.LinkPreview, &r.LinkPreview, way.linkPreview)
	same(w, &c.EffectId, &r.EffectID)
	same(w, &c.RichHtml, &r.RichHTML)
	same(w, &c.RichRtl, &r.RichRTL)
}

func (w way) linkPreview(p *messages.LinkPreview, r *storage.LinkPreview) {
	same(w, &p.IsDisabled, &r.IsDisabled)
	same(w, &p.Url, &r.URL)
	same(w, &p.PreferSmallMedia, &r.PreferSmallMedia)
	same(w, &p.PreferLargeMedia, &r.PreferLargeMedia)
	same(w, &p.ShowAboveText, &r.ShowAboveText)
}

func (w way) replyTo(p *messages.ReplyTo, r *storage.ReplyTo) {
	same(w, &p.ChatId, &r.ChatID)
	same(w, &p.MessageId, &r.MessageID)
	same(w, &p.Quote, &r.Quote)
	pairs(w, &p.QuoteEntities, &r.QuoteEntities, way.entity)
	same(w, &p.QuotePosition, &r.QuotePosition)
	same(w, &p.Preview, &r.Preview)
	pairs(w, &p.PreviewEntities, &r.PreviewEntities, way.entity)
	same(w, &p.MediaKind, &r.MediaKind)
	same(w, &p.Answered, &r.Answered)
	pair(w, &p.Origin, &r.Origin, way.forward)
	same(w, &p.Url, &r.URL)
	same(w, &p.Item, &r.Item)
	same(w, &p.Deleted, &r.Deleted)
}

func (w way) entity(e *messages.Entity, r *storage.Entity) {
	same(w, &e.Type, &r.Type)
	same(w, &e.Offset, &r.Offset)
	same(w, &e.Length, &r.Length)
	same(w, &e.Url, &r.URL)
	same(w, &e.UserId, &r.UserID)
	same(w, &e.UserName, &r.UserName)
	same(w, &e.Language, &r.Language)
	same(w, &e.CustomEmojiId, &r.CustomEmojiID)
	same(w, &e.UnixTime, &r.UnixTime)
	same(w, &e.DateTimeFormat, &r.DateTimeFormat)
}

func (w way) media(m *messages.Media, r *storage.Media) {
	same(w, &m.Kind, &r.Kind)
	same(w, &m.FileId, &r.FileID)
	same(w, &m.FileUniqueId, &r.FileUniqueID)
	same(w, &m.FileName, &r.FileName)
	same(w, &m.MimeType, &r.MimeType)
	same(w, &m.FileSize, &r.FileSize)
	same(w, &m.Width, &r.Width)
	same(w, &m.Height, &r.Height)
	same(w, &m.Duration, &r.Duration)
	same(w, &m.MediaGroupId, &r.MediaGroupID)
	same(w, &m.HasSpoiler, &r.HasSpoiler)
	same(w, &m.ShowCaptionAboveMedia, &r.ShowCaptionAboveMedia)
	same(w, &m.Title, &r.Title)
	same(w, &m.Performer, &r.Performer)
	same(w, &m.Emoji, &r.Emoji)
	same(w, &m.SetName, &r.SetName)
	same(w, &m.Value, &r.Value)
	same(w, &m.ThumbnailFileId, &r.ThumbnailFileID)
	same(w, &m.PhotoFileId, &r.PhotoFileID)
	pair(w, &m.Location, &r.Location, way.location)
	pair(w, &m.Venue, &r.Venue, way.venue)
	pair(w, &m.Contact, &r.Contact, way.contact)
	pair(w, &m.Poll, &r.Poll, way.poll)
	pair(w, &m.Checklist, &r.Checklist, way.checklist)
	same(w, &m.Details, &r.Details)
	same(w, &m.Source, &r.Source)
	same(w, &m.Sha256, &r.SHA256)
}

func (w way) location(l *messages.Location, r *storage.Location) {
	same(w, &l.Latitude, &r.Latitude)
	same(w, &l.Longitude, &r.Longitude)
	same(w, &l.HorizontalAccuracy, &r.HorizontalAccuracy)
	same(w, &l.LivePeriod, &r.LivePeriod)
	same(w, &l.Heading, &r.Heading)
	same(w, &l.ProximityAlertRadius, &r.ProximityAlertRadius)
}

func (w way) venue(v *messages.Venue, r *storage.Venue) {
	same(w, &v.Title, &r.Title)
	same(w, &v.Address, &r.Address)
	same(w, &v.FoursquareId, &r.FoursquareID)
	same(w, &v.FoursquareType, &r.FoursquareType)
	same(w, &v.GooglePlaceId, &r.GooglePlaceID)
	same(w, &v.GooglePlaceType, &r.GooglePlaceType)
}

func (w way) contact(c *messages.Contact, r *storage.Contact) {
	same(w, &c.PhoneNumber, &r.PhoneNumber)
	same(w, &c.FirstName, &r.FirstName)
	same(w, &c.LastName, &r.LastName)
	same(w, &c.UserId, &r.UserID)
	same(w, &c.Vcard, &r.VCard)
}

func (w way) poll(p *messages.Poll, r *storage.Poll) {
	same(w, &p.Question, &r.Question)
	pairs(w, &p.QuestionEntities, &r.QuestionEntities, way.entity)
	pairs(w, &p.Options, &r.Options, way.option)
	same(w, &p.IsQuiz, &r.IsQuiz)
	same(w, &p.IsAnonymous, &r.IsAnonymous)
	same(w, &p.AllowsMultipleAnswers, &r.AllowsMultipleAnswers)
	same(w, &p.IsClosed, &r.IsClosed)
	same(w, &p.Description, &r.Description)
	pairs(w, &p.DescriptionEntities, &r.DescriptionEntities, way.entity)
	same(w, &p.MediaKind, &r.MediaKind)
}

func (w way) option(o *messages.PollOption, r *storage.PollOption) {
	same(w, &o.Text, &r.Text)
	pairs(w, &o.Entities, &r.Entities, way.entity)
}

func (w way) checklist(c *messages.Checklist, r *storage.Checklist) {
	same(w, &c.Title, &r.Title)
	pairs(w, &c.TitleEntities, &r.TitleEntities, way.entity)
	pairs(w, &c.Tasks, &r.Tasks, way.task)
}

func (w way) task(t *messages.ChecklistTask, r *storage.ChecklistTask) {
	same(w, &t.Text, &r.Text)
	pairs(w, &t.Entities, &r.Entities, way.entity)
	same(w, &t.Done, &r.Done)
}

func (w way) forward(f *messages.Forward, r *storage.Forward) {
	same(w, &f.Kind, &r.Kind)
	same(w, &f.Id, &r.ID)
	same(w, &f.Name, &r.Name)
	same(w, &f.Username, &r.Username)
	same(w, &f.Signature, &r.Signature)
	same(w, &f.MessageId, &r.MessageID)
	moment(w, &f.DateMs, &r.Date)
}
