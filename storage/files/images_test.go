package files

import (
	"bytes"
	"image/gif"
	"image/jpeg"
	"os"
	"testing"
)

// FuzzImage reads images of arbitrary bytes: reading must not panic, hang, or decode more than is allowed.
func FuzzImage(f *testing.F) {
	var jpg, anim bytes.Buffer
	_ = jpeg.Encode(&jpg, corners(20, 10), nil)
	_ = gif.Encode(&anim, corners(9, 9), nil)
	picture, err := os.ReadFile("testdata/picture.webp")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		jpg.Bytes(), anim.Bytes(), withExif(jpg.Bytes(), 6), bomb(60000, 60000), bomb(10, 10), picture,
	} {
		f.Add(seed)
	}
	s := newStudio(100_000)
	f.Fuzz(func(t *testing.T, data []byte) {
		for mimeType := range codecs {
			r := bytes.NewReader(data)
			p, err := s.read(t.Context(), r, int64(len(data)), mimeType)
			if err == nil && p != nil && p.width*p.height > 100_000 {
				t.Errorf("%d × %d pixels were let in", p.width, p.height)
			}
			if o := orientationOf(r, int64(len(data)), mimeType); o < 1 || o > 8 {
				t.Errorf("orientation %d", o)
			}
		}
		if o := tiffOrientation(data); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
