package ticket

import "time"

// Words that are stored.
const (
	pendingRetry  = "retry" // a failed copy to be tried again, until its link has written that down
	pendingNotice = "word"  // to whoever waits for the topic that the id names

	priorityNormal = "normal"
)

const (
	// adoptionWait is how long our own forum_topic_created is waited for after an unknown outcome of createForumTopic.
	adoptionWait = 5 * time.Second
	// adoptionWaitsAtMost is how often that is waited while no updates come in.
	adoptionWaitsAtMost = 24

	// recentMessages is how many of its newest messages a ticket remembers, to spare a look into storage, which knows them too. A
	// busy node has hundreds of these lists.
	recentMessages = 16
)
