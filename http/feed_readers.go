package httpedge

import (
	"context"
	"fmt"
	"sync"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	// feedReadersPerKey is how many requests and streams one API key may have open on the feed. Each holds a connection.
	feedReadersPerKey = 100
	// feedReadsPerKey is how many pages are read for one API key at the same time. Others of its readers wait, so that it
	// leaves room to other keys.
	feedReadsPerKey = 2
)

// feedReaders knows who reads the feed at the moment, by API key.
type feedReaders struct {
	mu    sync.Mutex
	byKey map[string]*feedKey
}

// feedKey is what one API key reads.
type feedKey struct {
	open    int           // requests and streams
	reading chan struct{} // has an entry for each page that is being read
}

func newFeedReaders() *feedReaders { return &feedReaders{byKey: map[string]*feedKey{}} }

// begin admits a reader until end, unless its key has too many. end may be called once.
func (r *feedReaders) begin(keyID string) (k *feedKey, end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k = r.byKey[keyID]; k == nil {
		k = &feedKey{reading: make(chan struct{}, feedReadsPerKey)}
		r.byKey[keyID] = k
	}
	if k.open >= feedReadersPerKey {
		p := problem(codeRateLimited, fmt.Sprintf("This API key reads the feed by %d requests and streams, which is the most at the "+
			"same time. End one of them, or wait as long as Retry-After says.", feedReadersPerKey))
		p.retryAfter(5)
		return nil, nil, p
	}
	k.open++
	return k, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if k.open--; k.open == 0 {
			delete(r.byKey, keyID)
		}
	}, nil
}

// readPage reads a page when it is its key's turn.
func (a *API) readPage(ctx context.Context, k *feedKey, m *messages.ReadLog) (*messages.LogPage, error) {
	select {
	case k.reading <- struct{}{}:
		defer func() { <-k.reading }()
	case <-ctx.Done():
		return nil, problem(codeUnavailable)
	}
	return ask[*messages.LogPage](ctx, a, messages.KindQuery, "", m)
}
