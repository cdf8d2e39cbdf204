package messages

// Kinds of media: the field of the Bot API's Message that carries it. Each has a row in mediaKinds.
const (
	MediaAnimation       = "animation"
	MediaAudio           = "audio"
	MediaChecklist       = "checklist"
	MediaContact         = "contact"
	MediaDice            = "dice"
	MediaDocument        = "document"
	MediaGame            = "game"
	MediaGift            = "gift"
	MediaGiveaway        = "giveaway"
	MediaGiveawayWinners = "giveaway_winners"
	MediaInvoice         = "invoice"
	MediaLivePhoto       = "live_photo"
	MediaLocation        = "location"
	MediaPaid            = "paid_media"
	MediaPhoto           = "photo"
	MediaPoll            = "poll"
	MediaRichMessage     = "rich_message"
	MediaSticker         = "sticker"
	MediaStory           = "story"
	MediaUniqueGift      = "unique_gift"
	MediaVenue           = "venue"
	MediaVideo           = "video"
	MediaVideoNote       = "video_note"
	MediaVoice           = "voice"
)

// Shape says how a content is copied.
type Shape int

const (
	ShapeText      Shape = iota // a text, which may take several messages
	ShapeWords                  // a text that describes the content, which Telegram gives no way to post again
	ShapeCaptioned              // the medium with the sender's name in its caption; what does not fit follows as texts
	ShapeLabelled               // a short text with the sender's name, then the medium, which can't have a caption
)

// mediaKind declares a kind of media: how it is copied, and in which albums it can be.
type mediaKind struct {
	kind  string
	shape Shape             // of a copy, if the medium can be posted again
	posts func(*Media) bool // whether a medium can be posted again; nil: none of this kind can
	album string            // kinds with the same album can be in one album together; "": in none
}

// Albums, by what they contain.
const (
	albumOfPictures  = "pictures"
	albumOfAudio     = "audio"
	albumOfDocuments = "documents"
)

var mediaKinds = []mediaKind{
	{MediaAnimation, ShapeCaptioned, hasFile, ""},
	{MediaAudio, ShapeCaptioned, hasFile, albumOfAudio},
	{MediaChecklist, ShapeWords, nil, ""},
	{MediaContact, ShapeLabelled, func(m *Media) bool {
		return m.Contact.GetPhoneNumber() != "" && m.Contact.GetFirstName() != ""
	}, ""},
	{MediaDice, ShapeWords, nil, ""}, // a copy would show another number (docs/decisions.md, D16)
	{MediaDocument, ShapeCaptioned, hasFile, albumOfDocuments},
	{MediaGame, ShapeWords, nil, ""},
	{MediaGift, ShapeWords, nil, ""},
	{MediaGiveaway, ShapeWords, nil, ""},
	{MediaGiveawayWinners, ShapeWords, nil, ""},
	{MediaInvoice, ShapeWords, nil, ""},
	{MediaLivePhoto, ShapeCaptioned, func(m *Media) bool {
		return m.FileId != "" && m.PhotoFileId != ""
	}, albumOfPictures},
	{MediaLocation, ShapeLabelled, func(m *Media) bool { return m.Location != nil }, ""},
	{MediaPaid, ShapeWords, nil, ""},
	{MediaPhoto, ShapeCaptioned, hasFile, albumOfPictures},
	{MediaPoll, ShapeLabelled, func(m *Media) bool {
		n := len(m.Poll.GetOptions())
		return !m.Poll.GetIsQuiz() && n > 0 && n <= maxPollOptions && m.Poll.Question != ""
	}, ""},
	{MediaRichMessage, ShapeWords, nil, ""},
	{MediaSticker, ShapeLabelled, hasFile, ""},
	{MediaStory, ShapeWords, nil, ""},
	{MediaUniqueGift, ShapeWords, nil, ""},
	{MediaVenue, ShapeLabelled, func(m *Media) bool {
		return m.Location != nil && m.Venue.GetTitle() != "" && m.Venue.GetAddress() != ""
	}, ""},
	{MediaVideo, ShapeCaptioned, hasFile, albumOfPictures},
	{MediaVideoNote, ShapeLabelled, hasFile, ""},
	{MediaVoice, ShapeCaptioned, hasFile, ""},
}

// maxPollOptions is how many options a poll can have when it is sent (Bot API, sendPoll).
const maxPollOptions = 12

// hasFile says whether a medium has a file id, or content from outside Telegram that can be uploaded.
func hasFile(m *Media) bool { return m.FileId != "" || m.Sha256 != "" }

// MediaKinds lists all kinds of media.
var MediaKinds = func() (kinds []string) {
	for _, k := range mediaKinds {
		kinds = append(kinds, k.kind)
	}
	return kinds
}()

var mediaKindsByName = func() map[string]mediaKind {
	m := make(map[string]mediaKind, len(mediaKinds))
	for _, k := range mediaKinds {
		m[k.kind] = k
	}
	return m
}()

// ShapeOf returns how a content is copied: ShapeWords for an unknown kind of media.
func ShapeOf(c *Content) Shape {
	m := c.GetMedia()
	switch {
	case c.GetIsProtected():
		return ShapeWords
	case m == nil:
		return ShapeText
	}
	if k := mediaKindsByName[m.Kind]; k.posts != nil && k.posts(m) {
		return k.shape
	}
	return ShapeWords
}

// AlbumOf names the albums in which a kind of media can be, "" for none. Kinds with the same name can be in one album
// together.
func AlbumOf(kind string) string { return mediaKindsByName[kind].album }
