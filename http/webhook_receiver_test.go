package httpedge_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// receiver is an endpoint's other side. It keeps what it gets, and answers 204 unless it is told otherwise.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	status int
	words  string // of its answers; 204 has none
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, received{req.Header, body})
		if r.words != "" {
			_, _ = io.WriteString(w, r.words)
			return
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// say has it answer 200 with words; "": as before.
func (r *receiver) say(words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words = words
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// awaitOne waits for the n-th request, from 1.
func (s *service) awaitOne(r *receiver, n int) received {
	s.t.Helper()
	s.await(fmt.Sprint("request ", n), func() bool { return len(r.all()) >= n })
	return r.all()[n-1]
}

// signedBy says whether a request bears a signature by the secret. It shares no code with the desk.
func (r received) signedBy(secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(r.header.Get("webhook-id") + "." + r.header.Get("webhook-timestamp") + "." + string(r.body)))
	return slices.Contains(strings.Fields(r.header.Get("webhook-signature")), "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
}
