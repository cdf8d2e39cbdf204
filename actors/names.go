package actors

import "time"

// Words that are stored or travel between entities.
const (
	homeTopic = "home" // topic id of a ticket's home topic

	copyPartial = "partial"
	copySent    = "sent"
	copyFailed  = "failed"
	copyGone    = "gone" // deleted with its original

	owedOperation = "operation"
	owedCommand   = "command"
	owedRetry     = "retry" // a failed copy to be tried again, until its link has written that down
	owedWord      = "word"  // to whoever waits for the topic that the id names

	statusOpen    = "open"
	statusPending = "pending"
	statusClosed  = "closed"

	priorityNormal = "normal"
)

// Limits and times of entities.
const (
	// owedFor is how long after a write the sweep wakes an entity that still owes something.
	owedFor = time.Minute
	// offerAgainAfter is how long an owner waits for Done before it offers an operation again.
	offerAgainAfter = 30 * time.Second
	// adoptionWait is how long our own forum_topic_created is waited for after an unknown outcome of createForumTopic.
	adoptionWait = 5 * time.Second
	// adoptionWaitsAtMost is how often that is waited while no updates come in.
	adoptionWaitsAtMost = 24

	// owedAnswersLimit is how many answers a chat or a ticket owes at most: over two minutes of a group's pace.
	owedAnswersLimit = 50

	laneWindow       = 16  // copies of a lane that a chat has at once
	laneLimit        = 256 // copies of a lane in memory; the rest is read when there is room
	pageOfMessages   = 100
	openCopiesAtOnce = 10_000
	reportEvery      = 32 // settled messages

	// What is remembered to spare a look into storage, which knows it, too: of a ticket the newest messages, of a lane their
	// counterparts. A busy node has hundreds of these lists.
	recentMessages = 16
	recentCopies   = 16
)
