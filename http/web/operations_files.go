package web

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/http/download"
	"github.com/topicdesk/topicdesk/messages"
)

// The files of tickets for who signed in by an API key.

func (o *operator) ticketFile() error { return o.file(false) }

func (o *operator) ticketThumbnail() error { return o.file(true) }

// file serves the bytes of a file that the key may read, with the headers of those for people.
func (o *operator) file(thumbnail bool) error {
	var found keyFile
	if err := o.get("/attachments/"+o.param("file"), &found); err != nil {
		return err
	}
	if found.State != "stored" || thumbnail && found.ThumbnailURL == nil || found.TicketID != o.c.Params("id") {
		return errNowhere
	}
	return o.site.sendFile(o.c, &download.File{Name: found.FileName, Version: found.AttachmentID, Thumbnail: thumbnail}, found.AttachmentID)
}

// sendFile keeps a file under the key's name, and sends it as a message.
func (o *operator) sendFile() error {
	ticket := &keyTicket{}
	if err := o.get("/tickets/"+o.param("id"), ticket); err != nil {
		return err
	}
	if !o.may(scopeMessagesWrite) {
		return &failure{http.StatusForbidden, "operations_scope", []any{"scope", scopeMessagesWrite}}
	}
	form, err := o.c.MultipartForm()
	if err != nil || len(form.File["file"]) != 1 || o.site.o.Files == nil || !asUpload(o.c) {
		return o.refuseFile(http.StatusUnprocessableEntity, "file_missing")
	}
	if ticket.Status == "closed" {
		return o.refuseFile(http.StatusConflict, "answer_closed")
	}
	part := form.File["file"][0]
	file, err := part.Open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	kept, err := o.site.o.Files.AddFile(o.c.UserContext(), actors.Upload{TicketID: ticket.TicketID, Origin: o.origin(), Name: part.Filename,
		Size: part.Size, From: file})
	var refused *actors.UploadRefusedError
	switch {
	case errors.As(err, &refused):
		key, pairs := refusedFile(part.Filename, refused)
		return o.refuseFile(http.StatusUnprocessableEntity, key, pairs...)
	case errors.Is(err, actors.ErrUploadDiffers):
		return errForged // the same form has brought another file
	case err != nil:
		return err
	}
	return o.ticketDone(http.MethodPost, "/messages", map[string][]string{"attachmentIds": {kept.AttachmentId}}, "answered")
}

// origin is that of a file which comes with the page's form.
func (o *operator) origin() *messages.Origin {
	now, key, form := o.site.o.Now().UnixMilli(), o.of.key, firstOf(o.c.FormValue("form"), commandIDs)
	if form == "" {
		form = rand.Text()
	}
	return &messages.Origin{CommandId: "api:" + key.KeyId + ":web:" + form, DateMs: now, ReceivedMs: now,
		Sender: &messages.Sender{Kind: messages.Sender_API_KEY, Name: key.Name, KeyId: key.KeyId}}
}

// refuseFile shows the ticket again, and why a file was not taken.
func (o *operator) refuseFile(status int, key string, pairs ...any) error {
	return o.again(&refusal{Status: status, Detail: textOf(languageOf(o.c, o.of), key, pairs...)}, o.ticket)
}
