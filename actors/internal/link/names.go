package link

const (
	laneWindow       = 16  // copies of a lane that a chat has at once
	laneLimit        = 256 // copies of a lane in memory; the rest is read when there is room
	openCopiesAtOnce = 10_000
	reportEvery      = 32 // settled messages

	// recentCopies is how many counterparts a lane remembers, to spare a look into storage, which knows them too. A busy node has
	// hundreds of these lists.
	recentCopies = 16
)
