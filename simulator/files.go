package simulator

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// file is one stored file. Its bytes are in memory, or beside the journal under the same name.
type file struct {
	ID    string          `json:"id"`
	N     int64           `json:"n"`
	Kind  string          `json:"kind"`
	Name  string          `json:"name,omitempty"`
	Mime  string          `json:"mime,omitempty"`
	Size  int64           `json:"size"`
	Value json.RawMessage `json:"value"` // the Bot API object
	data  []byte
}

// Upload is a file, or other content beside text, that a person posts. Data is the content; instead of it, FileID
// names a file that is there already, or Size claims a size without content (files too large to download).
// Value, for kinds without a file (location, contact, poll, …), is the Bot API's value of that field.
type Upload struct {
	Kind     string          `json:"kind"` // photo, document, video, animation, audio, voice, video_note, sticker; location, …
	FileName string          `json:"fileName"`
	MimeType string          `json:"mimeType"`
	Data     []byte          `json:"data"` // base64 in JSON
	FileID   string          `json:"fileId"`
	Size     int64           `json:"size"`
	Value    json.RawMessage `json:"value"`
}

// NewAlbum makes a media_group_id for the parts of an album.
func (s *Server) NewAlbum() string {
	var id string
	_ = s.do(func() error { // a journal that can't be written fails at the post, too
		id = s.newAlbum()
		return nil
	})
	return id
}

func (s *Server) newAlbum() string {
	s.w.nextAlbum++
	s.record(record{Meta: s.meta()})
	return strconv.FormatInt(s.w.nextAlbum, 10)
}

// AddFile stores a file without posting it and returns its id.
func (s *Server) AddFile(u Upload) (string, error) {
	var id string
	err := s.do(func() error {
		m, err := s.mediaOf(&u)
		if err == nil {
			id = m.FileID
		}
		return err
	})
	return id, err
}

// mediaOf turns what a person posts into a message's media.
func (s *Server) mediaOf(u *Upload) (*Media, error) {
	kind, known := mediaKinds[u.Kind]
	if !known {
		return nil, fmt.Errorf("there is no kind of media %q", u.Kind)
	}
	if !kind.file {
		if !json.Valid(u.Value) || len(u.Value) == 0 || u.Value[0] != '{' {
			return nil, fmt.Errorf("a %s needs a value, an object of the Bot API", u.Kind)
		}
		return &Media{Kind: u.Kind, Value: slices.Clone(u.Value)}, nil
	}
	if u.FileID != "" {
		f := s.w.files[u.FileID]
		if f == nil {
			return nil, fmt.Errorf("there is no file %q", u.FileID)
		}
		return f.media(), nil
	}
	f, err := s.store(u.Kind, u.FileName, u.MimeType, u.Data, u.Size)
	if err != nil {
		return nil, err
	}
	return f.media(), nil
}

func (f *file) media() *Media {
	return &Media{Kind: f.Kind, FileID: f.ID, FileName: f.Name, MimeType: f.Mime, Size: f.Size, Value: f.Value}
}

// store keeps a file's bytes and makes its Bot API object.
func (s *Server) store(kind, name, mimeType string, data []byte, claimed int64) (*file, error) {
	n := s.w.nextFile
	s.w.nextFile++
	ext := path.Ext(name)
	if mimeType == "" || mimeType == "application/octet-stream" {
		if mimeType = mime.TypeByExtension(ext); mimeType == "" {
			mimeType = http.DetectContentType(data)
		}
	}
	f := &file{ID: "sim-" + strconv.FormatInt(n, 10) + "-" + kind, N: n, Kind: kind, Name: name, Mime: mimeType, Size: max(int64(len(data)), claimed)}
	o := map[string]any{"file_id": f.ID, "file_unique_id": "u" + strconv.FormatInt(n, 10), "file_size": f.Size}
	with := func(kv ...any) {
		for i := 0; i < len(kv); i += 2 {
			o[kv[i].(string)] = kv[i+1]
		}
	}
	switch kind {
	case "photo":
		with("width", 800, "height", 600)
	case "live_photo":
		with("width", 640, "height", 480, "duration", 3, "photo", []any{map[string]any{"file_id": f.ID, "file_unique_id": "u" + strconv.FormatInt(n, 10), "width": 640, "height": 480}})
	case "video", "animation":
		with("width", 640, "height", 360, "duration", 5, "file_name", name, "mime_type", mimeType)
	case "audio":
		with("duration", 30, "file_name", name, "mime_type", mimeType)
	case "voice":
		with("duration", 3, "mime_type", mimeType)
	case "video_note":
		with("length", 240, "duration", 5)
	case "sticker":
		with("type", "regular", "width", 512, "height", 512, "is_animated", false, "is_video", false, "emoji", "🙂")
	case "document":
		with("file_name", name, "mime_type", mimeType)
	}
	f.Value = jsonOf(o)
	if kind == "photo" {
		small := map[string]any{"file_id": f.ID + "-s", "file_unique_id": "us" + strconv.FormatInt(n, 10), "file_size": f.Size / 10, "width": 90, "height": 67}
		f.Value = jsonOf([]any{small, o})
	}
	if s.opt.StateFile != "" && len(data) > 0 {
		if err := os.MkdirAll(s.filesDir(), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(s.filesDir(), f.ID), data, 0o600); err != nil {
			return nil, err
		}
	} else {
		f.data = slices.Clone(data)
	}
	s.w.keepFile(f)
	s.record(record{File: f})
	return f, nil
}

func (s *Server) filesDir() string { return s.opt.StateFile + ".files" }

func (w *world) keepFile(f *file) { w.files[f.ID], w.byPath[f.path()] = f, f }

func (s *Server) findFile(id string) *file {
	return s.w.files[strings.TrimSuffix(id, "-s")]
}

func (s *Server) fileData(f *file) ([]byte, error) {
	if f.data != nil || s.opt.StateFile == "" {
		return f.data, nil
	}
	b, err := os.ReadFile(filepath.Join(s.filesDir(), f.ID))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

var plainExt = regexp.MustCompile(`^\.[A-Za-z0-9]{1,10}$`)

// path is where the file is downloaded; an extension that would not be plain in a URL is left out.
func (f *file) path() string {
	ext := path.Ext(f.Name)
	if !plainExt.MatchString(ext) {
		ext = ""
	}
	return f.Kind + "s/file_" + strconv.FormatInt(f.N, 10) + ext
}

func (s *Server) getFile(c *call) (any, *apiError) {
	f := s.findFile(c.p.str("file_id"))
	if f == nil {
		return nil, badRequest("wrong file_id or the file is temporarily unavailable")
	}
	if f.Size > s.opt.MaxFile {
		return nil, badRequest("file is too big")
	}
	return map[string]any{"file_id": f.ID, "file_unique_id": "u" + strconv.FormatInt(f.N, 10), "file_size": f.Size, "file_path": f.path()}, nil
}

// serveFile serves /file/bot<token>/<path>.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request, rest string) {
	token, want, ok := strings.Cut(rest, "/")
	if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Token)) != 1 {
		writeError(w, errUnauthorized)
		return
	}
	c := &call{method: MethodFile, p: &params{}, file: want}
	c.log = Call{Method: MethodFile, At: s.now()}
	fault := s.takeFault(c)
	if fault != nil && !s.faultBefore(w, r, c, fault, time.Now()) {
		return
	}
	s.mu.Lock()
	found := s.w.byPath[want]
	s.mu.Unlock()
	if found == nil {
		writeError(w, errNotFound)
		return
	}
	if fault != nil {
		s.sendBadly(w, found, fault)
		return
	}
	s.sendFile(w, found, "application/octet-stream")
}

// sendBadly serves a file with a fault.
func (s *Server) sendBadly(w http.ResponseWriter, f *file, fault *Fault) {
	data, err := s.fileData(f)
	if err != nil {
		writeError(w, &apiError{Code: 500, Description: "Internal Server Error"})
		return
	}
	switch fault.Kind {
	case FaultShort:
		data = data[:len(data)/2]
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data)
	case FaultLost, FaultLostSlow:
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data[:len(data)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		const pieces = 100
		all := slices.Collect(slices.Chunk(data, max(1, (len(data)+pieces-1)/pieces)))
		for i, piece := range all {
			if i > 0 {
				s.pause(fault.Delay / time.Duration(len(all)-1)) // never after the last: the client has it all, and may use the connection again
			}
			if _, err := w.Write(piece); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func (s *Server) sendFile(w http.ResponseWriter, f *file, mimeType string) {
	data, err := s.fileData(f)
	if err != nil {
		writeError(w, &apiError{Code: 500, Description: "Internal Server Error"})
		return
	}
	h := w.Header()
	h.Set("Content-Type", mimeType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data)
}
