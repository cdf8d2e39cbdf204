package messages

// Kinds of media: the field of the Bot API's Message that carries it.
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

// MediaKinds lists them all.
var MediaKinds = []string{
	MediaAnimation, MediaLivePhoto, MediaPaid, MediaPhoto, MediaVideo, MediaVideoNote, MediaVoice, MediaAudio, MediaDocument,
	MediaSticker, MediaStory, MediaChecklist, MediaContact, MediaDice, MediaGame, MediaPoll, MediaVenue, MediaLocation,
	MediaInvoice, MediaRichMessage, MediaGiveaway, MediaGiveawayWinners, MediaGift, MediaUniqueGift,
}

// Shape is how a copy of a content is made.
type Shape int

const (
	ShapeText      Shape = iota // a text, which may take several messages
	ShapeWords                  // one text that says what it was: Telegram gives no way to post it again
	ShapeCaptioned              // the medium with the sender's name in its caption; what does not fit follows as texts
	ShapeLabelled               // a short text with the sender's name, then the medium, which can't have a caption
)

// maxPollOptions is how many answers a poll that is sent may have.
const maxPollOptions = 12

// ShapeOf says how a copy of a content is made.
func ShapeOf(c *Content) Shape {
	m := c.GetMedia()
	switch {
	case c.GetIsProtected():
		return ShapeWords
	case m == nil:
		return ShapeText
	}
	switch m.Kind {
	case MediaAnimation, MediaAudio, MediaDocument, MediaPhoto, MediaVideo, MediaVoice:
		if m.FileId != "" || m.Sha256 != "" {
			return ShapeCaptioned
		}
	case MediaLivePhoto:
		if m.FileId != "" && m.PhotoFileId != "" {
			return ShapeCaptioned
		}
	case MediaSticker, MediaVideoNote:
		if m.FileId != "" || m.Sha256 != "" {
			return ShapeLabelled
		}
	case MediaLocation:
		if m.Location != nil {
			return ShapeLabelled
		}
	case MediaVenue:
		if m.Location != nil && m.Venue.GetTitle() != "" && m.Venue.GetAddress() != "" {
			return ShapeLabelled
		}
	case MediaContact:
		if m.Contact.GetPhoneNumber() != "" && m.Contact.GetFirstName() != "" {
			return ShapeLabelled
		}
	case MediaPoll:
		if n := len(m.Poll.GetOptions()); !m.Poll.GetIsQuiz() && n > 0 && n <= maxPollOptions && m.Poll.Question != "" {
			return ShapeLabelled
		}
	}
	return ShapeWords // a dice would fall another way; the others can't be sent by a bot
}
