package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/http/download"
	"github.com/topicdesk/topicdesk/messages"
)

// The files of a ticket. The address of one names the message that has it, by its sequence, and its content: so it is asked of that
// message who may see it and whether it is deleted, whatever the file's record says, and who reads the address learns of no chat.

const (
	ofDescription = 0  // in place of a sequence: the files of the description
	contentDigits = 16 // of a file's hash in its address
)

// fileAddress is where the page of a ticket has a file of a message, or ofDescription.
func fileAddress(sequence int64, a *messages.AttachmentRecord) string {
	return "/tickets/" + a.TicketId + "/files/" + strconv.FormatInt(sequence, 10) + "-" + contentName(a)
}

func contentName(a *messages.AttachmentRecord) string {
	return a.Sha256[:min(len(a.Sha256), contentDigits)]
}

func (s *Site) content(c *fiber.Ctx, of *session) error { return s.file(c, of, false) }

func (s *Site) thumbnail(c *fiber.Ctx, of *session) error { return s.file(c, of, true) }

// file serves the bytes of a file to whoever may see the message that has it.
func (s *Site) file(c *fiber.Ctx, of *session, thumbnail bool) error {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return err
	}
	sequence, name, _ := strings.Cut(c.Params("file"), "-")
	files, err := s.filesAt(ctx, may, sequence)
	if err != nil {
		return err
	}
	for _, found := range files {
		if found.State == "stored" && len(name) == contentDigits && contentName(found) == name && (found.Thumbnail || !thumbnail) {
			return s.sendFile(c, &download.File{Name: found.FileName, Version: found.Sha256, Thumbnail: thumbnail}, found.AttachmentId)
		}
	}
	return errNowhere
}

// filesAt are the files that the person may have of the message with a sequence, or of the description.
func (s *Site) filesAt(ctx context.Context, may *access, sequence string) ([]*messages.AttachmentRecord, error) {
	if sequence == strconv.Itoa(ofDescription) { // which all see
		page, err := ask[*messages.WebTimeline](ctx, s, messages.KindQuery, "",
			&messages.ListWebTimeline{TicketId: may.ticket.TicketId, After: fromTheFirst, Limit: 1})
		return page.GetDescriptionFiles(), err
	}
	m, err := s.messageAt(ctx, may, sequence)
	if err != nil || m.Message.Deleted {
		return nil, err
	}
	return m.Files, nil
}

// sendFile answers with the bytes of a file, or of its thumbnail, which pages show.
func (s *Site) sendFile(c *fiber.Ctx, file *download.File, id string) error {
	if s.o.Files == nil {
		return errNowhere
	}
	var err error
	if file.Body, file.Size, err = s.o.Files.FileContent(c.UserContext(), id, file.Thumbnail); err != nil {
		return errNowhere
	}
	file.Inline, file.Known = file.Thumbnail, c.Get(fiber.HeaderIfNoneMatch) == download.Tag(file.Version, file.Thumbnail)
	if err = download.Answer(c, file); errors.Is(err, download.ErrRange) {
		return c.SendStatus(http.StatusRequestedRangeNotSatisfiable)
	}
	return err
}
