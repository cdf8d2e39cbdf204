package httpedge_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	httpedge "github.com/topicdesk/topicdesk/http"
)

// formOf is a form with fields, and with files of the content "x".
func formOf(fields, files []string) *form {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	var err error
	for _, name := range fields {
		err = errors.Join(err, w.WriteField(name, "document"))
	}
	for _, name := range files {
		part, e := w.CreateFormFile(name, "a.txt")
		if err = errors.Join(err, e); e == nil {
			_, e = part.Write([]byte("x"))
			err = errors.Join(err, e)
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return &form{media: w.FormDataContentType(), text: b.String()}
}

func TestForms(t *testing.T) {
	s, key := ticketService(t)
	path := at(s.ticket(key, "Forms")) + "/attachments"
	for _, body := range []any{object{"file": "x"}, `{}`, `nonsense`, nil} {
		s.do("POST", path, key, body).is(415, "unsupported_media_type")
	}
	s.do("POST", path, key, "file=x", "Content-Type", "application/x-www-form-urlencoded").
		is(415, "unsupported_media_type")
	for field, body := range map[string]*form{
		"kidn": formOf([]string{"kidn"}, []string{"file"}), "files": formOf(nil, []string{"file", "files"}),
		"file": formOf(nil, []string{"file", "file"}),
		"kind": formOf(nil, []string{"file", "kind"}), "file ": formOf([]string{"file"}, []string{"file"}),
	} {
		if p := s.do("POST", path, key, body).is(422, "invalid"); !mentions(p, strings.TrimSpace(field)) {
			t.Errorf("%s: %v", field, p)
		}
	}
	s.do("POST", path, key, formOf([]string{"kind"}, []string{"file"})).is(201)
}

// TestUploadsTakeLittleMemory counts what is allocated for a file of 40 MB: fasthttp holds 16 MB of a form, and keeps the rest
// in a temporary file. Whoever asks for the body of such a request gets it in memory, put together again from that file.
func TestUploadsTakeLittleMemory(t *testing.T) {
	const size, most = 40 << 20, 6 * 40 << 20 // with the race detector 128 MB; 556 MB with the body in memory
	s, key := ticketService(t)
	path := at(s.ticket(key, "Large")) + "/attachments"
	whole := fileForm("file", "large.bin", "X")
	begin, end, _ := strings.Cut(whole.text, "X\r\n")
	r, err := http.NewRequest(http.MethodPost, s.url+path, io.MultiReader(strings.NewReader(begin),
		io.LimitReader(zeros{}, size), strings.NewReader("\r\n"+end)))
	s.must(err)
	r.ContentLength = int64(len(begin) + size + len("\r\n"+end))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", whole.media)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answer, err := http.DefaultClient.Do(r)
	s.must(err)
	_ = answer.Body.Close()
	runtime.ReadMemStats(&after)
	if answer.StatusCode != http.StatusCreated {
		t.Error("got", answer.StatusCode)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("%d MB were allocated", took>>20)
	}
}

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestUploadsAtOnce(t *testing.T) {
	s := newService(t, serviceOptions{server: httpedge.Options{UploadMemory: 5 << 20}})
	s.register()
	key := s.key(nil, "admin")
	path := at(s.ticket(key, "Many")) + "/attachments"
	large := fileForm("file", "large.bin", strings.Repeat("x", 3<<20))
	// send sends an upload except for its end. The answer comes after the end is sent, too.
	send := func() net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		s.must(err)
		s.must(c.SetDeadline(time.Now().Add(patience)))
		_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
			path, key, large.media, len(large.text), large.text[:len(large.text)-10])
		if err != nil { // it was refused unread
			_ = c.Close()
			return nil
		}
		return c
	}
	// begin starts an upload and waits until there is no memory for another one. The other one, which tries that, may
	// arrive first: then there is no memory for this one.
	begin := func() (first net.Conn) {
		s.await("the first is on its way", func() bool {
			if first == nil {
				if first = send(); first == nil {
					return false
				}
			}
			r := s.do("POST", path, key, large)
			if r.status == http.StatusCreated {
				s.must(first.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
				if _, err := first.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					_ = first.Close()
					first = nil
					return false
				}
				s.must(first.SetDeadline(time.Now().Add(patience)))
				return false
			}
			r.is(503, "unavailable")
			if r.header.Get("Retry-After") != "3" {
				t.Error(r.header)
			}
			return true
		})
		return first
	}
	room := func() {
		s.await("there is room again", func() bool {
			return s.do("POST", path, key, large).status == http.StatusCreated
		})
	}
	s.do("POST", path, key, large).is(201)
	t.Run("uploads beyond the memory must come again, small ones need not", func(t *testing.T) {
		c := begin()
		s.do("POST", path, key, fileForm("file", "small.txt", "x")).is(201)
		_, err := io.WriteString(c, large.text[len(large.text)-10:])
		s.must(err)
		answer, err := io.ReadAll(c)
		s.must(err)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 201") {
			t.Errorf("%s", answer)
		}
		room()
	})
	t.Run("who leaves in the middle makes room", func(t *testing.T) {
		c := begin()
		s.must(c.Close())
		room()
	})
	t.Run("in chunks it may be small, and takes no room", func(t *testing.T) {
		small := fileForm("file", "small.txt", "x")
		for form, want := range map[*form]int{large: 413, small: 201} {
			req, err := http.NewRequest("POST", s.url+path, io.MultiReader(strings.NewReader(form.text)))
			s.must(err)
			req.Header.Set("Content-Type", form.media)
			req.Header.Set("Authorization", "Bearer "+key)
			res, err := s.http.Do(req)
			s.must(err)
			body, err := io.ReadAll(res.Body)
			s.must(err)
			_ = res.Body.Close()
			if res.StatusCode != want || want == 413 && !strings.Contains(string(body), "Content-Length") {
				t.Error(res.Status, string(body))
			}
		}
		for range 5 { // clients that leave between two chunks
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			s.must(err)
			_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", path, key, large.media)
			s.must(err)
			s.must(c.Close())
		}
		room()
	})
}
