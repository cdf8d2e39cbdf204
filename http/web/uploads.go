package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

const (
	filesAtMost   = 10              // of a message
	nameInRefusal = 60              // UTF-16 units of a file's name
	uploadsAtMost = 60              // of a person within uploadsFor, on this node
	uploadsFor    = time.Hour       //
	uploadersKept = 10_000          // whose uploads are counted
	uploadAsk     = 5 * time.Second // how long MayUpload waits for the person's entity
	uploadSuffix  = ".upload"       // of the ids of files that came from outside Telegram
)

// IsUpload reports whether a request brings a file to the web desk: the forms of several parts that pages send.
func IsUpload(method, path string) bool {
	path = strings.TrimPrefix(path, operationsPath)
	rest, ok := strings.CutPrefix(path, "/tickets/")
	id, last, _ := strings.Cut(rest, "/")
	return method == http.MethodPost && ok && id != "" && last == "files"
}

// Uploader is who sends a file: a person at Telegram, or an API key by its id.
type Uploader struct {
	Person int64  // 0: a key
	Key    string // "": a person
}

// MayUpload says whose session a cookie is, before its request is read: the service holds no large body in memory for who is not
// signed in, or may send nothing.
func (s *Site) MayUpload(cookie string) (who Uploader, ok bool) {
	id, secret, ok := strings.Cut(cookie, ".")
	if !ok {
		return Uploader{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), uploadAsk)
	defer cancel()
	found, err := s.check(ctx, id, secret, true) // it is counted when it is read
	switch {
	case err != nil || found == nil:
		return Uploader{}, false
	case found.person != nil:
		return Uploader{Person: found.person.Id}, true
	}
	return Uploader{Key: found.key.KeyId}, messages.ScopeAllows(found.key.Scopes, scopeMessagesWrite)
}

// CountUpload counts an upload of a person before it is read, so that one that never ends counts, too. ok: it may be read;
// otherwise the next may come after wait.
func (s *Site) CountUpload(person int64) (wait time.Duration, ok bool) {
	return s.uploads.take(person, s.o.Now())
}

// RefuseUpload says that a file was not read, for there are too many: of this person, or at the moment.
func (s *Site) RefuseUpload(c *fiber.Ctx, status int) error {
	return s.parts(func(c *fiber.Ctx) error { return s.refuse(c, status, "files_many") })(c)
}

// upload keeps a file for a message that is about to be sent. Where no script runs, nothing else comes with it: it is sent.
func (s *Site) upload(c *fiber.Ctx, of *session) error {
	ctx := c.UserContext()
	if !asUpload(c) {
		return errNowhere
	}
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return err
	}
	form, err := c.MultipartForm()
	if err != nil || len(form.File["file"]) != 1 {
		return s.refuse(c, http.StatusUnprocessableEntity, "file_missing")
	}
	switch {
	case s.o.Files == nil:
		return s.refuse(c, http.StatusUnprocessableEntity, "file_refused_why", "file", shownName(form.File["file"][0].Filename), "why", "-")
	case may.ticket.Status == "closed":
		return s.refuse(c, http.StatusConflict, "answer_closed")
	}
	part := form.File["file"][0]
	file, err := part.Open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	o := s.origin(c, of)
	kept, err := s.o.Files.AddFile(ctx, actors.Upload{TicketID: may.ticket.TicketId, Origin: o, Name: part.Filename,
		Size: part.Size, From: file})
	var refused *actors.UploadRefusedError
	switch {
	case errors.As(err, &refused):
		key, pairs := refusedFile(part.Filename, refused)
		return s.refuse(c, http.StatusUnprocessableEntity, key, pairs...)
	case errors.Is(err, actors.ErrUploadDiffers):
		return errForged // the same form has brought another file
	case err != nil:
		return err
	}
	if isHTMX(c) {
		c.Status(http.StatusCreated).Type("txt", "utf-8")
		return c.SendString(kept.AttachmentId)
	}
	reply, err := s.give(ctx, may.ticket.TicketId,
		&messages.SendMessage{Origin: o, Content: &messages.Content{}, AttachmentId: kept.AttachmentId})
	if err != nil {
		return err
	}
	return s.answered(c, may, reply)
}

// asUpload says whether an upload has its address in the very letters by which the server knew it as one, and counted it.
func asUpload(c *fiber.Ctx) bool {
	path, _, _ := strings.Cut(c.OriginalURL(), "?")
	return IsUpload(c.Method(), path)
}

// shownName is a file's name as a refusal shows it.
func shownName(name string) string { return messages.Shorten(messages.CleanLine(name), nameInRefusal) }

// refusedFile words the refusal of a file. It names the file: several may be on their way.
func refusedFile(name string, e *actors.UploadRefusedError) (key string, pairs []any) {
	pairs = []any{"file", shownName(name)}
	switch e.Rule {
	case "size":
		return "file_too_large", append(pairs, "limit", e.Value)
	case "type":
		return "file_type", pairs
	case "empty":
		return "file_empty", pairs
	case "image":
		return "file_image", pairs
	}
	return "file_refused_why", append(pairs, "why", e.Reason)
}

// answerWithFiles sends files that the person has uploaded, each as a message. The text is the caption of the first.
func (s *Site) answerWithFiles(c *fiber.Ctx, of *session, may *access, text string, files [][]byte) error {
	if len(files) > filesAtMost {
		return s.refuse(c, http.StatusUnprocessableEntity, "files_many")
	}
	var all []*messages.SendMessage
	for i, value := range files { // check all before anything is sent
		form, id, _ := strings.Cut(string(value), " ")
		theirs, err := s.uploaded(c.UserContext(), of, may, id)
		if err != nil {
			return err
		}
		if !theirs || form == "" {
			return s.refuse(c, http.StatusUnprocessableEntity, "file_missing")
		}
		m := &messages.SendMessage{Origin: s.originOf(of, form), Content: &messages.Content{}, AttachmentId: id}
		if i == 0 {
			m.Content.Text = text
		}
		all = append(all, m)
	}
	for _, m := range all {
		reply, err := s.give(c.UserContext(), may.ticket.TicketId, m)
		if err != nil {
			return err
		}
		if reply.Code == messages.Code_CONFLICT {
			return s.answered(c, may, reply)
		}
		if words := m.Content.Text; words != "" && reply.Code == messages.Code_DUPLICATE {
			if reply, err = s.sayToo(c, of, may, reply.MessageId, words); err != nil {
				return err
			}
			if reply.Code == messages.Code_CONFLICT {
				return s.answered(c, may, reply)
			}
		}
	}
	return s.answered(c, may, &messages.Reply{Code: messages.Code_OK})
}

// sayToo says the text of a file that was sent before, if it has another: the reply to that was lost, and the person has changed
// the words meanwhile.
func (s *Site) sayToo(c *fiber.Ctx, of *session, may *access, messageID, text string) (*messages.Reply, error) {
	found, err := ask[*messages.WebTimeline](c.UserContext(), s, messages.KindQuery, "",
		&messages.ListWebTimeline{TicketId: may.ticket.TicketId, MessageId: messageID, Limit: 1})
	if err != nil {
		return nil, err
	}
	for _, one := range found.Messages {
		if one.Message.GetContent().GetText() != text {
			return s.give(c.UserContext(), may.ticket.TicketId,
				&messages.SendMessage{Origin: saying(s.origin(c, of), text), Content: &messages.Content{Text: text}})
		}
	}
	return &messages.Reply{Code: messages.Code_OK}, nil
}

// uploaded says whether a file is one that the person has uploaded to the ticket. Others they could not be meant to send: it may
// have come with a note that they can't see.
func (s *Site) uploaded(ctx context.Context, of *session, may *access, id string) (bool, error) {
	a, err := ask[*messages.AttachmentRecord](ctx, s, messages.KindQuery, "", &messages.GetAttachment{AttachmentId: id})
	if errors.Is(err, errNowhere) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	by := a.GetUploadedBy()
	return a.TicketId == may.ticket.TicketId && strings.HasSuffix(id, uploadSuffix) && by.GetKind() == "user" &&
		by.GetId() == strconv.FormatInt(of.person.Id, 10), nil
}

// quotas count what each person did within uploadsFor.
type quotas struct {
	mu   sync.Mutex
	done map[int64][]time.Time
}

// take counts one more, unless there were too many. Then wait is how long the oldest still counts.
func (q *quotas) take(person int64, now time.Time) (wait time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done == nil || len(q.done) >= uploadersKept {
		q.done = map[int64][]time.Time{}
	}
	recent := q.done[person]
	for len(recent) > 0 && now.Sub(recent[0]) > uploadsFor {
		recent = recent[1:]
	}
	if len(recent) >= uploadsAtMost {
		return recent[0].Add(uploadsFor).Sub(now), false
	}
	q.done[person] = append(recent, now)
	return 0, true
}
