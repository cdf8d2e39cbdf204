package simulator

import (
	"testing"
	"time"
)

func TestFloodControl(t *testing.T) {
	send := func(st *stage, chat int64) answer { return st.call("sendMessage", args{"chat_id": chat, "text": "x"}) }
	start := func(t *testing.T, l FloodLimits) (*stage, *clock) {
		c := newClock()
		st := newStage(t, Options{Now: c.now, Flood: true})
		st.s.SetFloodLimits(l)
		st.post(Post{From: st.ann, Text: "/start"})
		st.post(Post{From: st.admin, Text: "/start"})
		return st, c
	}
	t.Run("five at once in a chat, then one a second", func(t *testing.T) {
		st, c := start(t, DefaultFloodLimits())
		for i := range 5 {
			if a := send(st, st.ann); !a.OK {
				t.Fatalf("%d: %s", i, a.Description)
			}
		}
		a := send(st, st.ann)
		if a.Code != 429 || a.Parameters.RetryAfter != 1 || a.Description != "Too Many Requests: retry after 1" {
			t.Fatalf("%+v", a)
		}
		if a := send(st, st.admin); !a.OK {
			t.Fatal("another chat was held back")
		}
		if len(st.s.Violations()) != 0 {
			t.Fatal("the first call over the limit is no violation yet")
		}
		c.add(999 * time.Millisecond)
		if a := send(st, st.ann); a.Code != 429 {
			t.Fatal("too early")
		}
		if v := st.s.Violations(); len(v) != 1 || v[0].Chat != st.ann {
			t.Fatalf("%+v", v)
		}
		c.add(time.Millisecond)
		if a := send(st, st.ann); !a.OK {
			t.Fatalf("%+v", a)
		}
	})
	t.Run("twenty a minute in a group, exactly", func(t *testing.T) {
		st, c := start(t, FloodLimits{GroupPerMinute: 20})
		for range 20 {
			if a := send(st, st.chat); !a.OK {
				t.Fatal(a.Description)
			}
			c.add(time.Second)
		}
		a := send(st, st.chat) // 20 s after the first one
		if a.Code != 429 || a.Parameters.RetryAfter != 40 {
			t.Fatalf("%+v", a)
		}
		if a := st.call("editMessageText", args{"chat_id": st.chat, "message_id": 2, "text": "y"}); a.Code != 429 {
			t.Fatal("edits count")
		}
		if a := st.call("createForumTopic", args{"chat_id": st.chat, "name": "y"}); a.Code != 429 {
			t.Fatal("topics count")
		}
		if a := st.call("getChat", args{"chat_id": st.chat}); !a.OK {
			t.Fatal("asking is free")
		}
		c.add(40 * time.Second)
		if a := send(st, st.chat); !a.OK {
			t.Fatalf("%+v", a)
		}
		if a := send(st, st.chat); a.Code != 429 || a.Parameters.RetryAfter != 1 {
			t.Fatalf("%+v", a)
		}
	})
	t.Run("thirty a second over all", func(t *testing.T) {
		st, c := start(t, FloodLimits{PerSecond: 30})
		for i := range 30 {
			if a := send(st, []int64{st.ann, st.admin, st.chat}[i%3]); !a.OK {
				t.Fatal(a.Description)
			}
		}
		if a := send(st, st.ann); a.Code != 429 {
			t.Fatalf("%+v", a)
		}
		c.add(time.Second)
		if a := send(st, st.ann); !a.OK {
			t.Fatalf("%+v", a)
		}
	})
	t.Run("each part of an album counts, and it can be switched off", func(t *testing.T) {
		st, _ := start(t, FloodLimits{GroupPerMinute: 3})
		photo, err := st.s.AddFile(Upload{Kind: "photo", Data: []byte("x")})
		st.must(err)
		part := args{"type": "photo", "media": photo}
		album := args{"chat_id": st.chat, "media": []args{part, part}}
		st.ok("sendMediaGroup", album, nil)
		if a := st.call("sendMediaGroup", album); a.Code != 429 {
			t.Fatalf("%+v", a)
		}
		st.s.SetFlood(false)
		if a := send(st, st.ann); !a.OK {
			t.Fatalf("%+v", a)
		}
	})
}
