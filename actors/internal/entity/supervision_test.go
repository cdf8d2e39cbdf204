package entity

import (
	"io"
	"log/slog"
	"runtime"
	"testing"
	"weak"

	"github.com/asynkron/protoactor-go/actor"
)

// family has children, tells when they have ended, and frees them.
type family struct {
	born  []weak.Pointer[child]
	left  int
	ended chan struct{}
}

type child struct{ state [1 << 10]byte }

type stopAll struct{}

const bigFamily = 100

func (f *family) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		for range bigFamily {
			ctx.Send(ctx.Spawn(actor.PropsFromProducer(func() actor.Actor {
				c := &child{}
				f.born = append(f.born, weak.Make(c))
				return c
			})), "so that its PID knows its process")
		}
		f.left = bigFamily
	case stopAll:
		for _, pid := range ctx.Children() {
			ctx.Stop(pid)
		}
	case *actor.Terminated:
		forgetEnded(ctx)
		if f.left--; f.left == 0 {
			close(f.ended)
		}
	}
}

func (c *child) Receive(actor.Context) { c.state[0]++ }

// Without forgetEnded, all hundred stay in memory for as long as their parent lives.
func TestEndedChildrenAreFreed(t *testing.T) {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(io.Discard, nil))
	}))
	t.Cleanup(system.Shutdown)
	f := &family{ended: make(chan struct{})}
	parent := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return f }))
	system.Root.Send(parent, stopAll{})
	<-f.ended
	runtime.GC()
	runtime.GC()
	kept := 0
	for _, one := range f.born {
		if one.Value() != nil {
			kept++
		}
	}
	if kept > bigFamily/10 { // some may still be on a stack
		t.Errorf("%d of %d children that have ended are in memory", kept, bigFamily)
	}
	runtime.KeepAlive(parent)
}
