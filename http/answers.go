package httpedge

import (
	"bytes"
	"sync"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/semaphore"
)

const (
	// answerMemory is how many bytes of large answers wait for their clients together. A list of the largest tickets has
	// 2 MB, and a slow client may take a minute for it. Where there is no room, the answer is a 503.
	answerMemory = 64 << 20
	// largeAnswer is the size from which an answer counts.
	largeAnswer = 64 << 10
	// answerAgain is the Retry-After of that 503, in seconds.
	answerAgain = 3
)

// answers bounds how much memory the bodies of answers take until they are written.
type answers struct {
	room   *semaphore.Weighted
	memory int64 // all that room has
}

func newAnswers(memory int64) *answers { return &answers{semaphore.NewWeighted(memory), memory} }

// hold reserves memory for the body of an answer until it is written or its connection fails. It returns false, and
// drops the body, when there is no room. The body does not go back to fasthttp's pool, which would keep its memory.
func (a *answers) hold(r *fasthttp.Response) bool {
	if r.IsBodyStream() || len(r.Body()) < largeAnswer {
		return true
	}
	whole := r.Body()
	body := r.SwapBody(nil)
	if len(body) < len(whole) { // a raw body, such as the API's document: it belongs to all answers
		r.SetBodyRaw(whole)
		return true
	}
	size := min(int64(cap(body)), a.memory) // a larger one has to wait until it is alone, but not forever
	if !a.room.TryAcquire(size) {
		return false
	}
	r.SetBodyStream(&heldBody{Reader: bytes.NewReader(body), release: func() { a.room.Release(size) }}, len(body))
	return true
}

// heldBody is a body that fasthttp closes when it has written it, or can't.
type heldBody struct {
	*bytes.Reader
	once    sync.Once
	release func()
}

// Close implements io.Closer.
func (b *heldBody) Close() error {
	b.once.Do(b.release)
	return nil
}

func tooManyAnswers() *Problem {
	p := problem(codeUnavailable,
		"Too many large answers are on their way at the moment. Wait as long as Retry-After says, or ask for shorter pages.")
	p.retryAfter(answerAgain)
	return p
}
