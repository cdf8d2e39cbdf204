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

// MediaKinds lists them all, the more telling first: an animation also carries a document, a venue also a location, a live
// photo also a photo.
var MediaKinds = []string{
	MediaAnimation, MediaLivePhoto, MediaPaid, MediaPhoto, MediaVideo, MediaVideoNote, MediaVoice, MediaAudio, MediaDocument,
	MediaSticker, MediaStory, MediaChecklist, MediaContact, MediaDice, MediaGame, MediaPoll, MediaVenue, MediaLocation,
	MediaInvoice, MediaRichMessage, MediaGiveaway, MediaGiveawayWinners, MediaGift, MediaUniqueGift,
}

// HasCaption says whether a message of this kind of media bears a caption.
func HasCaption(kind string) bool {
	switch kind {
	case MediaAnimation, MediaAudio, MediaDocument, MediaLivePhoto, MediaPaid, MediaPhoto, MediaVideo, MediaVoice:
		return true
	}
	return false
}
