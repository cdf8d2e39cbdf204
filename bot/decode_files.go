package bot

import "github.com/topicdesk/topicdesk/messages"

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

func (f *wireFile) into(m *messages.Media) {
	m.FileId, m.FileUniqueId = f.ID, f.UniqueID
	m.FileName, m.MimeType, m.FileSize = messages.WithoutDirection(f.Name), f.MimeType, max(f.Size, 0)
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

// wireSizes is a photo, in all its sizes.
type wireSizes []wireFile

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
