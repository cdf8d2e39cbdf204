package entity

import (
	"context"
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// How an activation becomes the owner of its entity: it takes a lease, and with it the next epoch, and loads. While a
// cluster changes, two activations of one entity may exist for a moment. Storage lets one of them write; the other one
// meets a conflict, reads the lease, and stops when its epoch is not the newest.

// start makes the activation the owner, loads the entity and resumes what is pending. An Unborn entity takes its epoch
// only when it has read that its record exists.
func (h *Host) start() error {
	if _, unborn := h.entity.(Unborn); !unborn {
		if err := h.takeEpoch(); err != nil {
			return err
		}
	}
	return h.Reload()
}

// ensureEpoch takes the epoch of an entity that made its record in an earlier turn, before anything else is done with
// the record. Only the record's id protects the write that made it, so whoever waits for that write does not wait for
// a lease too (docs/decisions.md, D48). If two activations met in that write, the one that takes its lease last stays.
func (h *Host) ensureEpoch(m any) error {
	if h.epoch != 0 || h.kind.reads(m) || h.unborn() {
		return nil
	}
	return h.takeEpoch()
}

// unborn says whether the entity takes no lease yet, because its record does not exist.
func (h *Host) unborn() bool {
	e, ok := h.entity.(Unborn)
	return ok && e.Unborn()
}

func (h *Host) leaseID() string { return entityKey{h.kind.Name, h.ID}.String() }

// takeEpoch takes the lease, which fences all earlier activations.
func (h *Host) takeEpoch() error {
	epoch, err := h.Store.TakeLease(h.Ctx, h.leaseID(), h.Owner, h.Now())
	if err != nil {
		return fmt.Errorf("take the lease: %w", err)
	}
	h.epoch = epoch
	if h.kind.Single {
		h.lease = &messages.NodeLease{Entity: h.leaseID(), Epoch: epoch, SinceMs: h.Now().UnixMilli()}
		h.node.leases.Store(h.leaseID(), h.lease)
	}
	return nil
}

// dropLease has the node tell no more that the entity is here, unless a newer activation is.
func (h *Host) dropLease() {
	if h.lease != nil {
		h.node.leases.CompareAndDelete(h.leaseID(), h.lease)
	}
}

// Reload reads the entity from storage again and resumes what is pending.
func (h *Host) Reload() error {
	h.loaded = false
	h.stopTimers()
	if err := h.entity.Load(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	// If somebody writes the record between the read and the lease, our first write conflicts and we read again.
	if h.epoch == 0 && !h.unborn() {
		if err := h.takeEpoch(); err != nil {
			return err
		}
	}
	if err := h.entity.Resume(); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	h.loaded = true
	return nil
}

// Newest says whether this activation is the newest of its entity, as storage knows it.
func (h *Host) Newest(ctx context.Context) (bool, error) {
	lease, err := h.Store.Lease(ctx, h.leaseID())
	if err != nil {
		return false, fmt.Errorf("read the lease: %w", err)
	}
	return lease.Epoch == h.epoch, nil
}

// fence handles a conflict. An activation whose epoch is the newest reads again and goes on; any other one is fenced:
// it tells its shard that it leaves, and returns storage.ErrConflict.
func (h *Host) fence() error {
	lease, err := h.Store.Lease(h.Ctx, h.leaseID())
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // an unborn entity has no lease
		return fmt.Errorf("read the lease: %w", err)
	}
	if lease.Epoch != h.epoch {
		h.Log.Warn("fenced: a newer activation owns this entity", "epoch", h.epoch, "newest", lease.Epoch)
		h.fenced = true
		h.dropLease()
		h.node.system.Root.Send(h.parent, retired{pid: h.self, must: true})
		return storage.ErrConflict
	}
	return h.Reload()
}
