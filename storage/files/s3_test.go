//go:build s3

package files

import (
	"bytes"
	"errors"
	"image/png"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/topicdesk/topicdesk/storage"
)

// s3Address starts an S3 server in this process and returns the address of a bucket on it.
func s3Address(t *testing.T) string {
	t.Helper()
	backend := s3mem.New()
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	if err := backend.CreateBucket("desk"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return "s3://desk?region=us-east-1&use_path_style=true&disable_https=true&endpoint=" + server.URL
}

func TestS3(t *testing.T) {
	s := open(t, Options{URL: s3Address(t), Dir: t.TempDir(), Rules: usual})
	first := keep(t, s, "document", "a.txt", []byte("hello"))
	if again := keep(t, s, "document", "b.txt", []byte("hello")); again != first {
		t.Errorf("got %+v and %+v", first, again)
	}
	if got := content(t, s, s.Open, first.SHA256); string(got) != "hello" {
		t.Errorf("got %q", got)
	}
	picture := keep(t, s, "photo", "p.png", encodePNG(t, corners(400, 200)))
	small := content(t, s, s.OpenThumbnail, picture.SHA256)
	if _, err := png.Decode(bytes.NewReader(small)); err == nil || len(small) == 0 {
		t.Error("the thumbnail is no JPEG")
	}
	if n := filesIn(t, s.temp); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}
	n := 0
	err := s.each(t.Context(), contentPrefix, func(string, int64, time.Time) error { n++; return nil })
	if err != nil || n != 2 {
		t.Errorf("%d contents, %v", n, err)
	}
	key, aside := contentKey(contentPrefix, first.SHA256), asideKey(contentPrefix, first.SHA256)
	err = errors.Join(s.move(t.Context(), key, aside), s.move(t.Context(), aside, key),
		s.remove(t.Context(), key), s.remove(t.Context(), key))
	if err != nil {
		t.Error(err)
	}
	if err := s.move(t.Context(), key, aside); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("to move what is not there: %v", err)
	}
	if _, _, err := s.Open(t.Context(), first.SHA256); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("what was removed: %v", err)
	}
}
