package httpedge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/http/download"
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
	case errors.As(err, &refused) && refused.Rule == "empty":
		return nil, problem(codeFileRefused, "The file is empty. Send its bytes in the form field file.")
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
	m := &messages.GetAttachment{AttachmentId: id, NotesOf: c.key.GroupId}
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
	FileInput
	Range string `header:"Range" maxLength:"200" doc:"One range: bytes=from-to, bytes=from- or bytes=-length." example:"bytes=0-1023"`
}

// FileInput names a file, and what the client has of it already.
type FileInput struct {
	AttachmentPath
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"The ETags that the client has already."`
}

type contentOutput struct {
	Body func(ctx huma.Context)
}

func (a *API) getContent(ctx context.Context, c *call, in *contentInput) (*contentOutput, error) {
	return a.content(ctx, c, &in.FileInput, false)
}

func (a *API) getThumbnail(ctx context.Context, c *call, in *FileInput) (*contentOutput, error) {
	return a.content(ctx, c, in, true)
}

func (a *API) content(ctx context.Context, c *call, in *FileInput, thumbnail bool) (*contentOutput, error) {
	found, err := a.attachment(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if thumbnail && !found.Thumbnail {
		return nil, problem(codeNotFound, "This file has no thumbnail.")
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
		file := &download.File{Body: r, Size: size, Name: found.FileName, Version: found.Sha256, Thumbnail: thumbnail,
			Known: matches(in.IfNoneMatch, download.Tag(found.Sha256, thumbnail))}
		switch err := download.Answer(humafiber.UnwrapV2(h), file); {
		case errors.Is(err, download.ErrRange):
			a.refuse(h, problem(codeRange))
		case err != nil:
			a.log.Error("a file can't be read", "attachment", found.AttachmentId, "error", err)
			a.refuse(h, problem(codeInternal))
		}
	}}, nil
}

// isUpload reports whether a request uploads a file.
func isUpload(method, path string) bool {
	rest, ok := strings.CutPrefix(path, apiPrefix+"/tickets/")
	_, last, _ := strings.Cut(rest, "/")
	return method == http.MethodPost && ok && last == "attachments"
}
