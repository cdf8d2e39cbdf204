// Package download answers with the bytes of somebody's file, or with a part of them, for the API and for the web desk. Who may have
// them was decided before.
package download

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// ErrRange says that a request asks for what begins beyond the end of a file. The answer has its Content-Range, and no body.
var ErrRange = errors.New("the range begins beyond the end")

// File is what a request is answered with.
type File struct {
	Body      io.ReadCloser // which Answer closes
	Size      int64         // in bytes; -1: unknown, so there are no ranges
	Name      string
	Version   string // of the file: another one has other bytes
	Thumbnail bool   // the body is its small version, a JPEG
	Inline    bool   // browsers may show it
	Known     bool   // whoever asks has it already
}

// Tag is the ETag of a file, or of its thumbnail.
func Tag(version string, thumbnail bool) string {
	if thumbnail {
		return `"t` + version + `"`
	}
	return `"` + version + `"`
}

// Answer answers a request with a file, or with the one range of its bytes that the request asks for.
func Answer(c *fiber.Ctx, f *File) error {
	f.protect(c)
	status, from, to := http.StatusOK, int64(0), f.Size
	wanted := c.Get(fiber.HeaderRange)
	switch {
	case f.Known:
		c.Status(http.StatusNotModified)
		return f.Body.Close()
	case wanted != "" && f.Size >= 0 && c.Method() == fiber.MethodGet: // only GET has ranges (RFC 9110, 14.2)
		if has := c.Get(fiber.HeaderIfRange); has != "" && has != Tag(f.Version, f.Thumbnail) {
			break // they have a part of another file
		}
		var ok bool
		if from, to, ok = rangeOf(wanted, f.Size); !ok {
			c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", f.Size))
			return errors.Join(ErrRange, f.Body.Close())
		}
		if to-from < f.Size {
			status = http.StatusPartialContent
			c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", from, to-1, f.Size))
		}
	}
	if from > 0 {
		if err := skip(f.Body, from); err != nil {
			return errors.Join(fmt.Errorf("move within a file: %w", err), f.Body.Close())
		}
	}
	c.Status(status)
	if f.Size < 0 {
		c.Context().Response.SetBodyStream(f.Body, -1)
		return nil
	}
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	c.Context().Response.SetBodyStream(limited{io.LimitReader(f.Body, to-from), f.Body}, int(to-from))
	return nil
}

// protect sets the headers that keep browsers from treating somebody's file as a page of ours.
func (f *File) protect(c *fiber.Ctx) {
	kind, name, as := fiber.MIMEOctetStream, f.Name, "attachment"
	if f.Thumbnail {
		kind, name = "image/jpeg", "thumbnail.jpg"
	}
	if f.Inline {
		as = "inline"
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType(as, map[string]string{"filename": name}))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox; frame-ancestors 'none'")
	c.Set(fiber.HeaderCacheControl, "private, no-cache")
	c.Set(fiber.HeaderETag, Tag(f.Version, f.Thumbnail))
}

// limited reads the requested part of a file, and closes the file.
type limited struct {
	io.Reader
	io.Closer
}

// skip moves to an offset in a file, without reading what precedes it where that is possible.
func skip(r io.Reader, to int64) error {
	if s, ok := r.(io.Seeker); ok {
		if _, err := s.Seek(to, io.SeekStart); err == nil {
			return nil
		}
	}
	_, err := io.CopyN(io.Discard, r, to)
	return err
}

// rangeOf reads a Range header (RFC 9110, 14.2): the range goes from the byte from up to, but without, the byte to. A
// header with another unit, with several ranges or malformed is ignored: the range is the whole file. ok is false
// when the range begins beyond the end.
func rangeOf(header string, size int64) (from, to int64, ok bool) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !isBytes || !dash || strings.Contains(spec, ",") {
		return 0, size, true
	}
	if first == "" { // the last n bytes
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return 0, size, true
		}
		return max(0, size-n), size, n > 0 && size > 0
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil || from < 0 {
		return 0, size, true
	}
	to = size
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < from {
			return 0, size, true
		}
		to = min(size-1, n) + 1
	}
	return from, to, from < size
}
