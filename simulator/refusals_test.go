package simulator

import (
	"strings"
	"testing"
	"time"
)

func TestRefusalsOfSending(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	person := st.post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "a 👍 b"})
	send := func(more args) args {
		a := args{"chat_id": st.chat, "message_thread_id": thread, "text": "hello"}
		for k, v := range more {
			a[k] = v
		}
		return a
	}
	bad := func(more args, want string) {
		t.Helper()
		st.refuses("sendMessage", send(more), 400, "Bad Request: "+want)
	}
	bad(args{"chat_id": 42}, "chat not found")
	bad(args{"chat_id": st.ann}, "chat not found") // never wrote to the bot
	bad(args{"chat_id": "@nobody"}, "chat not found")
	bad(args{"message_thread_id": 999}, "message thread not found")
	bad(args{"message_thread_id": GeneralTopic}, "message thread not found")
	bad(args{"text": " \n "}, "message text is empty")
	bad(args{"text": strings.Repeat("x", 4097)}, "message is too long")
	bad(args{"text": strings.Repeat("👍", 2049)}, "message is too long")
	bad(args{"reply_parameters": args{"message_id": 999}}, "message to be replied not found")
	bad(args{"reply_parameters": args{"message_id": person.ID, "quote": "nope"}}, "QUOTE_TEXT_INVALID")
	bad(args{"entities": []Entity{{Type: "bold", Offset: 0, Length: 6}}}, "ENTITY_BOUNDS_INVALID")
	bad(args{"text": "a👍b", "entities": []Entity{{Type: "bold", Offset: 2, Length: 1}}}, "entity begins in a middle of a UTF-16 symbol at byte offset 1")
	bad(args{"text": "a👍b", "entities": []Entity{{Type: "bold", Offset: 0, Length: 2}}}, "entity ends in a middle of a UTF-16 symbol at byte offset 1")
	bad(args{"parse_mode": "HTML", "text": "<b>x"}, `can't parse entities: Can't find end tag corresponding to start tag "b"`)
	bad(args{"parse_mode": "HTML", "text": "<x>"}, `can't parse entities: Unsupported start tag "x" at byte offset 0`)
	bad(args{"parse_mode": "MarkdownV2", "text": "a.b"}, `can't parse entities: Character '.' is reserved and must be escaped with the preceding '\'`)
	bad(args{"reply_markup": args{"inline_keyboard": [][]args{{{"text": "x", "callback_data": strings.Repeat("y", 65)}}}}}, "BUTTON_DATA_INVALID")
	bad(args{"reply_markup": args{"inline_keyboard": [][]args{{{"text": "x"}}}}}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")

	st.ok("sendMessage", send(args{"text": strings.Repeat("x", 4096)}), nil)
	st.ok("sendMessage", send(args{"reply_parameters": args{"message_id": 999, "allow_sending_without_reply": true}}), nil)
	var m msg
	st.ok("sendMessage", send(args{"reply_parameters": args{"message_id": person.ID, "quote": "👍 b"}}), &m)
	if m.Reply == nil || m.Reply.ID != person.ID || m.Quote == nil || m.Quote.Position != 2 {
		t.Errorf("%+v", m)
	}

	st.must(st.s.SetBot(st.chat, Member, BotRights{}))
	st.must(st.s.CloseTopic(st.chat, st.admin, thread))
	bad(nil, "TOPIC_CLOSED")
	st.must(st.s.SetBot(st.chat, Restricted, BotRights{}))
	bad(nil, "not enough rights to send text messages to the chat")
	st.must(st.s.SetBot(st.chat, Administrator, BotRights{}))
	st.ok("sendMessage", send(nil), nil) // an administrator writes in a closed topic
	st.must(st.s.DeleteTopic(st.chat, st.admin, thread))
	bad(nil, "message thread not found")

	st.must(st.s.SetBot(st.chat, Kicked, BotRights{}))
	st.refuses("sendMessage", send(nil), 403, "Forbidden: bot was kicked from the supergroup chat")
	st.must(st.s.SetBot(st.chat, Left, BotRights{}))
	st.refuses("sendMessage", send(nil), 403, "Forbidden: bot is not a member of the supergroup chat")

	st.post(Post{From: st.ann, Text: "/start"})
	st.ok("sendMessage", args{"chat_id": st.ann, "text": "hi"}, nil)
	st.must(st.s.Block(st.ann, true))
	st.refuses("sendMessage", args{"chat_id": st.ann, "text": "hi"}, 403, "Forbidden: bot was blocked by the user")
	if _, err := st.s.Post(Post{From: st.ann, Text: "x"}); err == nil {
		t.Error("somebody who blocked the bot wrote to it")
	}
}

func TestRefusalsAboutTopics(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	at := args{"chat_id": st.chat, "message_thread_id": thread}
	st.refuses("editForumTopic", args{"chat_id": st.chat, "message_thread_id": thread, "name": "T"}, 400, "Bad Request: TOPIC_NOT_MODIFIED")
	st.refuses("reopenForumTopic", at, 400, "Bad Request: TOPIC_NOT_MODIFIED")
	st.ok("closeForumTopic", at, nil)
	st.refuses("closeForumTopic", at, 400, "Bad Request: TOPIC_NOT_MODIFIED")
	st.refuses("closeForumTopic", args{"chat_id": st.chat, "message_thread_id": 999}, 400, "Bad Request: message thread not found")
	st.refuses("createForumTopic", args{"chat_id": st.chat, "name": strings.Repeat("x", 129)}, 400, "Bad Request: topic name is too long")
	st.refuses("createForumTopic", args{"chat_id": st.chat, "name": "x", "icon_color": 1}, 400, "Bad Request: invalid forum topic icon color specified")
	if _, err := st.s.Post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "x"}); err == nil {
		t.Error("a member wrote into a closed topic")
	}
	st.post(Post{From: st.admin, Chat: st.chat, Thread: thread, Text: "administrators may"})
	st.must(st.s.SetBot(st.chat, Administrator, BotRights{CanPinMessages: true}))
	st.ok("reopenForumTopic", at, nil) // its own topic
	theirs, err := st.s.CreateTopic(st.chat, st.ann, "Mine")
	st.must(err)
	st.refuses("closeForumTopic", args{"chat_id": st.chat, "message_thread_id": theirs}, 400, "Bad Request: not enough rights to manage topics")
	st.refuses("createForumTopic", args{"chat_id": st.chat, "name": "x"}, 400, "Bad Request: not enough rights to create a topic")
	st.ok("deleteForumTopic", at, nil)
	st.refuses("reopenForumTopic", at, 400, "Bad Request: TOPIC_DELETED")
	st.must(st.s.SetBot(st.chat, Administrator, BotRights{CanManageTopics: true}))
	m := st.post(Post{From: st.ann, Chat: st.chat, Text: "x"})
	st.refuses("pinChatMessage", args{"chat_id": st.chat, "message_id": m.ID}, 400, "Bad Request: not enough rights to manage pinned messages in the chat")
	plain, err := st.s.AddGroup(Group{Title: "Plain", Bot: BotRights{Status: Administrator, CanManageTopics: true}})
	st.must(err)
	st.refuses("createForumTopic", args{"chat_id": plain.ID, "name": "x"}, 400, "Bad Request: the chat is not a forum")
}

func TestRefusalsOfEditingAndDeleting(t *testing.T) {
	c := newClock()
	st := newStage(t, Options{Now: c.now})
	theirs := st.post(Post{From: st.ann, Chat: st.chat, Text: "x"})
	var m msg
	keyboard := args{"inline_keyboard": [][]args{{{"text": "Go", "callback_data": "go"}}}}
	st.ok("sendMessage", args{"chat_id": st.chat, "text": "one", "reply_markup": keyboard}, &m)
	edit := func(id int, text string) args {
		return args{"chat_id": st.chat, "message_id": id, "text": text, "reply_markup": keyboard}
	}
	st.refuses("editMessageText", edit(m.ID, "one"), 400, "Bad Request: "+notModified)
	st.refuses("editMessageText", edit(999, "one"), 400, "Bad Request: message to edit not found")
	st.refuses("editMessageText", edit(theirs.ID, "one"), 400, "Bad Request: message can't be edited")
	st.refuses("editMessageText", edit(m.ID, strings.Repeat("x", 4097)), 400, "Bad Request: message is too long")
	st.refuses("editMessageCaption", args{"chat_id": st.chat, "message_id": m.ID, "caption": "x"}, 400, "Bad Request: there is no caption in the message to edit")
	st.ok("editMessageText", edit(m.ID, "two"), nil)
	if got, _ := st.s.Message(st.chat, m.ID); got.Text != "two" || got.Edits != 1 || !got.Edited || len(got.Buttons) != 1 {
		t.Errorf("%+v", got)
	}
	st.refuses("answerCallbackQuery", args{"callback_query_id": "1"}, 400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
	id, err := st.s.Press(st.ann, st.chat, m.ID, "go")
	st.must(err)
	if _, err := st.s.Press(st.ann, st.chat, m.ID, "elsewhere"); err == nil {
		t.Error("a button that is not there was pressed")
	}
	st.ok("answerCallbackQuery", args{"callback_query_id": id}, nil)
	c.add(queryLife + time.Second)
	st.refuses("answerCallbackQuery", args{"callback_query_id": id}, 400, "Bad Request: query is too old and response timeout expired or query ID is invalid")

	del := func(id int) args { return args{"chat_id": st.chat, "message_id": id} }
	st.refuses("deleteMessage", del(999), 400, "Bad Request: message to delete not found")
	st.refuses("deleteMessage", del(theirs.ID), 400, "Bad Request: message can't be deleted")
	c.add(48 * time.Hour)
	st.refuses("deleteMessage", del(m.ID), 400, "Bad Request: message can't be deleted")
	var fresh msg
	st.ok("sendMessage", args{"chat_id": st.chat, "text": "x"}, &fresh)
	st.ok("deleteMessage", del(fresh.ID), nil)
	st.refuses("deleteMessage", del(fresh.ID), 400, "Bad Request: message to delete not found")
	if got, _ := st.s.Message(st.chat, fresh.ID); !got.Deleted {
		t.Error("not marked as deleted")
	}
	st.refuses("setMessageReaction", args{"chat_id": st.chat, "message_id": theirs.ID, "reaction": []args{{"type": "emoji", "emoji": "🦑"}}}, 400, "Bad Request: REACTION_INVALID")
	st.ok("setMessageReaction", args{"chat_id": st.chat, "message_id": theirs.ID, "reaction": []args{{"type": "emoji", "emoji": "👍"}}}, nil)
}

func TestRefusalsOfTokensFilesAndAlbums(t *testing.T) {
	st := newStage(t, Options{})
	for path, want := range map[string]int{"/botx/getMe": 401, "/bot" + st.s.Token(): 401, "/file/bot1:x/y": 401, "/file/bot" + st.s.Token() + "/no": 404} {
		res, err := st.client.Get(st.url + path)
		st.must(err)
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, res.StatusCode, want)
		}
	}
	big, err := st.s.AddFile(Upload{Kind: "document", FileName: "big.iso", Size: 21 << 20})
	st.must(err)
	st.refuses("getFile", args{"file_id": big}, 400, "Bad Request: file is too big")
	st.refuses("getFile", args{"file_id": "x"}, 400, "Bad Request: wrong file_id or the file is temporarily unavailable")
	st.refuses("sendDocument", args{"chat_id": st.chat, "document": "x"}, 400, "Bad Request: wrong file identifier/HTTP URL specified")
	st.refuses("sendPhoto", args{"chat_id": st.chat, "photo": big}, 400, "Bad Request: can't use file of type Document as Photo")
	st.refuses("sendDocument", args{"chat_id": st.chat, "document": big, "caption": strings.Repeat("x", 1025)}, 400, "Bad Request: message caption is too long")
	st.ok("sendDocument", args{"chat_id": st.chat, "document": big, "caption": "again, by id"}, nil)
	photo, err := st.s.AddFile(Upload{Kind: "photo", Data: []byte("x")})
	st.must(err)
	album := func(media ...args) args { return args{"chat_id": st.chat, "media": media} }
	doc, pic := args{"type": "document", "media": big}, args{"type": "photo", "media": photo}
	st.refuses("sendMediaGroup", album(pic), 400, "Bad Request: group send failed: an album has 2 to 10 parts")
	st.refuses("sendMediaGroup", album(pic, doc), 400, "Bad Request: Document can't be mixed with other media types")
	st.refuses("sendMediaGroup", album(doc, pic), 400, "Bad Request: Document can't be mixed with other media types")
	st.ok("sendMediaGroup", album(doc, doc), nil)
}

func TestMigration(t *testing.T) {
	st := newStage(t, Options{})
	thread := st.topic("T")
	m := st.post(Post{From: st.ann, Chat: st.chat, Thread: thread, Text: "before"})
	st.drain()
	id, err := st.s.Migrate(st.chat)
	st.must(err)
	out := st.call("sendMessage", args{"chat_id": st.chat, "text": "x"})
	if out.Code != 400 || out.Description != "Bad Request: group chat was upgraded to a supergroup chat" || out.Parameters.Migrate != id {
		t.Fatalf("%+v", out)
	}
	us := st.drain()
	if len(us) != 2 || us[0].Message.To != id || us[0].Message.Chat.ID != st.chat || us[1].Message.Since != st.chat || us[1].Message.Chat.ID != id {
		t.Fatalf("%+v", us)
	}
	st.ok("sendMessage", args{"chat_id": id, "message_thread_id": thread, "text": "after", "reply_parameters": args{"message_id": m.ID}}, nil)
	st.must(st.s.SetMember(id, st.out, Member))
	st.post(Post{From: st.ann, Chat: id, Thread: thread, Text: "still here"})
	if _, err := st.s.Post(Post{From: st.ann, Chat: st.chat, Text: "x"}); err == nil {
		t.Error("the old group still takes posts")
	}
}
