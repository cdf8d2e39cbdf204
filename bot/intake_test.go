package bot

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

const closedTopic = 77 // a topic of no ticket

func elsewhere(fields string) string {
	return strings.Replace(topicMessage(fields), `"message_thread_id":42`, `"message_thread_id":77`, 1)
}

func inGeneral(fields string) string {
	return strings.Replace(topicMessage(fields), `"message_thread_id":42,"is_topic_message":true,`, ``, 1)
}

// edited makes an edit of a message's update.
func edited(update string) string { return strings.Replace(update, `"message"`, `"edited_message"`, 1) }

func TestIntakeTexts(t *testing.T) {
	record := func(text string, change ...func(*messages.RecordMessage)) []sent {
		m := &messages.RecordMessage{Origin: annHere(), Content: &messages.Content{Text: text}}
		for _, c := range change {
			c(m)
		}
		return []sent{{"ticket/" + aTicket, m}}
	}
	photo := func(m *messages.RecordMessage) { m.Content.Media = &messages.Media{Kind: "photo", FileId: "p"} }
	for name, tc := range map[string]struct {
		raw  string
		want []sent
	}{
		"a text in a ticket's topic is recorded": {topicMessage(`"text":"hello"`), record("hello")},
		"formatting stays": {topicMessage(`"text":"hello","entities":[{"type":"bold","offset":0,"length":5}]`), record("hello", func(m *messages.RecordMessage) {
			m.Content.Entities = []*messages.Entity{{Type: "bold", Length: 5}}
		})},
		"an internal note":                    {topicMessage(`"text":"// psst"`), record("// psst", func(m *messages.RecordMessage) { m.Internal = true })},
		"an unknown command is text":          {topicMessage(`"text":"/etc/passwd"`), record("/etc/passwd")},
		"a medium is recorded by its caption": {topicMessage(`"photo":[{"file_id":"p"}],"caption":"look"`), record("look", photo)},
		"or as what it is":                    {topicMessage(`"photo":[{"file_id":"p"}]`), record("", photo)},
		"a reply": {topicMessage(`"text":"yes","reply_to_message":{"message_id":48,"text":"Is it on?"},"quote":{"text":"on","is_manual":true}`), record("yes", func(m *messages.RecordMessage) {
			m.ReplyTo = &messages.ReplyTo{ChatId: -1001, MessageId: 48, Quote: "on", Preview: "on"}
		})},
		"what answers only the topic answers nothing": {topicMessage(`"text":"yes","reply_to_message":{"message_id":42,"forum_topic_created":{"name":"x"}}`), record("yes")},
		"a person who writes Thai": {topicMessage(`"text":"x","from":{"id":5,"first_name":"Ann","language_code":"TH-th"}`), record("x", func(m *messages.RecordMessage) {
			m.Origin.From = &messages.Person{Id: 5, FirstName: "Ann", LanguageCode: "TH-th"}
			m.Origin.Lang = "th"
		})},
		"an anonymous administrator": {topicMessage(`"text":"x","from":{"id":1087968824,"is_bot":true,"first_name":"Group"},"sender_chat":{"id":-1001,"type":"supergroup","title":"Support"}`),
			record("x", func(m *messages.RecordMessage) {
				m.Origin.From = &messages.Person{Id: 1087968824, IsBot: true, FirstName: "Group"}
				m.Origin.Sender = &messages.Sender{Kind: messages.Sender_GROUP, Id: -1001, Name: "Support"}
				m.Origin.GroupAdmin = true
			})},
		"a topic of no ticket is left alone": {elsewhere(`"text":"hello"`), nil},
		"so is the general topic":            {inGeneral(`"text":"hello"`), nil},
		"in a private chat it is answered": {private + `"text":"hello"}}`, []sent{notice(annHere(privately), messages.NoticePrivateNone, func(op *messages.Operation) {
			op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{{Key: messages.ButtonNew, Data: "new"}}}}}
		})}},
		"an unknown group":                 {topicMessage(`"text":"hello","chat":{"id":-1009,"type":"supergroup"}`), nil},
		"another bot":                      {topicMessage(`"text":"hello","from":{"id":8,"is_bot":true}`), nil},
		"another bot's command":            {topicMessage(`"text":"/close_ticket@OtherBot"`), nil},
		"a text of nothing visible":        {topicMessage(`"text":" \u200b\u00a0"`), nil},
		"a service message of no interest": {topicMessage(`"new_chat_members":[{"id":1}]`), nil},
		"an edit of what was never said": {edited(topicMessage(`"text":"x"`)), []sent{{"ticket/" + aTicket, &messages.EditMessage{
			Origin: annHere(func(o *messages.Origin) { o.CommandId += ":edited" }), MessageId: "-1001:50", OfCommand: true}}}},
		"an edit to another command": {edited(topicMessage(`"text":"/close_ticket solved // at last"`)), []sent{{"ticket/" + aTicket, &messages.EditMessage{
			Origin: annHere(func(o *messages.Origin) { o.CommandId += ":edited" }), MessageId: "-1001:50", OfCommand: true, NoWords: true, Reason: "solved"}}}},
		"an edit to what looks like one": {edited(topicMessage(`"text":"/tikcet"`)), []sent{{"ticket/" + aTicket, &messages.EditMessage{
			Origin: annHere(func(o *messages.Origin) { o.CommandId += ":edited" }), MessageId: "-1001:50", OfCommand: true, NoWords: true}}}},
		"an edit in the general topic":           {edited(inGeneral(`"text":"x"`)), nil},
		"a channel's own post":                   {`{"update_id":1,"channel_post":{"message_id":1}}`, nil},
		"what can't be understood, once for all": {`{"update_id":1,"message":{"message_id":1}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), tc.raw)
			check(t, tc.want, d.take())
		})
	}
	t.Run("an edit goes to the ticket of the message", func(t *testing.T) {
		d := newFake()
		d.said = map[string]string{topic("-1001", 50): aTicket}
		edited := strings.Replace(topicMessage(`"text":"// x","message_id":50,"edit_date":1700000009`), `"message"`, `"edited_message"`, 1)
		handle(t, testIntake(d), edited)
		handle(t, testIntake(d), edited)
		handle(t, testIntake(d), strings.Replace(edited, "// x", "y", 1))
		got := d.take()
		if len(got) != 3 {
			t.Fatalf("%v", got)
		}
		first, again, other := got[0].Message.(*messages.EditMessage), got[1].Message.(*messages.EditMessage), got[2].Message.(*messages.EditMessage)
		if got[0].To != "ticket/"+aTicket || first.MessageId != "-1001:50" || first.Content.Text != "// x" ||
			!first.Internal || first.EditedMs != 1700000009000 {
			t.Errorf("%v", first)
		}
		if first.Origin.CommandId != again.Origin.CommandId || first.Origin.CommandId == other.Origin.CommandId ||
			other.Internal {
			t.Errorf("%s, %s, %s", first.Origin.CommandId, again.Origin.CommandId, other.Origin.CommandId)
		}
	})
	t.Run("an edit in a private chat makes no note", func(t *testing.T) {
		d := newFake()
		d.said = map[string]string{topic("5", 50): aTicket}
		handle(t, testIntake(d), `{"update_id":9,"edited_message":{"message_id":50,"date":1,"edit_date":2,"text":"// x",
			"from":{"id":5,"first_name":"Ann"},"chat":{"id":5,"type":"private","first_name":"Ann"}}}`)
		got := d.take()
		if len(got) != 1 || got[0].Message.(*messages.EditMessage).Internal {
			t.Errorf("%v", got)
		}
	})
	t.Run("so does a reaction, in whatever topic", func(t *testing.T) {
		d := newFake()
		d.said = map[string]string{topic("-1001", 50): aTicket}
		handle(t, testIntake(d), `{"update_id":9,"message_reaction":{"chat":{"id":-1001,"type":"supergroup"},"message_id":50,"user":{"id":5,"first_name":"Ann"},"new_reaction":[{"type":"emoji","emoji":"🔥"}]}}`)
		handle(t, testIntake(d), `{"update_id":10,"message_reaction":{"chat":{"id":-1001,"type":"supergroup"},"message_id":51,"user":{"id":5,"first_name":"Ann"},"new_reaction":[]}}`)
		got := d.take()
		if len(got) != 1 || got[0].To != "ticket/"+aTicket {
			t.Fatalf("%v", got)
		}
		if m := got[0].Message.(*messages.React); m.MessageId != "-1001:50" || m.AtMessageId != 50 ||
			m.Emojis[0].Emoji != "🔥" || m.Origin.CommandId != "u:9" {
			t.Errorf("%v", m)
		}
	})
	t.Run("a ticket may live in a private chat", func(t *testing.T) {
		d := newFake()
		d.topics[topic("u5", 0)] = aTicket
		handle(t, testIntake(d), private+`"text":"hello"}}`)
		check(t, []sent{{"ticket/" + aTicket, &messages.RecordMessage{Origin: annHere(privately), Content: &messages.Content{Text: "hello"}}}}, d.take())
	})
	t.Run("the topic is looked up once", func(t *testing.T) {
		d := newFake()
		in := testIntake(d)
		for _, id := range []string{"1", "2", "3"} {
			handle(t, in, topicMessage(`"text":"hello","message_id":`+id))
		}
		if len(d.take()) != 3 || d.queries != 2 { // place and topic
			t.Error(d.queries)
		}
	})
	t.Run("the same update again asks nobody", func(t *testing.T) {
		d := newFake()
		in := testIntake(d)
		handle(t, in, topicMessage(`"text":"hello"`))
		handle(t, in, topicMessage(`"text":"hello"`))
		if len(d.take()) != 1 {
			t.Error("asked again")
		}
	})
	t.Run("a topic that changed hands is looked up again", func(t *testing.T) {
		d := newFake()
		in := testIntake(d)
		handle(t, in, topicMessage(`"text":"one"`))
		d.take()
		d.topics[topic("g7", 42)] = otherTicket
		d.reply = func(to string, _ proto.Message) (*messages.Reply, error) {
			if to == "ticket/"+aTicket {
				return &messages.Reply{Code: messages.Code_WRONG_TOPIC}, nil
			}
			return nil, nil
		}
		handle(t, in, strings.Replace(topicMessage(`"text":"two"`), `"update_id":7`, `"update_id":8`, 1))
		if got := d.take(); len(got) != 1 || got[0].To != "ticket/"+otherTicket {
			t.Error(got)
		}
	})
	t.Run("one that no ticket owns any more is left alone", func(t *testing.T) {
		d := newFake()
		d.reply = func(string, proto.Message) (*messages.Reply, error) {
			return &messages.Reply{Code: messages.Code_WRONG_TOPIC}, nil
		}
		handle(t, testIntake(d), topicMessage(`"text":"one"`))
		check(t, nil, d.take())
	})
	for name, fail := range map[string]func(*fakeDesk){
		"desk is down": func(d *fakeDesk) {
			d.reply = func(string, proto.Message) (*messages.Reply, error) { return nil, errFake }
		},
		"storage is down": func(d *fakeDesk) {
			d.reply = func(string, proto.Message) (*messages.Reply, error) {
				return &messages.Reply{Code: messages.Code_UNAVAILABLE}, nil
			}
		},
		"entity has a bug": func(d *fakeDesk) {
			d.reply = func(string, proto.Message) (*messages.Reply, error) {
				return &messages.Reply{Code: messages.Code_INTERNAL}, nil
			}
		},
		"no code": func(d *fakeDesk) {
			d.reply = func(string, proto.Message) (*messages.Reply, error) { return &messages.Reply{}, nil }
		},
		"queries unanswered": func(d *fakeDesk) { d.queryCode = messages.Code_UNAVAILABLE },
	} {
		t.Run("not accepted: "+name, func(t *testing.T) {
			d := newFake()
			fail(d)
			in := testIntake(d)
			if in.Handle(t.Context(), []byte(topicMessage(`"text":"one"`))) == nil {
				t.Error("taken for accepted")
			}
			d.reply, d.queryCode = nil, 0
			handle(t, in, topicMessage(`"text":"one"`))
			if len(d.take()) != 1 {
				t.Error("not asked again")
			}
		})
	}
	t.Run("a panic is passed over", func(t *testing.T) {
		d := newFake()
		d.reply = func(string, proto.Message) (*messages.Reply, error) { d.mu.Unlock(); defer d.mu.Lock(); panic("bug") }
		handle(t, testIntake(d), topicMessage(`"text":"one"`))
	})
}

func TestIntakePeople(t *testing.T) {
	d := newFake()
	in := testIntake(d)
	for i, from := range []string{
		`{"id":5,"first_name":"Ann"}`, `{"id":5,"first_name":"Ann"}`, `{"id":5,"first_name":"Anna"}`, `{"id":6,"first_name":"Bob"}`, `{"id":5,"first_name":"Anna","username":"anna"}`,
	} {
		handle(t, in, topicMessage(`"text":"x","message_id":`+string(rune('1'+i))+`,"from":`+from))
	}
	var got []string
	for _, s := range d.told {
		p := s.Message.(*messages.SaveProfile)
		if !p.OnlyIfKnown || !strings.Contains(p.Origin.CommandId, ":profile:") {
			t.Error(p)
		}
		got = append(got, s.To+" "+p.Origin.From.FirstName+p.Origin.From.Username)
	}
	if want := "user/5 Ann, user/5 Anna, user/6 Bob, user/5 Annaanna"; strings.Join(got, ", ") != want {
		t.Errorf("told %v, want %v", got, want)
	}
	t.Run("who speaks as a group is nobody", func(t *testing.T) {
		d.told = nil
		handle(t, in, topicMessage(`"text":"x","message_id":9,"from":{"id":1087968824,"is_bot":true},"sender_chat":{"id":-1001,"type":"supergroup"}`))
		if len(d.told) != 0 {
			t.Error(d.told)
		}
	})
}

func TestIntakeTopics(t *testing.T) {
	const bot = `"from":{"id":999,"is_bot":true,"first_name":"Desk"}`
	ours := func(o *messages.Origin) {
		o.From = &messages.Person{Id: 999, IsBot: true, FirstName: "Desk"}
		o.Sender = &messages.Sender{Id: 999, Name: "Desk"}
	}
	for name, tc := range map[string]struct {
		raw  string
		want []sent
	}{
		"a topic that we created":                {topicMessage(bot + `,"forum_topic_created":{"name":"#42 Printer"}`), []sent{{"ticket/" + aTicket, &messages.TopicCreated{Origin: annHere(ours), Name: "#42 Printer"}}}},
		"one with its icon":                      {topicMessage(bot + `,"forum_topic_created":{"name":"#42 Printer","icon_custom_emoji_id":"1"}`), []sent{{"ticket/" + aTicket, &messages.TopicCreated{Origin: annHere(ours), Name: "#42 Printer", HasIcon: true}}}},
		"one of an unknown number":               {topicMessage(bot + `,"forum_topic_created":{"name":"#43 Printer"}`), nil},
		"one of before there were numbers":       {topicMessage(bot + `,"forum_topic_created":{"name":"Printer · C91C2F9D"}`), []sent{{"ticket/" + aTicket, &messages.TopicCreated{Origin: annHere(ours), Name: "Printer · C91C2F9D"}}}},
		"one that we created for something else": {topicMessage(bot + `,"forum_topic_created":{"name":"Printer"}`), nil},
		"one of an unknown ticket":               {topicMessage(bot + `,"forum_topic_created":{"name":"Printer · 00000000"}`), nil},
		"one that a person named like ours":      {topicMessage(`"forum_topic_created":{"name":"Printer · C91C2F9D"}`), nil},
		"closed by hand":                         {topicMessage(`"forum_topic_closed":{}`), []sent{{"ticket/" + aTicket, &messages.CloseTicket{Origin: annHere(), ByHand: true}}}},
		"reopened by hand":                       {topicMessage(`"forum_topic_reopened":{}`), []sent{{"ticket/" + aTicket, &messages.ReopenTicket{Origin: annHere(), ByHand: true}}}},
		"renamed by hand":                        {topicMessage(`"forum_topic_edited":{"name":"New"}`), []sent{{"ticket/" + aTicket, &messages.TopicRenamed{Origin: annHere(), Name: "New"}}}},
		"only the icon changed":                  {topicMessage(`"forum_topic_edited":{"icon_custom_emoji_id":"1"}`), []sent{{"ticket/" + aTicket, &messages.TopicRenamed{Origin: annHere(), Icon: true}}}},
		"closed by us":                           {topicMessage(bot + `,"forum_topic_closed":{}`), nil},
		"renamed by us":                          {topicMessage(bot + `,"forum_topic_edited":{"name":"New"}`), nil},
		"closed, but no ticket's":                {elsewhere(`"forum_topic_closed":{}`), nil},
		"the group moved":                        {topicMessage(`"migrate_to_chat_id":-1002`), []sent{{"group/g7", &messages.MigrateGroup{NewChatId: -1002}}}},
		"the group came from elsewhere":          {topicMessage(`"chat":{"id":-1002,"type":"supergroup"},"migrate_from_chat_id":-1001`), []sent{{"group/g7", &messages.MigrateGroup{NewChatId: -1002}}}},
		"an unknown group moved":                 {topicMessage(`"chat":{"id":-1009,"type":"group"},"migrate_to_chat_id":-1002`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFake()
			handle(t, testIntake(d), tc.raw)
			check(t, tc.want, d.take())
		})
	}
	t.Run("after a migration the new id is known at once", func(t *testing.T) {
		d := newFake()
		in := testIntake(d)
		handle(t, in, topicMessage(`"migrate_to_chat_id":-1002`))
		d.take()
		handle(t, in, topicMessage(`"text":"x","chat":{"id":-1002,"type":"supergroup"}`))
		if got := d.take(); len(got) != 1 || got[0].To != "ticket/"+aTicket {
			t.Error(got)
		}
	})
	t.Run("a message in a topic whose creation was never heard of", func(t *testing.T) {
		d := newFake()
		d.reply = func(_ string, m proto.Message) (*messages.Reply, error) {
			if c, ok := m.(*messages.TopicCreated); ok {
				d.topics[topic("g7", closedTopic)] = aTicket
				if c.Origin.CommandId != "-1001:77" || c.Origin.ThreadId != 77 || c.Origin.MessageId != 77 {
					t.Error(c.Origin)
				}
			}
			return nil, nil
		}
		handle(t, testIntake(d), elsewhere(`"text":"x","reply_to_message":{"message_id":77,"from":{"id":999,"is_bot":true},"forum_topic_created":{"name":"Printer · C91C2F9D"}}`))
		if got := d.take(); len(got) != 2 || got[1].Message.(*messages.RecordMessage).Origin.CommandId != "-1001:50" {
			t.Error(got)
		}
	})
}
