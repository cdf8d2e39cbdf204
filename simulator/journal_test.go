package simulator

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// What was answered is there again, without any goodbye: the first Server is only left alone until the end.
func TestJournalSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sim", "state.journal")
	st := newStage(t, Options{StateFile: path})
	thread := st.topic("T")
	st.post(Post{From: st.ann, Text: "/start"})
	m := st.post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "one 👍", Media: &Upload{Kind: "document", FileName: "a.txt", Data: []byte("bytes")}})
	var sent msg
	st.ok("sendMessage", args{"chat_id": st.chat, "message_thread_id": thread, "text": "two", "reply_markup": args{"inline_keyboard": [][]args{{{"text": "b", "callback_data": "x"}}}}}, &sent)
	us := st.updates(nil)
	st.updates(args{"offset": us[1].ID, "allowed_updates": []string{"message", "callback_query"}})
	_, err := st.s.Edit(st.ann, st.chat, m.ID, "one, edited")
	st.must(err)
	st.must(st.s.React(st.ann, st.chat, sent.ID, "🔥"))
	query, err := st.s.Press(st.ann, st.chat, sent.ID, "x")
	st.must(err)
	st.must(st.s.CloseTopic(st.chat, st.admin, thread))
	st.ok("setMyCommands", args{"commands": []args{{"command": "help", "description": "Help"}}}, nil)
	st.must(st.s.Block(st.out, true))

	st.must(st.s.SetTopics(st.out, true))
	_, err = st.s.CreateTopic(st.out, st.out, "Mine")
	st.must(err)

	check := func(s *Server) {
		t.Helper()
		if got, want := s.Messages(st.chat, AllThreads), st.s.Messages(st.chat, AllThreads); !reflect.DeepEqual(got, want) {
			t.Errorf("messages\n%+v\n%+v", got, want)
		}
		if !reflect.DeepEqual(s.Topics(st.out), st.s.Topics(st.out)) || !reflect.DeepEqual(s.Topics(st.chat), st.s.Topics(st.chat)) || !reflect.DeepEqual(s.People(), st.s.People()) || !reflect.DeepEqual(s.Groups(), st.s.Groups()) {
			t.Error("topics, people or groups differ")
		}
		if s.Pending() != st.s.Pending() || s.queue.next != st.s.queue.next || !reflect.DeepEqual(s.queue.allowed, st.s.queue.allowed) {
			t.Errorf("%d pending, want %d", s.Pending(), st.s.Pending())
		}
		if len(s.w.commands) == 0 || s.queries[query].From != st.ann || !s.w.chats[st.out].blocked || !s.w.chats[st.ann].started {
			t.Error("commands, queries, blocks or private chats differ")
		}
		got, err := s.fileData(s.findFile(m.Media.FileID))
		if err != nil || string(got) != "bytes" {
			t.Errorf("file %q %v", got, err)
		}
	}
	for range 2 { // from the journal as it was written, then from the one that was written anew
		s, err := New(Options{StateFile: path})
		st.must(err)
		check(s)
		st.must(s.Close())
	}

	// Half a line at the end was never answered.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	st.must(err)
	_, err = f.WriteString(`[{"message":{"id":99,"chat":`)
	st.must(err)
	st.must(f.Close())
	s, err := New(Options{StateFile: path})
	st.must(err)
	check(s)
	st.must(s.Close())

	// A broken line in the middle is no state to go on from.
	st.must(os.WriteFile(path, []byte("[{]\n[]\n"), 0o600))
	if _, err := New(Options{StateFile: path}); err == nil {
		t.Error("a broken journal was accepted")
	}
}

func TestJournalKeepsTheWebhook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	st := newStage(t, Options{StateFile: path})
	st.ok("setWebhook", args{"url": "http://127.0.0.1:1/", "secret_token": "x"}, nil)
	st.post(Post{From: st.ann, Chat: st.chat, Text: "owed"})
	s, err := New(Options{StateFile: path})
	st.must(err)
	if s.w.webhook.URL != "http://127.0.0.1:1/" || s.w.webhook.Secret != "x" || s.Pending() != 1 {
		t.Errorf("%+v, %d pending", s.w.webhook, s.Pending())
	}
	st.must(s.Close())
	st.must(s.Close())
	if _, err := s.Post(Post{From: st.ann, Chat: st.chat, Text: "late"}); err == nil {
		t.Error("a closed simulator took a post")
	}
}

func TestSeed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	s, err := New(Options{StateFile: path})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Seed("hello"); err != nil {
			t.Fatal(err)
		}
	}
	groups := s.Groups()
	if len(groups) != 2 || len(s.People()) != 6 {
		t.Fatalf("%d groups, %d people", len(groups), len(s.People()))
	}
	for i, want := range [][]string{{"Topicdesk joined"}, {"Topicdesk joined", "hello", "hello"}} {
		var got []string
		for _, m := range s.Messages(groups[i].ID, 0) {
			if m.Service != nil {
				m.Text = m.Service.Text
			}
			got = append(got, m.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", groups[i].Title, got, want)
		}
	}
	const updates = 2*2 + 2 // the bot's place in each group and that it joined, and what was written
	if s.Pending() != updates {
		t.Errorf("%d updates wait for the bot, want %d", s.Pending(), updates)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = New(Options{StateFile: path}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Seed("hello"); err != nil || len(s.Groups()) != 2 || s.Pending() != updates {
		t.Fatalf("%v, %d groups, %d updates", err, len(s.Groups()), s.Pending())
	}
}
