package simulator

import (
	"fmt"
	"sync"
	"testing"
)

// Many people, a polling bot and a sending bot at once: nothing is lost, nothing comes twice, each chat keeps its order.
func TestManyAtOnce(t *testing.T) {
	st := newStage(t, Options{KeepMessages: 200, KeepCalls: 50})
	const writers, each = 8, 100
	var threads []int
	for i := range writers {
		threads = append(threads, st.topic(fmt.Sprint("T", i)))
	}
	st.drain()
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range each {
				if _, err := st.s.Post(Post{From: st.ann, Chat: st.chat, Thread: threads[i], Text: fmt.Sprint(n)}); err != nil {
					t.Error(err)
				}
				if n%10 == 0 {
					if a, err := st.try("sendMessage", args{"chat_id": st.chat, "message_thread_id": threads[i], "text": "copy"}); err != nil || !a.OK {
						t.Error(a, err)
					}
				}
			}
		})
	}
	next, last, offset := map[int]int{}, int64(0), int64(0)
	for got := 0; got < writers*each; {
		us := st.updates(args{"offset": offset, "timeout": 10})
		for _, u := range us {
			if u.ID <= last || u.Message.Text != fmt.Sprint(next[u.Message.Thread]) {
				t.Fatalf("update %d after %d: %q in %d, want %d", u.ID, last, u.Message.Text, u.Message.Thread, next[u.Message.Thread])
			}
			last = u.ID
			next[u.Message.Thread]++
			got++
		}
		offset = last + 1
	}
	wg.Wait()
	if kept := len(st.s.Messages(st.chat, AllThreads)); kept > 250 {
		t.Errorf("%d messages kept", kept)
	}
	if len(st.s.Calls()) > 50 || st.s.CallStats().ByMethod["sendMessage"] != writers*each/10 {
		t.Errorf("%d calls, %+v", len(st.s.Calls()), st.s.CallStats())
	}
}
