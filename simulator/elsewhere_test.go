package simulator

import (
	"encoding/json"
	"strings"
	"testing"
)

// answered is what an update says that a message answers, and how it looks.
type answered struct {
	External *struct {
		Origin struct{ Type string } `json:"origin"`
		Chat   *struct{ ID int64 }   `json:"chat"`
		ID     int                   `json:"message_id"`
		Photo  []struct{}            `json:"photo"`
	} `json:"external_reply"`
	Quote   *Quote       `json:"quote"`
	Reply   *msg         `json:"reply_to_message"`
	Story   *struct{}    `json:"reply_to_story"`
	Task    int          `json:"reply_to_checklist_task_id"`
	Option  string       `json:"reply_to_poll_option_id"`
	Preview *LinkPreview `json:"link_preview_options"`
	Effect  string       `json:"effect_id"`
}

// newest is the message of the newest update.
func (st *stage) newest() (m answered) {
	st.t.Helper()
	var all []struct {
		Message *answered `json:"message"`
		Edited  *answered `json:"edited_message"`
	}
	st.ok("getUpdates", args{"limit": 100}, &all)
	last := all[len(all)-1]
	if last.Edited != nil {
		return *last.Edited
	}
	return *last.Message
}

func TestAnswersElsewhere(t *testing.T) {
	st := newStage(t, Options{})
	here, there := st.topic("Here"), st.topic("There")
	said := st.post(Post{From: st.admin, Chat: st.chat, Thread: there, Text: "the code is 12", Entities: []Entity{
		{Type: "spoiler", Offset: 12, Length: 2}, {Type: "code", Offset: 0, Length: 3}}})
	st.post(Post{From: st.ann, Chat: st.chat, Thread: here, Text: "so?", ReplyTo: said.ID, Elsewhere: Elsewhere{ReplyChat: st.chat}})
	m := st.newest()
	if e := m.External; e == nil || e.Origin.Type != "user" || e.Chat.ID != st.chat || e.ID != said.ID || m.Reply == nil || m.Reply.Created == nil {
		t.Errorf("%+v", m)
	}
	if q := m.Quote; q == nil || q.Text != said.Text || q.Manual || len(q.Entities) != 1 || q.Entities[0].Type != "spoiler" {
		t.Errorf("%+v", m.Quote)
	}
	st.post(Post{From: st.ann, Chat: st.chat, Thread: here, Text: "so?", ReplyTo: said.ID, Quote: "code", Elsewhere: Elsewhere{ReplyChat: st.chat}})
	if q := st.newest().Quote; q == nil || q.Text != "code" || !q.Manual || q.Position != 4 {
		t.Errorf("%+v", q)
	}
	st.post(Post{From: st.ann, Text: "alone"})
	alone := st.post(Post{From: st.ann, Text: "in private"})
	st.post(Post{From: st.ann, Chat: st.chat, Thread: here, Text: "so?", ReplyTo: alone.ID, Elsewhere: Elsewhere{ReplyChat: st.ann}})
	if e := st.newest().External; e == nil || e.Chat != nil || e.ID != 0 {
		t.Errorf("a private chat is told: %+v", e)
	}
	st.post(Post{From: st.ann, Chat: st.chat, Thread: here, Text: "so?", Elsewhere: Elsewhere{ReplyStory: &StoryOf{Channel: Channel{ID: -1002, Title: "News"}, ID: 5}}})
	if m := st.newest(); m.Story == nil || m.External != nil {
		t.Errorf("%+v", m)
	}
	st.post(Post{From: st.ann, Chat: st.chat, Thread: here, Text: "so?", Quote: "x", Elsewhere: Elsewhere{
		External: json.RawMessage(`{"origin":{"type":"hidden_user"}}`), ReplyTask: 2, ReplyOption: "b"}})
	if m := st.newest(); m.External == nil || m.Quote.Manual || m.Task != 2 || m.Option != "b" {
		t.Errorf("%+v", m)
	}
	locked := st.post(Post{From: st.admin, Chat: st.chat, Thread: there, Text: "mine", Protected: true})
	for what, p := range map[string]Post{
		"protected content":  {From: st.ann, Chat: st.chat, Thread: here, Text: "x", ReplyTo: locked.ID, Elsewhere: Elsewhere{ReplyChat: st.chat}},
		"nothing":            {From: st.ann, Chat: st.chat, Thread: here, Text: "x", ReplyTo: 9999, Elsewhere: Elsewhere{ReplyChat: st.chat}},
		"words never said":   {From: st.ann, Chat: st.chat, Thread: here, Text: "x", ReplyTo: said.ID, Quote: "nope", Elsewhere: Elsewhere{ReplyChat: st.chat}},
		"another's chat":     {From: st.admin, Chat: st.chat, Thread: here, Text: "x", ReplyTo: alone.ID, Elsewhere: Elsewhere{ReplyChat: st.ann}},
		"a group of others'": {From: st.out, Text: "x", ReplyTo: said.ID, Elsewhere: Elsewhere{ReplyChat: st.chat}},
	} {
		if _, err := st.s.Post(p); err == nil {
			t.Errorf("%s was answered", what)
		}
	}
}

func TestLooks(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	m := st.post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "see a.com b.com", LinkPreview: &LinkPreview{URL: "https://b.com", ShowAboveText: true}})
	if p := st.newest().Preview; p == nil || !p.ShowAboveText || m.Previewed() != "https://b.com" {
		t.Errorf("%+v", p)
	}
	st.must(st.s.EditLook(st.ann, st.chat, m.ID, Look{LinkPreview: LinkPreview{IsDisabled: true}}))
	if p := st.newest().Preview; p == nil || !p.IsDisabled {
		t.Errorf("%+v", p)
	}
	st.must(st.s.EditLook(st.ann, st.chat, m.ID, Look{}))
	if m, _ = st.s.Message(st.chat, m.ID); m.Previewed() != "a.com" {
		t.Errorf("%q is previewed", m.Previewed())
	}
	var sent msg
	say := args{"chat_id": st.chat, "message_thread_id": thread, "text": "a.com", "link_preview_options": args{"is_disabled": true}}
	st.ok("sendMessage", say, &sent)
	edit := args{"chat_id": st.chat, "message_id": sent.ID, "text": "a.com", "link_preview_options": args{"is_disabled": true}}
	if out := st.call("editMessageText", edit); !strings.Contains(out.Description, "not modified") {
		t.Errorf("%+v", out)
	}
	delete(edit, "link_preview_options")
	st.ok("editMessageText", edit, nil)
	if m, _ := st.s.Message(st.chat, sent.ID); m.Previewed() != "a.com" {
		t.Errorf("%+v", m.LinkPreview)
	}
	say["link_preview_options"] = args{"url": "::"}
	st.refuses("sendMessage", say, 400, "Bad Request: WEBPAGE_URL_INVALID")
	say["link_preview_options"], say["message_effect_id"] = args{}, "5"
	st.refuses("sendMessage", say, 400, "Bad Request: can't use message effects in the chat")
	st.post(Post{From: st.ann, Text: "yay", Effect: "5"})
	if e := st.newest().Effect; e != "5" {
		t.Errorf("effect %q", e)
	}
	st.ok("sendMessage", args{"chat_id": st.ann, "text": "yay", "message_effect_id": "5"}, nil)
}

func TestHundredEntitiesAreKept(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	var es []Entity
	for i := range 101 {
		es = append(es, Entity{Type: "bold", Offset: 2 * i, Length: 1})
	}
	var m msg
	st.ok("sendMessage", args{"chat_id": st.chat, "message_thread_id": thread, "text": strings.Repeat("x ", 101) + "y", "entities": es}, &m)
	if len(m.Ents) != 100 || m.Ents[99].Offset != 198 {
		t.Errorf("%d entities", len(m.Ents))
	}
}
