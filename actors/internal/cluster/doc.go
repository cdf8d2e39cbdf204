// Package cluster places the shards of a desk on its nodes, by Proto.Actor's cluster over etcd, and ends a node that
// must not go on (fence.go). It knows nothing of entities.
//
// Proto.Actor does not promise that an actor of the cluster is active only once. A node that was paused, or whose lease
// in etcd has ended, would go on beside the new owners of its shards. So that nothing comes of it:
//   - each 500 ms the node renews its lease, looks whether its key in etcd is the one that it made, and reads who the others
//     are; it ends itself when its key is gone, or when another node is at its address;
//   - it also ends itself when it was paused, or its machine slept;
//   - while it can't look, it has no shards: from suspendAfter on, which is before others take them over;
//   - a shard asks at each message whether its node has it still (entity.Placement, Owner);
//   - whoever sends waits a second at most, forgets where the shard was, and asks for it again;
//   - storage has the last word (entity, epoch.go).
package cluster
