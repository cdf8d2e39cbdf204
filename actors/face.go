package actors

import (
	"github.com/topicdesk/topicdesk/actors/internal/attachment"
	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/actors/internal/collect"
	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/link"
	"github.com/topicdesk/topicdesk/actors/internal/monitor"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/actors/internal/poller"
	"github.com/topicdesk/topicdesk/actors/internal/report"
	"github.com/topicdesk/topicdesk/actors/internal/webhook"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What users of the actors need of the rooms: the interfaces that they implement, and the types that they pass.
type (
	Telegram           = desk.Telegram
	Pace               = pace.Pace
	Intake             = poller.Intake
	UpdateKeeper       = poller.Keeper
	Downloads          = attachment.Downloads
	DownloadError      = attachment.DownloadError
	Upload             = attachment.Upload
	UploadRefusedError = attachment.UploadRefusedError

	ClusterOptions = cluster.Options
	ClusterTLS     = cluster.TLS
	ClusterEtcd    = cluster.Etcd

	WebhookOptions = webhook.Deps
	WebhookPolicy  = delivery.Policy

	ReportOptions = report.Options

	MonitorOptions = monitor.Options
	Condition      = monitor.Condition
	ErrorCollector = collect.Collector
)

// NewErrorCollector makes what gathers the warnings and errors that a process logs: its handler stands before the logger's own, and
// MonitorOptions take it. redact masks secrets.
func NewErrorCollector(redact func(string) string) *ErrorCollector {
	return collect.New(collect.Options{Redact: redact, Sentinels: map[string]error{
		"storage unavailable": storage.ErrUnavailable, "storage conflict": storage.ErrConflict, "not found": storage.ErrNotFound,
		"exists": storage.ErrExists, "no answer": ErrNoAnswer, "not accepted": ErrNotAccepted, "fault": messages.ErrFault,
	}})
}

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
