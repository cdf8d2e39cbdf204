package link

const (
	laneWindow       = 16  // copies of a lane that a chat has at once
	laneLimit        = 256 // copies of a lane in memory; the rest is read when there is room
	openCopiesAtOnce = 10_000
	reportEvery      = 32 // settled messages

	// recentCopies is how many counterparts a lane remembers to save look-ups in storage, which knows them all. A
	// busy node has hundreds of these lists.
	recentCopies = 16
)
