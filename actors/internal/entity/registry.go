package entity

import cmap "github.com/orcaman/concurrent-map"

// Proto.Actor finds its processes, each Ask's future among them, in 1,024 maps, of which the library of maps makes 32 each: a
// service that talks has soon used all 32,768 once, and each keeps its first 300 bytes for ever. One each is enough to keep cores
// out of each other's way. The number is a variable of that library for its users to set; before any map is made.
func init() { cmap.SHARD_COUNT = 1 }
