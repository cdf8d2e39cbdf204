package ticket

import "time"

// Values that records hold: the ticket's own kinds of storage.Pending, and the priority of a new ticket.
const (
	pendingRetry  = "retry" // a failed copy that is to be tried again, until its link has written that down
	pendingNotice = "word"  // a notice to whoever waits for the topic that the id names

	priorityNormal = "normal"
)

const (
	// adoptionWait is how long the ticket waits for the bot's own forum_topic_created when it does not know how
	// createForumTopic ended.
	adoptionWait = 5 * time.Second
	// adoptionWaitsAtMost is how often it waits again while no updates arrive.
	adoptionWaitsAtMost = 24

	// recentMessages is how many of its newest messages a ticket remembers, so that it need not ask storage about a
	// repeated one. A busy node has hundreds of these lists.
	recentMessages = 16
)
