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
	imageTime        = 20 * time.Second // limit for decoding one image
	decodeMemory     = 256 << 20        // bytes that all images being decoded may take together
)

type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

// codecs lists the image types that get thumbnails. The thumbnail of an animation is its first frame.
var codecs = map[string]codec{
	"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {png.DecodeConfig, png.Decode},
	"image/gif":  {gif.DecodeConfig, gif.Decode},
	"image/webp": {webp.DecodeConfig, webp.Decode},
}

// studio decodes images and makes thumbnails. It limits the memory of images that are decoded concurrently.
type studio struct {
	maxPixels int64
	room      *semaphore.Weighted
	timeLimit time.Duration
}

func newStudio(maxPixels int64) *studio {
	return &studio{maxPixels: maxPixels, room: semaphore.NewWeighted(decodeMemory), timeLimit: imageTime}
}

// picture is what reading an image has found.
type picture struct {
	width, height int    // pixels, as it is displayed
	thumbnail     []byte // JPEG; nil: the image could not be decoded
}

// read reads an image. An image with too many pixels, or that takes too long, is *storage.RefusedError. A broken
// image has no thumbnail. Read returns nil for what is not an image.
func (s *studio) read(ctx context.Context, file io.ReaderAt, size int64, mimeType string) (*picture, error) {
	c, ok := codecs[mimeType]
	if !ok {
		return nil, nil
	}
	config, err := c.config(io.NewSectionReader(file, 0, size))
	var overflow png.UnsupportedError
	if errors.As(err, &overflow) && strings.Contains(err.Error(), "overflow") { // the number of pixels overflows an int
		return nil, &storage.RefusedError{Reason: "an image of so many pixels is too large", Rule: storage.RuleImage}
	}
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return nil, nil
	}
	pixels := int64(config.Width) * int64(config.Height)
	if s.maxPixels > 0 && pixels > s.maxPixels {
		value := fmt.Sprintf("%d × %d", config.Width, config.Height)
		reason := "an image of " + value + " pixels is too large"
		return nil, &storage.RefusedError{Reason: reason, Rule: storage.RuleImage, Value: value}
	}
	p := &picture{width: config.Width, height: config.Height}
	weight := min(pixels*bytesPerPixel(config.ColorModel), decodeMemory)
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
		return nil, &storage.RefusedError{Reason: "an image that takes too long to decode", Rule: storage.RuleImage}
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

// decode turns a panic of the decoder into an error: the image is broken.
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

// timed is a reader that stops a decoder that takes too long, at its next read.
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

// thumbnail draws an image small, upright and on white. It carries over only pixels, no metadata.
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

// upright rotates and mirrors an image as its EXIF orientation requires.
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
