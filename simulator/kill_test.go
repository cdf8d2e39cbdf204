package simulator

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// childState makes the test binary a simulator whose state is in that file.
const childState = "SIMULATOR_TEST_STATE"

func serveUntilKilled(path string) {
	s, err := New(Options{StateFile: path})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r, err := s.Start("127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(r.URL)
	select {}
}

// kill -9 while eight callers are sending: whatever they got an answer for is there afterwards.
func TestKilledWhileSending(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	st := newStage(t, Options{StateFile: path})
	thread := st.topic("T")
	st.must(st.s.Close())

	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childState+"="+path)
	out, err := child.StdoutPipe()
	st.must(err)
	st.must(child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	st.must(err)
	st.url = strings.TrimSpace(line)

	answered := make(chan msg)
	const callers = 8
	done := make(chan struct{}, callers)
	for range callers {
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				var m msg
				a, err := st.try("sendMessage", args{"chat_id": st.chat, "message_thread_id": thread, "text": "hello"})
				if err != nil || !a.OK {
					return // killed
				}
				if err := json.Unmarshal(a.Result, &m); err != nil {
					t.Error(err)
				}
				answered <- m
			}
		}()
	}
	ids := map[int]bool{}
	for left := callers; left > 0; {
		select {
		case m := <-answered:
			if ids[m.ID] = true; len(ids) == 200 {
				st.must(child.Process.Kill())
			}
		case <-done:
			left--
		}
	}
	_ = child.Wait() // "signal: killed"

	s, err := New(Options{StateFile: path})
	st.must(err)
	defer func() { _ = s.Close() }()
	for id := range ids {
		if m, ok := s.Message(st.chat, id); !ok || m.Text != "hello" {
			t.Errorf("message %d was answered and is gone", id)
		}
	}
	if len(ids) < 200 {
		t.Errorf("only %d answers", len(ids))
	}
}
