package files

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/topicdesk/topicdesk/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var usual = Rules{
	Limits: map[string]int64{"photo": 1 << 20, "other": 4 << 20}, Deny: []string{"executables", "scripts", "html"},
	MaxPixels: 10_000_000,
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	if o.URL == "" {
		o.URL = (&url.URL{Scheme: "file", Path: t.TempDir()}).String()
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func keep(t *testing.T, s *Store, kind, name string, data []byte) storage.FileFacts {
	t.Helper()
	r, err := s.Receive(t.Context(), storage.FileClaim{Kind: kind, Name: name}, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Discard()
	if err := r.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.Facts()
}

func content(
	t *testing.T, s *Store, open func(context.Context, string) (io.ReadCloser, int64, error), sha string,
) []byte {
	t.Helper()
	r, size, err := open(t.Context(), sha)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || int64(len(data)) != size {
		t.Fatalf("%d of %d bytes: %v", len(data), size, err)
	}
	return data
}

// filesIn counts the files below a folder.
func filesIn(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return n
}

func TestContentIsKeptOnce(t *testing.T) {
	s := open(t, Options{Rules: usual})
	first := keep(t, s, "document", "a.txt", []byte("The printer is on fire"))
	second := keep(t, s, "voice", "b.txt", []byte("The printer is on fire"))
	if first != second || first.MimeType != "text/plain" || first.Size != 22 {
		t.Errorf("got %+v and %+v", first, second)
	}
	if got := content(t, s, s.Open, first.SHA256); string(got) != "The printer is on fire" {
		t.Errorf("got %q", got)
	}
	if n := filesIn(t, s.root); n != 1 {
		t.Errorf("%d files are there for one content, with nothing left behind", n)
	}
	for _, sha := range []string{"", "..", strings.Repeat("0", 64), "../../" + first.SHA256} {
		if _, _, err := s.Open(t.Context(), sha); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("content %q: %v", sha, err)
		}
	}
	info, err := os.Stat(filepath.Join(s.root, "content", first.SHA256[:2], first.SHA256))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: only the service reads it", info.Mode(), err)
	}
}

func TestNothingIsLeftOfWhatIsNotKept(t *testing.T) {
	s := open(t, Options{Rules: usual})
	broken := errors.New("the line is cut")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, receive := range map[string]func() (storage.ReceivedFile, error){
		"cut": func() (storage.ReceivedFile, error) {
			return s.Receive(t.Context(), storage.FileClaim{}, io.MultiReader(strings.NewReader("abc"), failing{broken}))
		},
		"cancelled": func() (storage.ReceivedFile, error) {
			return s.Receive(ctx, storage.FileClaim{}, strings.NewReader("abc"))
		},
		"large": func() (storage.ReceivedFile, error) {
			return s.Receive(t.Context(), storage.FileClaim{Kind: "photo"}, io.LimitReader(zeros{}, 1<<40))
		},
		"discarded": func() (storage.ReceivedFile, error) {
			r, err := s.Receive(t.Context(), storage.FileClaim{}, strings.NewReader("abc"))
			if err == nil {
				r.Discard()
				r.Discard()
				err = r.Keep(t.Context())
			}
			return r, err
		},
	} {
		if _, err := receive(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if n := filesIn(t, s.root); n != 0 {
			t.Errorf("%s: %d files are left", name, n)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRules(t *testing.T) {
	const drawing = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>`
	elf := append([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00"), make([]byte, 100)...)
	exe := append([]byte("MZ"), make([]byte, 200)...)
	for _, tt := range []struct {
		name, file string
		data       []byte
		rules      Rules
		want       string // a part of the reason; empty: accepted
	}{
		{"plain text", "a.txt", []byte("hello"), usual, ""},
		{"a program called a picture", "cat.jpg", elf, usual, "not allowed"},
		{"a Windows program called a text", "a.txt", exe, usual, "not allowed"},
		{"a script with its interpreter", "notes", []byte("#!/usr/bin/python3\nimport os\n"), usual, "not allowed"},
		{"a shell script", "notes", []byte("#!/bin/sh\nrm -rf /\n"), usual, "not allowed"},
		{"php", "x.gif", []byte("<?php system($_GET['x']);"), usual, "not allowed"},
		{"a web page called a picture", "cat.png", []byte("<!DOCTYPE html><html><body><script>alert(1)</script>"), usual, "not allowed"},
		{"a drawing that can hold scripts", "a.txt", []byte(drawing), usual, "not allowed"},
		{"a batch file, which is text like any other", "run.BAT", []byte("del *.*"), usual, "a .bat file"},
		{"a batch file behind tricks", "invoice.txt\u202etab.bat.", []byte("del *.*"), usual, "a .bat file"},
		{"nothing at all", "a.txt", nil, usual, "empty"},
		{"an archive", "a.zip", archive(t), usual, ""},
		{"an archive that is not wanted", "a.bin", archive(t), Rules{Deny: []string{"application/zip"}}, "application/zip"},
		{"only pictures: a picture", "a", picture8(t), Rules{Allow: []string{"image/*"}}, ""},
		{"only pictures: a text called a picture", "a.png", []byte("hello"), Rules{Allow: []string{"image/*"}}, "not among"},
		{"only text: html is a kind of text", "a.txt", []byte("<html><body>x"), Rules{Allow: []string{"text/plain"}}, "not among"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, Options{Rules: tt.rules})
			r, err := s.Receive(t.Context(), storage.FileClaim{Kind: "document", Name: tt.file}, bytes.NewReader(tt.data))
			if err == nil {
				r.Discard()
			}
			refused := storage.AsRefused(err)
			if tt.want == "" && err != nil || tt.want != "" && (refused == nil || !strings.Contains(refused.Reason, tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSizesByKind(t *testing.T) {
	s := open(t, Options{Rules: usual})
	claim := storage.FileClaim{Kind: "photo", Size: 1<<20 + 1}
	if r := s.Refuses(claim); r == nil || r.Reason != "larger than 1 MB" {
		t.Errorf("got %v", r)
	}
	claim.Kind = "document"
	if r := s.Refuses(claim); r != nil {
		t.Errorf("got %v", r)
	}
	// Claims are checked.
	_, err := s.Receive(t.Context(), storage.FileClaim{Kind: "photo", Size: 5}, io.LimitReader(zeros{}, 1<<20+1))
	if r := storage.AsRefused(err); r == nil || r.Reason != "larger than 1 MB" {
		t.Errorf("got %v", err)
	}
	keep(t, s, "photo", "", make([]byte, 1<<20))
}

// archive is a zip with one text in it.
func archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("notes.txt")
	if err == nil {
		_, err = w.Write([]byte("hello"))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func picture8(t *testing.T) []byte { return encodePNG(t, image.NewRGBA(image.Rect(0, 0, 8, 8))) }

func encodePNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// corners is an image whose top left quarter is red and whose top right quarter is blue.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 255, 255, 255}
			if y < h/2 && x < w/2 {
				c = color.RGBA{255, 0, 0, 255}
			} else if y < h/2 {
				c = color.RGBA{0, 0, 255, 255}
			}
			img.Set(x, y, c)
		}
	}
	return img
}

// withExif puts an APP1 segment with that orientation, and a secret beside it, into a JPEG.
func withExif(data []byte, orientation uint16) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x02")
	entry := func(tag, kind uint16, count, value uint32) {
		tiff = binary.BigEndian.AppendUint16(tiff, tag)
		tiff = binary.BigEndian.AppendUint16(tiff, kind)
		tiff = binary.BigEndian.AppendUint32(tiff, count)
		tiff = binary.BigEndian.AppendUint32(tiff, value)
	}
	entry(0x010e, 2, 6, 38)
	entry(0x0112, 3, 1, uint32(orientation)<<16)
	tiff = append(tiff, "\x00\x00\x00\x00SECRET"...)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, byte((len(segment)+2)>>8), byte(len(segment)+2))
	return append(append(out, segment...), data[2:]...)
}

func TestThumbnails(t *testing.T) {
	s := open(t, Options{Rules: usual})
	var jpg, anim bytes.Buffer
	if err := jpeg.Encode(&jpg, corners(800, 400), nil); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&anim, corners(640, 640), nil); err != nil {
		t.Fatal(err)
	}
	webp, err := os.ReadFile("testdata/picture.webp")
	if err != nil {
		t.Fatal(err)
	}
	red, blue := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 0, 255, 255}
	white := color.RGBA{255, 255, 255, 255}
	for _, tt := range []struct {
		name                   string
		data                   []byte
		w, h                   int // of the image as it is displayed
		tw, th                 int // of the thumbnail
		topLeft, topRight, low color.RGBA
	}{
		{"jpeg", jpg.Bytes(), 800, 400, 320, 160, red, blue, white},
		{"jpeg that says it is upright", withExif(jpg.Bytes(), 1), 800, 400, 320, 160, red, blue, white},
		{"mirrored", withExif(jpg.Bytes(), 2), 800, 400, 320, 160, blue, red, white},
		{"upside down", withExif(jpg.Bytes(), 3), 800, 400, 320, 160, white, white, blue},
		{"flipped", withExif(jpg.Bytes(), 4), 800, 400, 320, 160, white, white, red},
		{"transposed", withExif(jpg.Bytes(), 5), 400, 800, 160, 320, red, white, blue},
		{"turned right", withExif(jpg.Bytes(), 6), 400, 800, 160, 320, white, red, white},
		{"transversed", withExif(jpg.Bytes(), 7), 400, 800, 160, 320, white, blue, white},
		{"turned left", withExif(jpg.Bytes(), 8), 400, 800, 160, 320, blue, white, red},
		{"nonsense for an orientation", withExif(jpg.Bytes(), 77), 800, 400, 320, 160, red, blue, white},
		{"png", encodePNG(t, corners(400, 800)), 400, 800, 160, 320, red, blue, white},
		{"small png", encodePNG(t, corners(40, 20)), 40, 20, 40, 20, red, blue, white},
		{"narrow png", encodePNG(t, corners(2, 2000)), 2, 2000, 1, 320, color.RGBA{}, color.RGBA{}, color.RGBA{}},
		{"gif", anim.Bytes(), 640, 640, 320, 320, red, blue, white},
		{"webp", webp, 150, 100, 150, 100, color.RGBA{31, 34, 31, 255}, color.RGBA{35, 38, 35, 255}, color.RGBA{21, 19, 18, 255}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts := keep(t, s, "photo", "p", tt.data)
			if facts.Width != tt.w || facts.Height != tt.h || !facts.Thumbnail {
				t.Fatalf("got %+v, want %d × %d and a thumbnail", facts, tt.w, tt.h)
			}
			small := content(t, s, s.OpenThumbnail, facts.SHA256)
			if bytes.Contains(small, []byte("SECRET")) || bytes.Contains(small, []byte("Exif")) {
				t.Error("the thumbnail has the image's metadata")
			}
			img, err := jpeg.Decode(bytes.NewReader(small))
			if err != nil {
				t.Fatal(err)
			}
			if b := img.Bounds(); b.Dx() != tt.tw || b.Dy() != tt.th {
				t.Fatalf("the thumbnail has %v, want %d × %d", b, tt.tw, tt.th)
			}
			if tt.tw < 10 {
				return
			}
			for at, want := range map[image.Point]color.RGBA{
				{tt.tw / 5, tt.th / 5}: tt.topLeft, {tt.tw * 4 / 5, tt.th / 5}: tt.topRight, {tt.tw / 5, tt.th * 4 / 5}: tt.low,
			} {
				if got := img.At(at.X, at.Y); !near(got, want) {
					t.Errorf("at %v: got %v, want %v", at, got, want)
				}
			}
		})
	}
}

func near(got color.Color, want color.RGBA) bool {
	r, g, b, _ := got.RGBA()
	for _, d := range []int{int(r>>8) - int(want.R), int(g>>8) - int(want.G), int(b>>8) - int(want.B)} {
		if d > 60 || d < -60 {
			return false
		}
	}
	return true
}

// bomb is a PNG of a few bytes whose header claims w × h pixels.
func bomb(w, h uint32) []byte {
	chunk := func(kind string, data []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		out = append(append(out, kind...), data...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	head = append(head, 8, 6, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", head)...)
	return append(append(out, chunk("IDAT", []byte("\x78\x9c\x63"))...), chunk("IEND", nil)...)
}

func TestBombs(t *testing.T) {
	s := open(t, Options{Rules: usual})
	for name, data := range map[string][]byte{
		"png": bomb(60000, 60000), "largest png": bomb(1<<31-1, 1<<31-1), "wide png": bomb(10_000_001, 1),
		"gif": []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02D\x01\x00;"),
	} {
		_, err := s.Receive(t.Context(), storage.FileClaim{Kind: "photo"}, bytes.NewReader(data))
		if r := storage.AsRefused(err); r == nil || !strings.Contains(r.Reason, "too large") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// Within the limit, but without image data: a broken image, kept without a thumbnail.
	if facts := keep(t, s, "photo", "", bomb(1000, 1000)); facts.Thumbnail || facts.Width != 1000 {
		t.Errorf("got %+v", facts)
	}
	t.Run("one that takes too long", func(t *testing.T) {
		s.studio.timeLimit = -time.Second
		photo := bytes.NewReader(encodePNG(t, corners(100, 100)))
		_, err := s.Receive(t.Context(), storage.FileClaim{Kind: "photo"}, photo)
		if r := storage.AsRefused(err); r == nil || !strings.Contains(r.Reason, "too long") {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpenSaysWhatItDoesNotKnow(t *testing.T) {
	for _, address := range []string{"", "files", "ftp://x/y", "file://", "gs://bucket"} {
		if s, err := Open(t.Context(), Options{URL: address, Dir: t.TempDir()}); err == nil {
			_ = s.Close()
			t.Errorf("%q was opened", address)
		}
	}
}

func TestTemporaryFilesOfACrashAreSwept(t *testing.T) {
	s := open(t, Options{Rules: usual})
	for name, age := range map[string]time.Duration{"in-old": 48 * time.Hour, "in-new": time.Minute} {
		path := filepath.Join(s.temp, name)
		written := os.WriteFile(path, []byte("x"), 0o600)
		if err := errors.Join(written, os.Chtimes(path, time.Time{}, time.Now().Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.SweepTemporary(time.Now().Add(-staleAfter))
	if n != 1 || err != nil || filesIn(t, s.temp) != 1 {
		t.Errorf("%d were swept, %v", n, err)
	}
	if n, err = s.SweepTemporary(time.Now()); n != 1 || err != nil || filesIn(t, s.temp) != 0 {
		t.Errorf("%d were swept, %v", n, err)
	}
}

func TestSizeInWords(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 20 << 20: "20 MB", 1536: "1.5 KB", 2000 << 20: "2.0 GB", 1 << 40: "1 TB",
	} {
		if got := Size(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	if got := fmt.Sprint(Age(90*24*time.Hour), Age(90*time.Minute)); got != "90 days1h30m0s" {
		t.Error(got)
	}
}
