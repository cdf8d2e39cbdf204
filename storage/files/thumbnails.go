package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"

	"github.com/topicdesk/topicdesk/storage"
)

const (
	thumbnailSide    = 320 // pixels, of the longer side
	thumbnailQuality = 80
	// imageTime is how long the decoding of one image may take.
	imageTime = 20 * time.Second
	// decodedAtOnce is how many bytes decoded images may take, all together.
	decodedAtOnce = 256 << 20
)

type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// codecs are the images that get thumbnails. Of an animation the first picture is taken.
var codecs = map[string]codec{
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/gif":  {gif.DecodeConfig, gif.Decode},
	"image/webp": {webp.DecodeConfig, webp.Decode},
}

// studio decodes images, a bounded amount of pixels at once.
type studio struct {
	maxPixels int64
	room      *semaphore.Weighted
	timeLimit time.Duration
}

func newStudio(maxPixels int64) *studio {
	return &studio{maxPixels: maxPixels, room: semaphore.NewWeighted(decodedAtOnce), timeLimit: imageTime}
}

// picture is what was found out about an image.
type picture struct {
	width, height int    // as it is shown
	thumbnail     []byte // JPEG; nil: it could not be decoded
}

// look reads an image. One with more pixels than allowed, or that takes too long, is *storage.RefusedError; what is only broken
// has no thumbnail. What is no image is nil.
func (s *studio) look(ctx context.Context, file io.ReaderAt, size int64, mimeType string) (*picture, error) {
	c, ok := codecs[mimeType]
	if !ok {
		return nil, nil
	}
	config, err := c.config(io.NewSectionReader(file, 0, size))
	var overflow png.UnsupportedError
	if errors.As(err, &overflow) && strings.Contains(err.Error(), "overflow") { // more pixels than can be counted
		return nil, &storage.RefusedError{Reason: "an image of so many pixels is too large"}
	}
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return nil, nil
	}
	if pixels := int64(config.Width) * int64(config.Height); s.maxPixels > 0 && pixels > s.maxPixels {
		return nil, &storage.RefusedError{Reason: fmt.Sprintf("an image of %d × %d pixels is too large", config.Width, config.Height)}
	}
	p := &picture{width: config.Width, height: config.Height}
	weight := min(int64(config.Width)*int64(config.Height)*bytesPerPixel(config.ColorModel), decodedAtOnce)
	if err := s.room.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	defer s.room.Release(weight)
	limited := &timed{r: io.NewSectionReader(file, 0, size), ctx: ctx, until: time.Now().Add(s.timeLimit)}
	img, err := decode(c, limited)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.late:
		return nil, &storage.RefusedError{Reason: "an image that takes too long to decode"}
	case err != nil:
		return p, nil
	}
	orientation := orientationOf(file, size, mimeType)
	if orientation >= 5 {
		p.width, p.height = p.height, p.width
	}
	p.thumbnail = thumbnail(img, orientation)
	return p, nil
}

// decode keeps a decoder's panic from being more than a broken image.
func decode(c codec, r io.Reader) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder panicked: %v", p)
		}
	}()
	return c.decode(r)
}

func bytesPerPixel(m color.Model) int64 {
	switch m {
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.GrayModel, color.AlphaModel:
		return 1
	case color.Gray16Model:
		return 2
	}
	return 4
}

// timed ends a decoder that takes too long, at its next read.
type timed struct {
	r     io.Reader
	ctx   context.Context
	until time.Time
	late  bool
}

var errLate = errors.New("it takes too long")

func (t *timed) Read(p []byte) (int, error) {
	if t.ctx.Err() != nil {
		return 0, t.ctx.Err()
	}
	if time.Now().After(t.until) {
		t.late = true
		return 0, errLate
	}
	return t.r.Read(p[:min(len(p), 64<<10)])
}

// thumbnail draws an image small, upright and on white. Nothing but pixels goes over.
func thumbnail(img image.Image, orientation int) []byte {
	b := img.Bounds()
	if b.Empty() {
		return nil
	}
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > thumbnailSide {
		w, h = max(1, w*thumbnailSide/long), max(1, h*thumbnailSide/long)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.White, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(small, small.Bounds(), img, b, draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, upright(small, orientation), &jpeg.Options{Quality: thumbnailQuality}); err != nil {
		return nil
	}
	return out.Bytes()
}

// upright turns and mirrors an image as EXIF's orientation says it must be to be seen as it was taken.
func upright(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dw, dh := w, h
	if orientation >= 5 {
		dw, dh = h, w
	}
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range h {
		for x := range w {
			var dx, dy int
			switch orientation {
			case 2:
				dx, dy = w-1-x, y
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dx, dy = x, h-1-y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			dst.SetRGBA(dx, dy, src.RGBAAt(x, y))
		}
	}
	return dst
}
