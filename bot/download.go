package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/topicdesk/topicdesk/actors"
)

const (
	// cloudFileLimit is the largest file that Telegram's own server hands out (Bot API, getFile).
	cloudFileLimit = 20 << 20
	tooLargeFile   = "too large for the Bot API server"
	// stalledAfter is how long a download may go on without a byte.
	stalledAfter = 30 * time.Second
)

var _ actors.Downloads = (*Client)(nil)

// newDownloader makes a client that retries when the server fails or can't be reached. It logs nothing, because it
// would log the address, which contains the token.
func newDownloader(
	transport http.RoundTripper, noRedirect func(*http.Request, []*http.Request) error,
) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: transport, CheckRedirect: noRedirect},
		RetryWaitMin: 300 * time.Millisecond, RetryWaitMax: 5 * time.Second, RetryMax: 3,
		CheckRetry: retryablehttp.DefaultRetryPolicy, Backoff: retryablehttp.DefaultBackoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// OpenFile implements actors.Downloads. A local Bot API server may answer with a path on this machine.
func (c *Client) OpenFile(ctx context.Context, fileID string, size int64) (io.ReadCloser, int64, error) {
	if c.cloud && size > cloudFileLimit {
		return nil, 0, &actors.DownloadError{Refused: true, Reason: tooLargeFile}
	}
	var file struct {
		Size int64  `json:"file_size"`
		Path string `json:"file_path"`
	}
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := c.post(limited, "getFile", map[string]string{"file_id": fileID}, &file); err != nil {
		return nil, 0, c.fileError(ctx, err)
	}
	switch {
	case file.Path == "":
		return nil, 0, &actors.DownloadError{Reason: "Telegram does not say where the file is"}
	case filepath.IsAbs(file.Path) && !c.cloud:
		f, err := os.Open(file.Path)
		if err != nil {
			return nil, 0, &actors.DownloadError{
				Reason: "the local Bot API server's file can't be read: " + c.clean(plainPath(err)),
			}
		}
		return &counted{body: f, left: file.Size, known: file.Size > 0}, file.Size, nil
	}
	return c.download(ctx, file.Path, file.Size)
}

// plainPath returns the text of a file system error without the path, which may contain the token.
func plainPath(err error) string {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return err.Error()
}

// download opens a file of the Bot API server by its path.
func (c *Client) download(ctx context.Context, path string, size int64) (io.ReadCloser, int64, error) {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == ".." || s == "." {
			return nil, 0, &actors.DownloadError{Reason: "Telegram's path to the file can't be used"}
		}
		segments[i] = url.PathEscape(s)
	}
	ctx, cancel := context.WithCancel(ctx)
	stalled := time.AfterFunc(stalledAfter, cancel)
	end := func() { stalled.Stop(); cancel() }
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, c.fileBase+strings.Join(segments, "/"), nil)
	if err != nil {
		end()
		return nil, 0, &actors.DownloadError{Reason: c.clean(plainError(err))}
	}
	resp, err := c.downloads.Do(req)
	if err != nil {
		end()
		return nil, 0, &actors.DownloadError{Reason: c.clean(plainError(err))}
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		end()
		return nil, 0, &actors.DownloadError{Reason: fmt.Sprintf("the file's server answered %d", resp.StatusCode)}
	}
	if size <= 0 {
		size = resp.ContentLength
	}
	body := &counted{body: resp.Body, left: size, known: size > 0, end: end, clean: c.clean, stalled: stalled}
	return body, max(size, 0), nil
}

// saysNoFile are Telegram's answers about a file id that it does not know.
var saysNoFile = []string{"wrong file_id", "invalid file_id", "wrong file identifier"}

// fileError returns what a failed getFile means.
func (c *Client) fileError(ctx context.Context, err *APIError) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := strings.ToLower(err.Description)
	switch {
	case strings.Contains(text, "file is too big"):
		return &actors.DownloadError{Refused: true, Reason: tooLargeFile}
	case err.Status == http.StatusBadRequest && says(text, saysNoFile) &&
		!strings.Contains(text, "temporarily unavailable"):
		return &actors.DownloadError{Gone: true, Reason: err.Description}
	}
	return &actors.DownloadError{Reason: err.Description, RetryAfter: err.RetryAfter}
}

// counted is a body that must have the announced number of bytes; Read fails when it has fewer or more. Its errors
// contain no address.
type counted struct {
	body    io.ReadCloser
	left    int64 // bytes that are still to come
	known   bool  // the number of bytes was announced
	end     func()
	clean   func(string) string
	stalled *time.Timer
}

func (r *counted) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if n > 0 && r.stalled != nil {
		r.stalled.Reset(stalledAfter)
	}
	r.left -= int64(n)
	switch {
	case err != nil && err != io.EOF && r.clean != nil:
		err = errors.New(r.clean(plainError(err)))
	case r.known && r.left < 0:
		err = errors.New("the file is longer than Telegram says")
	case r.known && err == io.EOF && r.left > 0:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *counted) Close() error {
	err := r.body.Close()
	if r.end != nil {
		r.end()
	}
	return err
}
