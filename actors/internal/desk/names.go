package desk

import (
	"time"

	"github.com/topicdesk/topicdesk/ids"
)

// Names that are stored or travel between entities.
const (
	HomeTopic ids.TopicKey = "home" // the id of every ticket's home topic

	CopyPartial = "partial"
	CopySent    = "sent"
	CopyFailed  = "failed"
	CopyGone    = "gone" // deleted, like its original

	PendingOperation = "operation"
	PendingCommand   = "command"

	StatusOpen    = "open"
	StatusPending = "pending"
	StatusClosed  = "closed"
)

// Limits and times that several rooms keep to.
const (
	// PendingFor is how long after a write the sweep wakes an entity that still has something pending.
	PendingFor = time.Minute
	// PendingAnswersLimit is how many answers of a chat or a ticket are pending at most: more than a group's pace lets out
	// in two minutes.
	PendingAnswersLimit = 50

	// PageOfMessages is how many messages, or other records, are read together.
	PageOfMessages = 100
	// AlbumsRecalled is how many messages before a part are searched for the beginning of its album after a restart.
	AlbumsRecalled = 20

	// LagShown is the lag from which on people are told that a group is behind.
	LagShown = 5 * time.Second

	// FailureEmoji is the reaction on a message whose copy failed for a reason that was reported before.
	FailureEmoji = "😢"
)
