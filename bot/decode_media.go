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
	Animation  maybe[wireFile]      `json:"animation"`
	Audio      maybe[wireFile]      `json:"audio"`
	Document   maybe[wireFile]      `json:"document"`
	LivePhoto  maybe[wireFile]      `json:"live_photo"`
	PaidMedia  maybe[wirePaid]      `json:"paid_media"`
	Photo      maybe[wireSizes]     `json:"photo"`
	Sticker    maybe[wireFile]      `json:"sticker"`
	Story      maybe[wireStory]     `json:"story"`
	Video      maybe[wireFile]      `json:"video"`
	VideoNote  maybe[wireFile]      `json:"video_note"`
	Voice      maybe[wireFile]      `json:"voice"`
	Checklist  maybe[wireChecklist] `json:"checklist"`
	Contact    maybe[wireContact]   `json:"contact"`
	Dice       maybe[wireDice]      `json:"dice"`
	Game       maybe[wireTitled]    `json:"game"`
	Poll       maybe[wirePoll]      `json:"poll"`
	Venue      maybe[wireVenue]     `json:"venue"`
	Location   maybe[wireLocation]  `json:"location"`
	Invoice    maybe[wireTitled]    `json:"invoice"`
	Giveaway   maybe[wireGiveaway]  `json:"giveaway"`
	Winners    maybe[wireGiveaway]  `json:"giveaway_winners"`
	Gift       maybe[wireGift]      `json:"gift"`
	UniqueGift maybe[wireGift]      `json:"unique_gift"`

	GroupID      string `json:"media_group_id"`
	Spoiler      bool   `json:"has_media_spoiler"`
	CaptionAbove bool   `json:"show_caption_above_media"`
}

// wireFile is any of Telegram's types of files, with the fields of all of them.
type wireFile struct {
	ID        string    `json:"file_id"`
	UniqueID  string    `json:"file_unique_id"`
	Name      string    `json:"file_name"`
	MimeType  string    `json:"mime_type"`
	Size      int64     `json:"file_size"`
	Width     int32     `json:"width"`
	Height    int32     `json:"height"`
	Length    int32     `json:"length"` // of a video note
	Duration  int32     `json:"duration"`
	Title     string    `json:"title"`
	Performer string    `json:"performer"`
	Emoji     string    `json:"emoji"`
	SetName   string    `json:"set_name"`
	Thumbnail *wireFile `json:"thumbnail"`
	Photo     wireSizes `json:"photo"` // of a live photo
}

// wireSizes is a photo, in all its sizes.
type wireSizes []wireFile

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

// mediaReader says whether a message has a kind of media, and reads it.
type mediaReader struct {
	kind string
	here func(*wireMedia) bool
	read func(*wireMedia, *messages.Media)
}

// reads makes the reader of a kind from the field that carries it and the function that reads the field.
func reads[T any](kind string, field func(*wireMedia) *maybe[T], read func(*T, *messages.Media)) mediaReader {
	return mediaReader{
		kind: kind,
		here: func(w *wireMedia) bool { return field(w).here },
		read: func(w *wireMedia, m *messages.Media) { read(&field(w).value, m) },
	}
}

// mediaReaders has a row for each kind. The more specific kind goes first: an animation also carries a document, a
// venue a location, a live photo a photo.
var mediaReaders = []mediaReader{
	reads(messages.MediaAnimation, func(w *wireMedia) *maybe[wireFile] { return &w.Animation }, (*wireFile).into),
	reads(messages.MediaLivePhoto, func(w *wireMedia) *maybe[wireFile] { return &w.LivePhoto }, (*wireFile).livePhoto),
	reads(messages.MediaPaid, func(w *wireMedia) *maybe[wirePaid] { return &w.PaidMedia }, (*wirePaid).into),
	reads(messages.MediaPhoto, func(w *wireMedia) *maybe[wireSizes] { return &w.Photo }, (*wireSizes).into),
	reads(messages.MediaVideo, func(w *wireMedia) *maybe[wireFile] { return &w.Video }, (*wireFile).into),
	reads(messages.MediaVideoNote, func(w *wireMedia) *maybe[wireFile] { return &w.VideoNote }, (*wireFile).into),
	reads(messages.MediaVoice, func(w *wireMedia) *maybe[wireFile] { return &w.Voice }, (*wireFile).into),
	reads(messages.MediaAudio, func(w *wireMedia) *maybe[wireFile] { return &w.Audio }, (*wireFile).into),
	reads(messages.MediaDocument, func(w *wireMedia) *maybe[wireFile] { return &w.Document }, (*wireFile).into),
	reads(messages.MediaSticker, func(w *wireMedia) *maybe[wireFile] { return &w.Sticker }, (*wireFile).into),
	reads(messages.MediaStory, func(w *wireMedia) *maybe[wireStory] { return &w.Story }, (*wireStory).into),
	reads(messages.MediaChecklist, func(w *wireMedia) *maybe[wireChecklist] { return &w.Checklist }, (*wireChecklist).into),
	reads(messages.MediaContact, func(w *wireMedia) *maybe[wireContact] { return &w.Contact }, (*wireContact).into),
	reads(messages.MediaDice, func(w *wireMedia) *maybe[wireDice] { return &w.Dice }, (*wireDice).into),
	reads(messages.MediaGame, func(w *wireMedia) *maybe[wireTitled] { return &w.Game }, (*wireTitled).game),
	reads(messages.MediaPoll, func(w *wireMedia) *maybe[wirePoll] { return &w.Poll }, (*wirePoll).into),
	reads(messages.MediaVenue, func(w *wireMedia) *maybe[wireVenue] { return &w.Venue }, (*wireVenue).into),
	reads(messages.MediaLocation, func(w *wireMedia) *maybe[wireLocation] { return &w.Location }, (*wireLocation).into),
	reads(messages.MediaInvoice, func(w *wireMedia) *maybe[wireTitled] { return &w.Invoice }, (*wireTitled).invoice),
	reads(messages.MediaGiveaway, func(w *wireMedia) *maybe[wireGiveaway] { return &w.Giveaway }, (*wireGiveaway).into),
	reads(messages.MediaGiveawayWinners, func(w *wireMedia) *maybe[wireGiveaway] { return &w.Winners }, (*wireGiveaway).into),
	reads(messages.MediaGift, func(w *wireMedia) *maybe[wireGift] { return &w.Gift }, (*wireGift).into),
	reads(messages.MediaUniqueGift, func(w *wireMedia) *maybe[wireGift] { return &w.UniqueGift }, (*wireGift).unique),
}

// media returns the medium, nil when there is none.
func (w *wireMedia) media() *messages.Media {
	for i := range mediaReaders {
		if mediaReaders[i].here(w) {
			m := &messages.Media{
				Kind: mediaReaders[i].kind, MediaGroupId: w.GroupID,
				HasSpoiler: w.Spoiler, ShowCaptionAboveMedia: w.CaptionAbove,
			}
			mediaReaders[i].read(w, m)
			return m
		}
	}
	return nil
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

func (f *wireFile) livePhoto(m *messages.Media) {
	f.into(m)
	m.PhotoFileId = f.Photo.largest().ID
}

func (s *wireSizes) into(m *messages.Media) { s.largest().into(m) }

// largest returns the largest of a photo's sizes, an empty one when there is none.
func (s wireSizes) largest() *wireFile {
	best := &wireFile{}
	for i := range s {
		if s := &s[i]; i == 0 || int64(s.Width)*int64(s.Height) >= int64(best.Width)*int64(best.Height) {
			best = s
		}
	}
	return best
}

func (p *wirePaid) into(m *messages.Media) { m.Value = p.Stars }

func (s *wireStory) into(m *messages.Media) { m.Source = s.Chat.name() }

func (c *wireContact) into(m *messages.Media) {
	m.Contact = &messages.Contact{
		PhoneNumber: c.Phone, FirstName: c.FirstName, LastName: c.LastName, UserId: c.UserID, Vcard: c.VCard,
	}
}

func (d *wireDice) into(m *messages.Media) { m.Emoji, m.Value = d.Emoji, d.Value }

func (l *wireLocation) into(m *messages.Media) { m.Location = l.location() }

func (v *wireVenue) into(m *messages.Media) {
	m.Location = v.Location.location()
	m.Venue = &messages.Venue{
		Title: v.Title, Address: v.Address, FoursquareId: v.FoursquareID, FoursquareType: v.FoursquareType,
		GooglePlaceId: v.GoogleID, GooglePlaceType: v.GoogleType,
	}
}

func (l *wireLocation) location() *messages.Location {
	return &messages.Location{
		Latitude: l.Latitude, Longitude: l.Longitude, HorizontalAccuracy: l.Accuracy, LivePeriod: l.Period,
		Heading: l.Heading, ProximityAlertRadius: l.Proximity,
	}
}

func (p *wirePoll) into(m *messages.Media) {
	out := &messages.Poll{
		Question: p.Question, QuestionEntities: entities(p.Entities, p.Question), IsQuiz: p.Type == "quiz",
		IsAnonymous: p.Anonymous, AllowsMultipleAnswers: p.Multiple, IsClosed: p.Closed,
	}
	for i := range p.Options {
		o := &p.Options[i]
		out.Options = append(out.Options, &messages.PollOption{Text: o.Text, Entities: entities(o.Entities, o.Text)})
	}
	m.Poll = out
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

func (t *wireTitled) game(m *messages.Media) { m.Title, m.Details = t.Title, t.Description }

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

func (g *wireGift) into(m *messages.Media) { m.Details = g.Text }

func (g *wireGift) unique(m *messages.Media) { m.Title = g.Gift.Name }

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
