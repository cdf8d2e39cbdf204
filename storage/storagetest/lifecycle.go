package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// everyCall calls each method of the store that takes a context, with ctx and arguments from fill.
func everyCall(s storage.Store, ctx context.Context, each func(name string, err error)) {
	contract := reflect.TypeFor[storage.Store]()
	for i := range contract.NumMethod() {
		name, signature := contract.Method(i).Name, contract.Method(i).Type
		if signature.NumIn() == 0 {
			continue // Close
		}
		args := []reflect.Value{reflect.ValueOf(ctx)}
		for j := 1; j < signature.NumIn(); j++ {
			arg := reflect.New(signature.In(j))
			switch a := arg.Interface().(type) {
			case *int: // a partition or a limit
				*a = 7
			case *[]storage.Event:
				*a = logOf(7, 1, 2)
			default:
				fill(a, j*100)
			}
			args = append(args, arg.Elem())
		}
		out := reflect.ValueOf(s).MethodByName(name).Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		each(name, err)
	}
}

func testContexts(t *testing.T, f Factory) {
	s := f.Open(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer cancel()
	for ctx, want := range map[context.Context]error{cancelled: context.Canceled, late: context.DeadlineExceeded} {
		everyCall(s, ctx, func(name string, err error) {
			if kind(err) != want {
				t.Errorf("%s with a context that is done: got %v, want %v", name, err, want)
			}
		})
	}
	// None of the calls was carried out, and none did harm.
	counts, err := s.CountTickets(t.Context())
	noError(t, err)
	same(t, len(counts), 0)
	noError(t, s.Ping(t.Context()))
}

func testClosing(t *testing.T, f Factory) {
	t.Run("after Close every call says that the store is unavailable", func(t *testing.T) {
		s := f.Open(t)
		noError(t, s.Ping(t.Context()))
		noError(t, s.Close())
		everyCall(s, t.Context(), func(name string, err error) {
			if kind(err) != storage.ErrUnavailable {
				t.Errorf("%s: got %v, want %v", name, err, storage.ErrUnavailable)
			}
		})
		noError(t, s.Close())
	})
	t.Run("Close may come at any time, from anywhere", func(t *testing.T) {
		s := f.Open(t)
		var wg sync.WaitGroup
		begun := make(chan struct{}, f.Sizes.Writers)
		for w := range f.Sizes.Writers {
			wg.Go(func() {
				for n := int64(1); ; n++ {
					err := s.SaveCopy(t.Context(), aCopy(fmt.Sprintf("%d/%d", w, n), "t", "l", n))
					if err == nil {
						_, err = s.CopiesAfter(t.Context(), "l", 0, 3)
					}
					if n == 1 {
						begun <- struct{}{}
					}
					if err != nil {
						if kind(err) != storage.ErrUnavailable {
							t.Errorf("got %v, want %v", err, storage.ErrUnavailable)
						}
						return
					}
				}
			})
		}
		for range f.Sizes.Writers {
			<-begun
		}
		for range 3 {
			wg.Go(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
