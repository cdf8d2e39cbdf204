package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// pictureTypes are those that a file shows in place.
var pictureTypes = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}

// exportStyle is the style of an export, which lies in it.
func exportStyle() template.CSS { return template.CSS(exportCSS()) } //nolint:gosec // it is ours

var exportCSS = sync.OnceValue(func() string {
	data, err := embedded.ReadFile("static/export.css")
	if err != nil {
		panic("web: " + err.Error())
	}
	return string(data)
})

// htmlExport is one page that needs nothing else, pictures included.
type htmlExport struct {
	*exported
	begun bool
}

// Policy lets the page do nothing but show itself, wherever it is opened.
func (h *htmlExport) Policy() string {
	sum := sha256.Sum256([]byte(exportCSS()))
	return "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// View is what texts are worded for.
func (h *htmlExport) View() *view { return h.view }

// Page is the ticket.
func (h *htmlExport) Page() *ticketPage { return h.page }

// At is a time in the reader's zone.
func (h *htmlExport) At(ms int64) string { return h.Clock(time.UnixMilli(ms)) }

// Clock is likewise.
func (h *htmlExport) Clock(at time.Time) string { return at.In(h.zone).Format("2006-01-02 15:04 MST") }

// Made is when it was made.
func (h *htmlExport) Made() string { return h.Clock(h.made) }

func (h *htmlExport) begin(ctx context.Context) error {
	h.begun = true
	titles, err := h.s.titlesOf(ctx, h.page.may, nil)
	if err != nil {
		return err
	}
	h.page.Group = titles[h.page.GroupId]
	if err := h.part("export-head", h); err != nil {
		return err
	}
	return h.files(ctx, h.Files)
}

// exportedMessage is what the template of a message gets.
type exportedMessage struct {
	*htmlExport
	Said     said
	Versions []version
}

func (h *htmlExport) message(ctx context.Context, m said, former []version) error {
	one := exportedMessage{h, m, former}
	if err := h.part("export-message", one); err != nil {
		return err
	}
	if err := h.files(ctx, m.Files); err != nil {
		return err
	}
	return h.part("export-after", one)
}

func (h *htmlExport) end(broke bool) error {
	if !h.begun {
		return nil
	}
	name := "export-foot"
	if broke {
		name = "export-broken"
	}
	return h.part(name, h)
}

func (h *htmlExport) part(name string, data any) error {
	return templates().ExecuteTemplate(h.w, name, data)
}

// files writes pictures in place, and of other files the names.
func (h *htmlExport) files(ctx context.Context, all []*messages.AttachmentRecord) error {
	for _, file := range all {
		if !slices.Contains(pictureTypes, file.MimeType) {
			h.Left.Files++
			if err := h.named(file); err != nil {
				return err
			}
			continue
		}
		shown, err := h.picture(ctx, file)
		if err != nil {
			return err
		}
		if !shown {
			h.Left.Pictures++
			if err := h.named(file); err != nil {
				return err
			}
		}
	}
	return nil
}

// named writes that a file is not in the export.
func (h *htmlExport) named(file *messages.AttachmentRecord) error {
	return h.part("export-file", struct {
		*htmlExport
		File *messages.AttachmentRecord
		Size string
	}{h, file, sizeOf(file.FileSize)})
}

// picture writes a picture where it stands. shown: false if there is no room for it, or it can't be had.
func (h *htmlExport) picture(ctx context.Context, file *messages.AttachmentRecord) (shown bool, err error) {
	if h.s.o.Files == nil || file.State != "stored" || h.w.pictures/4*3+file.FileSize > picturesAtMost {
		return false, nil
	}
	r, size, err := h.s.o.Files.FileContent(ctx, file.AttachmentId, false)
	if err != nil {
		return false, nil //nolint:nilerr // the export says that it lacks the picture
	}
	defer func() { _ = r.Close() }()
	if h.w.pictures/4*3+size > picturesAtMost {
		return false, nil
	}
	before := h.w.written
	name := template.HTMLEscapeString(file.FileName)
	if _, err := io.WriteString(h.w, `<figure><img alt="`+name+`" src="data:`+file.MimeType+`;base64,`); err != nil {
		return false, err
	}
	encoder := base64.NewEncoder(base64.StdEncoding, h.w)
	_, failed := io.Copy(encoder, io.LimitReader(r, size))
	if err := encoder.Close(); err != nil {
		return false, err
	}
	if _, err := io.WriteString(h.w, `"><figcaption dir="auto">`+name+"</figcaption></figure>\n"); err != nil {
		return false, err
	}
	h.w.pictures += h.w.written - before
	return failed == nil, nil
}

// sizeOf is a number of bytes for people.
func sizeOf(bytes int64) string {
	if bytes < 1<<20 {
		return strconv.FormatInt(max(1, bytes>>10), 10) + " kB"
	}
	return strconv.FormatInt(bytes>>20, 10) + " MB"
}
