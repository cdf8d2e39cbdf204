package httpedge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Files is what the API needs to accept and to serve files. Their bytes do not travel through actors.
type Files interface {
	AddFile(ctx context.Context, u actors.Upload) (*messages.AttachmentRecord, error)
	FileContent(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, int64, error)
}

// maxUpload is how many bytes a request that uploads a file may have: 50 MB, which is the largest file that a bot may
// send to Telegram (Bot API, Sending files), and the form around it.
const maxUpload = 50<<20 + 64<<10

func (a *API) attachmentOperations() {
	register(a, op{
		id: "addAttachment", method: http.MethodPost, path: "/tickets/{id}/attachments",
		tag: tagMessages, summary: "Upload a file", scope: "messages:write",
		status: http.StatusCreated, codes: []string{codeFileRefused}, bodyLimit: maxUpload,
		middlewares: huma.Middlewares{a.formOnly},
		description: "Uploads a file of at most 50 MB, as the form field `file`. The file goes to Telegram when a message " +
			"names it in `attachmentIds`. The content decides what type the file has, and the settings decide which types " +
			"are refused: executables, scripts and web pages unless they say otherwise. A picture that Telegram accepts as " +
			"a photo becomes one, unless `kind` is `document`." + aboutTickets,
		request: map[string]any{"file": "(the bytes of photo.jpg)", "kind": "document"}, answer: view.ExampleAttachment(),
	}, a.addAttachment)
	register(a, op{
		id: "getAttachment", method: http.MethodGet, path: "/attachments/{id}",
		tag: tagMessages, summary: "Get a file's description", scope: scopeMessagesRead,
		description: "Describes a file, whether it came from Telegram or through the API." + aboutTickets,
		answer:      view.ExampleAttachment(),
	}, a.getAttachment)
	register(a, op{
		id: "getAttachmentContent", method: http.MethodGet, path: "/attachments/{id}/content",
		tag: tagMessages, summary: "Download a file", scope: scopeMessagesRead,
		media: "application/octet-stream", codes: []string{codeRange},
		description: "Returns the bytes, always as `application/octet-stream` with `Content-Disposition: attachment`, so " +
			"that no browser shows them as a page. A single `Range` of bytes is answered with 206, one that begins beyond " +
			"the end with 416." + aboutTickets,
	}, a.getContent)
	register(a, op{
		id: "getAttachmentThumbnail", method: http.MethodGet, path: "/attachments/{id}/thumbnail",
		tag: tagMessages, summary: "Get a file's thumbnail", scope: scopeMessagesRead,
		media: "image/jpeg", description: "Returns a small version of an image, as JPEG." + aboutTickets,
	}, a.getThumbnail)
}

type addAttachmentInput struct {
	TicketPath
	RawBody huma.MultipartFormFiles[struct {
		File huma.FormFile `form:"file" required:"true" doc:"The file, with its name."`
		Kind string        `form:"kind" required:"false" enum:"photo,document" doc:"What the file becomes in Telegram. If absent, the content decides."`
	}]
}

type attachmentOutput struct {
	Body view.Attachment
}

type createdAttachmentOutput struct {
	Location string `header:"Location" doc:"The path of the attachment."`
	Body     view.Attachment
}

func (a *API) addAttachment(ctx context.Context, c *call, in *addAttachmentInput) (*createdAttachmentOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	form := in.RawBody.Data()
	defer func() { _ = form.File.Close() }()
	if err := otherFields(in.RawBody.Form); err != nil {
		return nil, err
	}
	if a.o.Files == nil {
		return nil, problem(codeFileRefused, "This service does not keep attachments.")
	}
	kept, err := a.o.Files.AddFile(ctx, actors.Upload{TicketID: record.TicketId, Origin: c.origin(),
		Kind: form.Kind, Name: form.File.Filename, Size: form.File.Size, From: form.File})
	var refused *actors.UploadRefusedError
	switch {
	case errors.As(err, &refused):
		return nil, problem(codeFileRefused, "The file is refused: "+refused.Reason+".")
	case errors.Is(err, actors.ErrUploadDiffers):
		return nil, problem(codeKeyReused)
	case err != nil:
		a.log.Error("an uploaded file could not be stored", "ticket", record.TicketId, "error", err)
		return nil, problem(codeUnavailable)
	}
	location := apiPrefix + "/attachments/" + url.PathEscape(kept.AttachmentId)
	return &createdAttachmentOutput{Location: location, Body: view.AttachmentOf(kept)}, nil
}

// AttachmentPath names a file in the path.
type AttachmentPath struct {
	ID string `path:"id" maxLength:"300" doc:"The file's attachmentId." example:"api:mabcdefghijklmnopqrstuvwx.upload"`
}

// attachment finds a file. A file of a ticket that the key can't see is not found.
func (a *API) attachment(ctx context.Context, c *call, id string) (*messages.AttachmentRecord, error) {
	m := &messages.GetAttachment{AttachmentId: id}
	found, err := ask[*messages.AttachmentRecord](ctx, a, messages.KindQuery, "", m)
	if err == nil && !c.sees(found.GroupId) {
		err = problem(codeNotFound)
	}
	return found, err
}

func (a *API) getAttachment(ctx context.Context, c *call, in *AttachmentPath) (*attachmentOutput, error) {
	found, err := a.attachment(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return &attachmentOutput{Body: view.AttachmentOf(found)}, nil
}

type contentInput struct {
	AttachmentPath
	Range       string `header:"Range" maxLength:"200" doc:"One range: bytes=from-to, bytes=from- or bytes=-length." example:"bytes=0-1023"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"The ETags that the client has already."`
}

type contentOutput struct {
	Body func(ctx huma.Context)
}

func (a *API) getContent(ctx context.Context, c *call, in *contentInput) (*contentOutput, error) {
	return a.content(ctx, c, in, false)
}

func (a *API) getThumbnail(ctx context.Context, c *call, in *contentInput) (*contentOutput, error) {
	return a.content(ctx, c, in, true)
}

func (a *API) content(ctx context.Context, c *call, in *contentInput, thumbnail bool) (*contentOutput, error) {
	found, err := a.attachment(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if a.o.Files == nil {
		return nil, problem(codeNotFound)
	}
	r, size, err := a.o.Files.FileContent(ctx, found.AttachmentId, thumbnail)
	switch {
	case errors.Is(err, actors.ErrFileDamaged):
		a.log.Error("a file can't be read", "attachment", found.AttachmentId, "error", err)
		return nil, problem(codeInternal)
	case err != nil:
		return nil, problem(codeNotFound, "The content of this file is not stored. Its state is "+found.State+".")
	}
	return &contentOutput{Body: func(h huma.Context) {
		f := humafiber.UnwrapV2(h)
		tag := `"` + found.Sha256 + `"`
		kind, name := "application/octet-stream", found.FileName
		if thumbnail {
			tag, kind, name = `"t`+found.Sha256+`"`, "image/jpeg", "thumbnail.jpg"
		}
		protect(f, kind, name, tag)
		status, from, to := http.StatusOK, int64(0), size
		switch {
		case matches(in.IfNoneMatch, tag):
			_ = r.Close()
			h.SetStatus(http.StatusNotModified)
			return
		case in.Range != "" && size >= 0 && f.Method() == fiber.MethodGet: // only GET has ranges (RFC 9110, 14.2)
			var ok bool
			if from, to, ok = rangeOf(in.Range, size); !ok {
				_ = r.Close()
				f.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", size))
				a.refuse(h, problem(codeRange))
				return
			}
			if to-from < size {
				status = http.StatusPartialContent
				f.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", from, to-1, size))
			}
		}
		if from > 0 {
			if err := skip(r, from); err != nil {
				_ = r.Close()
				a.log.Error("a file can't be read", "attachment", found.AttachmentId, "error", err)
				a.refuse(h, problem(codeInternal))
				return
			}
		}
		h.SetStatus(status)
		if size < 0 {
			f.Context().Response.SetBodyStream(r, -1)
			return
		}
		f.Set(fiber.HeaderAcceptRanges, "bytes")
		f.Context().Response.SetBodyStream(limited{io.LimitReader(r, to-from), r}, int(to-from))
	}}, nil
}

// limited reads the requested part of a file, and closes the file.
type limited struct {
	io.Reader
	io.Closer
}

// skip moves to an offset in a file, without reading what precedes it where that is possible.
func skip(r io.Reader, to int64) error {
	if s, ok := r.(io.Seeker); ok {
		if _, err := s.Seek(to, io.SeekStart); err == nil {
			return nil
		}
	}
	_, err := io.CopyN(io.Discard, r, to)
	return err
}

// protect sets the headers that keep browsers from treating somebody's file as a page of ours.
func protect(c *fiber.Ctx, kind, name, tag string) {
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox; frame-ancestors 'none'")
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	c.Set(fiber.HeaderETag, tag)
}

// rangeOf reads a Range header (RFC 9110, 14.2): the range goes from the byte from up to, but without, the byte to. A
// header with another unit, with several ranges or malformed is ignored: the range is the whole file. ok is false
// when the range begins beyond the end.
func rangeOf(header string, size int64) (from, to int64, ok bool) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !isBytes || !dash || strings.Contains(spec, ",") {
		return 0, size, true
	}
	if first == "" { // the last n bytes
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return 0, size, true
		}
		return max(0, size-n), size, n > 0 && size > 0
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 {
		return 0, size, true
	}
	to = size
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < from {
			return 0, size, true
		}
		to = min(size-1, n) + 1
	}
	return from, to, from < size
}

// isUpload reports whether a request uploads a file.
func isUpload(method, path string) bool {
	rest, ok := strings.CutPrefix(path, apiPrefix+"/tickets/")
	_, last, _ := strings.Cut(rest, "/")
	return method == http.MethodPost && ok && last == "attachments"
}
