package desk

import "time"

// Words that are stored or travel between entities.
const (
	HomeTopic = "home" // topic id of a ticket's home topic

	CopyPartial = "partial"
	CopySent    = "sent"
	CopyFailed  = "failed"
	CopyGone    = "gone" // deleted with its original

	OwedOperation = "operation"
	OwedCommand   = "command"

	StatusOpen    = "open"
	StatusPending = "pending"
	StatusClosed  = "closed"
)

// Limits and times that several rooms keep to.
const (
	// owedFor is how long after a write the sweep wakes an entity that still owes something.
	OwedFor = time.Minute
	// owedAnswersLimit is how many answers a chat or a ticket owes at most: over two minutes of a group's pace.
	OwedAnswersLimit = 50

	PageOfMessages = 100
	// albumsRecalled is how many messages before a part are looked at for the beginning of its album, after a restart.
	AlbumsRecalled = 20

	// LagShown is from when on people are told that a group is behind.
	LagShown = 5 * time.Second

	// failureEmoji is the reaction on a message that did not arrive, when the reason was told before.
	FailureEmoji = "😢"
)
