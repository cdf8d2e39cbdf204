package entity

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// How an activation becomes the owner of its entity: it takes a lease, and with it the next epoch, and loads. While a
// cluster changes, two activations of one entity may exist for a moment. Storage lets one of them write; the other one
// meets a conflict, reads the lease, and stops when its epoch is not the newest. On a node of a cluster an activation reads
// the lease before it says anything on the ground of what it has in memory, and before a call that can't be undone
// (docs/decisions.md, D143). A node alone never does: it has no others.

// ErrOvertaken says that storage knows a newer activation. Like any conflict it has the host look, and stop.
var ErrOvertaken = fmt.Errorf("a newer activation exists: %w", storage.ErrConflict)

// start makes the activation the owner, loads the entity and resumes what is pending. An Unborn entity takes its epoch
// only when it has read that its record exists.
func (h *Host) start() error {
	_, unborn := h.entity.(Unborn)
	if unborn && h.Clustered() { // one that has a lease exists, and what is read after a lease is taken is the newest
		switch _, err := h.Store.Lease(h.Ctx, h.leaseID()); {
		case err == nil:
			unborn = false
		case !errors.Is(err, storage.ErrNotFound):
			return fmt.Errorf("read the lease: %w", err)
		}
	}
	if !unborn {
		if err := h.takeEpoch(); err != nil {
			return err
		}
	}
	return h.Reload()
}

// begin makes the entity ready for a message. One whose record does not exist is read again each time on a node of a
// cluster: another node may have made it.
func (h *Host) begin(m any) error {
	switch {
	case !h.loaded:
		if err := h.start(); err != nil {
			return err
		}
	case h.stale, h.Clustered() && h.epoch == 0 && h.unborn():
		if err := h.Reload(); err != nil {
			return err
		}
	}
	switch m.(type) {
	case EnqueueAgain, *messages.QueueLost: // what an older activation takes for pending may be done
		switch err := h.Claim().Hold(h.Ctx); {
		case errors.Is(err, ErrOvertaken):
			return h.fence(err)
		case err != nil:
			return err
		}
	}
	return h.ensureEpoch(m)
}

// ensureEpoch takes the epoch of an entity that made its record in an earlier turn, before anything else is done with
// the record. Only the record's id protects the write that made it, so whoever waits for that write does not wait for
// a lease too (docs/decisions.md, D48). If two activations met in that write, the one that takes its lease last stays.
func (h *Host) ensureEpoch(m any) error {
	if h.epoch != 0 || h.kind.reads(m) || h.unborn() {
		return nil
	}
	if err := h.takeEpoch(); err != nil || h.epoch == 1 {
		return err
	}
	return h.Reload() // another activation had the record meanwhile
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
	h.Metrics.activations.WithLabelValues(h.kind.Name).Inc()
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
	h.loaded, h.stale, h.wakes = true, false, false
	return nil
}

// Written is the outcome of a write of the entity's own records. If storage gave no answer, it may have made the write all the same; the
// entity loads again then, so that what follows from it is not left until somebody writes the next time (docs/decisions.md, D272).
func (h *Host) Written(err error) error {
	h.stale = h.stale || errors.Is(err, storage.ErrUnavailable)
	return err
}

// wakeIfStale has an entity load again whose caller may not ask a second time. A message that nobody waits for is handled again anyway.
func (h *Host) wakeIfStale() {
	wake := &messages.Wake{}
	if _, known := h.kind.handlers[reflect.TypeOf(wake)]; known && h.stale && !h.wakes {
		h.wakes = true
		h.Note(wake)
	}
}

// Newest says whether this activation is the newest of its entity, as storage knows it.
func (h *Host) Newest(ctx context.Context) (bool, error) { return h.Claim().Newest(ctx) }

// Claim is an activation's claim to be the newest of its entity. What is done beside the entity's turns asks it before
// each call that can't be undone.
type Claim struct {
	env   *Env
	lease string
	epoch int64
}

// Claim is that of this activation. Call it in the entity's turns.
func (h *Host) Claim() Claim { return Claim{h.Env, h.leaseID(), h.epoch} }

// Hold returns ErrOvertaken when a newer activation exists, and another error when storage does not tell. On a node alone
// there is none.
func (c Claim) Hold(ctx context.Context) error {
	if !c.env.Clustered() {
		return nil
	}
	newest, err := c.Newest(ctx)
	if err == nil && !newest {
		err = ErrOvertaken
	}
	return err
}

// Newest says whether this activation is the newest of its entity, as storage knows it.
func (c Claim) Newest(ctx context.Context) (bool, error) {
	lease, err := c.env.Store.Lease(ctx, c.lease)
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // an unborn entity has no lease
		return false, fmt.Errorf("read the lease: %w", err)
	}
	return lease.Epoch == c.epoch, nil
}

// confirm returns storage.ErrConflict when what the entity has just said or done may rest on what another activation has
// changed: a newer one, or before a refusal an older one, too, which may have written after this one has read. To look
// afterwards is enough: a newer one that does not exist yet will read what this one has written.
func (h *Host) confirm(handler Handler, reply proto.Message) error {
	if !h.Clustered() || !handler.confirmed(reply) {
		return nil
	}
	if err := h.Claim().Hold(h.Ctx); err != nil {
		return err
	}
	switch codeOf(reply) {
	case messages.Code_NOT_FOUND, messages.Code_WRONG_TOPIC, messages.Code_CONFLICT:
		if e, ok := h.entity.(Versioned); ok {
			known, stored, err := e.Versions()
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return fmt.Errorf("read the version: %w", err)
			}
			if known != stored {
				return storage.ErrConflict
			}
		}
	}
	return nil
}

// fence handles a conflict, why. An activation whose epoch is the newest reads again and goes on; any other one is fenced:
// it tells its shard that it leaves, and returns storage.ErrConflict.
func (h *Host) fence(why error) error {
	newest, err := h.Newest(h.Ctx)
	if err != nil {
		return err
	}
	if newest {
		return h.Reload()
	}
	reason := fencedByWrite
	if errors.Is(why, ErrOvertaken) {
		reason = fencedByLease
	}
	h.Log.Warn("fenced: a newer activation owns this entity", "epoch", h.epoch, "reason", reason)
	h.Metrics.fences.WithLabelValues(h.kind.Name, reason).Inc()
	h.fenced = true
	h.dropLease()
	h.ended.Store(true)
	h.node.system.Root.Send(h.parent, retired{pid: h.self, must: true})
	refused := h.refused
	h.refused = nil
	for _, m := range refused {
		h.passOn(m)
	}
	return storage.ErrConflict
}

// Overtaken says that this activation stops because a newer one exists.
func (h *Host) Overtaken() bool { return h.fenced }

// passOn gives a message that nobody waits for to the newest activation. As long as two nodes believe to have the entity,
// that may be a new one on this node; so what its sender sends again by itself is not worth it.
func (h *Host) passOn(m any) {
	switch m := m.(type) {
	case Traced:
		defer h.In(m.mark)()
		h.passOn(m.message)
	case *messages.Send:
	case proto.Message:
		h.Tell(h.kind.Name, h.ID, m)
	default:
		if e, ok := h.entity.(Outlived); ok {
			e.Outlived(m)
		}
	}
}
