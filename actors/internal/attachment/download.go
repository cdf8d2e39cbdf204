package attachment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
)

// Downloads fetches files from Telegram; package bot implements it.
type Downloads interface {
	// OpenFile asks Telegram where a file is, and opens it. size is what the file's message says, in bytes; 0: it
	// does not say. OpenFile returns what the server says; 0: it does not say. The body ends with an error if it is
	// shorter or longer than that. Errors are *DownloadError, or the context's. They never hold the address, which
	// has the bot's token in it.
	OpenFile(ctx context.Context, fileID string, size int64) (io.ReadCloser, int64, error)
}

// DownloadError says why a file can't be downloaded.
type DownloadError struct {
	Refused    bool          // the file is too large for the server, forever
	Gone       bool          // there is no such file
	RetryAfter time.Duration // 0: the server does not say
	Reason     string
}

func (e *DownloadError) Error() string { return e.Reason }

const (
	// downloadTries is how often a file is tried. With the pauses in between, that takes about a day.
	downloadTries = 30
	downloadPause = 5 * time.Second // after the first try; doubled after each further one
	longestPause  = time.Hour
	// downloadTime is how long one try may take, and keepTime how long it may take then to keep what was received.
	downloadTime = 30 * time.Minute
	keepTime     = 10 * time.Minute
	// DownloadsPerTicket is how many children a ticket has at the same time. How many download on a node is a setting.
	DownloadsPerTicket = 2
)

// download is a child of a ticket that downloads one attachment. Meanwhile it alone writes the attachment's record
// (docs/decisions.md, D26).
//
// It takes no message: it begins when it starts, and makes one try. It emits Downloaded to its ticket when the try is
// over, whatever came of it, and stops. It also stops when its ticket does.
//
// Each step is written before the next one: "downloading" and the number of the try, then the content's SHA-256, then
// "stored". If a crash ends a try, the sweep finds it at the next start, since the record is still due.
type download struct {
	*Keeper
	id  string
	ctx context.Context
	log *slog.Logger
}

// Downloaded tells a ticket that a try is over.
type Downloaded struct {
	attachmentID string
	DueAt        time.Time // of the next try, or now, if the ticket has to tell how it ended; zero: nothing is pending
}

// Download makes the child that downloads one attachment; ctx ends it.
func (k *Keeper) Download(ctx context.Context, attachmentID string) actor.Actor {
	return &download{Keeper: k, id: attachmentID, ctx: ctx, log: k.env.Log.With("attachment", attachmentID)}
}

// Receive implements actor.Actor.
func (d *download) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		due := d.run()
		ctx.Send(ctx.Parent(), Downloaded{attachmentID: d.id, DueAt: due})
		ctx.Stop(ctx.Self())
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
	default:
		d.log.Error("a download understands nothing", "type", entity.TypeName(m))
	}
}

// run waits for a free slot, makes one try and returns when the next one is due; zero: never.
func (d *download) run() time.Time {
	select {
	case d.slots <- struct{}{}:
	case <-d.ctx.Done():
		return time.Time{}
	}
	defer func() { <-d.slots }()
	d.metrics.downloading.Inc()
	defer d.metrics.downloading.Dec()
	a, err := d.env.Store.Attachment(d.ctx, d.id)
	if err == nil && (a.DueAt.IsZero() || a.Finished()) {
		return time.Time{}
	}
	if err == nil {
		err = d.try(a)
	}
	if err != nil {
		if d.ctx.Err() == nil {
			d.log.Warn("a file's record can't be read or written; tried again", "error", err)
		}
		return d.env.Now().Add(downloadPause) // the record is still due
	}
	return a.DueAt
}

// try makes one try and writes what came of it. An error is one of storage.
func (d *download) try(a *storage.Attachment) error {
	if a.Tries >= downloadTries {
		return d.finish(a, storage.FileFailed, fmt.Sprintf("tried %d times: %s", a.Tries, a.Reason))
	}
	a.State, a.Tries, a.UpdatedAt = storage.FileDownloading, a.Tries+1, d.env.Now()
	if err := d.env.Store.SaveAttachment(d.ctx, a); err != nil {
		return err
	}
	err := d.fetch(a)
	var trouble *DownloadError
	refused := storage.AsRefused(err)
	switch {
	case err == nil:
		return nil
	case d.ctx.Err() != nil:
		return d.ctx.Err() // stopped: the record stays due, and the try is repeated
	case refused != nil:
		a.Rule, a.RuleValue = refused.Rule, refused.Value
		return d.finish(a, storage.FileRefused, refused.Reason)
	case errors.As(err, &trouble) && trouble.Refused:
		a.Rule = storage.RuleSize
		return d.finish(a, storage.FileRefused, trouble.Reason)
	case errors.As(err, &trouble) && trouble.Gone:
		return d.finish(a, storage.FileFailed, trouble.Reason)
	case isStorage(err):
		return err
	}
	pause := longestPause
	if a.Tries < 10 {
		pause = min(longestPause, downloadPause<<(a.Tries-1))
	}
	if trouble != nil {
		pause = max(pause, trouble.RetryAfter)
	}
	a.State, a.DueAt, a.SHA256 = storage.FilePending, d.env.Now().Add(pause), ""
	a.Reason = "the download broke off, or the file could not be stored"
	if trouble != nil {
		a.Reason = trouble.Reason
	}
	d.metrics.downloads.WithLabelValues("retry").Inc()
	d.log.Info("a file could not be downloaded; tried again", "error", err, "try", a.Tries, "in", pause)
	return d.env.Store.SaveAttachment(d.ctx, a)
}

func isStorage(err error) bool {
	return errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrUnavailable)
}

// fetch downloads the file, checks it and keeps it.
func (d *download) fetch(a *storage.Attachment) error {
	claim := storage.FileClaim{Kind: a.FileType, Name: a.FileName, Size: a.FileSize}
	if refused := d.files.Refuses(claim); refused != nil {
		return refused
	}
	ctx, cancel := context.WithTimeout(d.ctx, downloadTime)
	defer cancel()
	body, size, err := d.downloads.OpenFile(ctx, a.FileID, a.FileSize)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	claim.Size = max(size, 0)
	received, err := d.files.Receive(ctx, claim, &metered{body, d.metrics})
	if err != nil {
		return err
	}
	defer received.Discard()
	return d.keep(ctx, a, received)
}

// keep names the content in the record, makes the content durable, and writes that it is stored. This order protects
// the content from a clean-up that runs beside (docs/decisions.md, D27). A stop does not interrupt it, so that a file
// that was received whole is not downloaded again (docs/decisions.md, D70).
func (d *download) keep(ctx context.Context, a *storage.Attachment, received storage.ReceivedFile) error {
	facts := received.Facts()
	a.SHA256, a.FileSize, a.MimeType = facts.SHA256, facts.Size, facts.MimeType
	a.Width, a.Height, a.Thumbnail, a.UpdatedAt = facts.Width, facts.Height, facts.Thumbnail, d.env.Now()
	if err := d.env.Store.SaveAttachment(ctx, a); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	if err := received.Keep(ctx); err != nil {
		return err
	}
	outcome := storage.FileStored
	a.Reason, a.DueAt = "", d.env.Now() // the ticket has to tell
	if facts.Infected != "" {
		outcome, a.Reason = storage.FileInfected, facts.Infected
	}
	a.State = outcome
	if err := d.env.Store.SaveAttachment(ctx, a); err != nil {
		return err
	}
	d.metrics.downloads.WithLabelValues(outcome).Inc()
	return nil
}

// finish writes that the file is not kept, and why; no further try follows. The ticket has to tell.
func (d *download) finish(a *storage.Attachment, state, reason string) error {
	a.State, a.Reason, a.DueAt, a.SHA256, a.UpdatedAt = state, reason, d.env.Now(), "", d.env.Now()
	if err := d.env.Store.SaveAttachment(d.ctx, a); err != nil {
		return err
	}
	d.metrics.downloads.WithLabelValues(state).Inc()
	d.log.Info("a file is not kept", "state", state, "reason", reason, "tries", a.Tries)
	return nil
}

// metered counts the bytes that are read.
type metered struct {
	r io.Reader
	m *metrics
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.m.downloadBytes.Add(float64(n))
	return n, err
}
