package httpedge

import (
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// uploadMemory is how many bytes of uploads are held at once. More are told to come again: each may be 50 MB.
const uploadMemory = 256 << 20

// uploadAgain is after how many seconds.
const uploadAgain = 3

// uploads bounds what the bodies of uploads take in memory (docs/decisions.md, D42). fasthttp reads them before it calls a
// handler, and says of a request no more than where its header is: that stands for it here. One that fails is ended by the
// server's ErrorHandler, the few that fail without a word (the client left before it was told to go on, or between two chunks)
// by the next request in the same place, or by time.
type uploads struct {
	now func() time.Time

	mu    sync.Mutex
	left  int64
	under map[*fasthttp.RequestHeader]*upload
}

type upload struct {
	size    int64    // of the room; 0: it takes none
	refusal *Problem // why it takes none, in case it is too large for that
	began   time.Time
	handled bool // its body has arrived
}

func newUploads(atOnce int64) *uploads {
	return &uploads{now: time.Now, left: atOnce, under: map[*fasthttp.RequestHeader]*upload{}}
}

// begin says whether there is room for the body of a request. Bodies that any request may have are not counted. For one that comes
// in chunks there is none: how much it takes is not known, nor can it be told when its client leaves between two of them.
func (u *uploads) begin(h *fasthttp.RequestHeader) bool {
	size := int64(h.ContentLength())
	if size != -1 && size <= defaultBodyLimit || size > maxUpload { // the latter is refused unread
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	_ = u.endLocked(h)
	for other, x := range u.under {
		if !x.handled && u.now().Sub(x.began) > uploadTime+time.Minute {
			_ = u.endLocked(other)
		}
	}
	x := &upload{began: u.now()}
	switch {
	case size == -1:
		x.refusal = problem(codeTooLarge, "A file of more than 1 MB is sent with a Content-Length, not in chunks.")
	case size > u.left:
		x.refusal = noRoom()
	default:
		x.size = size
		u.left -= size
	}
	u.under[h] = x
	return x.refusal == nil
}

// arrived notes that the request is handled now.
func (u *uploads) arrived(h *fasthttp.RequestHeader) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if x := u.under[h]; x != nil {
		x.handled = true
	}
}

// end gives back what the request took, and says why there was no room for it, if there was none.
func (u *uploads) end(h *fasthttp.RequestHeader) *Problem {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.endLocked(h)
}

func (u *uploads) endLocked(h *fasthttp.RequestHeader) *Problem {
	x := u.under[h]
	if x == nil {
		return nil
	}
	delete(u.under, h)
	u.left += x.size
	return x.refusal
}

// noRoom is the answer to an upload too many.
func noRoom() *Problem {
	p := problem(codeUnavailable, "Too much is being uploaded at the moment. Send the file again after Retry-After.")
	p.retryAfter(uploadAgain)
	return p
}
