package httpedge

import (
	"math"
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
//
// Nobody gets all of the memory: who sends a large body slowly would keep everybody else from uploading. A key is for programs
// that one trusts, so it gets more than a person, who only has to write to the bot.
type uploads struct {
	now                     func() time.Time
	perKey, perPerson, ours int64 // bytes at most of one key, of one person, of all people together

	mu   sync.Mutex
	left int64
	open map[*fasthttp.RequestHeader]*upload
}

// personUploads is how many uploads of one person are in memory at once: a page sends as many.
const personUploads = 10

// uploader is who sends a file.
type uploader struct {
	name   string // whose uploads are bounded together
	person bool   // it is no program
	// count counts one more upload, of any size; nil: they are not counted. Otherwise the next may come after wait.
	count func() (wait time.Duration, ok bool)
}

type upload struct {
	from    *uploader
	size    int64    // bytes reserved; 0: none
	refusal *Problem // why nothing is reserved
	began   time.Time
	handled bool // its body has arrived
}

func newUploads(memory int64) *uploads {
	return &uploads{now: time.Now, left: memory, open: map[*fasthttp.RequestHeader]*upload{},
		perKey: max(memory/4*3, maxUpload), perPerson: max(memory/4, maxUpload), ours: max(memory/4*3, maxUpload)}
}

// begin reserves memory for the body of a request, if there is enough for who sends it, and returns how many bytes it may have. It
// reserves none for bodies of the size that any request may have. There is never memory for a large body in chunks: its size is not known, nor
// does the service notice when its client leaves between two chunks.
func (u *uploads) begin(h *fasthttp.RequestHeader, from *uploader) (limit int) {
	size := int64(h.ContentLength())
	if size > maxUpload { // fasthttp refuses it unread
		return maxUpload
	}
	small := size != -1 && size <= defaultBodyLimit
	u.mu.Lock()
	defer u.mu.Unlock()
	_ = u.endLocked(h)
	for other, x := range u.open {
		if !x.handled && u.now().Sub(x.began) > uploadTime+time.Minute {
			_ = u.endLocked(other)
		}
	}
	x := &upload{from: from, began: u.now()}
	u.open[h] = x
	if !small && size > u.leftFor(from) {
		x.refusal = tooManyUploads()
		return nothing
	}
	if from.count != nil { // last: what is refused anyway costs nothing
		if wait, ok := from.count(); !ok {
			x.refusal = problem(codeRateLimited)
			x.refusal.retryAfter(int64(math.Ceil(wait.Seconds())))
			return nothing
		}
	}
	switch {
	case size == -1:
		x.refusal = problem(codeTooLarge, "Send a file of more than 1 MB with a Content-Length, not in chunks.")
		return defaultBodyLimit
	case small:
		delete(u.open, h)
	default:
		x.size = size
		u.left -= size
	}
	return maxUpload
}

// nothing is the limit of a body that is not to be read. fasthttp takes 0 for no limit of its own.
const nothing = 1

// leftFor is how many bytes an uploader may still reserve.
func (u *uploads) leftFor(from *uploader) int64 {
	own, ofPeople, n := int64(0), int64(0), 0
	for _, x := range u.open {
		if x.from.name == from.name && x.size > 0 {
			own += x.size
			n++
		}
		if x.from.person {
			ofPeople += x.size
		}
	}
	switch {
	case !from.person:
		return min(u.left, u.perKey-own)
	case n >= personUploads:
		return 0
	}
	return min(u.left, u.perPerson-own, u.ours-ofPeople)
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
