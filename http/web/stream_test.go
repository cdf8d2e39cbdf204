package web

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Some get their turn at once, the others one after the other; and some at once again after a pause.
func TestTurns(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := turns{every: 100 * time.Millisecond}
	for round := range 2 {
		for i := range 200 {
			want := max(time.Duration(i+1-wordsAtOnce)*s.every, 0)
			if got := s.take(now, 1000); got != want {
				t.Fatalf("%d of round %d waits for %v, want %v", i, round, got, want)
			}
		}
		now = now.Add(time.Minute)
	}
}

// Turns of streams that have left do not silence the others.
func TestTurnsOfStreamsThatLeave(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := turns{every: 100 * time.Millisecond}
	for range wordsAtOnce {
		s.take(now, 1000)
	}
	for range 1000 {
		if got := s.take(now, 1000); got != s.every {
			t.Fatalf("it waits for %v", got)
		}
		s.giveBack()
	}
	for range 1000 {
		if got := s.take(now, 3); got > 3*s.every {
			t.Fatalf("one of three waits for %v", got)
		}
	}
}

// Words are farther apart where what they lead to takes long, but not without end, and no longer when it takes little again.
func TestTurnsGoByWhatTheyCost(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := turns{every: 100 * time.Millisecond}
	for _, c := range []struct{ takes, apart time.Duration }{
		{time.Millisecond, 100 * time.Millisecond}, {4 * time.Millisecond, 200 * time.Millisecond},
		{time.Minute, wordApart * renewalMost}, {0, 100 * time.Millisecond},
	} {
		for range 200 {
			s.took(c.takes)
		}
		now = now.Add(time.Hour)
		for range wordsAtOnce {
			if got := s.take(now, 1000); got != 0 {
				t.Fatalf("renewed in %v, after a pause: it waits for %v", c.takes, got)
			}
		}
		if got := s.take(now, 1000); got < c.apart-time.Millisecond || got > c.apart+time.Millisecond {
			t.Errorf("renewed in %v: it waits for %v, want %v", c.takes, got, c.apart)
		}
	}
}

// leaving is a connection that the browser closes after it was looked at some times.
type leaving struct {
	net.Conn
	looks int
}

func (c *leaving) SetWriteDeadline(time.Time) error { return nil }

func (c *leaving) Left() bool {
	c.looks--
	return c.looks < 0
}

// busyDesk knows everybody, and something happens all the time.
type busyDesk struct{}

func (busyDesk) Ask(_ context.Context, _, _ string, m proto.Message) (proto.Message, error) {
	if _, is := m.(*messages.GetUserRecord); is {
		return &messages.UserRecord{Code: messages.Code_OK}, nil
	}
	return &messages.WebSession{Code: messages.Code_OK, Person: &messages.Person{Id: 7}, ExpiresMs: time.Now().Add(time.Hour).UnixMilli()}, nil
}

func (busyDesk) WatchLog(*messages.LogFilter) (woken <-chan struct{}, stop func()) {
	happens := make(chan struct{})
	close(happens)
	return happens, func() {}
}

// A stream whose browser has left ends at the next word, which is for others.
func TestStreamsThatWereLeftTakeNoTurn(t *testing.T) {
	s := &Site{desk: busyDesk{}, streams: newStreams()}
	of := &session{person: &messages.Person{Id: 7}, secret: "secret", expires: time.Now().Add(time.Hour)}
	for words := range 3 {
		turns := &turns{every: time.Millisecond}
		conn := &leaving{looks: 2 * words} // twice for each word
		var told bytes.Buffer
		err := s.follow(of, followed{turns: turns, allowed: func(context.Context) error { return nil }}, conn, bufio.NewWriter(&told))
		if got := strings.Count(told.String(), "event: changed"); err != nil || got != words {
			t.Errorf("%d words, want %d, %v", got, words, err)
		}
		if words == 0 && !turns.next.IsZero() {
			t.Error("it has taken a turn")
		}
	}
}
