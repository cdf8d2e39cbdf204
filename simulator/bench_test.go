package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkMessage is the life of one message on the simulator's side: a person posts, the bot fetches the update
// (ten at a time) and sends a copy as go-telegram/bot does. It calls the handler directly, so that neither the network
// nor a client is measured; the goal is at most 0.2 ms.
func BenchmarkMessage(b *testing.B) {
	s, err := New(Options{KeepMessages: 1000, KeepCalls: 1000})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	p, _ := s.AddPerson(Person{FirstName: "Ann", Username: "ann", LanguageCode: "en"})
	g, _ := s.AddGroup(Group{Title: "Desk", Forum: true, Bot: BotRights{Status: Administrator, CanManageTopics: true}})
	_ = s.SetMember(g.ID, p.ID, Member)
	thread, err := s.CreateTopic(g.ID, p.ID, "Printer")
	if err != nil {
		b.Fatal(err)
	}
	const boundary = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"
	var form strings.Builder
	for _, kv := range [][2]string{{"chat_id", fmt.Sprint(g.ID)}, {"message_thread_id", fmt.Sprint(thread)}, {"text", "Ann: the printer on the second floor is on fire 🔥, please help"},
		{"entities", `[{"type":"bold","offset":0,"length":3}]`}, {"reply_parameters", fmt.Sprintf(`{"message_id":%d,"allow_sending_without_reply":true}`, thread)}} {
		fmt.Fprintf(&form, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, kv[0], kv[1])
	}
	form.WriteString("--" + boundary + "--\r\n")
	base := "/bot" + s.Token()
	call := func(method, kind, body string) []byte {
		r := httptest.NewRequest("POST", base+method, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body.String())
		}
		raw, _ := io.ReadAll(w.Body)
		return raw
	}
	var offset int64
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Post(Post{From: p.ID, Chat: g.ID, Thread: thread, Text: "the printer on the second floor is on fire 🔥, please help"}); err != nil {
			b.Fatal(err)
		}
		if i%10 == 9 {
			body := call("/getUpdates", "application/json", fmt.Sprintf(`{"offset":%d,"timeout":50}`, offset))
			b.StopTimer()
			var a struct {
				Result []struct {
					ID int64 `json:"update_id"`
				} `json:"result"`
			}
			if err := json.Unmarshal(body, &a); err != nil {
				b.Fatal(err)
			}
			offset = a.Result[len(a.Result)-1].ID + 1
			b.StartTimer()
		}
		call("/sendMessage", "multipart/form-data; boundary="+boundary, form.String())
	}
}

// BenchmarkMessageOverHTTP is the same over a real connection, client and all: what a whole process pays.
func BenchmarkMessageOverHTTP(b *testing.B) {
	st := newStage(b, Options{KeepMessages: 1000, KeepCalls: 1000})
	thread := st.topic("Printer")
	b.ReportAllocs()
	for b.Loop() {
		st.post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "the printer on the second floor is on fire"})
		st.ok("sendMessage", args{"chat_id": st.chat, "message_thread_id": thread, "text": "Ann: the printer on the second floor is on fire"}, nil)
		st.drain()
	}
}
