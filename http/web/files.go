package web

import (
	"mime"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

func (s *Site) content(c *fiber.Ctx, of *session) error { return s.file(c, of, false) }

func (s *Site) thumbnail(c *fiber.Ctx, of *session) error { return s.file(c, of, true) }

// file serves the bytes of a file to whoever may see the message that has it.
func (s *Site) file(c *fiber.Ctx, of *session, thumbnail bool) error {
	ctx, id := c.UserContext(), c.Params("id")
	found, err := ask[*messages.AttachmentRecord](ctx, s, messages.KindQuery, "", &messages.GetAttachment{AttachmentId: id})
	if err != nil {
		return err
	}
	may, err := s.mayRead(ctx, of, found.TicketId)
	if err != nil {
		return err
	}
	if found.MessageId != "" && found.MessageId != found.TicketId { // the latter came with the description, which all see
		page, err := ask[*messages.WebTimeline](ctx, s, messages.KindQuery, "",
			&messages.ListWebTimeline{TicketId: found.TicketId, MessageId: found.MessageId, Limit: 1})
		if err != nil {
			return err
		}
		if len(page.Messages) == 0 && !strings.HasSuffix(found.AttachmentId, uploadSuffix) {
			return errNowhere // what a program uploads may be in a message with another id, and is never in a note
		}
		for _, m := range page.GetMessages() {
			if !may.sees(m.Message) || m.Message.Deleted {
				return errNowhere
			}
		}
	}
	if s.o.Files == nil || found.State != "stored" || thumbnail && !found.Thumbnail {
		return errNowhere
	}
	return sendFile(c, s.o.Files, found.AttachmentId, found.FileName, thumbnail)
}

// sendFile answers with the bytes of a file. The headers keep browsers from treating it as a page of ours, as those of the API do.
func sendFile(c *fiber.Ctx, files Files, id, name string, thumbnail bool) error {
	r, size, err := files.FileContent(c.UserContext(), id, thumbnail)
	if err != nil {
		return errNowhere
	}
	kind, as := "application/octet-stream", "attachment"
	if thumbnail {
		kind, name, as = "image/jpeg", "thumbnail.jpg", "inline"
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType(as, map[string]string{"filename": name}))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox; frame-ancestors 'none'")
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	c.Context().Response.SetBodyStream(r, int(size))
	return nil
}
