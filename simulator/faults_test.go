package simulator

import (
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	say := func(st *stage) (answer, error) {
		return st.try("sendMessage", args{"chat_id": st.chat, "text": "x"})
	}
	sent := func(st *stage) int { return len(st.s.Messages(st.chat, 0)) }
	for _, c := range []struct {
		fault       Fault
		code        int
		description string
		cut, done   bool
	}{
		{Fault{Kind: Fault500}, 500, "Internal Server Error", false, false},
		{Fault{Kind: Fault502HTML}, 502, "<html>", false, false},
		{Fault{Kind: Fault400, Description: "PEER_ID_INVALID"}, 400, "Bad Request: PEER_ID_INVALID", false, false},
		{Fault{Kind: Fault403, Description: "no"}, 403, "Forbidden: no", false, false},
		{Fault{Kind: Fault429, RetryAfter: 7}, 429, "Too Many Requests: retry after 7", false, false},
		{Fault{Kind: FaultReset}, 0, "", true, false},
		{Fault{Kind: FaultLost}, 0, "", true, true},
		{Fault{Kind: FaultLostSlow, Delay: time.Millisecond}, 0, "", true, true},
		{Fault{Kind: FaultSlow, Delay: time.Millisecond}, 0, "", false, true},
	} {
		t.Run(c.fault.Kind, func(t *testing.T) {
			st := newStage(t, Options{})
			before := sent(st)
			c.fault.Method = "sendmessage"
			st.must(st.s.Inject(c.fault))
			a, err := say(st)
			if (err != nil) != c.cut {
				t.Fatalf("%+v %v", a, err)
			}
			if a.Code != c.code || !strings.HasPrefix(a.Description, c.description) {
				t.Errorf("%d %q", a.Code, a.Description)
			}
			if got := sent(st) > before; got != c.done {
				t.Errorf("done: %v", got)
			}
			st.await("the log", func() bool { return len(st.s.Calls()) == 1 })
			if l := st.s.Calls()[0]; l.Lost != c.cut || l.Chat != st.chat || l.OK != (c.done) {
				t.Errorf("%+v", l)
			}
			if c.fault.Kind == Fault429 {
				if a, _ := say(st); a.Code != 429 || len(st.s.Violations()) != 1 {
					t.Errorf("a call during retry_after: %+v", a)
				}
				return
			}
			if a, err := say(st); err != nil || !a.OK { // once is once
				t.Errorf("%+v %v", a, err)
			}
		})
	}
	t.Run("after, count, chat and method choose the calls", func(t *testing.T) {
		st := newStage(t, Options{})
		st.must(st.s.Inject(Fault{Kind: Fault500, Method: "sendMessage", Chat: st.chat, After: 1, Count: 2}))
		st.must(st.s.Inject(Fault{Kind: Fault500, Method: "getMe", Count: -1}))
		st.must(st.s.Inject(Fault{Kind: Fault500, Chat: 12345}))
		var codes []int
		for range 4 {
			a, err := say(st)
			st.must(err)
			codes = append(codes, a.Code)
		}
		if codes[0] != 0 || codes[1] != 500 || codes[2] != 500 || codes[3] != 0 {
			t.Fatalf("%v", codes)
		}
		st.updates(nil)
		if st.s.ClearFaults(); len(st.s.Faults()) != 0 {
			t.Fatal("faults left")
		}
		st.ok("getMe", args{}, nil)
	})
	t.Run("a seed makes chance repeatable", func(t *testing.T) {
		run := func() string {
			st := newStage(t, Options{})
			st.must(st.s.Inject(Fault{Kind: Fault500, Probability: 0.5, Seed: 7}))
			var b strings.Builder
			for range 30 {
				a, err := say(st)
				st.must(err)
				b.WriteString(map[bool]string{true: ".", false: "x"}[a.OK])
			}
			return b.String()
		}
		a, b := run(), run()
		if a != b || !strings.Contains(a, "x") || !strings.Contains(a, ".") {
			t.Fatalf("%s\n%s", a, b)
		}
	})
	t.Run("a lost getUpdates confirms nothing new", func(t *testing.T) {
		st := newStage(t, Options{})
		st.post(Post{From: st.ann, Chat: st.chat, Text: "x"})
		st.must(st.s.Inject(Fault{Kind: FaultLost, Method: "getUpdates"}))
		if _, err := st.try("getUpdates", args{}); err == nil {
			t.Fatal("answered")
		}
		if us := st.updates(nil); len(us) != 1 {
			t.Fatalf("%+v", us)
		}
	})
	st := newStage(t, Options{})
	for _, f := range []Fault{{Kind: "x"}, {Kind: Fault500, Method: "noSuch"}, {Kind: FaultSlow, Delay: -1}, {Kind: Fault500, Probability: 2}, {Kind: Fault500, File: ".pdf"}} {
		if st.s.Inject(f) == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}
