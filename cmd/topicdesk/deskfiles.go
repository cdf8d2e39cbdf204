package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
)

// FILES_URL belongs to one desk, as a desk belongs to one bot: whoever cleans up removes contents that no record of his names,
// and of another desk's files that is all of them.

// leaseOfFiles is the lease whose owner is the desk's id, which is also in FILES_URL (files.MarkName). It goes where the records go.
// From its second epoch on the desk has written the mark, or found it.
const leaseOfFiles = "desk/files"

// strangeFilesError says that FILES_URL is not known to have the files of this desk.
type strangeFilesError struct {
	text string
	// serves: the service may run with it, but cleans nothing up.
	serves bool
}

func (e *strangeFilesError) Error() string { return e.text }

// whereFiles names FILES_URL for people.
func whereFiles(c config.Config) string {
	if folder, err := files.Folder(c.Files().URL); err == nil && folder != "" {
		return folder
	}
	address, _, _ := strings.Cut(c.Files().URL, "?") // options may hold secrets
	return config.Redact(address)
}

// filesFolder refuses a folder that does not exist where the desk's attachments should be. Opening it would make it.
func filesFolder(ctx context.Context, records files.Records, c config.Config) error {
	if isFolder, there := localFolder(c); !isFolder || there {
		return nil
	}
	stored, err := files.Stored(ctx, records)
	if err != nil || !stored {
		return err
	}
	return &strangeFilesError{text: fmt.Sprintf("FILES_URL: the desk has attachments, but there is no folder for them at %s. See whether its "+
		"disk is mounted, or set FILES_URL to where they are. If they are lost for good, make that folder", whereFiles(c))}
}

// deskFiles is what a desk and FILES_URL say of each other.
type deskFiles struct {
	lease   storage.Lease // the zero value: the desk has no id yet
	mark    string        // of FILES_URL; "": none
	strange *strangeFilesError
}

// lookAtFiles finds out whether FILES_URL has the files of the desk, and changes nothing. The first error is that of the
// database or of FILES_URL, so nothing is known then.
func lookAtFiles(ctx context.Context, records wholeStore, store *files.Store, c config.Config) (d deskFiles, err error) {
	// The mark is read before the id, since another node may be writing both down, and the id comes first.
	if d.mark, err = store.Mark(ctx); err != nil {
		return d, fmt.Errorf("FILES_URL: %w", err)
	}
	d.lease, err = records.Lease(ctx, leaseOfFiles)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return d, fmt.Errorf("read the id of the desk: %w", err)
	}
	if d.mark == "" && d.lease.Epoch > 1 { // the mark is there by now
		if d.mark, err = store.Mark(ctx); err != nil {
			return d, fmt.Errorf("FILES_URL: %w", err)
		}
	}
	at, db := whereFiles(c), where(c.Database())
	say := func(serves bool, format string, args ...any) (deskFiles, error) {
		d.strange = &strangeFilesError{fmt.Sprintf("FILES_URL: "+format, args...), serves}
		return d, nil
	}
	switch {
	case d.mark != "" && d.mark == d.lease.Owner:
		return d, nil
	case d.mark != "":
		return say(false, "%s has the attachments of another desk than that in %s. Set FILES_URL to a place of its own for this desk, or "+
			"DATABASE_URL and DATA_DIR to the desk whose files these are. If they are this desk's (its database is a backup from before the file %s "+
			"there was written), remove that file", at, db, files.MarkName)
	}
	named, unnamed, err := store.Sample(ctx, records)
	if err != nil {
		return d, fmt.Errorf("FILES_URL: %w", err)
	}
	if named > unnamed {
		return d, nil
	}
	stored, err := files.Stored(ctx, records)
	switch {
	case err != nil:
		return d, err
	case stored && d.lease.Epoch > 1:
		return say(false, "%s does not have the attachments of the desk in %s, nor its file %s. See whether its disk is mounted, or set FILES_URL "+
			"to where they are. If they are lost for good, write %s into a file of that name there", at, db, files.MarkName, d.lease.Owner)
	case unnamed > 0:
		return say(true, "%s has files that the desk in %s does not know: %d of the first %d. They may be another desk's, so nothing is cleaned "+
			"up there. Set FILES_URL to a place of its own for this desk", at, db, unnamed, named+unnamed)
	case stored:
		return say(true, "%s has none of the attachments of the desk in %s, so nothing is cleaned up there. See whether its disk is mounted, or "+
			"set FILES_URL to where they are", at, db)
	}
	return d, nil
}

// ownFiles says why the files of a store are not those of a desk.
type ownFiles func(ctx context.Context, records wholeStore, store *files.Store, c config.Config) error

// checkFiles is an ownFiles that changes nothing.
func checkFiles(ctx context.Context, records wholeStore, store *files.Store, c config.Config) error {
	d, err := lookAtFiles(ctx, records, store, c)
	if err == nil && d.strange != nil {
		err = d.strange
	}
	return err
}

// claimFiles is an ownFiles that writes down, in FILES_URL and in the desk, that these are the desk's files, unless they are not. Nodes of one desk may do so at the same time.
func claimFiles(ctx context.Context, records wholeStore, store *files.Store, c config.Config) error {
	d, err := lookAtFiles(ctx, records, store, c)
	if err != nil {
		return err
	}
	if d.strange != nil && !d.strange.serves {
		return d.strange
	}
	if d.lease.Epoch == 0 {
		own := &storage.Lease{Entity: leaseOfFiles, Epoch: 1, Owner: rand.Text(), TakenAt: time.Now()}
		if err := records.Load(ctx, []any{own}); err != nil && !errors.Is(err, storage.ErrConflict) { // another node was first
			return fmt.Errorf("write down the id of the desk: %w", err)
		}
		if d.lease, err = records.Lease(ctx, leaseOfFiles); err != nil {
			return fmt.Errorf("read the id of the desk: %w", err)
		}
	}
	if d.strange != nil {
		return &strangeFilesError{fmt.Sprintf("%s. If all is as it should be, write %s into a file %s there", d.strange.text, d.lease.Owner,
			files.MarkName), true}
	}
	if d.mark == "" {
		if err := store.SetMark(ctx, d.lease.Owner); err != nil {
			return fmt.Errorf("FILES_URL: %w", err)
		}
		if d, err = lookAtFiles(ctx, records, store, c); err != nil {
			return err
		}
		if d.strange != nil {
			return d.strange // another desk has marked it at the same time
		}
	}
	if d.lease.Epoch == 1 {
		_, err = records.TakeLease(ctx, leaseOfFiles, d.lease.Owner, time.Now())
	}
	return err
}
