package entity

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestDispatcher(t *testing.T) {
	d := newDispatcher()
	defer d.close()
	before := runtime.NumGoroutine()

	// Turns that wait for something hold nobody up, however many they are.
	free := make(chan struct{})
	var blocked sync.WaitGroup
	for range 10 * idleWorkers {
		blocked.Add(1)
		d.Schedule(func() { <-free; blocked.Done() })
	}
	var ran atomic.Int64
	var all sync.WaitGroup
	const goroutines, each = 8, 5000
	all.Add(goroutines * each)
	for range goroutines {
		go func() {
			for range each {
				d.Schedule(func() { ran.Add(1); all.Done() })
			}
		}()
	}
	all.Wait()
	if n := ran.Load(); n != goroutines*each {
		t.Errorf("%d of %d scheduled functions ran", n, goroutines*each)
	}
	close(free)
	blocked.Wait()

	// Workers that are done wait for more work, but not all of them: the others end. Each of those counts as idle for a
	// moment.
	for deadline := time.Now().Add(time.Minute); d.idle.Load() != idleWorkers || runtime.NumGoroutine() > before+idleWorkers; {
		if time.Now().After(deadline) {
			t.Fatalf("%d workers are idle and %d goroutines run; %d and at most %d are to stay",
				d.idle.Load(), runtime.NumGoroutine(), idleWorkers, before+idleWorkers)
		}
		runtime.Gosched()
	}

	d.close() // what is scheduled afterwards still runs
	last := make(chan struct{})
	d.Schedule(func() { close(last) }) // an actor that is told of the end
	<-last
}
