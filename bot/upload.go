package bot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// OpenContent opens the content of a file that Telegram does not have yet, by its SHA-256. It also returns the size
// in bytes.
type OpenContent func(ctx context.Context, sha256 string) (io.ReadCloser, int64, error)

// uploadTime is how long a call with an upload may take.
const uploadTime = 5 * time.Minute

// uploadMark replaces the file id in a message whose file must be uploaded.
const uploadMark = "(upload)"

// uploads caches the file ids of what this process has uploaded, so that further copies of the same message are sent
// by id (docs/decisions.md, D30).
type uploads struct {
	mu  sync.Mutex
	ids map[uploadKey]string
}

const uploadsCached = 1000

// uploadKey is what a file id may be used again for. A file id carries more than content: a name, a type, what Telegram
// has read from it. So it is never shared between messages, which may be those of different customers, nor between two
// media of one message (docs/decisions.md, D81).
type uploadKey struct {
	message string            // id of the original
	medium  [sha256.Size]byte // hash of everything that is known of the medium
}

// uploadKeyOf returns the key of the medium that m uploads. A medium of no message has none.
func uploadKeyOf(m *outgoing) (key uploadKey, ok bool) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.upload)
	return uploadKey{m.original, sha256.Sum256(data)}, err == nil && m.original != ""
}

func (u *uploads) get(m *outgoing) string {
	key, ok := uploadKeyOf(m)
	if !ok {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ids[key]
}

func (u *uploads) put(m *outgoing, fileID string) {
	key, ok := uploadKeyOf(m)
	if !ok {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids == nil || len(u.ids) >= uploadsCached {
		u.ids = map[uploadKey]string{} // another upload of the same file does no harm
	}
	u.ids[key] = fileID
}

func (u *uploads) forget(m *outgoing) {
	key, _ := uploadKeyOf(m)
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.ids, key)
}

// withUploadMark returns a medium with uploadMark instead of a file id, if Telegram does not have the file yet.
func withUploadMark(m *messages.Media) *messages.Media {
	if m.GetFileId() != "" || m.GetSha256() == "" {
		return m
	}
	m = proto.CloneOf(m)
	m.FileId = uploadMark
	return m
}

// postMessage posts a message, and uploads its file if Telegram does not have it yet.
func (c *Client) postMessage(ctx context.Context, m *outgoing, sent *sentMessages) *APIError {
	if m.upload == nil {
		return c.post(ctx, m.method, m.body(), sent)
	}
	if id := c.uploads.get(m); id != "" {
		known := proto.CloneOf(m.upload)
		known.FileId = id
		by := *m
		by.upload = nil
		by.refile(known)
		err := c.post(ctx, by.method, by.body(), sent)
		if err == nil || !strings.Contains(strings.ToLower(err.Description), "file") {
			return err
		}
		c.uploads.forget(m) // Telegram does not know it any more
	}
	var raw json.RawMessage
	if err := c.postFile(ctx, m, &raw); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, sent); err != nil {
		return &APIError{Method: m.method, Status: http.StatusOK, Sent: true, Broken: true,
			Description: "the result can't be read"}
	}
	if id := fileIDOf(raw, m.upload.GetKind()); id != "" {
		c.uploads.put(m, id)
	}
	return nil
}

// refile sets the file id, and leaves the caption as it is.
func (m *outgoing) refile(media *messages.Media) {
	previous := m.mediaFields
	m.setMedia(media)
	m.Caption, m.CaptionEntities = previous.Caption, previous.CaptionEntities
}

// postFile posts a message as a multipart form and streams its file.
func (c *Client) postFile(ctx context.Context, m *outgoing, result *json.RawMessage) *APIError {
	fail := func(err error) *APIError { return &APIError{Method: m.method, Description: c.clean(plainError(err))} }
	if c.content == nil {
		return fail(fmt.Errorf("this process has no store of files"))
	}
	fields, err := formFields(m)
	if err != nil {
		return fail(err)
	}
	file, _, err := c.content(ctx, m.upload.GetSha256())
	if err != nil {
		return fail(fmt.Errorf("the file can't be opened: %w", err))
	}
	defer func() { _ = file.Close() }()
	reader, writer := io.Pipe()
	defer func() { _ = reader.Close() }() // ends the goroutine below when the request ends early
	form := multipart.NewWriter(writer)
	written := make(chan struct{})
	go func() {
		defer close(written)
		_ = writer.CloseWithError(writeForm(form, fields, m.upload, file))
	}()
	x := &exchange{}
	req, err := http.NewRequestWithContext(x.traced(ctx), http.MethodPost, c.prefix+m.method, reader)
	if err != nil {
		_ = reader.Close()
		<-written
		return fail(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	x.do(c.http, req)
	_ = reader.Close()
	<-written
	return c.verdict(x, m.method, result)
}

// formFields returns the parameters of a message for a form: texts as they are, everything else as JSON.
func formFields(m *outgoing) (map[string]string, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for name, value := range all {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		if text != uploadMark {
			fields[name] = text
		}
	}
	return fields, nil
}

func writeForm(form *multipart.Writer, fields map[string]string, media *messages.Media, file io.Reader) error {
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			return err
		}
	}
	part, err := form.CreateFormFile(media.GetKind(), media.GetFileName())
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, file); err != nil {
		return err
	}
	return form.Close()
}

// fileIDOf returns the id of a message's file; for a photo, that of its largest size, which is the last.
func fileIDOf(message json.RawMessage, kind string) string {
	var all map[string]json.RawMessage
	if json.Unmarshal(message, &all) != nil {
		return ""
	}
	type sized struct {
		ID string `json:"file_id"`
	}
	var sizes []sized
	if raw := bytes.TrimSpace(all[kind]); len(raw) > 0 && raw[0] == '[' {
		if json.Unmarshal(raw, &sizes) != nil || len(sizes) == 0 {
			return ""
		}
		return sizes[len(sizes)-1].ID
	}
	var one sized
	_ = json.Unmarshal(all[kind], &one) // Telegram may have made another kind of it; then the id is ""
	return one.ID
}
