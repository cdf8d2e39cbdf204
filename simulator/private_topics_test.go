package simulator

import "testing"

func TestTopicsOfAPrivateChat(t *testing.T) {
	st := newStage(t, Options{})
	st.post(Post{From: st.ann, Text: "/start"})
	var made Topic
	create := func() int {
		var out struct {
			Thread int `json:"message_thread_id"`
		}
		st.ok("createForumTopic", args{"chat_id": st.ann, "name": "Printer"}, &out)
		return out.Thread
	}
	st.refuses("createForumTopic", args{"chat_id": st.ann, "name": "x"}, 400, "Bad Request: the chat is not a forum")
	st.refuses("sendMessage", args{"chat_id": st.ann, "message_thread_id": 2, "text": "x"}, 400, "Bad Request: message thread not found")
	if _, err := st.s.CreateTopic(st.ann, st.ann, "Mine"); err == nil {
		t.Error("a topic in a chat that has none")
	}
	st.must(st.s.SetTopics(st.ann, true))
	var me struct {
		Has bool `json:"has_topics_enabled"`
	}
	if st.ok("getMe", nil, &me); !me.Has {
		t.Error("getMe does not say so")
	}
	st.drain()
	thread := create()
	updates := st.drain()
	if len(updates) != 1 || updates[0].Message.Created == nil || updates[0].Message.Thread != thread || !updates[0].Message.IsTopic {
		t.Fatalf("updates %+v", updates)
	}
	made = *updates[0].Message.Created
	if made.Name != "Printer" {
		t.Errorf("the topic is %+v", made)
	}
	at := args{"chat_id": st.ann, "message_thread_id": thread}
	send := func() msg {
		var m msg
		st.ok("sendMessage", args{"chat_id": st.ann, "message_thread_id": thread, "text": "hello"}, &m)
		return m
	}
	t.Run("it is written in from both sides", func(t *testing.T) {
		if m := send(); m.Thread != thread || !m.IsTopic {
			t.Errorf("sent %+v", m)
		}
		st.post(Post{From: st.ann, Thread: thread, Text: "hi"})
		if m := st.drain()[0].Message; m.Thread != thread || !m.IsTopic || m.Reply != nil {
			t.Errorf("the bot hears %+v", m)
		}
	})
	t.Run("it is renamed, and never closed", func(t *testing.T) {
		st.ok("editForumTopic", args{"chat_id": st.ann, "message_thread_id": thread, "name": "Lamp"}, nil)
		st.refuses("editForumTopic", args{"chat_id": st.ann, "message_thread_id": thread, "name": "Lamp"}, 400, "Bad Request: TOPIC_NOT_MODIFIED")
		const refused = "Bad Request: the chat is not a supergroup forum"
		st.refuses("closeForumTopic", at, 400, refused)
		st.refuses("reopenForumTopic", at, 400, refused)
		st.refuses("closeGeneralForumTopic", args{"chat_id": st.ann}, 400, refused)
		if st.s.CloseTopic(st.ann, st.ann, thread) == nil {
			t.Error("the person closed it")
		}
		st.drain()
		st.must(st.s.RenameTopic(st.ann, st.ann, thread, "my lamp"))
		if m := st.drain()[0].Message; m.Edited == nil || m.Edited.Name != "my lamp" {
			t.Errorf("the bot hears %+v", m)
		}
	})
	t.Run("nobody else changes it", func(t *testing.T) {
		if st.s.DeleteTopic(st.ann, st.admin, thread) == nil {
			t.Error("somebody else deleted it")
		}
		if _, err := st.s.CreateTopic(st.ann, st.admin, "Mine"); err == nil {
			t.Error("somebody else made one")
		}
	})
	t.Run("switched off and on again, it is there", func(t *testing.T) {
		st.must(st.s.SetTopics(st.ann, false))
		st.refuses("sendMessage", args{"chat_id": st.ann, "message_thread_id": thread, "text": "x"}, 400, "Bad Request: message thread not found")
		st.must(st.s.SetTopics(st.ann, true))
		send()
	})
	t.Run("deleted, it is written past, which only the answer says", func(t *testing.T) {
		st.must(st.s.DeleteTopic(st.ann, st.ann, thread))
		if m := send(); m.Thread != 0 || m.IsTopic {
			t.Errorf("sent %+v", m)
		}
		st.refuses("editForumTopic", args{"chat_id": st.ann, "message_thread_id": thread, "name": "x"}, 400, "Bad Request: TOPIC_DELETED")
		if again := create(); again == thread {
			t.Error("the new topic has the id of the deleted one")
		}
	})
}

func TestTopicsOfAGroupSwitchedOff(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	st.must(st.s.SetForum(st.chat, false))
	st.refuses("sendMessage", args{"chat_id": st.chat, "message_thread_id": thread, "text": "x"}, 400, "Bad Request: message thread not found")
	st.refuses("editForumTopic", args{"chat_id": st.chat, "message_thread_id": thread, "name": "T"}, 400, "Bad Request: the chat is not a forum")
	st.must(st.s.SetForum(st.chat, true))
	st.ok("sendMessage", args{"chat_id": st.chat, "message_thread_id": thread, "text": "x"}, nil)
}
