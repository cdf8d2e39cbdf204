package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"github.com/topicdesk/topicdesk/storage"
)

var errDiffers = errors.New("the target has other records than the source; copy with the service stopped, " +
	"to an empty database or to the one that this copy began")

// copyDesk copies all records that the target lacks, then compares all of them. It copies in the order of keys, so
// what an earlier run has copied is the beginning of a collection.
func copyDesk(ctx context.Context, from, to storage.Dumper, p *progress) error {
	for _, collection := range storage.Collections {
		total, err := from.Count(ctx, collection)
		if err != nil {
			return fmt.Errorf("count %s: %w", collection, err)
		}
		bar := p.start("copy "+collection, total)
		err = copyCollection(ctx, from, to, collection, bar)
		p.finish(bar)
		if err != nil {
			return fmt.Errorf("copy %s: %w", collection, err)
		}
	}
	sum := int64(0)
	for _, collection := range storage.Collections {
		n, err := compareCollection(ctx, from, to, collection)
		if err != nil {
			return fmt.Errorf("compare %s: %w", collection, err)
		}
		p.say("%-8s %d records, the same in both", collection, n)
		sum += n
	}
	p.say("copied: %d records, every one compared", sum)
	return nil
}

// copyCollection copies the records of a collection that the target lacks, after comparing those that it has.
func copyCollection(ctx context.Context, from, to storage.Dumper, collection string,
	bar *progressbar.ProgressBar) error {
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
		return bar.Add(n)
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
				if err := bar.Add(1); err != nil {
					return err
				}
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
func compareCollection(ctx context.Context, from, to storage.Dumper, collection string) (n int64, err error) {
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

// progress shows how far the copy is: bars on a terminal, lines elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && isatty.IsTerminal(f.Fd())}
}

func (p *progress) start(what string, total int64) *progressbar.ProgressBar {
	out := p.out
	if !p.terminal {
		out = io.Discard
		p.say("%s: %d records", what, total)
	}
	return progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(out),
		progressbar.OptionSetDescription(fmt.Sprintf("%-13s", what)), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond))
}

func (p *progress) finish(bar *progressbar.ProgressBar) {
	_ = bar.Exit()
	if p.terminal {
		p.say("")
	}
}

func (p *progress) say(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }
