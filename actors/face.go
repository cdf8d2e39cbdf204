package actors

import (
	"github.com/topicdesk/topicdesk/actors/internal/attachment"
	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/link"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/actors/internal/poller"
	"github.com/topicdesk/topicdesk/actors/internal/webhook"
)

// What users of the actors need of the rooms: the interfaces that they implement, and the types that they pass.
type (
	Telegram           = desk.Telegram
	Pace               = pace.Pace
	Intake             = poller.Intake
	Downloads          = attachment.Downloads
	DownloadError      = attachment.DownloadError
	Upload             = attachment.Upload
	UploadRefusedError = attachment.UploadRefusedError

	ClusterOptions = cluster.Options
	ClusterTLS     = cluster.TLS
	ClusterEtcd    = cluster.Etcd

	WebhookOptions = webhook.Deps
	WebhookPolicy  = delivery.Policy
)

// ErrFileDamaged says that the content of a file is not what its record says.
var ErrFileDamaged = attachment.ErrDamaged

// ErrUploadDiffers says that the same command has uploaded another file before.
var ErrUploadDiffers = attachment.ErrUploadDiffers

const (
	// DefaultKeyRate and DefaultKeyBurst are the limits of an API key that has none of its own: requests a second, and
	// requests together after a quiet time.
	DefaultKeyRate  = desk.DefaultKeyRate
	DefaultKeyBurst = desk.DefaultKeyBurst

	// GatherFor is the time after its newest part at which an album counts as complete.
	GatherFor = link.GatherFor
)
