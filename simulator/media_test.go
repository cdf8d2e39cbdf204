package simulator

import (
	"encoding/json"
	"io"
	"slices"
	"testing"
)

func TestAlbumsForwardsAndCopies(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	st.drain()
	album := st.s.NewAlbum()
	var ids []int
	for _, caption := range []string{"one", "two"} {
		m := st.post(Post{From: st.ann, Chat: st.chat, Text: caption, Album: album, Media: &Upload{Kind: "photo", FileName: "a.jpg", Data: []byte("jpg")}})
		ids = append(ids, m.ID)
	}
	quiz := st.post(Post{From: st.ann, Chat: st.chat, Media: &Upload{Kind: "poll", Value: json.RawMessage(`{"id":"1","type":"quiz","question":"?","options":[]}`)}})
	poll := st.post(Post{From: st.ann, Chat: st.chat, Media: &Upload{Kind: "poll", Value: json.RawMessage(`{"id":"2","type":"regular","question":"?","options":[{"text":"a","voter_count":3}],"total_voter_count":3,"is_closed":false}`)}})
	secret := st.post(Post{From: st.ann, Chat: st.chat, Text: "secret", Protected: true})
	hidden := st.post(Post{From: st.ann, Chat: st.chat, Text: "from elsewhere", Forward: &Origin{Name: "Hidden Person", Date: 1}})
	us := st.drain()
	if len(us) != 6 || us[0].Message.Album != album || us[0].Message.Caption != "one" || len(us[0].Message.Photo) == 0 || us[5].Message.Origin.Type != "hidden_user" {
		t.Fatalf("%+v", us)
	}

	copying := func(ids ...int) args {
		return args{"chat_id": st.chat, "message_thread_id": thread, "from_chat_id": st.chat, "message_ids": ids}
	}
	var made []struct {
		ID int `json:"message_id"`
	}
	st.ok("copyMessages", copying(ids[0], ids[1], quiz.ID, poll.ID, secret.ID), &made)
	if len(made) != 3 {
		t.Fatalf("what can't be copied is skipped: %+v", made)
	}
	a, _ := st.s.Message(st.chat, made[0].ID)
	b, _ := st.s.Message(st.chat, made[1].ID)
	if a.AlbumID == "" || a.AlbumID == album || a.AlbumID != b.AlbumID || a.Text != "one" || a.ForwardOf != nil || a.Media.FileID == "" {
		t.Fatalf("%+v", a)
	}
	var p struct {
		ID    string `json:"id"`
		Votes int    `json:"total_voter_count"`
	}
	c, _ := st.s.Message(st.chat, made[2].ID)
	st.must(json.Unmarshal(c.Media.Value, &p))
	if p.ID == "2" || p.Votes != 0 {
		t.Fatalf("a copied poll is a new poll: %+v", p)
	}
	st.refuses("copyMessages", copying(ids[1], ids[0]), 400, "Bad Request: message identifiers must be in a strictly increasing order")
	st.refuses("copyMessages", copying(secret.ID), 400, "Bad Request: there are no messages to copy")
	one := func(id int) args {
		return args{"chat_id": st.chat, "message_thread_id": thread, "from_chat_id": st.chat, "message_id": id}
	}
	st.refuses("copyMessage", one(quiz.ID), 400, "Bad Request: the message can't be copied")
	st.refuses("copyMessage", one(thread), 400, "Bad Request: the message can't be copied")
	st.refuses("copyMessage", one(999), 400, "Bad Request: message to copy not found")
	st.refuses("forwardMessage", one(secret.ID), 400, "Bad Request: the message can't be forwarded")
	var f msg
	st.ok("forwardMessage", one(ids[0]), &f)
	if f.Origin == nil || f.Origin.Type != "user" {
		t.Fatalf("%+v", f)
	}
	st.ok("forwardMessage", one(hidden.ID), &f)
	if f.Origin.Type != "hidden_user" {
		t.Fatalf("%+v", f)
	}
	with := one(ids[0])
	with["caption"] = "new caption"
	st.ok("copyMessage", with, &made[0])
	if m, _ := st.s.Message(st.chat, made[0].ID); m.Text != "new caption" || m.Thread != thread {
		t.Fatalf("%+v", m)
	}
	st.ok("editMessageCaption", args{"chat_id": st.chat, "message_id": made[0].ID, "caption": "newer"}, nil)
	doc, err := st.s.AddFile(Upload{Kind: "document", FileName: "x.txt", Data: []byte("x")})
	st.must(err)
	media := args{"chat_id": st.chat, "message_id": made[0].ID, "media": args{"type": "document", "media": doc, "caption": "a file"}}
	st.ok("editMessageMedia", media, nil)
	st.refuses("editMessageMedia", media, 400, "Bad Request: "+notModified)
	if m, _ := st.s.Message(st.chat, made[0].ID); m.Media.Kind != "document" || m.Text != "a file" || m.Edits != 2 {
		t.Fatalf("%+v", m)
	}
}

// TestWhatBotsMayCopy holds what the Bot API says of copyMessage, for every kind that people can post.
func TestWhatBotsMayCopy(t *testing.T) {
	st := newStage(t, Options{})
	never := []string{"checklist", "game", "gift", "giveaway", "giveaway_winners", "invoice", "paid_media", "story", "unique_gift"}
	for kind, about := range mediaKinds {
		u := &Upload{Kind: kind, Value: json.RawMessage(`{}`)}
		if about.file {
			u = &Upload{Kind: kind, FileName: "a.bin", Data: []byte("bytes")}
		}
		m := st.post(Post{From: st.ann, Chat: st.chat, Media: u})
		for method, refusal := range map[string]string{
			"copyMessage": "the message can't be copied", "forwardMessage": "the message can't be forwarded",
		} {
			a := args{"chat_id": st.chat, "from_chat_id": st.chat, "message_id": m.ID}
			if slices.Contains(never, kind) {
				st.refuses(method, a, 400, "Bad Request: "+refusal)
			} else {
				st.ok(method, a, nil)
			}
		}
	}
}

func TestOtherKindsOfMessages(t *testing.T) {
	st := newStage(t, Options{})
	for method, a := range map[string]args{
		"sendLocation": {"latitude": 13.75, "longitude": 100.5}, "sendVenue": {"latitude": 1, "longitude": 2, "title": "t", "address": "a"},
		"sendContact": {"phone_number": "1", "first_name": "x"}, "sendDice": {}, "sendPoll": {"question": "?", "options": []args{{"text": "a"}, {"text": "b"}}},
		"sendChatAction": {"action": "typing"}, "getChatMemberCount": {}, "getChat": {}, "exportChatInviteLink": {},
	} {
		a["chat_id"] = st.chat
		st.ok(method, a, nil)
	}
	st.refuses("sendLocation", args{"chat_id": st.chat, "latitude": 91, "longitude": 0}, 400, "Bad Request: wrong latitude or longitude specified")
	st.refuses("sendChatAction", args{"chat_id": st.chat, "action": "sleeping"}, 400, "Bad Request: wrong parameter action in request")
	var poll int
	for _, m := range st.s.Messages(st.chat, 0) {
		if m.Media != nil && m.Media.Kind == "poll" {
			poll = m.ID
		}
	}
	st.ok("stopPoll", args{"chat_id": st.chat, "message_id": poll}, nil)
	st.refuses("stopPoll", args{"chat_id": st.chat, "message_id": poll}, 400, "Bad Request: poll has already been closed")
	st.ok("setMyName", args{"name": "Desk Bot"}, nil)
	var me apiUser
	st.ok("getMe", args{}, &me)
	if me.FirstName != "Desk Bot" || me.ID != st.s.BotID() || !me.IsBot {
		t.Errorf("%+v", me)
	}
	var member struct{ Status string }
	for who, want := range map[int64]string{st.admin: "administrator", st.ann: "member", st.out: "left", st.s.BotID(): "administrator"} {
		st.ok("getChatMember", args{"chat_id": "@desk_group", "user_id": who}, &member)
		if member.Status != want {
			t.Errorf("%d is %s, want %s", who, member.Status, want)
		}
	}
	st.ok("leaveChat", args{"chat_id": st.chat}, nil)
	st.refuses("sendDice", args{"chat_id": st.chat}, 403, "Forbidden: bot is not a member of the supergroup chat")
}

func TestDownloadsFailOnOrder(t *testing.T) {
	st := newStage(t, Options{})
	id, err := st.s.AddFile(Upload{Kind: "document", FileName: "x.txt", Data: []byte("content")})
	st.must(err)
	var f struct {
		Path string `json:"file_path"`
	}
	st.ok("getFile", args{"file_id": id}, &f)
	st.must(st.s.Inject(Fault{Kind: Fault502HTML, Method: MethodFile, File: ".pdf"})) // of no file here
	st.must(st.s.Inject(Fault{Kind: Fault500, Method: MethodFile, File: ".txt"}))
	for _, want := range []int{500, 200} {
		res, err := st.client.Get(st.url + "/file/bot" + st.s.Token() + "/" + f.Path)
		st.must(err)
		body, err := io.ReadAll(res.Body)
		st.must(err)
		res.Body.Close()
		if res.StatusCode != want || want == 200 && string(body) != "content" {
			t.Errorf("%d %q", res.StatusCode, body)
		}
	}
}

func TestHooksAndWaiting(t *testing.T) {
	st := newStage(t, Options{})
	var heard []string
	st.s.OnBotMessage(func(m Message) {
		heard = append(heard, m.Text)
		_ = st.s.Messages(m.Chat, m.Thread) // the hook may use the server
	})
	st.ok("sendMessage", args{"chat_id": st.chat, "text": "a"}, nil)
	st.topic("no ordinary message")
	if len(heard) != 1 || heard[0] != "a" {
		t.Errorf("%q", heard)
	}
	m := st.post(Post{From: st.ann, Chat: st.chat, Text: "pin me"})
	if st.s.Pin(st.ann, st.chat, m.ID) == nil {
		t.Error("a member pinned")
	}
	st.must(st.s.Pin(st.admin, st.chat, m.ID))
	us := st.drain()
	if last := us[len(us)-1].Message; last.Pinned == nil || last.Pinned.ID != m.ID || last.From.ID != st.admin {
		t.Errorf("%+v", last)
	}
	if s := st.s.CallStats(); s.ByMethod["sendMessage"] != 1 || s.Total != s.OK {
		t.Errorf("%+v", s)
	}
	r, err := st.s.Start("127.0.0.1:0")
	st.must(err)
	res, err := st.client.Get(r.URL + "/bot" + st.s.Token() + "/getMe")
	st.must(err)
	res.Body.Close()
	st.must(r.Stop())
	st.must(r.Stop())
}
