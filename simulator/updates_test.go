package simulator

import (
	"slices"
	"testing"
	"time"
)

func TestGetUpdates(t *testing.T) {
	t.Run("an offset confirms what is below it, and nothing else does", func(t *testing.T) {
		st := newStage(t, Options{})
		for _, text := range []string{"a", "b", "c"} {
			st.post(Post{From: st.ann, Chat: st.chat, Text: text})
		}
		us := st.updates(nil)
		if len(us) != 3 || len(st.updates(args{"offset": us[1].ID})) != 2 || st.s.Pending() != 2 {
			t.Fatalf("%d pending", st.s.Pending())
		}
		if again := st.updates(args{"limit": 1}); len(again) != 1 || again[0].Message.Text != "b" {
			t.Fatalf("%+v", again)
		}
		if st.updates(args{"offset": us[2].ID + 1}); st.s.Pending() != 0 {
			t.Fatal("not confirmed")
		}
	})
	t.Run("a negative offset keeps the newest and forgets the others", func(t *testing.T) {
		st := newStage(t, Options{})
		for _, text := range []string{"a", "b", "c"} {
			st.post(Post{From: st.ann, Chat: st.chat, Text: text})
		}
		if us := st.updates(args{"offset": -2}); len(us) != 2 || us[0].Message.Text != "b" || st.s.Pending() != 2 {
			t.Fatalf("%+v", us)
		}
		if us := st.updates(args{"offset": "-9223372036854775808"}); len(us) != 2 {
			t.Fatalf("%+v", us)
		}
	})
	t.Run("a long poll ends with the first update", func(t *testing.T) {
		st := newStage(t, Options{})
		got := make(chan []upd)
		go func() { got <- st.updates(args{"timeout": 50}) }()
		st.await("the poll", st.s.Polling)
		st.post(Post{From: st.ann, Chat: st.chat, Text: "wake up"})
		if us := <-got; len(us) != 1 || us[0].Message.Text != "wake up" {
			t.Fatalf("%+v", us)
		}
	})
	t.Run("a second poll ends the first with 409", func(t *testing.T) {
		st := newStage(t, Options{})
		first := make(chan answer)
		go func() { first <- st.call("getUpdates", args{"timeout": 50}) }()
		st.await("the poll", st.s.Polling)
		st.updates(nil)
		if a := <-first; a.Code != 409 || a.Description != "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running" {
			t.Fatalf("%+v", a)
		}
		st.updates(nil)
		if at := st.s.PollConflicts(); len(at) != 1 || time.Since(at[0]) > time.Hour {
			t.Errorf("conflicts at %v", at)
		}
	})
	t.Run("none while a webhook is set", func(t *testing.T) {
		st := newStage(t, Options{})
		st.ok("setWebhook", args{"url": "http://127.0.0.1:1/"}, nil)
		st.refuses("getUpdates", args{}, 409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
		st.ok("deleteWebhook", args{}, nil)
		st.updates(nil)
	})
	t.Run("reactions and members only on request", func(t *testing.T) {
		st := newStage(t, Options{})
		m := st.post(Post{From: st.ann, Chat: st.chat, Text: "x"})
		st.drain()
		st.must(st.s.React(st.ann, st.chat, m.ID, "👍"))
		st.must(st.s.SetMember(st.chat, st.out, Member))
		if us := st.drain(); len(us) != 1 || len(us[0].Message.Joined) != 1 {
			t.Fatalf("%+v", us)
		}
		st.updates(args{"allowed_updates": []string{"message", "message_reaction", "chat_member"}})
		st.must(st.s.React(st.ann, st.chat, m.ID, "🔥"))
		st.must(st.s.SetMember(st.chat, st.out, Administrator))
		st.must(st.s.Block(st.out, true)) // my_chat_member is not in the list
		us := st.drain()
		if len(us) != 2 || us[0].Reaction == nil || us[0].Reaction.New[0].Emoji != "🔥" || us[1].ChatMember == nil {
			t.Fatalf("%+v", us)
		}
	})
	t.Run("updates expire after a day", func(t *testing.T) {
		c := newClock()
		st := newStage(t, Options{Now: c.now})
		st.post(Post{From: st.ann, Chat: st.chat, Text: "old"})
		c.add(23 * time.Hour)
		st.post(Post{From: st.ann, Chat: st.chat, Text: "new"})
		c.add(2 * time.Hour)
		if us := st.updates(nil); len(us) != 1 || us[0].Message.Text != "new" {
			t.Fatalf("%+v", us)
		}
	})
	t.Run("raw updates arrive as they are", func(t *testing.T) {
		st := newStage(t, Options{})
		st.must(st.s.RawUpdate([]byte(`{"strange":{"x":1}}`)))
		if st.s.RawUpdate([]byte(`[]`)) == nil || st.s.RawUpdate([]byte(`null`)) == nil || st.s.RawUpdate([]byte(`{`)) == nil {
			t.Error("something else than an object was queued")
		}
		if us := st.drain(); len(us) != 1 || us[0].ID == 0 {
			t.Fatalf("%+v", us)
		}
	})
	t.Run("a bounded queue drops the oldest", func(t *testing.T) {
		st := newStage(t, Options{KeepUpdates: 5})
		for range 20 {
			st.post(Post{From: st.ann, Chat: st.chat, Text: "x"})
		}
		if us := st.updates(nil); len(us) != 5 {
			t.Fatalf("%d updates", len(us))
		}
	})
}

func TestWhatTheBotSees(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("From the bot")
	var sent msg
	st.ok("sendMessage", args{"chat_id": st.chat, "message_thread_id": thread, "text": "mine"}, &sent)
	us := st.drain()
	if len(us) != 1 || us[0].Message.Created == nil || us[0].Message.ID != thread || us[0].Message.Reply != nil {
		t.Fatalf("its own service message, and only that: %+v", us)
	}
	other, err := st.s.AddPerson(Person{FirstName: "Robot", Username: "robot_bot", IsBot: true})
	st.must(err)
	st.must(st.s.SetMember(st.chat, other.ID, Member))
	st.drain()
	st.post(Post{From: other.ID, Chat: st.chat, Text: "beep"})
	own := st.post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "x"})
	st.must(st.s.Delete(st.ann, st.chat, own.ID))
	us = st.drain()
	if len(us) != 1 || us[0].Message.Reply == nil || us[0].Message.Reply.ID != thread || us[0].Message.Reply.Created == nil || !us[0].Message.IsTopic {
		t.Fatalf("no other bots, no deletions, and the topic's first message as reply_to_message: %+v", us)
	}

	st.post(Post{From: st.admin, Chat: st.chat, Text: "who am I", Anonymous: true})
	st.post(Post{From: st.ann, Chat: st.chat, Text: "news", AsChannel: &Channel{ID: -1009, Title: "News"}})
	st.post(Post{Chat: st.chat, Text: "linked", Linked: true, AsChannel: &Channel{ID: -1009, Title: "News"}})
	us = st.drain()
	a, c, l := us[0].Message, us[1].Message, us[2].Message
	if a.From.ID != GroupAnonymousBotID || !a.From.IsBot || a.Sender.ID != st.chat || c.Sender.ID != -1009 || l.From.ID != LinkedChannelID || !l.Auto || l.Sender.ID != -1009 {
		t.Fatalf("%+v %+v %+v", a, c, l)
	}
	if _, err := st.s.Post(Post{From: st.ann, Chat: st.chat, Text: "x", Anonymous: true}); err == nil {
		t.Error("a member was anonymous")
	}
	if _, err := st.s.Post(Post{From: st.out, Chat: st.chat, Text: "x"}); err == nil {
		t.Error("an outsider wrote into the group")
	}

	general := st.post(Post{From: st.ann, Chat: st.chat, Text: "root"})
	st.post(Post{From: st.ann, Chat: st.chat, Text: "answer", ReplyTo: general.ID})
	us = st.drain()
	if m := us[1].Message; m.IsTopic || m.Thread != general.ID || m.Reply.ID != general.ID {
		t.Fatalf("a reply thread of the general topic: %+v", m)
	}

	st.must(st.s.RenameTopic(st.chat, st.admin, thread, "New name"))
	st.must(st.s.CloseTopic(st.chat, st.admin, thread))
	st.must(st.s.ReopenTopic(st.chat, st.admin, thread))
	st.ok("closeForumTopic", args{"chat_id": st.chat, "message_thread_id": thread}, nil)
	st.ok("pinChatMessage", args{"chat_id": st.chat, "message_id": sent.ID}, nil)
	st.must(st.s.DeleteTopic(st.chat, st.admin, thread))
	us = st.drain()
	if len(us) != 5 || us[0].Message.Edited.Name != "New name" || us[1].Message.Closed == nil || us[2].Message.Opened == nil || us[3].Message.Closed == nil || us[4].Message.Pinned.ID != sent.ID {
		t.Fatalf("%+v", us)
	}
	st.must(st.s.SetBot(st.chat, Kicked, BotRights{}))
	st.post(Post{From: st.ann, Chat: st.chat, Text: "behind its back"})
	if us = st.drain(); len(us) != 1 || us[0].My.New.Status != "kicked" || us[0].My.Old.Status != "administrator" {
		t.Fatalf("%+v", us)
	}
}

func TestPrivacyMode(t *testing.T) {
	st := newStage(t, Options{PrivacyMode: true})
	var sent msg
	st.ok("sendMessage", args{"chat_id": st.chat, "text": "x"}, &sent)
	say := func(reply int) []string {
		for _, text := range []string{"plain", "/help", "/help@topicdesk_bot", "/help@other_bot", "hi @topicdesk_bot", "hi @ada_x"} {
			st.post(Post{From: st.ann, Chat: st.chat, Text: text, ReplyTo: reply})
		}
		var out []string
		for _, u := range st.drain() {
			if u.Message != nil {
				out = append(out, u.Message.Text)
			}
		}
		return out
	}
	if got := say(0); len(got) != 6 {
		t.Errorf("an administrator sees all, not %q", got)
	}
	st.must(st.s.SetBot(st.chat, Member, BotRights{}))
	if got := say(0); !slices.Equal(got, []string{"/help", "/help@topicdesk_bot", "hi @topicdesk_bot"}) {
		t.Errorf("a member sees %q", got)
	}
	if got := say(sent.ID); len(got) != 6 {
		t.Errorf("answers to the bot: %q", got)
	}
}
