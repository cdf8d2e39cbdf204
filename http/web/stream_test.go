package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// stilled are turns at a time that a test moves on.
type stilled struct {
	*turns
	at atomic.Int64 // nanoseconds
}

func newStilled(every time.Duration) *stilled {
	s := &stilled{turns: &turns{every: every}}
	s.at.Store(time.Unix(1_000_000, 0).UnixNano())
	s.now = func() time.Time { return time.Unix(0, s.at.Load()) }
	return s
}

func (s *stilled) passes(d time.Duration) {
	s.at.Add(int64(d))
	s.later()
}

// come is how many of some have their turn.
func come(all []chan struct{}) (n int) {
	for _, turn := range all {
		select {
		case <-turn:
			n++
		default:
		}
	}
	return n
}

// Some get their turn at once, the others one after the other; and some at once again after a pause.
func TestTurns(t *testing.T) {
	s := newStilled(100 * time.Millisecond)
	for range 2 {
		var all []chan struct{}
		for range 50 {
			all = append(all, s.take())
		}
		for i := wordsAtOnce; i <= len(all); i++ {
			if n := come(all[:i]); n != i || come(all) != i {
				t.Fatalf("%d have their turn, of the first %d: %d", come(all), i, n)
			}
			s.passes(s.every)
		}
		s.passes(time.Minute)
	}
}

// Those that leave before their turn, or when it has come, leave it to the others.
func TestTurnsOfStreamsThatLeave(t *testing.T) {
	s := newStilled(100 * time.Millisecond)
	var first, gone []chan struct{}
	for range wordsAtOnce {
		first = append(first, s.take())
	}
	for range 1000 {
		gone = append(gone, s.take())
	}
	last := []chan struct{}{s.take()}
	for _, turn := range gone {
		s.giveBack(turn)
	}
	if come(last) != 0 {
		t.Fatal("it has its turn before it is time")
	}
	s.giveBack(first[0])
	if come(last) != 1 || come(gone) != 0 {
		t.Fatal("nobody has the turn that was given back, or somebody who has left")
	}
	next := []chan struct{}{s.take()}
	s.passes(s.every)
	if come(next) != 1 {
		t.Fatal("the next one waits for those that have left")
	}
}

// Words are farther apart where what they lead to takes long, but not without end, and no longer when it takes little again.
func TestTurnsGoByWhatTheyCost(t *testing.T) {
	s := newStilled(100 * time.Millisecond)
	for _, c := range []struct{ takes, apart time.Duration }{
		{time.Millisecond, 100 * time.Millisecond}, {4 * time.Millisecond, 200 * time.Millisecond},
		{time.Minute, wordApart * renewalMost}, {0, 100 * time.Millisecond},
	} {
		for range 200 {
			s.took(c.takes)
		}
		s.passes(time.Hour)
		var all []chan struct{}
		for range wordsAtOnce + 1 {
			all = append(all, s.take())
		}
		s.passes(c.apart - time.Millisecond)
		if n := come(all); n != wordsAtOnce {
			t.Errorf("renewed in %v: %d have their turn before it is time", c.takes, n)
		}
		if s.passes(2 * time.Millisecond); come(all) != wordsAtOnce+1 {
			t.Errorf("renewed in %v: one waits for more than %v", c.takes, c.apart)
		}
	}
}

// leaving is a connection that the browser closes after it was looked at some times.
type leaving struct {
	net.Conn
	looks, writes int
}

func (c *leaving) SetWriteDeadline(time.Time) error {
	if c.writes++; c.writes > 10 {
		return errors.New("it is still written to")
	}
	return nil
}

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
		turns := newTurns(1000)
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
