package bot

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Methods that edit a message other than a text.
const (
	methodEditCaption  = "editMessageCaption"
	methodEditMedia    = "editMessageMedia"
	methodEditLocation = "editMessageLiveLocation"
	methodStopLocation = "stopMessageLiveLocation"
	methodStopPoll     = "stopPoll"
)

// body returns what is sent. It is the message itself, except for editMessageMedia, whose field "media" is one medium
// where sendMediaGroup has a list.
func (m *outgoing) body() any {
	if m.replacing == nil {
		return m
	}
	return struct {
		*outgoing
		Media *albumPart `json:"media"`
	}{m, m.replacing}
}

// errNewVoice: InputMedia, which editMessageMedia takes, has no voice.
var errNewVoice = errors.New("no bot can put a voice message in the place of another message")

// setEdit renders the edit of one part of a copy: of a text, a medium with a caption, a live location, or a poll.
func (m *outgoing) setEdit(lang string, e *messages.EditCopyCall) error {
	c := e.GetCopy()
	media, previous := c.GetContent().GetMedia(), e.GetFormer().GetMedia()
	m.edits(methodEditText, e.GetMessageId())
	switch shape := messages.ShapeOf(c.GetContent()); {
	case shape == messages.ShapeLabelled && c.GetPart() == 0: // the text before the medium
		m.setSaid(lang, c)
	case shape == messages.ShapeLabelled && media.GetKind() == messages.MediaPoll:
		m.method = methodStopPoll
	case shape == messages.ShapeLabelled:
		m.setLocation(media.GetLocation())
	case shape == messages.ShapeCaptioned && c.GetPart() == 0:
		r := renderCopy(lang, c)
		if messages.ShapeOf(e.GetFormer()) == messages.ShapeCaptioned && sameMedium(previous, media) {
			m.method = methodEditCaption
			m.mediaFields = &mediaFields{
				Caption: r.Text, CaptionEntities: r.Entities, CaptionAbove: media.GetShowCaptionAboveMedia(),
			}
			return nil
		}
		if media.GetKind() == messages.MediaVoice {
			return errNewVoice
		}
		m.setMedia(media)
		f := m.mediaFields
		m.method, m.mediaFields = methodEditMedia, nil
		m.replacing = &albumPart{
			Type: media.GetKind(), Media: media.GetFileId(), Caption: r.Text, CaptionEntities: r.Entities,
			CaptionAbove: f.CaptionAbove, Spoiler: f.Spoiler,
		}
		if media.GetKind() == messages.MediaLivePhoto {
			m.replacing.Photo = media.GetPhotoFileId()
		}
	default:
		m.setSaid(lang, c)
	}
	return nil
}

// setLocation moves a live location, or stops it.
func (m *outgoing) setLocation(l *messages.Location) {
	if l.GetLivePeriod() == 0 {
		m.method = methodStopLocation
		return
	}
	m.method = methodEditLocation
	m.mediaFields = &mediaFields{
		LivePeriod: l.LivePeriod, Accuracy: l.HorizontalAccuracy, Heading: l.Heading, Proximity: l.ProximityAlertRadius,
	}
	m.at(l)
}

// sameMedium says whether an edit left the medium as it was, and changed at most the caption.
func sameMedium(a, b *messages.Media) bool {
	return a.GetKind() == b.GetKind() && a.GetHasSpoiler() == b.GetHasSpoiler() &&
		(a.GetFileUniqueId() != "" && a.GetFileUniqueId() == b.GetFileUniqueId() || proto.Equal(a, b))
}
