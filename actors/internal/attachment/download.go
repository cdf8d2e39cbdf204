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

// Downloads is how files of Telegram's come home; package bot implements it.
type Downloads interface {
	// OpenFile asks Telegram where the file is and opens it. size is what its message says of it, in bytes, or 0; what is returned
	// is what the server says, or 0. The body ends with an error when it is cut short, or longer than that. Errors are
	// *DownloadError, or the context's; they hold no address, since the address has the token in it.
	OpenFile(ctx context.Context, fileID string, size int64) (io.ReadCloser, int64, error)
}

// DownloadError says why a file can't be had.
type DownloadError struct {
	Refused    bool // by a rule of the server, for ever
	Gone       bool // there is no such file
	RetryAfter time.Duration
	Reason     string
}

func (e *DownloadError) Error() string { return e.Reason }

const (
	// downloadTries is how often a file is tried; with the pauses between, that takes about a day.
	downloadTries = 30
	downloadPause = 5 * time.Second // after the first try; doubled after each, up to the longest
	longestPause  = time.Hour
	// downloadTime is how long one try may take.
	downloadTime = 30 * time.Minute
	// downloadsPerTicket is how many children of one ticket download at once; how many do on a node is a setting.
	DownloadsPerTicket = 2
)

// download is a child of a ticket that brings one attachment home, and the only one that writes its record meanwhile.
//
// Accepts  nothing: it begins when it is started
// Emits    Downloaded to its ticket, at the end of its one try
// Stops    after that try, whatever came of it; when its ticket does
//
// Each step is written down before the next: "downloading" and the number of the try, then the content's SHA-256, then "stored".
// A try that a crash ended is found by the sweep at the next start, since the record stays due.
type download struct {
	*Keeper
	id  string
	ctx context.Context
	log *slog.Logger
}

// Downloaded is the end of a try.
type Downloaded struct {
	attachmentID string
	DueAt        time.Time // of the next try, or of the warning that is owed; zero: done
}

// Download makes the child that brings one attachment home; ctx ends it.
func (k *Keeper) Download(ctx context.Context, attachmentID string) actor.Actor {
	return &download{Keeper: k, id: attachmentID, ctx: ctx, log: k.env.Log.With("attachment", attachmentID)}
}

// Supervision restarts a child that panicked after 1 s, 2 s, 4 s …, and stops it after the fifth time in ten minutes. Its
// tries are counted in the record all the same, so that a file that always meets a bug is given up.
func Supervision(e *entity.Env) actor.SupervisorStrategy {
	return &backoff{first: time.Second, window: 10 * time.Minute, limit: 5, timer: e.AfterFunc, seen: func(child *actor.PID, reason any) {
		e.Metrics.Panics.Inc()
		e.Log.Error("panic in a download; it begins again from storage", "child", child.Id, "panic", fmt.Sprint(reason))
	}}
}

// backoff is a supervision strategy with exponential pauses. The library's own of that name waits a multiple of the first pause,
// and has no end.
type backoff struct {
	first, window time.Duration
	limit         int
	timer         func(time.Duration, func()) *time.Timer
	seen          func(child *actor.PID, reason any)
}

func (b *backoff) HandleFailure(_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, _ any) {
	b.seen(child, reason)
	if rs.NumberOfFailures(b.window) == 0 {
		rs.Reset()
	}
	rs.Fail()
	if rs.FailureCount() > b.limit {
		supervisor.StopChildren(child)
		return
	}
	b.timer(b.first<<(rs.FailureCount()-1), func() { supervisor.RestartChildren(child) })
}

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

// run makes one try, when it is its turn, and says when the next is due.
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
	if err == nil && (a.DueAt.IsZero() || a.State == storage.FileInfected) {
		return time.Time{}
	}
	if err == nil {
		err = d.try(a)
	}
	if err != nil {
		if d.ctx.Err() == nil {
			d.log.Warn("a file's record can't be read or written; tried again", "error", err)
		}
		return d.env.Now().Add(downloadPause) // the record is due still
	}
	return a.DueAt
}

// try makes one try and writes down what came of it. An error is storage's.
func (d *download) try(a *storage.Attachment) error {
	if a.Tries >= downloadTries {
		return d.settle(a, storage.FileFailed, fmt.Sprintf("tried %d times: %s", a.Tries, a.Reason))
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
		return d.ctx.Err() // stopped: it stays as it is, and is taken up again
	case refused != nil:
		return d.settle(a, storage.FileRefused, refused.Reason)
	case errors.As(err, &trouble) && trouble.Refused:
		return d.settle(a, storage.FileRefused, trouble.Reason)
	case errors.As(err, &trouble) && trouble.Gone:
		return d.settle(a, storage.FileFailed, trouble.Reason)
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
	a.State, a.Reason, a.DueAt, a.SHA256 = storage.FilePending, "it broke off, or could not be kept", d.env.Now().Add(pause), ""
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

// fetch brings the file home, checks it and keeps it.
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

// keep names the content in the record, makes it durable, and says so; in this order, so that whoever cleans up meanwhile knows.
// A stop cuts none of it off: what has come in whole is not downloaded again.
func (k *Keeper) keep(ctx context.Context, a *storage.Attachment, received storage.ReceivedFile) error {
	facts := received.Facts()
	a.SHA256, a.FileSize, a.MimeType = facts.SHA256, facts.Size, facts.MimeType
	a.Width, a.Height, a.Thumbnail, a.UpdatedAt = facts.Width, facts.Height, facts.Thumbnail, k.env.Now()
	if err := k.env.Store.SaveAttachment(ctx, a); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := received.Keep(ctx); err != nil {
		return err
	}
	outcome := storage.FileStored
	a.Reason, a.DueAt = "", time.Time{}
	if facts.Infected != "" {
		outcome, a.Reason, a.DueAt = storage.FileInfected, facts.Infected, k.env.Now() // the ticket owes its topics a warning
	}
	a.State = outcome
	if err := k.env.Store.SaveAttachment(ctx, a); err != nil {
		return err
	}
	k.metrics.downloads.WithLabelValues(outcome).Inc()
	return nil
}

// settle writes down how it ended.
func (d *download) settle(a *storage.Attachment, state, reason string) error {
	a.State, a.Reason, a.DueAt, a.SHA256, a.UpdatedAt = state, reason, time.Time{}, "", d.env.Now()
	if err := d.env.Store.SaveAttachment(d.ctx, a); err != nil {
		return err
	}
	d.metrics.downloads.WithLabelValues(state).Inc()
	d.log.Info("a file is not kept", "state", state, "reason", reason, "tries", a.Tries)
	return nil
}

// metered counts what comes in.
type metered struct {
	r io.Reader
	m *metrics
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.m.downloadBytes.Add(float64(n))
	return n, err
}
