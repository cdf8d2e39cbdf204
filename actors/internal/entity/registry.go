package entity

import cmap "github.com/orcaman/concurrent-map"

// Proto.Actor's registry of processes, which includes the future of each Ask, has 1,024 buckets, and its map library
// makes each bucket 32 maps. A service that talks soon uses all 32,768 once, and each keeps its first 300 bytes
// forever. One map per bucket is enough to keep cores out of each other's way (docs/decisions.md, D47). The library
// lets its users set this number, but only before any map is made.
func init() { cmap.SHARD_COUNT = 1 }
