package storage

import "time"

// Media is what a message carries besides text. Kind is the name of the Bot API's field of Message: photo, document,
// video_note, … Only the fields that belong to the kind are set.
type Media struct {
	Kind                  string `json:"kind"`
	FileID                string `json:"fileId,omitempty"`       // valid for this bot; "" when it is not a file
	FileUniqueID          string `json:"fileUniqueId,omitempty"` // the same over time and for all bots
	FileName              string `json:"fileName,omitempty"`
	MimeType              string `json:"mimeType,omitempty"`
	FileSize              int64  `json:"fileSize,omitempty"` // bytes; 0: unknown
	Width                 int32  `json:"width,omitempty"`
	Height                int32  `json:"height,omitempty"`
	Duration              int32  `json:"duration,omitempty"`     // seconds
	MediaGroupID          string `json:"mediaGroupId,omitempty"` // the album that the message is a part of
	HasSpoiler            bool   `json:"hasSpoiler,omitempty"`
	ShowCaptionAboveMedia bool   `json:"showCaptionAboveMedia,omitempty"`
	// Title is that of an audio, a game, an invoice, a gift or a checklist; of a giveaway it is the prize.
	Title     string `json:"title,omitempty"`
	Performer string `json:"performer,omitempty"` // of an audio
	Emoji     string `json:"emoji,omitempty"`     // of a sticker, a dice
	SetName   string `json:"setName,omitempty"`   // of a sticker
	// Value is the result of a dice, the stars of paid media, or the number of winners of a giveaway.
	Value           int32      `json:"value,omitempty"`
	ThumbnailFileID string     `json:"thumbnailFileId,omitempty"`
	PhotoFileID     string     `json:"photoFileId,omitempty"` // of a live photo: the still picture
	Location        *Location  `json:"location,omitempty"`    // also of a venue
	Venue           *Venue     `json:"venue,omitempty"`
	Contact         *Contact   `json:"contact,omitempty"`
	Poll            *Poll      `json:"poll,omitempty"`
	Details         string     `json:"details,omitempty"` // its readable content
	Checklist       *Checklist `json:"checklist,omitempty"`
	Source          string     `json:"source,omitempty"` // of a story or giveaway: the chat it is from
	SHA256          string     `json:"sha256,omitempty"` // of a file from outside Telegram, which has no FileID
}

// Location is a point on the map.
type Location struct {
	Latitude             float64 `json:"latitude"`
	Longitude            float64 `json:"longitude"`
	HorizontalAccuracy   float64 `json:"horizontalAccuracy,omitempty"` // metres
	LivePeriod           int32   `json:"livePeriod,omitempty"`         // seconds; 0: not live
	Heading              int32   `json:"heading,omitempty"`            // degrees
	ProximityAlertRadius int32   `json:"proximityAlertRadius,omitempty"`
}

// Venue is what is at a location.
type Venue struct {
	Title           string `json:"title"`
	Address         string `json:"address"`
	FoursquareID    string `json:"foursquareId,omitempty"`
	FoursquareType  string `json:"foursquareType,omitempty"`
	GooglePlaceID   string `json:"googlePlaceId,omitempty"`
	GooglePlaceType string `json:"googlePlaceType,omitempty"`
}

// Contact is a phone contact.
type Contact struct {
	PhoneNumber string `json:"phoneNumber"`
	FirstName   string `json:"firstName"`
	LastName    string `json:"lastName,omitempty"`
	UserID      int64  `json:"userId,omitempty"`
	VCard       string `json:"vcard,omitempty"`
}

// Poll is a poll as it was sent; votes are not kept.
type Poll struct {
	Question              string       `json:"question"`
	QuestionEntities      []Entity     `json:"questionEntities,omitempty"`
	Options               []PollOption `json:"options,omitempty"`
	IsQuiz                bool         `json:"isQuiz,omitempty"`
	IsAnonymous           bool         `json:"isAnonymous,omitempty"`
	AllowsMultipleAnswers bool         `json:"allowsMultipleAnswers,omitempty"`
	IsClosed              bool         `json:"isClosed,omitempty"`
	Description           string       `json:"description,omitempty"`
	DescriptionEntities   []Entity     `json:"descriptionEntities,omitempty"`
	MediaKind             string       `json:"mediaKind,omitempty"` // of the medium in the description
}

// PollOption is one option of a poll.
type PollOption struct {
	Text     string   `json:"text"`
	Entities []Entity `json:"entities,omitempty"`
}

// Checklist is a list of tasks, as it was sent.
type Checklist struct {
	Title         string          `json:"title"`
	TitleEntities []Entity        `json:"titleEntities,omitempty"`
	Tasks         []ChecklistTask `json:"tasks,omitempty"`
}

// ChecklistTask is one task of a checklist.
type ChecklistTask struct {
	Text     string   `json:"text"`
	Entities []Entity `json:"entities,omitempty"`
	Done     bool     `json:"done,omitempty"`
}

// Forward is where a forwarded message comes from.
type Forward struct {
	Kind      string    `json:"kind"` // user | hidden_user | chat | channel
	ID        int64     `json:"id,omitempty"`
	Name      string    `json:"name"`
	Username  string    `json:"username,omitempty"`
	Signature string    `json:"signature,omitempty"` // the author's, in a chat or channel
	MessageID int64     `json:"messageId,omitempty"` // in a channel
	Date      time.Time `json:"date,omitzero"`
}

// AlbumPart is another copy of the same album, as the first copy's record lists it.
type AlbumPart struct {
	MessageID string `json:"messageId"` // of the original
	Part      int64  `json:"part"`      // Telegram's message id of the copy
	Wanted    int    `json:"wanted"`
	Bare      bool   `json:"bare,omitempty"`
}
