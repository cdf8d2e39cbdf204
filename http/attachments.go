package httpedge

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// Files is what the API needs to take files in and to give them out; their bytes do not travel through actors.
type Files interface {
	AddFile(ctx context.Context, u actors.Upload) (*messages.AttachmentRecord, error)
	FileContent(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, int64, error)
}

// Attachment is a file of a ticket.
type Attachment struct {
	AttachmentID string    `json:"attachmentId" doc:"Names it; do not look into it." example:"api:mabcdefghijklmnopqrstuvwx.upload"`
	TicketID     string    `json:"ticketId" example:"TICK-MWWK9D73-FBC14E0C"`
	FileName     string    `json:"fileName" doc:"Safe as a name in any file system." example:"report.pdf"`
	FileType     string    `json:"fileType" doc:"What it is in Telegram: photo, document, video, …" example:"document"`
	MimeType     string    `json:"mimeType" doc:"By its content, once it is stored; before that what the sender says." example:"application/pdf"`
	FileSize     int64     `json:"fileSize" doc:"In bytes." example:"48213"`
	Width        int64     `json:"width" doc:"Of an image; else 0." example:"0"`
	Height       int64     `json:"height" doc:"Of an image; else 0." example:"0"`
	State        string    `json:"state" enum:"pending,downloading,stored,refused,failed,infected,removed" doc:"Only what is stored can be had." example:"stored"`
	Reason       string    `json:"reason,omitempty" doc:"Why it is refused, failed, infected or removed."`
	DownloadURL  *string   `json:"downloadUrl" doc:"Where its content is, for API keys; null: it is not stored." example:"/api/v1/attachments/api:mabc.upload/content"`
	ThumbnailURL *string   `json:"thumbnailUrl" doc:"Where a small picture of it is; null: there is none."`
	UploadedBy   Creator   `json:"uploadedBy" doc:"Who brought it."`
	CreatedAt    time.Time `json:"createdAt" doc:"When the desk came to know it."`
}

// maxUpload is the largest file that a bot may bring to Telegram (Bot API, Sending files), and the form around it.
const maxUpload = 50<<20 + 64<<10

func (a *API) attachmentOperations() {
	register(a, op{
		id: "addAttachment", method: http.MethodPost, path: "/tickets/{id}/attachments", tag: tagMessages, summary: "Upload a file", scope: "messages:write",
		status: http.StatusCreated, codes: []string{codeFileRefused}, bodyLimit: maxUpload, middlewares: huma.Middlewares{a.formOnly},
		description: "Takes a file of at most 50 MB in, as the field `file` of a form. It goes to Telegram when a message names it in `attachmentIds`. A file is looked at: what it is " +
			"goes by its content; programs, web pages and the like are refused, as the settings say. A picture that is fit to be one becomes a photo, unless `kind` is `document`." + aboutTickets,
		request: map[string]any{"file": "(the bytes of photo.jpg)", "kind": "document"}, answer: exampleAttachment(),
	}, a.addAttachment)
	register(a, op{
		id: "getAttachment", method: http.MethodGet, path: "/attachments/{id}", tag: tagMessages, summary: "Get a file's description", scope: "messages:read",
		description: "What is known of a file, whether it came from Telegram or by API." + aboutTickets, answer: exampleAttachment(),
	}, a.getAttachment)
	register(a, op{
		id: "getAttachmentContent", method: http.MethodGet, path: "/attachments/{id}/content", tag: tagMessages, summary: "Download a file", scope: "messages:read",
		media: "application/octet-stream", codes: []string{codeRange},
		description: "The bytes, always as `application/octet-stream` and as an attachment, so that no browser takes them for a page. A single `Range` of bytes is answered by 206, " +
			"one beyond the end by 416." + aboutTickets,
	}, a.getContent)
	register(a, op{
		id: "getAttachmentThumbnail", method: http.MethodGet, path: "/attachments/{id}/thumbnail", tag: tagMessages, summary: "Get a file's thumbnail", scope: "messages:read",
		media: "image/jpeg", description: "A small picture of an image." + aboutTickets,
	}, a.getThumbnail)
}

type addAttachmentInput struct {
	TicketPath
	RawBody huma.MultipartFormFiles[struct {
		File huma.FormFile `form:"file" required:"true" doc:"The file, with its name."`
		Kind string        `form:"kind" required:"false" enum:"photo,document" doc:"What it shall be in Telegram; without it that goes by the content."`
	}]
}

type attachmentOutput struct {
	Body Attachment
}

type createdAttachmentOutput struct {
	Location string `header:"Location" doc:"Where its description is."`
	Body     Attachment
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
		return nil, problem(codeFileRefused, "Attachments are not kept here.")
	}
	kept, err := a.o.Files.AddFile(ctx, actors.Upload{TicketID: record.TicketId, Origin: c.origin(), Kind: form.Kind, Name: form.File.Filename,
		Size: form.File.Size, From: form.File})
	var refused *actors.UploadRefusedError
	switch {
	case errors.As(err, &refused):
		return nil, problem(codeFileRefused, "The file is refused: "+refused.Reason+".")
	case errors.Is(err, actors.ErrUploadDiffers):
		return nil, problem(codeKeyReused)
	case err != nil:
		a.log.Error("a file could not be taken in", "ticket", record.TicketId, "error", err)
		return nil, problem(codeUnavailable)
	}
	v := attachmentOf(kept)
	return &createdAttachmentOutput{Location: apiPrefix + "/attachments/" + url.PathEscape(kept.AttachmentId), Body: v}, nil
}

// AttachmentPath names a file in the path.
type AttachmentPath struct {
	ID string `path:"id" maxLength:"300" doc:"Its attachmentId." example:"api:mabcdefghijklmnopqrstuvwx.upload"`
}

// attachment finds a file; one of a ticket that the key can't see is none.
func (a *API) attachment(ctx context.Context, c *call, id string) (*messages.AttachmentRecord, error) {
	found, err := ask[*messages.AttachmentRecord](ctx, a, messages.KindQuery, "", &messages.GetAttachment{AttachmentId: id})
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
	return &attachmentOutput{Body: attachmentOf(found)}, nil
}

type contentInput struct {
	AttachmentPath
	Range       string `header:"Range" maxLength:"200" doc:"bytes=from-to, bytes=from- or bytes=-last." example:"bytes=0-1023"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"ETags that are known already."`
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
	if err != nil {
		return nil, problem(codeNotFound, "The file is not stored (any more); its state is "+found.State+".")
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
		case in.Range != "" && size >= 0 && f.Method() == fiber.MethodGet: // of HEAD it says nothing (RFC 9110, 14.2)
			var ok bool
			if from, to, ok = rangeOf(in.Range, size); !ok {
				_ = r.Close()
				f.Set(fiber.HeaderContentRange, "bytes */"+strconv.FormatInt(size, 10))
				a.refuse(h, problem(codeRange))
				return
			}
			if to-from < size {
				status = http.StatusPartialContent
				f.Set(fiber.HeaderContentRange, "bytes "+strconv.FormatInt(from, 10)+"-"+strconv.FormatInt(to-1, 10)+"/"+strconv.FormatInt(size, 10))
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

// limited reads the part of a file that is wanted, and closes the file.
type limited struct {
	io.Reader
	io.Closer
}

// skip goes on to a place in a file, without reading where that is possible.
func skip(r io.Reader, to int64) error {
	if s, ok := r.(io.Seeker); ok {
		if _, err := s.Seek(to, io.SeekStart); err == nil {
			return nil
		}
	}
	_, err := io.CopyN(io.Discard, r, to)
	return err
}

// protect sets what keeps browsers from taking somebody's file for a page of ours.
func protect(c *fiber.Ctx, kind, name, tag string) {
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox; frame-ancestors 'none'")
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	c.Set(fiber.HeaderETag, tag)
}

// rangeOf reads a Range header with one range (RFC 9110, 14.2): from and the first byte behind it. One that is of another
// unit, of several parts or broken is ignored: all of the file. Not ok: it is beyond the end.
func rangeOf(header string, size int64) (from, to int64, ok bool) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !isBytes || !dash || strings.Contains(spec, ",") {
		return 0, size, true
	}
	if first == "" { // the last so many
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

func attachmentOf(r *messages.AttachmentRecord) Attachment {
	v := Attachment{AttachmentID: r.AttachmentId, TicketID: r.TicketId, FileName: r.FileName, FileType: r.FileType, MimeType: r.MimeType, FileSize: r.FileSize,
		Width: r.Width, Height: r.Height, State: r.State, Reason: r.Reason, UploadedBy: creatorOf(r.UploadedBy), CreatedAt: time.UnixMilli(r.CreatedMs).UTC()}
	if r.State == "stored" {
		at := apiPrefix + "/attachments/" + url.PathEscape(r.AttachmentId)
		content, thumbnail := at+"/content", at+"/thumbnail"
		v.DownloadURL = &content
		if r.Thumbnail {
			v.ThumbnailURL = &thumbnail
		}
	}
	return v
}

func exampleAttachment() Attachment {
	content := "/api/v1/attachments/api:mabcdefghijklmnopqrstuvwx.upload/content"
	return Attachment{AttachmentID: "api:mabcdefghijklmnopqrstuvwx.upload", TicketID: "TICK-MWWK9D73-FBC14E0C", FileName: "report.pdf", FileType: "document",
		MimeType: "application/pdf", FileSize: 48213, State: "stored", DownloadURL: &content, UploadedBy: Creator{Kind: "apiKey", ID: "k7c2m4q3x5ad", Name: "CRM"},
		CreatedAt: exampleTime}
}

// isUpload says whether a request uploads a file.
func isUpload(method, path string) bool {
	rest, ok := strings.CutPrefix(path, apiPrefix+"/tickets/")
	_, last, _ := strings.Cut(rest, "/")
	return method == http.MethodPost && ok && last == "attachments"
}
