package etcdtest

import (
	"net"
	"strings"
	"testing"
	"time"
)

// TestStartWaitsForItsPort: a port that somebody has just now is waited for.
func TestStartWaitsForItsPort(t *testing.T) {
	t.Parallel()
	s := Start(t)
	s.Stop()
	other, err := net.Listen("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	gives := time.AfterFunc(500*time.Millisecond, func() { _ = other.Close() })
	defer gives.Stop()
	s.Again()
	s.Stop()
	s.Again()
}
