package bot

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// present says whether a field is there; its value is not read.
type present bool

func (p *present) UnmarshalJSON(b []byte) error {
	*p = present(!bytes.Equal(b, []byte("null")))
	return nil
}

// maybe is a field that is read as far as possible. It counts as there even when its value has a wrong type.
type maybe[T any] struct {
	here  bool
	value T
}

func (m *maybe[T]) UnmarshalJSON(b []byte) error {
	if m.here = !bytes.Equal(b, []byte("null")); m.here {
		_ = json.Unmarshal(b, &m.value) // parts of a wrong type are left out, the others are read
	}
	return nil
}

// wireMedia is what a message carries besides text.
type wireMedia struct {
	Animation   maybe[wireFile]      `json:"animation"`
	Audio       maybe[wireFile]      `json:"audio"`
	Document    maybe[wireFile]      `json:"document"`
	LivePhoto   maybe[wireFile]      `json:"live_photo"`
	PaidMedia   maybe[wirePaid]      `json:"paid_media"`
	Photo       maybe[[]wireFile]    `json:"photo"`
	Sticker     maybe[wireFile]      `json:"sticker"`
	Story       maybe[wireStory]     `json:"story"`
	Video       maybe[wireFile]      `json:"video"`
	VideoNote   maybe[wireFile]      `json:"video_note"`
	Voice       maybe[wireFile]      `json:"voice"`
	Checklist   maybe[wireChecklist] `json:"checklist"`
	Contact     maybe[wireContact]   `json:"contact"`
	Dice        maybe[wireDice]      `json:"dice"`
	Game        maybe[wireTitled]    `json:"game"`
	Poll        maybe[wirePoll]      `json:"poll"`
	Venue       maybe[wireVenue]     `json:"venue"`
	Location    maybe[wireLocation]  `json:"location"`
	Invoice     maybe[wireTitled]    `json:"invoice"`
	RichMessage present              `json:"rich_message"`
	Giveaway    maybe[wireGiveaway]  `json:"giveaway"`
	Winners     maybe[wireGiveaway]  `json:"giveaway_winners"`
	Gift        maybe[wireGift]      `json:"gift"`
	UniqueGift  maybe[wireGift]      `json:"unique_gift"`

	GroupID      string `json:"media_group_id"`
	Spoiler      bool   `json:"has_media_spoiler"`
	CaptionAbove bool   `json:"show_caption_above_media"`
}

// wireFile is any of Telegram's types of files, with the fields of all of them.
type wireFile struct {
	ID        string     `json:"file_id"`
	UniqueID  string     `json:"file_unique_id"`
	Name      string     `json:"file_name"`
	MimeType  string     `json:"mime_type"`
	Size      int64      `json:"file_size"`
	Width     int32      `json:"width"`
	Height    int32      `json:"height"`
	Length    int32      `json:"length"` // of a video note
	Duration  int32      `json:"duration"`
	Title     string     `json:"title"`
	Performer string     `json:"performer"`
	Emoji     string     `json:"emoji"`
	SetName   string     `json:"set_name"`
	Thumbnail *wireFile  `json:"thumbnail"`
	Photo     []wireFile `json:"photo"` // of a live photo
}

type wirePaid struct {
	Stars int32 `json:"star_count"`
}

type wireStory struct {
	Chat *wireChat `json:"chat"`
}

type wireTitled struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Currency    string `json:"currency"`
	Amount      int64  `json:"total_amount"`
}

type wireChecklist struct {
	Title string `json:"title"`
	Tasks []struct {
		Text string `json:"text"`
		Done int64  `json:"completion_date"`
	} `json:"tasks"`
}

type wireContact struct {
	Phone     string `json:"phone_number"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	UserID    int64  `json:"user_id"`
	VCard     string `json:"vcard"`
}

type wireDice struct {
	Emoji string `json:"emoji"`
	Value int32  `json:"value"`
}

type wirePoll struct {
	Question  string       `json:"question"`
	Entities  []wireEntity `json:"question_entities"`
	Type      string       `json:"type"`
	Anonymous bool         `json:"is_anonymous"`
	Multiple  bool         `json:"allows_multiple_answers"`
	Closed    bool         `json:"is_closed"`
	Options   []struct {
		Text     string       `json:"text"`
		Entities []wireEntity `json:"text_entities"`
	} `json:"options"`
}

type wireLocation struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Accuracy  float64 `json:"horizontal_accuracy"`
	Period    int32   `json:"live_period"`
	Heading   int32   `json:"heading"`
	Proximity int32   `json:"proximity_alert_radius"`
}

type wireVenue struct {
	Location       wireLocation `json:"location"`
	Title          string       `json:"title"`
	Address        string       `json:"address"`
	FoursquareID   string       `json:"foursquare_id"`
	FoursquareType string       `json:"foursquare_type"`
	GoogleID       string       `json:"google_place_id"`
	GoogleType     string       `json:"google_place_type"`
}

type wireGiveaway struct {
	Chats   []wireChat `json:"chats"`
	Chat    *wireChat  `json:"chat"` // of the winners
	Winners int32      `json:"winner_count"`
	Prize   string     `json:"prize_description"`
}

type wireGift struct {
	Text string `json:"text"`
	Gift struct {
		Name string `json:"name"` // of a unique gift
	} `json:"gift"`
}

// wireOrigin is where a forwarded message comes from: any type of Telegram's MessageOrigin.
type wireOrigin struct {
	Type       string    `json:"type"`
	Date       int64     `json:"date"`
	User       *wireUser `json:"sender_user"`
	HiddenName string    `json:"sender_user_name"`
	SenderChat *wireChat `json:"sender_chat"`
	Chat       *wireChat `json:"chat"`
	MessageID  int64     `json:"message_id"`
	Signature  string    `json:"author_signature"`
}

// kind returns the kind of the medium as messages names it, "" when there is none. The more specific kind goes first:
// an animation also carries a document, a venue a location, a live photo a photo.
func (w *wireMedia) kind() string {
	for _, medium := range [...]struct {
		kind string
		here bool
	}{
		{messages.MediaAnimation, w.Animation.here},
		{messages.MediaLivePhoto, w.LivePhoto.here},
		{messages.MediaPaid, w.PaidMedia.here},
		{messages.MediaPhoto, w.Photo.here},
		{messages.MediaVideo, w.Video.here},
		{messages.MediaVideoNote, w.VideoNote.here},
		{messages.MediaVoice, w.Voice.here},
		{messages.MediaAudio, w.Audio.here},
		{messages.MediaDocument, w.Document.here},
		{messages.MediaSticker, w.Sticker.here},
		{messages.MediaStory, w.Story.here},
		{messages.MediaChecklist, w.Checklist.here},
		{messages.MediaContact, w.Contact.here},
		{messages.MediaDice, w.Dice.here},
		{messages.MediaGame, w.Game.here},
		{messages.MediaPoll, w.Poll.here},
		{messages.MediaVenue, w.Venue.here},
		{messages.MediaLocation, w.Location.here},
		{messages.MediaInvoice, w.Invoice.here},
		{messages.MediaRichMessage, bool(w.RichMessage)},
		{messages.MediaGiveaway, w.Giveaway.here},
		{messages.MediaGiveawayWinners, w.Winners.here},
		{messages.MediaGift, w.Gift.here},
		{messages.MediaUniqueGift, w.UniqueGift.here},
	} {
		if medium.here {
			return medium.kind
		}
	}
	return ""
}

// media returns the medium, nil when there is none.
func (w *wireMedia) media() *messages.Media {
	m := &messages.Media{
		Kind: w.kind(), MediaGroupId: w.GroupID, HasSpoiler: w.Spoiler, ShowCaptionAboveMedia: w.CaptionAbove,
	}
	switch m.Kind {
	case "":
		return nil
	case messages.MediaPhoto:
		largest(w.Photo.value).into(m)
	case messages.MediaAnimation:
		w.Animation.value.into(m)
	case messages.MediaLivePhoto:
		w.LivePhoto.value.into(m)
		if sizes := w.LivePhoto.value.Photo; len(sizes) > 0 {
			m.PhotoFileId = largest(sizes).ID
		}
	case messages.MediaVideo:
		w.Video.value.into(m)
	case messages.MediaVideoNote:
		w.VideoNote.value.into(m)
	case messages.MediaVoice:
		w.Voice.value.into(m)
	case messages.MediaAudio:
		w.Audio.value.into(m)
	case messages.MediaDocument:
		w.Document.value.into(m)
	case messages.MediaSticker:
		w.Sticker.value.into(m)
	default:
		w.other(m)
	}
	return m
}

// other reads the media that are not files.
func (w *wireMedia) other(m *messages.Media) {
	switch m.Kind {
	case messages.MediaPaid:
		m.Value = w.PaidMedia.value.Stars
	case messages.MediaStory:
		m.Source = w.Story.value.Chat.name()
	case messages.MediaChecklist:
		w.Checklist.value.into(m)
	case messages.MediaContact:
		c := &w.Contact.value
		m.Contact = &messages.Contact{
			PhoneNumber: c.Phone, FirstName: c.FirstName, LastName: c.LastName, UserId: c.UserID, Vcard: c.VCard,
		}
	case messages.MediaDice:
		m.Emoji, m.Value = w.Dice.value.Emoji, w.Dice.value.Value
	case messages.MediaGame:
		m.Title, m.Details = w.Game.value.Title, w.Game.value.Description
	case messages.MediaPoll:
		m.Poll = w.Poll.value.poll()
	case messages.MediaVenue:
		v := &w.Venue.value
		m.Location = v.Location.location()
		m.Venue = &messages.Venue{
			Title: v.Title, Address: v.Address, FoursquareId: v.FoursquareID, FoursquareType: v.FoursquareType,
			GooglePlaceId: v.GoogleID, GooglePlaceType: v.GoogleType,
		}
	case messages.MediaLocation:
		m.Location = w.Location.value.location()
	case messages.MediaInvoice:
		w.Invoice.value.invoice(m)
	case messages.MediaGiveaway:
		w.Giveaway.value.into(m)
	case messages.MediaGiveawayWinners:
		w.Winners.value.into(m)
	case messages.MediaGift:
		m.Details = w.Gift.value.Text
	case messages.MediaUniqueGift:
		m.Title = w.UniqueGift.value.Gift.Name
	}
}

func (f *wireFile) into(m *messages.Media) {
	m.FileId, m.FileUniqueId = f.ID, f.UniqueID
	m.FileName, m.MimeType, m.FileSize = f.Name, f.MimeType, max(f.Size, 0)
	m.Width, m.Height, m.Duration = f.Width, f.Height, f.Duration
	if f.Length > 0 {
		m.Width, m.Height = f.Length, f.Length
	}
	m.Title, m.Performer, m.Emoji, m.SetName = f.Title, f.Performer, f.Emoji, f.SetName
	if f.Thumbnail != nil {
		m.ThumbnailFileId = f.Thumbnail.ID
	}
}

// largest returns the largest of a photo's sizes.
func largest(sizes []wireFile) *wireFile {
	best := &wireFile{}
	for i := range sizes {
		if s := &sizes[i]; i == 0 || int64(s.Width)*int64(s.Height) >= int64(best.Width)*int64(best.Height) {
			best = s
		}
	}
	return best
}

func (l *wireLocation) location() *messages.Location {
	return &messages.Location{
		Latitude: l.Latitude, Longitude: l.Longitude, HorizontalAccuracy: l.Accuracy, LivePeriod: l.Period,
		Heading: l.Heading, ProximityAlertRadius: l.Proximity,
	}
}

func (p *wirePoll) poll() *messages.Poll {
	out := &messages.Poll{
		Question: p.Question, QuestionEntities: entities(p.Entities, p.Question), IsQuiz: p.Type == "quiz",
		IsAnonymous: p.Anonymous, AllowsMultipleAnswers: p.Multiple, IsClosed: p.Closed,
	}
	for i := range p.Options {
		o := &p.Options[i]
		out.Options = append(out.Options, &messages.PollOption{Text: o.Text, Entities: entities(o.Entities, o.Text)})
	}
	return out
}

func (c *wireChecklist) into(m *messages.Media) {
	m.Title = c.Title
	var b strings.Builder
	for i := range c.Tasks {
		mark := "☐ "
		if c.Tasks[i].Done > 0 {
			mark = "☑ "
		}
		b.WriteString(mark + c.Tasks[i].Text + "\n")
	}
	m.Details = strings.TrimSuffix(b.String(), "\n")
}

// zeroDecimals are the currencies without a smaller unit in which Telegram takes payments. Stars (XTR) are one of them.
var zeroDecimals = map[string]bool{
	"XTR": true, "CLP": true, "ISK": true, "JPY": true, "KRW": true, "PYG": true, "UGX": true, "VND": true,
}

func (t *wireTitled) invoice(m *messages.Media) {
	m.Title = t.Title
	switch {
	case t.Currency == "":
	case zeroDecimals[t.Currency]:
		m.Details = strconv.FormatInt(t.Amount, 10) + " " + t.Currency
	default:
		m.Details = strconv.FormatFloat(float64(t.Amount)/100, 'f', 2, 64) + " " + t.Currency
	}
}

func (g *wireGiveaway) into(m *messages.Media) {
	m.Title, m.Value = g.Prize, g.Winners
	if g.Chat != nil {
		m.Source = g.Chat.name()
	} else if len(g.Chats) > 0 {
		m.Source = g.Chats[0].name()
	}
}

// name returns the chat's name, "" when there is no chat.
func (w *wireChat) name() string {
	if w == nil || w.ID == 0 {
		return ""
	}
	if w.Title != "" {
		return displayName(w.Title, "", w.Username, w.ID)
	}
	return displayName(w.FirstName, w.LastName, w.Username, w.ID)
}

// forward returns where a message was forwarded from, nil when it was not forwarded. An origin of an unknown kind still
// counts as one.
func (w *wireOrigin) forward() *messages.Forward {
	if w == nil {
		return nil
	}
	f := &messages.Forward{Kind: w.Type, Signature: w.Signature, MessageId: w.MessageID, DateMs: seconds(w.Date)}
	chat := w.Chat
	if chat == nil {
		chat = w.SenderChat
	}
	switch {
	case w.User != nil:
		if p := w.User.person(); p != nil {
			s := personSender(p)
			f.Id, f.Name, f.Username = s.Id, s.Name, s.Username
		}
	case chat != nil:
		f.Id, f.Name, f.Username = chat.ID, chat.name(), chat.Username
	default:
		f.Name = trim(w.HiddenName)
	}
	return f
}
