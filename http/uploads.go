package httpedge

import (
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// uploadMemory is how many bytes of uploads are in memory together. Each may be 50 MB. Further uploads are refused
// with a Retry-After.
const uploadMemory = 256 << 20

// uploadAgain is that Retry-After, in seconds.
const uploadAgain = 3

// uploads bounds how much memory the bodies of uploads take (docs/decisions.md, D42).
//
// fasthttp reads a body before it calls a handler. Until then only the address of its header identifies a request, so
// that is the key here. The server's ErrorHandler ends an upload that fails. A few fail silently: the client left
// before it was told to continue, or between two chunks. They end when another request uses the same header, or after
// some time.
type uploads struct {
	now func() time.Time

	mu   sync.Mutex
	left int64
	open map[*fasthttp.RequestHeader]*upload
}

type upload struct {
	size    int64    // bytes reserved; 0: none
	refusal *Problem // why nothing is reserved
	began   time.Time
	handled bool // its body has arrived
}

func newUploads(memory int64) *uploads {
	return &uploads{now: time.Now, left: memory, open: map[*fasthttp.RequestHeader]*upload{}}
}

// begin reserves memory for the body of a request, and reports whether there was enough. It does not count bodies of
// the size that any request may have. There is never memory for a large body in chunks: its size is not known, nor
// does the service notice when its client leaves between two chunks.
func (u *uploads) begin(h *fasthttp.RequestHeader) bool {
	size := int64(h.ContentLength())
	if size != -1 && size <= defaultBodyLimit || size > maxUpload { // fasthttp refuses the latter unread
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	_ = u.endLocked(h)
	for other, x := range u.open {
		if !x.handled && u.now().Sub(x.began) > uploadTime+time.Minute {
			_ = u.endLocked(other)
		}
	}
	x := &upload{began: u.now()}
	switch {
	case size == -1:
		x.refusal = problem(codeTooLarge, "Send a file of more than 1 MB with a Content-Length, not in chunks.")
	case size > u.left:
		x.refusal = tooManyUploads()
	default:
		x.size = size
		u.left -= size
	}
	u.open[h] = x
	return x.refusal == nil
}

// arrived notes that the body has arrived and the request is being handled.
func (u *uploads) arrived(h *fasthttp.RequestHeader) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if x := u.open[h]; x != nil {
		x.handled = true
	}
}

// end releases the memory of a request. It returns the refusal if begin reserved none.
func (u *uploads) end(h *fasthttp.RequestHeader) *Problem {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.endLocked(h)
}

func (u *uploads) endLocked(h *fasthttp.RequestHeader) *Problem {
	x := u.open[h]
	if x == nil {
		return nil
	}
	delete(u.open, h)
	u.left += x.size
	return x.refusal
}

func tooManyUploads() *Problem {
	p := problem(codeUnavailable, "Too many files are being uploaded at the moment. Wait as long as Retry-After says.")
	p.retryAfter(uploadAgain)
	return p
}
