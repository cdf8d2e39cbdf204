package bot

import (
	"bytes"
	"encoding/json"

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
	Photo       maybe[wireSizes]     `json:"photo"`
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
	RichMessage maybe[any]           `json:"rich_message"`
	Giveaway    maybe[wireGiveaway]  `json:"giveaway"`
	Winners     maybe[wireGiveaway]  `json:"giveaway_winners"`
	Gift        maybe[wireGift]      `json:"gift"`
	UniqueGift  maybe[wireGift]      `json:"unique_gift"`

	GroupID      string `json:"media_group_id"`
	Spoiler      bool   `json:"has_media_spoiler"`
	CaptionAbove bool   `json:"show_caption_above_media"`
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
	reads(messages.MediaRichMessage, func(w *wireMedia) *maybe[any] { return &w.RichMessage }, func(*any, *messages.Media) {}),
	reads(messages.MediaGiveaway, func(w *wireMedia) *maybe[wireGiveaway] { return &w.Giveaway }, (*wireGiveaway).into),
	reads(messages.MediaGiveawayWinners, func(w *wireMedia) *maybe[wireGiveaway] { return &w.Winners }, (*wireGiveaway).into),
	reads(messages.MediaGift, func(w *wireMedia) *maybe[wireGift] { return &w.Gift }, (*wireGift).into),
	reads(messages.MediaUniqueGift, func(w *wireMedia) *maybe[wireGift] { return &w.UniqueGift }, (*wireGift).unique),
}
