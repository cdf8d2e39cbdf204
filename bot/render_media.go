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
	case messages.MediaChecklist:
		describeChecklist(b, lang, m)
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
	if d := descriptionOf(lang, p); d.Text != "" {
		b.plain("\n")
		rich(d.Text, d.Entities)
	}
	for _, o := range p.GetOptions() {
		b.plain("\n▫️ ")
		rich(o.GetText(), o.GetEntities())
	}
}

// pollDescription is how many characters the description of a poll may have (Bot API, sendPoll).
const pollDescription = 1024

// descriptionOf returns the description of a poll. The medium in it is named: its copy would need another upload.
func descriptionOf(lang string, p *messages.Poll) messages.Marked {
	d := messages.Marked{Text: p.GetDescription(), Entities: p.GetDescriptionEntities()}
	if p.GetMediaKind() == "" {
		return d
	}
	d = d.Then("\n", messages.Marked{Text: mediaLabel(lang, p.GetMediaKind())})
	return d.Shorten(pollDescription)
}

// describeChecklist shows a checklist with its markup: what its author hid stays hidden.
func describeChecklist(b *builder, lang string, m *messages.Media) {
	c := m.GetChecklist()
	title := messages.Marked{Text: mediaLabel(lang, m.GetKind())}
	if c == nil { // in records of earlier releases
		b.plain(messages.Shorten(title.Text+" "+oneLine(m.GetTitle())+"\n"+m.GetDetails(), min(maxDetails, maxText-b.units)))
		return
	}
	all := title.Then(" ", messages.Marked{Text: c.GetTitle(), Entities: c.GetTitleEntities()}).Then("\n", tasksIn(c))
	b.rich(fitted(all, min(maxDetails, maxText-b.units), maxEntities))
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

	Description         string   `json:"description,omitempty"`
	DescriptionEntities []Entity `json:"description_entities,omitempty"`
}

type pollOption struct {
	Text     string   `json:"text"`
	Entities []Entity `json:"text_entities,omitempty"`
}

// poster says by which method a kind of media is posted, and sets the method's parameters.
type poster struct {
	method string
	set    func(*mediaFields, *messages.Media)
}

// posters has a row for each kind that a bot can post.
var posters = map[string]poster{
	messages.MediaAnimation: {"sendAnimation", func(f *mediaFields, m *messages.Media) {
		f.Animation = m.FileId
		f.shown(m)
	}},
	messages.MediaAudio:    {"sendAudio", func(f *mediaFields, m *messages.Media) { f.Audio = m.FileId }},
	messages.MediaContact:  {"sendContact", (*mediaFields).contact},
	messages.MediaDocument: {"sendDocument", func(f *mediaFields, m *messages.Media) { f.Document = m.FileId }},
	messages.MediaLivePhoto: {"sendLivePhoto", func(f *mediaFields, m *messages.Media) {
		f.LivePhoto, f.Photo = m.FileId, m.PhotoFileId
		f.shown(m)
	}},
	messages.MediaLocation:  {"sendLocation", (*mediaFields).location},
	messages.MediaPhoto:     {"sendPhoto", func(f *mediaFields, m *messages.Media) { f.Photo = m.FileId; f.shown(m) }},
	messages.MediaPoll:      {"sendPoll", (*mediaFields).poll},
	messages.MediaSticker:   {"sendSticker", func(f *mediaFields, m *messages.Media) { f.Sticker = m.FileId }},
	messages.MediaVenue:     {"sendVenue", (*mediaFields).venue},
	messages.MediaVideo:     {"sendVideo", func(f *mediaFields, m *messages.Media) { f.Video = m.FileId; f.shown(m) }},
	messages.MediaVideoNote: {"sendVideoNote", func(f *mediaFields, m *messages.Media) { f.VideoNote = m.FileId }},
	messages.MediaVoice:     {"sendVoice", func(f *mediaFields, m *messages.Media) { f.Voice = m.FileId }},
}

// setMedia sets the medium of a copy, by its file id and without its caption (docs/decisions.md, D14).
func (m *outgoing) setMedia(media *messages.Media) {
	if media.GetFileId() == "" && media.GetSha256() != "" {
		m.upload, media = media, withUploadMark(media)
	}
	p := posters[media.GetKind()]
	m.method, m.mediaFields = p.method, &mediaFields{}
	if p.set != nil {
		p.set(m.mediaFields, media)
	}
}

// shown sets how a picture or a video is shown.
func (f *mediaFields) shown(m *messages.Media) {
	f.Spoiler, f.CaptionAbove = m.HasSpoiler, m.ShowCaptionAboveMedia
}

func (f *mediaFields) location(m *messages.Media) {
	l := m.Location
	f.at(l)
	if f.Accuracy, f.LivePeriod = l.HorizontalAccuracy, l.LivePeriod; l.LivePeriod > 0 {
		f.Heading, f.Proximity = l.Heading, l.ProximityAlertRadius
	}
}

func (f *mediaFields) at(l *messages.Location) { f.Latitude, f.Longitude = &l.Latitude, &l.Longitude }

func (f *mediaFields) venue(m *messages.Media) {
	f.at(m.Location)
	v := m.Venue
	f.Title, f.Address = v.Title, v.Address
	f.FoursquareID, f.FoursquareType = v.FoursquareId, v.FoursquareType
	f.GoogleID, f.GoogleType = v.GooglePlaceId, v.GooglePlaceType
}

func (f *mediaFields) contact(m *messages.Media) {
	c := m.Contact
	f.Phone, f.FirstName, f.LastName, f.VCard = c.PhoneNumber, c.FirstName, c.LastName, c.Vcard
}

func (f *mediaFields) poll(m *messages.Media) {
	p := m.Poll
	f.Question, f.QuestionEntities = p.Question, sendable(p.Question, p.QuestionEntities)
	f.Anonymous, f.Multiple, f.Closed = &p.IsAnonymous, p.AllowsMultipleAnswers, p.IsClosed
	for _, o := range p.Options {
		f.Options = append(f.Options, pollOption{Text: o.Text, Entities: sendable(o.Text, o.Entities)})
	}
}

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
		if m.ChatID > 0 {
			m.Effect = parts[0].GetContent().GetEffectId()
		}
	}
}
