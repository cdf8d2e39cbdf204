package sqlite

import (
	"context"
	"errors"
	"testing"
)

func TestReaders(t *testing.T) {
	s := openStore(t, WithoutSync())
	r := newReaders(2)
	a, b := &conn{}, &conn{}
	r.add(a)
	r.add(b)
	take := func() *conn {
		t.Helper()
		c, err := r.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := take()
	second := take()
	if first == second {
		t.Fatal("one connection is used twice concurrently")
	}
	r.give(second)
	r.give(first)
	if take() != first {
		t.Error("the one that was used last is not used first")
	}
	_ = take()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever gives up waiting gets %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.readers.take(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("after the end: %v", err)
	}
}
