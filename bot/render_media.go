package bot

import (
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// maxMediaLabel is how many UTF-16 units mediaLabel returns at most, in any language.
const maxMediaLabel = 48

// maxDetails is how many UTF-16 units of details are shown, so that they fit into one message with the head and the
// caption.
const maxDetails = 2000

// mediaLabel names a kind of media that can't be shown, such as "[photo]".
func mediaLabel(lang, kind string) string {
	key := "media_" + kind
	if !known(key) {
		key = textMediaOther
	}
	return "[" + messages.CutUTF16(label(lang, key), maxMediaLabel-2) + "]"
}

// describeContent describes a content that the bot can't post again.
func describeContent(b *builder, lang string, c *messages.Content) {
	m := c.GetMedia()
	text := c.GetText()
	if c.GetIsProtected() {
		text = "" // it must stay in its topic
	}
	reserved := 1 + min(messages.UTF16Len(text), maxCaption) // for the caption
	line := func(s string) {
		if s = messages.Shorten(strings.TrimSpace(s), min(maxDetails, maxText-b.units-1-reserved)); s == "" {
			return
		}
		if b.text.Len() > 0 && !strings.HasSuffix(b.text.String(), "\n") {
			b.plain("\n")
		}
		b.plain(s)
	}
	if c.GetIsProtected() {
		if m != nil {
			line(mediaLabel(lang, m.GetKind()))
		}
		line(label(lang, textProtected))
		return
	}
	switch m.GetKind() {
	case messages.MediaDice:
		line(m.GetEmoji() + " " + strconv.Itoa(int(m.GetValue())))
		return
	case messages.MediaPoll:
		describePoll(b, lang, m.GetPoll())
		return
	case messages.MediaPaid:
		line(mediaLabel(lang, m.GetKind()) + " " + strconv.Itoa(int(m.GetValue())) + " ⭐")
	default:
		line(mediaLabel(lang, m.GetKind()) + " " + oneLine(m.GetTitle()+m.GetFileName()))
	}
	line(oneLine(m.GetSource()))
	line(m.GetDetails())
	if text != "" {
		b.plain("\n")
		text = messages.CutUTF16(text, maxText-b.units)
		p := piece{to: len(text), toUnit: messages.UTF16Len(text)}
		b.entities = clip(b.entities, text, c.GetEntities(), p, b.units)
		b.plain(text)
	}
}

// describePoll shows a poll's question and its options. It is for quizzes, whose right answer only the author knows,
// and for polls that can't be posted again.
func describePoll(b *builder, lang string, p *messages.Poll) {
	kind := "quiz"
	if !p.GetIsQuiz() {
		kind = messages.MediaPoll
	}
	b.plain(mediaLabel(lang, kind) + "\n")
	rich := func(text string, entities []*messages.Entity) {
		whole := piece{to: len(text), toUnit: messages.UTF16Len(text)}
		b.entities = clip(b.entities, text, entities, whole, b.units)
		b.plain(text)
	}
	rich(p.GetQuestion(), p.GetQuestionEntities())
	for _, o := range p.GetOptions() {
		b.plain("\n▫️ ")
		rich(o.GetText(), o.GetEntities())
	}
}

// mediaFields are the parameters of the methods that send media, beside those of every message. Only those of one
// kind are set.
type mediaFields struct {
	Animation string `json:"animation,omitempty"`
	Audio     string `json:"audio,omitempty"`
	Document  string `json:"document,omitempty"`
	LivePhoto string `json:"live_photo,omitempty"`
	Photo     string `json:"photo,omitempty"`
	Sticker   string `json:"sticker,omitempty"`
	Video     string `json:"video,omitempty"`
	VideoNote string `json:"video_note,omitempty"`
	Voice     string `json:"voice,omitempty"`

	Caption         string   `json:"caption,omitempty"`
	CaptionEntities []Entity `json:"caption_entities,omitempty"`
	CaptionAbove    bool     `json:"show_caption_above_media,omitempty"`
	Spoiler         bool     `json:"has_spoiler,omitempty"`

	Album []albumPart `json:"media,omitempty"`

	Latitude   *float64 `json:"latitude,omitempty"`
	Longitude  *float64 `json:"longitude,omitempty"`
	Accuracy   float64  `json:"horizontal_accuracy,omitempty"`
	LivePeriod int32    `json:"live_period,omitempty"`
	Heading    int32    `json:"heading,omitempty"`
	Proximity  int32    `json:"proximity_alert_radius,omitempty"`

	Title          string `json:"title,omitempty"`
	Address        string `json:"address,omitempty"`
	FoursquareID   string `json:"foursquare_id,omitempty"`
	FoursquareType string `json:"foursquare_type,omitempty"`
	GoogleID       string `json:"google_place_id,omitempty"`
	GoogleType     string `json:"google_place_type,omitempty"`

	Phone     string `json:"phone_number,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	VCard     string `json:"vcard,omitempty"`

	Question         string       `json:"question,omitempty"`
	QuestionEntities []Entity     `json:"question_entities,omitempty"`
	Options          []pollOption `json:"options,omitempty"`
	Anonymous        *bool        `json:"is_anonymous,omitempty"`
	Multiple         bool         `json:"allows_multiple_answers,omitempty"`
	Closed           bool         `json:"is_closed,omitempty"`
}

type pollOption struct {
	Text     string   `json:"text"`
	Entities []Entity `json:"text_entities,omitempty"`
}

// sendMethods are the methods that post a kind of media.
var sendMethods = map[string]string{
	messages.MediaAnimation: "sendAnimation",
	messages.MediaAudio:     "sendAudio",
	messages.MediaContact:   "sendContact",
	messages.MediaDocument:  "sendDocument",
	messages.MediaLivePhoto: "sendLivePhoto",
	messages.MediaLocation:  "sendLocation",
	messages.MediaPhoto:     "sendPhoto",
	messages.MediaPoll:      "sendPoll",
	messages.MediaSticker:   "sendSticker",
	messages.MediaVenue:     "sendVenue",
	messages.MediaVideo:     "sendVideo",
	messages.MediaVideoNote: "sendVideoNote",
	messages.MediaVoice:     "sendVoice",

}

// setMedia sets the medium of a copy, by its file id and without its caption (docs/decisions.md, D14).
func (m *outgoing) setMedia(media *messages.Media) {
	if media.GetFileId() == "" && media.GetSha256() != "" {
		m.upload, media = media, withUploadMark(media)
	}
	f := &mediaFields{Spoiler: media.GetHasSpoiler(), CaptionAbove: media.GetShowCaptionAboveMedia()}
	m.method, m.mediaFields = sendMethods[media.GetKind()], f
	switch media.GetKind() {
	case messages.MediaAnimation:
		f.Animation = media.FileId
	case messages.MediaAudio:
		f.Audio, f.Spoiler, f.CaptionAbove = media.FileId, false, false
	case messages.MediaDocument:
		f.Document, f.Spoiler, f.CaptionAbove = media.FileId, false, false
	case messages.MediaLivePhoto:
		f.LivePhoto, f.Photo = media.FileId, media.PhotoFileId
	case messages.MediaPhoto:
		f.Photo = media.FileId
	case messages.MediaVideo:
		f.Video = media.FileId
	case messages.MediaVoice:
		f.Voice, f.Spoiler, f.CaptionAbove = media.FileId, false, false
	default:
		f.Spoiler, f.CaptionAbove = false, false
		f.uncaptioned(media)
	}
}

// uncaptioned sets a medium that can't have a caption.
func (f *mediaFields) uncaptioned(media *messages.Media) {
	switch media.GetKind() {
	case messages.MediaSticker:
		f.Sticker = media.FileId
	case messages.MediaVideoNote:
		f.VideoNote = media.FileId
	case messages.MediaLocation:
		l := media.Location
		f.at(l)
		if f.Accuracy, f.LivePeriod = l.HorizontalAccuracy, l.LivePeriod; l.LivePeriod > 0 {
			f.Heading, f.Proximity = l.Heading, l.ProximityAlertRadius
		}
	case messages.MediaVenue:
		f.at(media.Location)
		v := media.Venue
		f.Title, f.Address = v.Title, v.Address
		f.FoursquareID, f.FoursquareType = v.FoursquareId, v.FoursquareType
		f.GoogleID, f.GoogleType = v.GooglePlaceId, v.GooglePlaceType
	case messages.MediaContact:
		c := media.Contact
		f.Phone, f.FirstName, f.LastName, f.VCard = c.PhoneNumber, c.FirstName, c.LastName, c.Vcard
	case messages.MediaPoll:
		p := media.Poll
		f.Question, f.QuestionEntities = p.Question, sendable(p.Question, p.QuestionEntities)
		f.Anonymous, f.Multiple, f.Closed = &p.IsAnonymous, p.AllowsMultipleAnswers, p.IsClosed
		for _, o := range p.Options {
			f.Options = append(f.Options, pollOption{Text: o.Text, Entities: sendable(o.Text, o.Entities)})
		}
	}
}

func (f *mediaFields) at(l *messages.Location) { f.Latitude, f.Longitude = &l.Latitude, &l.Longitude }

// sendable returns those of a text's entities that can be sent.
func sendable(text string, entities []*messages.Entity) []Entity {
	return clip(nil, text, entities, piece{to: len(text), toUnit: messages.UTF16Len(text)}, 0)
}

// albumPart is one of Telegram's InputMedia.
type albumPart struct {
	Type            string   `json:"type"`
	Media           string   `json:"media"`
	Photo           string   `json:"photo,omitempty"` // of a live photo
	Caption         string   `json:"caption,omitempty"`
	CaptionEntities []Entity `json:"caption_entities,omitempty"`
	CaptionAbove    bool     `json:"show_caption_above_media,omitempty"`
	Spoiler         bool     `json:"has_spoiler,omitempty"`
}

const methodSendAlbum = "sendMediaGroup"

// setAlbum renders media that are posted together.
func (m *outgoing) setAlbum(lang string, parts []*messages.SendCopyCall) {
	m.method, m.mediaFields = methodSendAlbum, &mediaFields{}
	for _, c := range parts {
		media := c.GetContent().GetMedia()
		r := renderCopy(lang, c)
		part := albumPart{Type: media.GetKind(), Media: media.GetFileId(), Caption: r.Text, CaptionEntities: r.Entities}
		switch media.GetKind() {
		case messages.MediaLivePhoto:
			part.Photo = media.GetPhotoFileId()
			fallthrough
		case messages.MediaPhoto, messages.MediaVideo:
			part.CaptionAbove, part.Spoiler = media.GetShowCaptionAboveMedia(), media.GetHasSpoiler()
		}
		m.Album = append(m.Album, part)
	}
	if len(parts) > 0 {
		m.Reply = quoting(parts[0])
	}
}
