package actors_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

func TestBadInput(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	update := func(message map[string]any) []byte {
		raw, err := json.Marshal(map[string]any{"message": message})
		d.must(err)
		return raw
	}
	chat := map[string]any{"id": d.support, "type": "supergroup", "title": "Support", "is_forum": true}
	ann := map[string]any{"id": d.ann, "first_name": "Ann", "username": "ann"}
	said := func(id int64, text string) map[string]any {
		return map[string]any{"message_id": id, "date": 1700000000, "from": ann, "chat": chat, "message_thread_id": k.thread,
			"is_topic_message": true, "text": text}
	}
	with := func(m map[string]any, key string, value any) map[string]any {
		m[key] = value
		return m
	}
	const far = 1 << 40
	d.run(t, "changes nothing", func(t *testing.T) {
		d.quiet(k)
		for name, raw := range map[string]string{
			"no message":           `{"update_id":%}`,
			"unknown type":         `{"purchased_paid_media":{"from":{"id":1}}}`,
			"message is a string":  `{"message":"hello"}`,
			"message without chat": `{"message":{"message_id":7,"date":1,"text":"x"}}`,
			"an edit":              `{"edited_message":{"message_id":7,"date":1,"edit_date":2,"from":{"id":1,"first_name":"A"},"chat":{"id":-1,"type":"supergroup"},"text":"x"}}`,
			"callback of nobody":   `{"callback_query":{"id":"1","data":"close:x"}}`,
			"strange callback":     `{"callback_query":{"id":"77","from":{"id":1,"first_name":"A"},"message":{"message_id":1,"date":0,"chat":{"id":-5,"type":"supergroup"}},"data":"close:TICK-1-00000000"}}`,
			"strange member":       `{"my_chat_member":{"chat":{"id":-5,"type":"supergroup"},"date":1}}`,
			"a channel's post":     `{"channel_post":{"message_id":1,"chat":{"id":-6,"type":"channel"},"date":1,"text":"x"}}`,
			"no sender":            string(update(with(said(far, "nobody said this"), "from", nil))),
			"only spaces":          string(update(said(far+1, "  \t\n "))),
			"only invisible":       string(update(said(far+2, "\u200b\u200e\u2060\u3164"))),
			"a sticker of nothing": string(update(with(said(far+3, ""), "new_chat_title", "x"))),
			"5 MB":                 string(update(said(far+4, strings.Repeat("x", 5<<20)))),
			"text is a number":     string(update(with(said(far+5, ""), "text", 5))),
			"beyond int64":         strings.Replace(string(update(said(far+6, "x"))), `"message_id":1099511627782`, `"message_id":99999999999999999999`, 1),
		} {
			raw = strings.ReplaceAll(raw, "%", "999999999")
			if err := d.sim.RawUpdate([]byte(raw)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		version := d.record(k).Version
		d.say(d.ann, d.support, k.thread, "still alive")
		d.awaitText(d.engineering, eng, "still alive")
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), []string{"still alive"})
		if v := d.record(k).Version; v > version+3 {
			t.Errorf("version %d after %d", v, version)
		}
	})
	d.run(t, "ids near the limits of int64", func(t *testing.T) {
		big := int64(math.MaxInt64)
		d.must(d.sim.RawUpdate(update(with(said(big, "from far away"), "from", map[string]any{
			"id": big - 1, "first_name": "Far",
		}))))
		d.awaitText(d.engineering, eng, "Far\nfrom far away")
		d.must(d.sim.RawUpdate([]byte(`{"message":{"message_id":9223372036854775806,"date":9223372036854775807,
			"from":{"id":9223372036854775807,"first_name":"X"},
			"chat":{"id":-9223372036854775808,"type":"supergroup","title":"Edge"},"text":"/register"}}`)))
		d.say(d.ann, d.support, k.thread, "and on")
		d.awaitText(d.engineering, eng, "and on")
	})
	d.run(t, "texts go over as they are", func(t *testing.T) {
		for _, text := range []string{
			"שלום **world** مرحبا", "a\u200bb\u200dc", "<b>not bold</b> & [x](y) `z`", "\u202eright to left",
			"e\u0301 กำ 👨‍👩‍👧‍👦", "{{.title}} %s \\n",
		} {
			d.say(d.ann, d.support, k.thread, text)
			m := d.awaitText(d.engineering, eng, text)
			if len(m.Entities) != 1 { // the sender's name
				t.Errorf("%q: %+v", text, m.Entities)
			}
		}
	})
	d.run(t, "names with markup, of spaces, and of nothing", func(t *testing.T) {
		for name, want := range map[string]string{
			"<b>Bold</b> *Star*": "<b>Bold</b> *Star*", "\u200b": "@invisible_1", "{{.who}}": "{{.who}}",
		} {
			p := simulator.Person{FirstName: name}
			if strings.HasPrefix(want, "@") {
				p.Username = want[1:]
			}
			p, err := d.sim.AddPerson(p)
			d.must(err)
			d.must(d.sim.SetMember(d.support, p.ID, simulator.Member))
			d.say(p.ID, d.support, k.thread, "I am "+want)
			if m := d.awaitText(d.engineering, eng, "I am "+want); !strings.HasPrefix(m.Text, want+"\n") {
				t.Errorf("%q", m.Text)
			}
			d.awaitAnswer(d.say(p.ID, 0, 0, "/start"), want)
		}
	})
	d.run(t, "titles of nothing are asked for again, strange ones are kept", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/create_ticket \u200b\u200e"), "What is the ticket about?")
		for _, title := range []string{"<b>x</b> {{.who}} %d", "مرحبا بالعالم"} {
			k := d.open(d.ann, d.support, title)
			if r := d.record(k); r.Title != title {
				t.Errorf("%q became %q", title, r.Title)
			}
		}
		d.say(d.ann, d.support, 0, "/create_ticket e\u202evil")
		d.await("a topic whose name turns nothing around", func() bool {
			return slices.ContainsFunc(d.sim.Topics(d.support), func(topic simulator.Topic) bool { return strings.HasSuffix(topic.Name, " evil") })
		})
	})
}
