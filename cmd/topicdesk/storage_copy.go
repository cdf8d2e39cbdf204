package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/topicdesk/topicdesk/storage"
)

var errDiffers = errors.New("the target has other records than the source; copy with the service stopped, " +
	"to an empty database or to the one that this copy began")

// copyTarget is a store that can be marked as half of a copy. Then nothing but a copy opens it.
type copyTarget interface {
	wholeStore
	Unfinished(ctx context.Context) (bool, error)
	BeginCopy(ctx context.Context) error
	EndCopy(ctx context.Context) error
}

// copyInto copies a desk into a target that is empty or half of a copy, which is a desk only when all is compared. A
// target that is a desk already is only compared: whoever serves it would find records of both in it.
func copyInto(ctx context.Context, from storage.Dumper, to copyTarget, p *progress) error {
	begun, err := to.Unfinished(ctx)
	if err != nil {
		return err
	}
	if !begun {
		empty, err := isEmpty(ctx, to)
		if err != nil {
			return err
		}
		if !empty {
			return compareDesks(ctx, from, to, p)
		}
		if err := to.BeginCopy(ctx); err != nil {
			return err
		}
	}
	if err := copyDesk(ctx, from, to, p); err != nil {
		return err
	}
	return to.EndCopy(ctx)
}

func isEmpty(ctx context.Context, of storage.Dumper) (bool, error) {
	for _, collection := range storage.Collections {
		for _, err := range of.Dump(ctx, collection, nil) {
			return false, err
		}
	}
	return true, nil
}

// copyDesk copies all records that the target lacks, then compares all of them. It copies in the order of keys, so
// what an earlier run has copied is the beginning of a collection.
func copyDesk(ctx context.Context, from, to storage.Dumper, p *progress) error {
	for _, collection := range storage.Collections {
		total, err := from.Count(ctx, collection)
		if err != nil {
			return fmt.Errorf("count %s: %w", collection, err)
		}
		t := p.begin("copy "+collection, "records", total)
		err = copyCollection(ctx, from, to, collection, t)
		t.end(err)
		if err != nil {
			return fmt.Errorf("copy %s: %w", collection, err)
		}
	}
	return compareDesks(ctx, from, to, p)
}

// compareDesks compares all records.
func compareDesks(ctx context.Context, from, to storage.Dumper, p *progress) error {
	sum := int64(0)
	for _, collection := range storage.Collections {
		total, err := from.Count(ctx, collection)
		if err != nil {
			return fmt.Errorf("count %s: %w", collection, err)
		}
		t := p.begin("compare "+collection, "records", total)
		n, err := compareCollection(ctx, from, to, collection, t)
		t.end(err)
		if err != nil {
			return fmt.Errorf("compare %s: %w", collection, err)
		}
		sum += n
	}
	p.say("copied: %d records, every one compared", sum)
	return nil
}

// copyCollection copies the records of a collection that the target lacks, after comparing those that it has.
func copyCollection(ctx context.Context, from, to storage.Dumper, collection string,
	t *task) error {
	stored, stop := iter.Pull2(to.Dump(ctx, collection, nil))
	defer stop()
	var batch []any
	load := func() error {
		err := to.Load(ctx, batch)
		if errors.Is(err, storage.ErrConflict) {
			err = fmt.Errorf("%w (%w)", errDiffers, err)
		}
		n := len(batch)
		batch = nil
		if err != nil {
			return err
		}
		t.add(n)
		return nil
	}
	end := false // the target has no more records
	for record, err := range from.Dump(ctx, collection, nil) {
		if err != nil {
			return err
		}
		if !end {
			have, err, ok := stored()
			if err != nil {
				return err
			}
			if end = !ok; ok {
				if err := sameRecord(record, have); err != nil {
					return err
				}
				t.add(1)
				continue
			}
		}
		if batch = append(batch, record); len(batch) == copyBatch {
			if err := load(); err != nil {
				return err
			}
		}
	}
	if !end {
		if _, err, ok := stored(); err != nil || ok {
			return cmp.Or(err, errDiffers)
		}
	}
	return load()
}

// copyBatch is how many records are written together. Tickets can be large.
const copyBatch = 500

// compareCollection compares a collection of both databases and returns how many records it has.
func compareCollection(ctx context.Context, from, to storage.Dumper, collection string, t *task) (n int64, err error) {
	stored, stop := iter.Pull2(to.Dump(ctx, collection, nil))
	defer stop()
	for record, err := range from.Dump(ctx, collection, nil) {
		if err != nil {
			return n, err
		}
		have, err, ok := stored()
		if err != nil || !ok {
			return n, cmp.Or(err, errDiffers)
		}
		if err := sameRecord(record, have); err != nil {
			return n, err
		}
		n++
		t.add(1)
	}
	if _, err, ok := stored(); err != nil || ok {
		return n, cmp.Or(err, errDiffers)
	}
	return n, nil
}

// sameRecord returns an error unless both records have the same exported form.
func sameRecord(a, b any) error {
	x, err := storage.Encode(a)
	if err != nil {
		return err
	}
	y, err := storage.Encode(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(x, y) {
		return errDiffers
	}
	return nil
}
