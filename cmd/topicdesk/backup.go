package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

func backupCommand() *cobra.Command {
	var verify bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the whole desk into one file, also while it serves; or check such a file",
		Long: "Write records, attachments and the key for secrets of webhooks into one new file, as they are at one\n" +
			"moment. The service may be running. While it works, the command needs room for the database twice, in\n" +
			"the folder of FILE. Keep the file as safe as the desk: it holds all that people wrote.\n\n" +
			"With --verify, check a file that this command has made: every byte of it, the database, and that\n" +
			"each attachment is there and whole. That needs no settings and changes nothing.",
		Example: "  topicdesk backup desk-2027-01-31.tar && topicdesk backup --verify desk-2027-01-31.tar",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := newProgress(cmd.ErrOrStderr())
			if verify {
				return verifyBackup(cmd.Context(), args[0], p)
			}
			settings, err := loadSettings(ofDesk)
			if err != nil {
				return err
			}
			return backup(cmd.Context(), settings, args[0], p)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "check FILE instead of writing it")
	return cmd
}

// oneFile refuses anything but one argument, and shows how the command is used.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one FILE, not %d; usage: %s", cmd.Name(), len(args), cmd.UseLine())
	}
	if strings.TrimSpace(args[0]) == "" {
		return fmt.Errorf("the name of FILE is empty; usage: %s", cmd.UseLine())
	}
	return nil
}

// onlySQLite refuses MongoDB, which has programs of its own for this.
func onlySQLite(c config.Config) error {
	if c.Database().Kind != config.DatabaseSQLite {
		return errors.New("DATABASE_URL is not SQLite: use mongodump or mongorestore, and copy DATA_DIR")
	}
	return nil
}

// backup writes FILE under another name and gives it its own when it is complete. What a killed command has left is
// written over by the next one.
func backup(ctx context.Context, c config.Config, file string, p *progress) (err error) {
	if err := onlySQLite(c); err != nil {
		return err
	}
	if _, err := os.Stat(c.Database().Path); errors.Is(err, fs.ErrNotExist) {
		return &noDeskError{where(c.Database())}
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already: give the backup another name", file)
	}
	if folder := filepath.Dir(file); missing(folder) {
		return fmt.Errorf("the folder %s does not exist", folder)
	}
	part, copied := file+".part", file+".db.part"
	defer func() {
		for _, name := range []string{part, copied, copied + "-wal", copied + "-shm", copied + ".lock"} {
			_ = os.Remove(name)
		}
	}()
	t := p.begin("copy the database", "pages", 0)
	err = sqlite.Backup(ctx, c.Database().Path, copied, func(done, of int) { t.set(done, of) })
	t.end(err)
	if err != nil {
		return interruptedOr(ctx, err, "nothing was written")
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("can't write the backup: %w", err)
	}
	w := newBackupWriter(f)
	err = errors.Join(w.desk(ctx, c, copied, p), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		return interruptedOr(ctx, err, "nothing was written")
	}
	p.say("%s has the desk of %s: %d files, %d attachments without content, %d damaged", file, where(c.Database()),
		len(w.manifest.Entries), w.manifest.Missing, w.manifest.Damaged)
	if err := syncFolder(filepath.Dir(file)); err != nil {
		return err
	}
	if n := w.manifest.Damaged; n > 0 {
		return fmt.Errorf("the backup is made, but %d attachments of the desk are damaged: take their contents from an older backup",
			n)
	}
	return nil
}

func missing(name string) bool {
	_, err := os.Stat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// interruptedOr says plainly that a command was interrupted, and what is left of it.
func interruptedOr(ctx context.Context, err error, left string) error {
	if ctx.Err() != nil {
		return errors.New("interrupted: " + left)
	}
	return err
}

// desk writes everything of a desk whose database was copied.
func (b *backupWriter) desk(ctx context.Context, c config.Config, copied string, p *progress) error {
	t := p.begin("write the database", "", 0)
	err := b.addFile(ctx, backupDatabase, copied)
	t.end(err)
	if err != nil {
		return err
	}
	if err := b.attachments(ctx, c, copied, p); err != nil {
		return err
	}
	names := []string{backupKey}
	if c.UsesSimulator() {
		names = append(names, backupSimulator) // after the database: Telegram may know more than the desk, not less
	}
	for _, name := range names {
		err := b.addFile(ctx, name, filepath.Join(c.DataDir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return b.close()
}

// attachments writes what the records of the copy name. It opens the copy, which may bring its schema up to date, only
// after it was written.
func (b *backupWriter) attachments(ctx context.Context, c config.Config, copied string, p *progress) (err error) {
	records, err := sqlite.Open(ctx, copied)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	if err := checkKey(ctx, c, records); err != nil {
		return err
	}
	t := p.begin("write attachments", "files", 0)
	defer func() { t.end(err) }()
	if isFolder, there := localFolder(c); isFolder && !there { // opening it would make it
		if b.manifest.Missing, _, err = missingIn(ctx, records, nil); err == nil && b.manifest.Missing > 0 {
			err = noContent(b.manifest.Missing, c.Files().URL)
		}
		return err
	}
	store, err := openFiles(ctx, c, c.Logger(io.Discard))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	found := 0
	err = files.Named(ctx, records, func(key string) error {
		content, size, err := store.OpenKey(ctx, key)
		if errors.Is(err, storage.ErrNotFound) {
			n, err := heldBy(ctx, records, key)
			b.manifest.Missing += n
			return err
		}
		if err != nil {
			return err
		}
		defer func() { _ = content.Close() }()
		t.add(1)
		found++
		if err := b.add(ctx, backupFiles+key, size, content); err != nil {
			return err
		}
		n, err := tellDamaged(ctx, records, b.manifest.Entries[len(b.manifest.Entries)-1:], p)
		b.manifest.Damaged += n
		return err
	})
	if err == nil && found == 0 && b.manifest.Missing > 0 {
		err = noContent(b.manifest.Missing, c.Files().URL)
	}
	return err
}

// heldBy counts the attachments whose content is under a key, as files check does: two may have the same.
func heldBy(ctx context.Context, records files.Records, key string) (int, error) {
	if isThumbnail(key) {
		return 0, nil
	}
	holders, err := files.Holders(ctx, records, key)
	return len(holders), err
}

// tellDamaged names the attachments whose content among the entries is damaged, and counts them.
func tellDamaged(ctx context.Context, records files.Records, entries []backupEntry, p *progress) (n int, err error) {
	for _, e := range entries {
		key := e.damaged()
		if key == "" {
			continue
		}
		holders, err := files.Holders(ctx, records, key)
		if err != nil {
			return n, err
		}
		for _, x := range holders {
			if x.Reason = "its SHA-256 is another"; x.Size != e.Size {
				x.Reason = fmt.Sprintf("it has %d bytes instead of %d", e.Size, x.Size)
			}
			p.say("%s", damagedLine(x))
		}
		n += len(holders)
	}
	return n, nil
}

func isThumbnail(key string) bool { return strings.HasPrefix(key, "thumbnails/") }

// checkKey refuses to back up webhooks without the key of their secrets: the file is in another folder, then.
func checkKey(ctx context.Context, c config.Config, records storage.Webhooks) error {
	_, err := os.Stat(filepath.Join(c.DataDir, backupKey))
	if !errors.Is(err, fs.ErrNotExist) || c.SecretsKey != "" {
		return err
	}
	hooks, err := records.Webhooks(ctx, "", "", 1)
	if err == nil && len(hooks) > 0 {
		err = fmt.Errorf("the desk has webhooks, but %s has no %s, without which they can't be signed: set DATA_DIR to the "+
			"desk's own folder, or SECRETS_KEY", c.DataDir, backupKey)
	}
	return err
}

// noContent says that the attachments of a desk are somewhere else.
func noContent(n int, where string) error {
	return fmt.Errorf("none of the desk's %d attachments has its content in %s: set DATA_DIR, or FILES_URL, to the desk's own",
		n, where)
}

// localFolder reports whether attachments are kept in a folder, and whether that exists.
func localFolder(c config.Config) (is, there bool) {
	folder, err := files.Folder(c.Files().URL)
	if err != nil || folder == "" {
		return false, false
	}
	return true, exists(folder)
}

// openBackup opens a file that the command has written.
func openBackup(file string) (*os.File, error) {
	const want = "give the path of a file that `topicdesk backup` has written"
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		in, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			in = filepath.Dir(file)
		}
		return nil, fmt.Errorf("there is no file %s in %s: %s", filepath.Base(file), in, want)
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a folder: %s", file, want)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("the backup can't be read: %w", err)
	}
	return f, nil
}

// verifyBackup reads a backup to its end, then opens its database and compares its records with the contents.
func verifyBackup(ctx context.Context, file string, p *progress) (err error) {
	f, err := openBackup(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	folder, err := os.MkdirTemp(filepath.Dir(file), ".topicdesk-verify-") // not in /tmp, which may be small
	if err != nil {
		return fmt.Errorf("verifying needs room beside the backup: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	database, names := filepath.Join(folder, backupDatabase), map[string]bool{}
	t := p.begin("read "+file, "files", 0)
	m, err := readBackup(ctx, f, func(name string, content io.Reader) error {
		t.add(1)
		names[name] = true
		if name != backupDatabase {
			return nil
		}
		to, err := os.OpenFile(database, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, content)
		return errors.Join(err, to.Close())
	})
	if err == nil && !names[backupDatabase] {
		err = errNoBackup
	}
	t.end(err)
	if err != nil {
		return interruptedOr(ctx, err, "nothing is wrong so far")
	}
	t = p.begin("check the database", "", 0)
	err = sqlite.Check(database)
	t.end(err)
	if err != nil {
		return err
	}
	records, err := sqlite.Open(ctx, database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	missing, contents, err := missingIn(ctx, records, names)
	if err != nil {
		return err
	}
	damaged, err := tellDamaged(ctx, records, m.Entries, p)
	if err != nil {
		return err
	}
	hasFiles := slices.ContainsFunc(m.Entries, func(e backupEntry) bool { return strings.HasPrefix(e.Name, backupFiles) })
	switch {
	case missing != m.Missing && contents != m.Missing: // which a program from before counted
		return fmt.Errorf("the backup is damaged: %d attachments have no content, and its manifest says %d", missing, m.Missing)
	case missing > 0 && !hasFiles:
		return fmt.Errorf("the backup has none of the desk's %d attachments: it was made with another DATA_DIR or FILES_URL", missing)
	case damaged > 0:
		return fmt.Errorf("%s is as it was made, but %d attachments in it are damaged: they were when it was made", file, damaged)
	}
	p.say("%s is complete: the desk of %s, %d files, %d attachments without content; made by topicdesk %s", file,
		m.CreatedAt.Format("2006-01-02 15:04:05 MST"), len(m.Entries), m.Missing, m.Version)
	if hooks, err := records.Webhooks(ctx, "", "", 1); err != nil {
		return err
	} else if len(hooks) > 0 && !names[backupKey] {
		p.say("The key for secrets of webhooks is not in it: to restore it, you need the desk's SECRETS_KEY.")
	}
	return nil
}

// missingIn counts the attachments whose content is not among the names, and those contents.
func missingIn(
	ctx context.Context, records files.Records, names map[string]bool,
) (attachments, contents int, err error) {
	err = files.Named(ctx, records, func(key string) error {
		if names[backupFiles+key] || isThumbnail(key) {
			return nil
		}
		n, err := heldBy(ctx, records, key)
		attachments += n
		contents++
		return err
	})
	return attachments, contents, err
}

func syncFolder(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
