package simulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// sim makes a control request and returns status and body.
func (st *stage) sim(method, path string, body any) (int, map[string]any) {
	st.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		raw, _ = json.Marshal(b)
	}
	req, err := http.NewRequest(method, st.url+"/sim/"+path, bytes.NewReader(raw))
	st.must(err)
	req.Header.Set("Content-Type", "application/json")
	res, err := st.client.Do(req)
	st.must(err)
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		st.t.Fatalf("%s %s: %d, %v", method, path, res.StatusCode, err)
	}
	return res.StatusCode, out
}

func TestControlAPI(t *testing.T) {
	st := newStage(t, Options{})
	do := func(path string, body args) map[string]any {
		t.Helper()
		code, out := st.sim("POST", path, body)
		if code != 200 {
			t.Fatalf("%s %v: %d %v", path, body, code, out)
		}
		return out
	}
	req, err := http.NewRequest("GET", st.url+"/sim/events", nil)
	st.must(err)
	res, err := st.client.Do(req)
	st.must(err)
	defer res.Body.Close()
	events := bufio.NewScanner(res.Body)
	next := func(kind string) map[string]any {
		t.Helper()
		for events.Scan() {
			if events.Text() == "event: "+kind {
				events.Scan()
				var m map[string]any
				st.must(json.Unmarshal([]byte(strings.TrimPrefix(events.Text(), "data: ")), &m))
				return m
			}
		}
		t.Fatalf("no event %s", kind)
		return nil
	}
	for events.Scan() { // the greeting: from here on nothing is missed
		if events.Text() == "" {
			break
		}
	}
	p := do("people", args{"firstName": "สมชาย", "languageCode": "th"})
	next("people")
	g := do("groups", args{"title": "New <b>", "isForum": true})
	do("members", args{"chat": g["id"], "person": p["id"], "role": "creator"})
	do("bot", args{"chat": g["id"], "status": "administrator", "canManageTopics": true, "canPinMessages": true})
	thread := do("topics", args{"chat": g["id"], "from": p["id"], "name": "Topic"})["threadId"]
	if e := next("topic"); e["threadId"] != thread || e["chat"] != g["id"] {
		t.Errorf("%v", e)
	}
	m := do("post", args{"from": p["id"], "chat": g["id"], "thread": thread, "text": "<script>"})
	next("message")
	if e := next("message"); e["text"] != "<script>" || e["id"] != m["id"] {
		t.Errorf("%v", e)
	}
	do("edit", args{"from": p["id"], "chat": g["id"], "message": m["id"], "text": "edited"})
	if e := next("edit"); e["text"] != "edited" || e["edited"] != true {
		t.Errorf("%v", e)
	}
	do("react", args{"from": p["id"], "chat": g["id"], "message": m["id"], "emoji": "👍"})
	next("reaction")
	do("post", args{"from": p["id"], "text": "/start"}) // the private chat
	var sent msg
	st.ok("sendMessage", args{"chat_id": p["id"], "text": "press", "reply_markup": args{"inline_keyboard": [][]args{{{"text": "b", "callback_data": "x"}}}}}, &sent)
	if e := next("call"); e["method"] != "sendMessage" || e["ok"] != true {
		t.Errorf("%v", e)
	}
	q := do("press", args{"from": p["id"], "chat": p["id"], "message": sent.ID, "data": "x"})["query"]
	st.ok("answerCallbackQuery", args{"callback_query_id": q, "text": "done", "show_alert": true}, nil)
	if e := next("answer"); e["text"] != "done" || e["alert"] != true || e["to"] != p["id"] {
		t.Errorf("%v", e)
	}
	for _, path := range []string{"topics/close", "topics/reopen", "topics/delete"} {
		do(path, args{"chat": g["id"], "from": p["id"], "thread": thread})
	}
	next("delete")
	do("block", args{"person": p["id"], "blocked": true})
	do("flood", args{"on": true})
	do("faults", args{"kind": "slow", "delayMs": 5, "method": "getChat"})
	_, s := st.sim("GET", "state", nil)
	groups, people := s["groups"].([]any), s["people"].([]any)
	mine := groups[1].(map[string]any)
	if len(groups) != 2 || len(people) != 4 || s["flood"] != true || len(s["faults"].([]any)) != 1 || mine["isForum"] != true ||
		mine["bot"].(map[string]any)["canManageTopics"] != true || mine["topics"].([]any)[0].(map[string]any)["deleted"] != true ||
		mine["members"].([]any)[0].(map[string]any)["role"] != "creator" || people[3].(map[string]any)["blocked"] != true {
		t.Errorf("%v", s)
	}
	st.sim("DELETE", "faults", nil)
	to := do("migrate", args{"chat": g["id"]})["chat"].(float64)
	code, out := st.sim("GET", "messages?chat="+itoa(int(to))+"&thread="+itoa(int(thread.(float64)))+"&after="+itoa(int(thread.(float64))), nil)
	if msgs := out["messages"].([]any); code != 200 || len(msgs) != 3 || msgs[0].(map[string]any)["deleted"] != true {
		t.Errorf("%d %v", code, out)
	}
	if _, out := st.sim("GET", "faults", nil); len(out["faults"].([]any)) != 0 {
		t.Error("faults left")
	}
}

func TestControlRefusesHostileInput(t *testing.T) {
	st := newStage(t, Options{})
	for _, c := range []struct{ path, body string }{
		{"post", `{`}, {"post", `[]`}, {"post", `{"from":"x"}`}, {"post", `{"from":1e99}`}, {"post", `{}`},
		{"post", `{"from":1,"chat":-1,"text":"x"}`}, {"post", `{"from":500000002,"chat":-1001000000001,"text":""}`},
		{"post", `{"from":500000002,"chat":-1001000000001,"text":"x","thread":-5}`},
		{"post", `{"from":500000002,"chat":-1001000000001,"text":"x","entities":[{"type":"bold","offset":-1,"length":9}]}`},
		{"post", `{"from":500000002,"chat":-1001000000001,"text":"x","media":{"kind":"location"}}`},
		{"post", `{"from":500000002,"chat":-1001000000001,"text":"x","media":{"kind":"location","value":"{"}}`},
		{"edit", `{"from":500000002,"chat":-1001000000001,"message":1}`}, {"press", `{"from":1}`}, {"react", `{}`},
		{"topics", `{"chat":-1001000000001,"from":500000001,"name":""}`}, {"topics/close", `{"chat":-1001000000001}`}, {"topics/edit", `{"chat":5}`},
		{"people", `{}`}, {"people", `{"firstName":"x","id":-4}`}, {"groups", `{}`}, {"groups", `{"title":"x","id":5}`}, {"groups", `{"title":"x","bot":{"status":"?"}}`},
		{"members", `{"chat":-1001000000001,"person":500000001,"role":"king"}`}, {"members", `{"chat":500000001,"person":500000001,"role":"member"}`},
		{"bot", `{"chat":-1001000000001,"status":"?"}`}, {"bot", `{"chat":500000001,"status":"member"}`},
		{"block", `{"person":5}`}, {"migrate", `{"chat":500000001}`}, {"faults", `{"kind":"?"}`}, {"update", `5`}, {"nothing", `{}`},
	} {
		code, out := st.sim("POST", c.path, c.body)
		if text, _ := out["error"].(string); code < 400 || code > 499 || text == "" {
			t.Errorf("%s %s: %d %v", c.path, c.body, code, out)
		}
	}
	for _, path := range []string{"messages?chat=x", "messages?chat=5", "file?id=x", "nothing"} {
		if code, _ := st.sim("GET", path, nil); code < 400 || code > 499 {
			t.Errorf("GET %s: %d", path, code)
		}
	}
	res, err := st.client.Post(st.url+"/sim/flood", "text/plain", strings.NewReader(`{"on":true}`))
	st.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form of a foreign page got %d", res.StatusCode)
	}
	for host, want := range map[string]int{"evil.example": 403, "evil.example:80": 403, "127.0.0.1.evil.example": 403, "localhost:1": 200, "[::1]:80": 200, "127.0.0.1": 200} {
		for _, path := range []string{"/", "/sim/state"} {
			req, err := http.NewRequest("GET", st.url+path, nil)
			st.must(err)
			req.Host = host
			res, err := st.client.Do(req)
			st.must(err)
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s at %s: %d, want %d", path, host, res.StatusCode, want)
			}
		}
	}
}
