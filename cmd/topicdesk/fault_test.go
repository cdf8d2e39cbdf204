package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// A crash point is the n-th moment of a kind in a life, see crashpoint_test.go.
type crashPoint struct {
	Kind string
	N    int
}

const (
	afterWrite = "after write" // the n-th write to storage was carried out, and nobody knows it yet
	beforeCall = "before call" // the n-th call to Telegram was about to leave
	afterCall  = "after call"  // the n-th call to Telegram was carried out, and nobody knows its outcome
)

func (p crashPoint) String() string { return fmt.Sprintf("%s %d", p.Kind, p.N) }

// call is one call to Telegram. It is noted when it leaves, and once more, with Over, when its outcome is known.
type call struct {
	Life      int
	Operation string // its id
	Ref       []byte // protobuf of its OperationRef
	Kind      string
	Place     string
	Thread    int64
	Chat      int64
	Over      bool
	Done      bool  // carried out
	Message   int64 // the message that it posted
	Last      bool  // the life ends after it
}

// posts reports whether repeating the call is visible: as a message, or as a topic.
func (c call) posts() bool {
	switch c.Kind {
	case "CreateTopic", "SendCard", "SendContext", "SendNotice", "SendCopy", "SendAlbum":
		return true
	}
	return false
}

// ref says what the call means to its owner.
func (c call) ref() *messages.OperationRef {
	ref := &messages.OperationRef{}
	if err := proto.Unmarshal(c.Ref, ref); err != nil {
		panic(err)
	}
	return ref
}

// key names what a call posts. An album may have grown when it is called again: on a slow machine from a single message,
// whose other parts had not come yet.
func (c call) key() string {
	ref := c.ref()
	if a := ref.GetCopyAlbum(); a != nil {
		ref.Wanted = &messages.OperationRef_CopyPart{CopyPart: &messages.CopyPart{MessageId: a.MessageId, TopicId: a.TopicId}}
	}
	return ref.ID()
}

// messages is how many messages a call posts.
func (c call) messages() int {
	return max(1, int(c.ref().GetCopyAlbum().GetParts()))
}

// faults stands between the desk, its storage and Telegram for one life of the service. It counts and notes writes
// and calls, and ends the life at its crash point: from then on nothing is written and no call leaves.
type faults struct {
	point crashPoint
	life  int
	crash func()                          // ends the life: kills the process, or the App
	wrote func(method string, record any) // after each write that is durable
	noted func(c call)                    // before a call leaves (Done false), and after it

	mu    sync.Mutex
	count map[string]int
	dead  bool
}

func (f *faults) isDead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// at counts a moment. It returns the moment's number, and whether the life goes on.
func (f *faults) at(kind string) (n int, alive bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return 0, false
	}
	f.count[kind]++
	n = f.count[kind]
	if f.point == (crashPoint{kind, n}) {
		f.dead = true
		f.crash()
	}
	return n, !f.dead
}

// counted is how many moments of a kind there were.
func (f *faults) counted(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count[kind]
}

func (f *faults) wrapTelegram(inner actors.Telegram) actors.Telegram {
	return &faultyTelegram{Telegram: inner, f: f}
}

type faultyTelegram struct {
	actors.Telegram
	f *faults
}

// gone is the result of a call whose caller no longer exists.
func gone() *messages.Outcome {
	return &messages.Outcome{Result: messages.Outcome_TRANSIENT, Description: "the process is gone"}
}

func (t *faultyTelegram) Call(ctx context.Context, chatID int64, lang string, op *messages.Operation) *messages.Outcome {
	f := t.f
	n, alive := f.at(beforeCall)
	if !alive {
		return gone()
	}
	ref, err := proto.Marshal(op.Ref)
	if err != nil {
		panic(err)
	}
	c := call{Life: f.life, Operation: op.Id, Ref: ref, Place: op.Place, Thread: op.ThreadId, Chat: chatID,
		Kind: strings.TrimPrefix(fmt.Sprintf("%T", op.Call), "*messages.Operation_")}
	f.noted(c)
	out := t.Telegram.Call(ctx, chatID, lang, op)
	c.Over, c.Done, c.Message = true, out.Result == messages.Outcome_DONE, out.MessageId
	c.Last = f.point == crashPoint{afterCall, n}
	f.noted(c)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.dead && f.point == (crashPoint{afterCall, n}) {
		f.dead = true
		f.crash()
	}
	if f.dead {
		return gone()
	}
	return out
}

// ---- a process of its own

// A child process gets its fault, and the file in which to note its calls, through the environment.
const (
	childPointEnv = "TOPICDESK_TEST_POINT" // JSON of a crashPoint
	childCallsEnv = "TOPICDESK_TEST_CALLS"
	childLifeEnv  = "TOPICDESK_TEST_LIFE"
	// childDeliveryEnv is how long an attempt to deliver an event may take.
	childDeliveryEnv = "TOPICDESK_TEST_DELIVERY"
	// childStallEnv makes storage a stallingStore.
	childStallEnv = "TOPICDESK_TEST_STALL"
)

// childFaults reads them. A note of a call survives a kill of the process, since the kernel has it by then.
func childFaults() (*faults, error) {
	f := &faults{count: map[string]int{}, wrote: func(string, any) {},
		crash: func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }}
	if p := os.Getenv(childPointEnv); p != "" {
		if err := json.Unmarshal([]byte(p), &f.point); err != nil {
			return nil, err
		}
	}
	if _, err := fmt.Sscan(os.Getenv(childLifeEnv), &f.life); err != nil {
		return nil, fmt.Errorf("%s: %w", childLifeEnv, err)
	}
	file, err := os.OpenFile(os.Getenv(childCallsEnv), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	f.noted = func(c call) {
		line, err := json.Marshal(c)
		if err == nil {
			_, err = file.Write(append(line, '\n'))
		}
		if err != nil {
			panic(err)
		}
	}
	return f, nil
}

// readCalls reads what the children noted. It leaves out a last line that a kill has cut short.
func readCalls(path string) ([]call, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var all []call
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var c call
		if json.Unmarshal(lines.Bytes(), &c) == nil {
			all = append(all, c)
		}
	}
	return all, nil
}
