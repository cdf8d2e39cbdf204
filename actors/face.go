package actors

import (
	"github.com/topicdesk/topicdesk/actors/internal/attachment"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/link"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/actors/internal/poller"
)

// What the rooms ask of those who use the actors, and what those may know of the rooms.
type (
	Telegram           = desk.Telegram
	Pace               = pace.Pace
	Intake             = poller.Intake
	Downloads          = attachment.Downloads
	DownloadError      = attachment.DownloadError
	Upload             = attachment.Upload
	UploadRefusedError = attachment.UploadRefusedError
)

// ErrUploadDiffers says that the same command has brought another file before.
var ErrUploadDiffers = attachment.ErrUploadDiffers

const (
	// DefaultKeyRate and DefaultKeyBurst are the limits of an API key that has none of its own: requests a second, and at once.
	DefaultKeyRate  = desk.DefaultKeyRate
	DefaultKeyBurst = desk.DefaultKeyBurst

	// GatherFor is how long after its newest part an album is complete.
	GatherFor = link.GatherFor
)
