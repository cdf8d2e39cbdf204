package desk

import (
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a message says, between what travels and what is stored: setContent and contentOf, one the reverse of the other.

// SetContent writes into a record what a message says.
func SetContent(r *storage.Message, c *messages.Content) {
	r.Text, r.Entities = c.GetText(), EntitiesToStore(c.GetEntities())
	r.Media, r.Forwarded, r.Protected = MediaToStore(c.GetMedia()), forwardToStore(c.GetForward()), c.GetIsProtected()
}

// ContentOf is what a stored message says.
func ContentOf(m *storage.Message) *messages.Content {
	return &messages.Content{Text: m.Text, Entities: entitiesOf(m.Entities), Media: MediaOf(m.Media), Forward: forwardOf(m.Forwarded),
		IsProtected: m.Protected}
}

func EntitiesToStore(es []*messages.Entity) (out []storage.Entity) {
	for _, e := range es {
		out = append(out, storage.Entity{Type: e.Type, Offset: e.Offset, Length: e.Length, URL: e.Url, UserID: e.UserId,
			UserName: e.UserName, Language: e.Language, CustomEmojiID: e.CustomEmojiId, UnixTime: e.UnixTime, DateTimeFormat: e.DateTimeFormat})
	}
	return out
}

func entitiesOf(es []storage.Entity) (out []*messages.Entity) {
	for _, e := range es {
		out = append(out, &messages.Entity{Type: e.Type, Offset: e.Offset, Length: e.Length, Url: e.URL, UserId: e.UserID,
			UserName: e.UserName, Language: e.Language, CustomEmojiId: e.CustomEmojiID, UnixTime: e.UnixTime, DateTimeFormat: e.DateTimeFormat})
	}
	return out
}

func MediaToStore(m *messages.Media) *storage.Media {
	if m == nil {
		return nil
	}
	out := &storage.Media{Kind: m.Kind, FileID: m.FileId, FileUniqueID: m.FileUniqueId, FileName: m.FileName, MimeType: m.MimeType,
		FileSize: m.FileSize, Width: m.Width, Height: m.Height, Duration: m.Duration, MediaGroupID: m.MediaGroupId, HasSpoiler: m.HasSpoiler,
		ShowCaptionAboveMedia: m.ShowCaptionAboveMedia, Title: m.Title, Performer: m.Performer, Emoji: m.Emoji, SetName: m.SetName,
		Value: m.Value, ThumbnailFileID: m.ThumbnailFileId, PhotoFileID: m.PhotoFileId, Details: m.Details, Source: m.Source, SHA256: m.Sha256}
	if l := m.Location; l != nil {
		out.Location = &storage.Location{Latitude: l.Latitude, Longitude: l.Longitude, HorizontalAccuracy: l.HorizontalAccuracy,
			LivePeriod: l.LivePeriod, Heading: l.Heading, ProximityAlertRadius: l.ProximityAlertRadius}
	}
	if v := m.Venue; v != nil {
		out.Venue = &storage.Venue{Title: v.Title, Address: v.Address, FoursquareID: v.FoursquareId, FoursquareType: v.FoursquareType,
			GooglePlaceID: v.GooglePlaceId, GooglePlaceType: v.GooglePlaceType}
	}
	if c := m.Contact; c != nil {
		out.Contact = &storage.Contact{PhoneNumber: c.PhoneNumber, FirstName: c.FirstName, LastName: c.LastName, UserID: c.UserId, VCard: c.Vcard}
	}
	if p := m.Poll; p != nil {
		out.Poll = &storage.Poll{Question: p.Question, QuestionEntities: EntitiesToStore(p.QuestionEntities), IsQuiz: p.IsQuiz,
			IsAnonymous: p.IsAnonymous, AllowsMultipleAnswers: p.AllowsMultipleAnswers, IsClosed: p.IsClosed}
		for _, o := range p.Options {
			out.Poll.Options = append(out.Poll.Options, storage.PollOption{Text: o.Text, Entities: EntitiesToStore(o.Entities)})
		}
	}
	return out
}

func MediaOf(m *storage.Media) *messages.Media {
	if m == nil {
		return nil
	}
	out := &messages.Media{Kind: m.Kind, FileId: m.FileID, FileUniqueId: m.FileUniqueID, FileName: m.FileName, MimeType: m.MimeType,
		FileSize: m.FileSize, Width: m.Width, Height: m.Height, Duration: m.Duration, MediaGroupId: m.MediaGroupID, HasSpoiler: m.HasSpoiler,
		ShowCaptionAboveMedia: m.ShowCaptionAboveMedia, Title: m.Title, Performer: m.Performer, Emoji: m.Emoji, SetName: m.SetName,
		Value: m.Value, ThumbnailFileId: m.ThumbnailFileID, PhotoFileId: m.PhotoFileID, Details: m.Details, Source: m.Source, Sha256: m.SHA256}
	if l := m.Location; l != nil {
		out.Location = &messages.Location{Latitude: l.Latitude, Longitude: l.Longitude, HorizontalAccuracy: l.HorizontalAccuracy,
			LivePeriod: l.LivePeriod, Heading: l.Heading, ProximityAlertRadius: l.ProximityAlertRadius}
	}
	if v := m.Venue; v != nil {
		out.Venue = &messages.Venue{Title: v.Title, Address: v.Address, FoursquareId: v.FoursquareID, FoursquareType: v.FoursquareType,
			GooglePlaceId: v.GooglePlaceID, GooglePlaceType: v.GooglePlaceType}
	}
	if c := m.Contact; c != nil {
		out.Contact = &messages.Contact{PhoneNumber: c.PhoneNumber, FirstName: c.FirstName, LastName: c.LastName, UserId: c.UserID, Vcard: c.VCard}
	}
	if p := m.Poll; p != nil {
		out.Poll = &messages.Poll{Question: p.Question, QuestionEntities: entitiesOf(p.QuestionEntities), IsQuiz: p.IsQuiz,
			IsAnonymous: p.IsAnonymous, AllowsMultipleAnswers: p.AllowsMultipleAnswers, IsClosed: p.IsClosed}
		for _, o := range p.Options {
			out.Poll.Options = append(out.Poll.Options, &messages.PollOption{Text: o.Text, Entities: entitiesOf(o.Entities)})
		}
	}
	return out
}

func forwardToStore(f *messages.Forward) *storage.Forward {
	if f == nil {
		return nil
	}
	out := &storage.Forward{Kind: f.Kind, ID: f.Id, Name: f.Name, Username: f.Username, Signature: f.Signature, MessageID: f.MessageId}
	if f.DateMs != 0 {
		out.Date = time.UnixMilli(f.DateMs).UTC()
	}
	return out
}

func forwardOf(f *storage.Forward) *messages.Forward {
	if f == nil {
		return nil
	}
	out := &messages.Forward{Kind: f.Kind, Id: f.ID, Name: f.Name, Username: f.Username, Signature: f.Signature, MessageId: f.MessageID}
	if !f.Date.IsZero() {
		out.DateMs = f.Date.UnixMilli()
	}
	return out
}
