package actors_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
)

// keeping is a desk that keeps attachments, and retries downloads soon.
func keeping(t *testing.T) options {
	return options{sweepEvery: 50 * time.Millisecond, files: &files.Options{
		URL: (&url.URL{Scheme: "file", Path: t.TempDir()}).String(),
		Rules: files.Rules{
			Limits: map[string]int64{"photo": 10 << 20, "other": 50 << 20},
			Deny:   []string{"executables", "scripts", "html"}, MaxPixels: 10_000_000,
		},
	}}
}

// attachments lists the attachments of a ticket.
func (d *desk) attachments(k *ticket) []storage.Attachment {
	d.t.Helper()
	all, err := d.store.TicketAttachments(d.t.Context(), k.id, -1, "", 20_000)
	d.must(err)
	return all
}

// awaitFiles waits until n attachments of the ticket are finished, and returns them.
func (d *desk) awaitFiles(k *ticket, n int) []storage.Attachment {
	d.t.Helper()
	var all []storage.Attachment
	d.eventually(fmt.Sprintf("%d attachments", n), func() bool {
		all = d.attachments(k)
		for _, a := range all {
			if !a.DueAt.IsZero() {
				return false
			}
		}
		return len(all) == n
	})
	return all
}

func (d *desk) content(a storage.Attachment) string {
	d.t.Helper()
	r, _, err := d.files.Open(d.t.Context(), a.SHA256)
	d.must(err)
	data, err := io.ReadAll(r)
	d.must(err)
	d.must(r.Close())
	return string(data)
}

func TestAttachmentsComeHome(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, keeping(t))
	kinds := []string{"photo", "document", "video", "animation", "audio", "voice", "video_note", "sticker"}
	for _, kind := range kinds {
		d.send(d.ann, d.support, k.thread, upload(kind), "")
	}
	d.send(d.bob, d.engineering, eng, &simulator.Upload{
		Kind: "document", FileName: "../\u202eใบแจ้งหนี้.pdf", Data: []byte("content of a photo"),
	}, "")
	d.send(d.ann, d.support, k.thread, value("location", `{"latitude":1,"longitude":2}`), "")
	all := d.awaitFiles(k, 9)
	slices.SortStableFunc(all, func(a, b storage.Attachment) int {
		return strings.Compare(a.UploadedBy.Name, b.UploadedBy.Name)
	})
	slices.SortStableFunc(all[:8], func(a, b storage.Attachment) int { return int(a.Sequence - b.Sequence) })
	for i, kind := range kinds {
		a := all[i]
		if a.State != storage.FileStored || a.FileType != kind || d.content(a) != "content of a "+kind ||
			a.MimeType != "text/plain" ||
			a.UploadedBy.Name != "Ann" || a.Tries != 1 || !strings.HasPrefix(a.AttachmentID, a.MessageID+".") {
			t.Errorf("%s: got %+v", kind, a)
		}
	}
	bill := all[8]
	if bill.FileName != "ใบแจ้งหนี้.pdf" || bill.UploadedBy.Name != "Bob" || bill.SHA256 != all[0].SHA256 {
		t.Errorf("got %+v", bill)
	}
	d.restart()
	if again := d.awaitFiles(k, 9); again[0].Tries != 1 {
		t.Errorf("after a restart: %+v", again[0])
	}
}

func TestFilesThatAreRefusedAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, keeping(t))
	d.send(d.ann, d.support, k.thread, &simulator.Upload{
		Kind: "document", FileName: "cat.jpg", Data: []byte("<!DOCTYPE html><html><script>1</script>"),
	}, "")
	d.send(d.ann, d.support, k.thread, &simulator.Upload{Kind: "video", FileName: "film.mp4", Size: 21 << 20}, "")
	d.send(d.ann, d.support, k.thread, &simulator.Upload{Kind: "video", FileName: "long.mp4", Size: 60 << 20}, "")
	all := d.awaitFiles(k, 3)
	for i, want := range []string{"text/html is not allowed", "too large for the Bot API server", "larger than 50 MB"} {
		if a := all[i]; a.State != storage.FileRefused || a.Reason != want || a.Tries != 1 || a.SHA256 != "" {
			t.Errorf("got %+v, want it refused: %s", a, want)
		}
	}
	// a file that is not kept is copied all the same
	d.await("the copies", func() bool { return len(d.byBot(d.engineering, eng)) >= 4 })
	n := 0
	for _, c := range d.sim.Calls() {
		if c.Method == "getFile" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("getFile was called %d times for three files of which one is too large by its own word", n)
	}
}

func TestDownloadsMeetTrouble(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]simulator.Fault{
		"500":                    {{Method: simulator.MethodFile, Kind: simulator.Fault500}},
		"a proxy's page":         {{Method: simulator.MethodFile, Kind: simulator.Fault502HTML, Count: 2}},
		"reset":                  {{Method: simulator.MethodFile, Kind: simulator.FaultReset, Count: 2}},
		"cut in the middle":      {{Method: simulator.MethodFile, Kind: simulator.FaultLost, Count: 2}},
		"half, as if it was all": {{Method: simulator.MethodFile, Kind: simulator.FaultShort, Count: 2}},
		"slow":                   {{Method: simulator.MethodFile, Kind: simulator.FaultSlow, Delay: 300 * time.Millisecond}},
		"getFile in trouble": {
			{Method: "getFile", Kind: simulator.Fault500, Count: 2}, {Method: "getFile", Kind: simulator.FaultLost},
			{Method: "getFile", Kind: simulator.Fault429, RetryAfter: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt := keeping(t)
			opt.speed = 50
			d := ready(t, opt)
			k := d.open(d.ann, d.support, "Printer")
			for _, f := range faults {
				d.inject(f)
			}
			data := bytes.Repeat([]byte("0123456789"), 50_000)
			d.send(d.ann, d.support, k.thread, &simulator.Upload{Kind: "document", FileName: "a.bin", Data: data}, "")
			a := d.awaitFiles(k, 1)[0]
			if a.State != storage.FileStored || d.content(a) != string(data) || a.Reason != "" {
				t.Errorf("got %+v", a)
			}
			if strings.Contains(fmt.Sprintf("%+v", a), d.sim.Token()) {
				t.Error("the token is in the record")
			}
		})
	}
}

// TestAFileThatNeverComesIsGivenUp: the record keeps the reason, without the token in it.
func TestAFileThatNeverComesIsGivenUp(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for every try of a day")
	}
	t.Parallel()
	opt := keeping(t)
	opt.speed = 20_000
	d := ready(t, opt)
	k := d.open(d.ann, d.support, "Printer")
	d.inject(simulator.Fault{Method: "getFile", Kind: simulator.Fault500, Count: -1})
	d.send(d.ann, d.support, k.thread, upload("document"), "")
	a := d.awaitFiles(k, 1)[0]
	if a.State != storage.FileFailed || a.Tries != 30 || !strings.Contains(a.Reason, "30 times") ||
		!strings.Contains(a.Reason, "Internal Server Error") {
		t.Errorf("got %+v", a)
	}
}

// TestDownloadsGoOnAfterAStop: a stop does not wait for a download, and the next start resumes it.
func TestDownloadsGoOnAfterAStop(t *testing.T) {
	t.Parallel()
	d := ready(t, keeping(t))
	k := d.open(d.ann, d.support, "Printer")
	d.inject(simulator.Fault{Method: simulator.MethodFile, Kind: simulator.FaultSlow, Delay: time.Hour})
	file := &simulator.Upload{Kind: "document", FileName: "a.bin", Data: make([]byte, 1000)}
	d.send(d.ann, d.support, k.thread, file, "")
	d.eventually("the download", func() bool { return len(d.sim.Faults()) == 0 })
	start := time.Now()
	d.stop()
	if took := time.Since(start); took > patience/2 { // the download would take an hour
		t.Errorf("the stop took %v", took)
	}
	d.start()
	if a := d.awaitFiles(k, 1)[0]; a.State != storage.FileStored || a.Tries != 2 {
		t.Errorf("got %+v", a)
	}
}

// TestATicketDoesNotWaitForItsFiles: messages are copied while a file downloads slowly.
func TestATicketDoesNotWaitForItsFiles(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, keeping(t))
	d.inject(simulator.Fault{Method: simulator.MethodFile, Kind: simulator.FaultSlow, Delay: time.Hour, Count: -1})
	for range 5 {
		d.send(d.ann, d.support, k.thread, upload("document"), "")
	}
	d.say(d.ann, d.support, k.thread, "and a word")
	d.awaitText(d.engineering, eng, "and a word")
	d.say(d.ann, d.support, k.thread, "/close_ticket")
	d.awaitText(d.engineering, eng, "closed this ticket")
}

func TestInfectedFilesAreKeptApartAndToldOf(t *testing.T) {
	t.Parallel()
	opt := keeping(t)
	infect := &infecting{}
	opt.wrapFiles = func(f storage.Files) storage.Files { infect.Files = f; return infect }
	d, k, eng := linked(t, opt)
	d.send(d.ann, d.support, k.thread, upload("document"), "")
	a := d.awaitFiles(k, 1)[0]
	if a.State != storage.FileInfected || a.Reason != "EICAR" {
		t.Errorf("got %+v", a)
	}
	d.awaitText(d.engineering, eng, "is infected (EICAR)")
	d.awaitText(d.support, k.thread, "is infected (EICAR)")
	d.restart()
	d.say(d.ann, d.support, k.thread, "oh")
	d.awaitText(d.engineering, eng, "oh")
	n := 0
	for _, m := range d.byBot(d.engineering, eng) {
		if strings.Contains(m.Text, "infected") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the topic was warned %d times", n)
	}
}

// infecting is a scanner that finds a virus in every file.
type infecting struct{ storage.Files }

func (i *infecting) Receive(
	ctx context.Context, claim storage.FileClaim, from io.Reader,
) (storage.ReceivedFile, error) {
	r, err := i.Files.Receive(ctx, claim, from)
	return infected{r}, err
}

type infected struct{ storage.ReceivedFile }

func (i infected) Facts() storage.FileFacts {
	f := i.ReceivedFile.Facts()
	f.Infected = "EICAR"
	return f
}

// panicking is a scanner that panics over the first files.
type panicking struct {
	actors.Downloads
	left int
}

func (p *panicking) OpenFile(ctx context.Context, id string, size int64) (io.ReadCloser, int64, error) {
	if p.left--; p.left >= 0 {
		panic("a bug")
	}
	return p.Downloads.OpenFile(ctx, id, size)
}

func TestADownloadThatPanicsBeginsAgain(t *testing.T) {
	t.Parallel()
	opt := keeping(t)
	opt.wrapDownloads = func(o actors.Downloads) actors.Downloads { return &panicking{o, 3} }
	d, k, eng := linked(t, opt)
	d.send(d.ann, d.support, k.thread, upload("document"), "")
	if a := d.awaitFiles(k, 1)[0]; a.State != storage.FileStored || a.Tries != 4 {
		t.Errorf("got %+v", a)
	}
	d.say(d.ann, d.support, k.thread, "the ticket lives")
	d.awaitText(d.engineering, eng, "the ticket lives")
}

// TestUploadsReachEveryTopic: a file from outside is uploaded once, then sent by its file id.
func TestUploadsReachEveryTopic(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, keeping(t))
	origin := &messages.Origin{
		CommandId: "idem-1", Sender: &messages.Sender{Kind: messages.Sender_API_KEY, Name: "Monitor", KeyId: "k1"},
	}
	take := func(kind, name, data string) (*messages.Media, error) {
		return d.system.TakeUpload(t.Context(), actors.Upload{
			TicketID: k.id, Origin: origin, Kind: kind, Name: name, From: strings.NewReader(data),
		})
	}
	var media *messages.Media
	for range 2 { // the repeated command changes nothing
		var err error
		media, err = take("", "../report.txt", "all is well")
		d.must(err)
	}
	for range 2 {
		answer, err := d.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.SendMessage{
			Origin: origin, Content: &messages.Content{Text: "the report", Media: media},
		})
		d.must(err)
		if code := answer.(*messages.Reply).Code; code != messages.Code_OK && code != messages.Code_DUPLICATE {
			t.Fatalf("got %v", answer)
		}
	}
	has := func(chat int64, thread int) func() bool {
		return func() bool {
			for _, m := range d.byBot(chat, thread) {
				if m.Media != nil && m.Media.FileName == "report.txt" && strings.Contains(m.Text, "the report") &&
					m.Media.Size == 11 {
					return true
				}
			}
			return false
		}
	}
	d.await("the file at home", has(d.support, k.thread))
	d.await("the file in Engineering", has(d.engineering, eng))
	all := d.awaitFiles(k, 1)
	if a := all[0]; a.State != storage.FileStored || a.FileName != "report.txt" || a.UploadedBy.Name != "Monitor" ||
		d.content(a) != "all is well" {
		t.Errorf("got %+v", a)
	}
	if _, err := take("", "report.txt", "all is lost"); !errors.Is(err, actors.ErrUploadDiffers) {
		t.Errorf("another file with the same id: %v", err)
	}
	for name, err := range map[string]error{
		"a web page":        second(take("", "a.txt", "<!DOCTYPE html><html>")),
		"no photo":          second(take("photo", "a.jpg", "text")),
		"a photo too large": second(take("photo", "a.jpg", strings.Repeat("x", 10<<20+1))),
		"a file too large": second(d.system.TakeUpload(t.Context(), actors.Upload{
			TicketID: k.id, Origin: origin, Name: "a.bin", From: io.LimitReader(endless{}, 50<<20+1),
		})),
	} {
		var refused *actors.UploadRefusedError
		if !errors.As(err, &refused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFilesOfDescriptionsAndOfEdits(t *testing.T) {
	t.Parallel()
	d := ready(t, keeping(t))
	file := &simulator.Upload{Kind: "document", FileName: "log.txt", Data: []byte("a log")}
	first := d.send(d.ann, d.support, 0, file, "it burns")
	d.post(simulator.Post{From: d.ann, Chat: d.support, Text: "/create_ticket Printer", ReplyTo: first.ID})
	var ids []string
	d.eventually("the ticket", func() bool {
		page, err := d.store.TicketsByCreator(t.Context(), "user", fmt.Sprint(d.ann), true, 9)
		d.must(err)
		for _, x := range page {
			ids = append(ids, x.TicketID)
		}
		return len(page) == 1
	})
	k := &ticket{id: ids[len(ids)-1], chat: d.support}
	if a := d.awaitFiles(k, 1)[0]; a.State != storage.FileStored || a.FileName != "log.txt" ||
		a.MessageID != k.id || a.UploadedBy.Name != "Ann" {
		t.Errorf("got %+v", a)
	}
	id := d.sim.NewAlbum()
	for i, caption := range []string{"/create_ticket Pictures", "", ""} {
		photo := upload("photo")
		photo.Data = append(slices.Clone(photo.Data), byte(i))
		d.post(simulator.Post{From: d.ann, Chat: d.support, Media: photo, Text: caption, Album: id})
	}
	var names []string
	for _, a := range d.awaitFiles(d.opened(d.support, "Pictures"), 3) {
		names = append(names, a.FileName)
	}
	slices.Sort(names)
	same(t, "names", names, []string{"photo-description-1.jpg", "photo-description-2.jpg", "photo-description-3.jpg"})
}
