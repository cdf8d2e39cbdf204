package actors_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// editedTo delivers the update of an edit that the simulator's people can't make: another medium, a moved location.
func (d *desk) editedTo(m simulator.Message, fields map[string]any) {
	d.t.Helper()
	update := map[string]any{
		"message_id": m.ID, "date": m.Date, "edit_date": d.clock.Now().Unix(),
		"message_thread_id": m.Thread, "is_topic_message": true,
		"from": map[string]any{"id": m.From.ID, "is_bot": false, "first_name": m.From.Name},
		"chat": map[string]any{"id": m.Chat, "type": "supergroup", "is_forum": true},
	}
	for k, v := range fields {
		update[k] = v
	}
	raw, err := json.Marshal(map[string]any{"edited_message": update})
	d.must(err)
	d.must(d.sim.RawUpdate(raw))
}

func TestEditsOfMedia(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	shown := func(id int) string { m, _ := d.sim.Message(d.engineering, id); return look(m) }
	post := func(kind, caption, want string) (m simulator.Message, id int) {
		before := d.last(d.engineering)
		m = d.send(d.ann, d.support, k.thread, upload(kind), caption)
		d.await(want, func() bool {
			for _, x := range d.byBot(d.engineering, eng) {
				if x.ID > before && look(x) == want {
					id = x.ID
				}
			}
			return id != 0
		})
		return m, id
	}
	d.run(t, "a caption, none at all, and one again", func(t *testing.T) {
		m, id := post("photo", "look", "(photo) Ann | look")
		d.edit(m, "look here")
		d.await("edited", func() bool { return shown(id) == "(photo) Ann · edited | look here" })
		d.edit(m, "")
		d.await("no caption", func() bool { return shown(id) == "(photo) Ann · edited" })
		d.edit(m, "again")
		d.await("again", func() bool { return shown(id) == "(photo) Ann · edited | again" })
		d.awaitShown(m)
		if n := d.calls("editMessageMedia", 0); n != 0 {
			t.Errorf("the medium was sent again %d times", n)
		}
	})
	d.run(t, "a caption that grows over the limit goes on in an answer", func(t *testing.T) {
		m, id := post("document", "short", "(document) Ann | short")
		d.edit(m, strings.Repeat("word ", 203)+"the end")
		d.await("the rest", func() bool {
			rest, found := d.find(d.engineering, eng, "the end")
			return found && rest.ReplyTo == id && strings.Contains(rest.Text, "(2/2)")
		})
		d.edit(m, "short again")
		d.await("short", func() bool { return shown(id) == "(document) Ann · edited | short again" })
		d.awaitGone(d.engineering, eng, "the end")
		d.awaitShown(m)
	})
	d.run(t, "another medium, and a text that becomes one", func(t *testing.T) {
		m, id := post("photo", "the wrong one", "(photo) Ann | the wrong one")
		video := &simulator.Upload{Kind: "video", FileName: "other.mp4", Data: []byte("other")}
		other := d.send(d.ann, d.support, 0, video, "")
		d.editedTo(m, map[string]any{"video": other.Media.Value, "caption": "the right one"})
		d.await("replaced", func() bool { return shown(id) == "(video) Ann · edited | the right one" })
		text := d.say(d.ann, d.support, k.thread, "see attachment")
		was := d.awaitText(d.engineering, eng, "see attachment")
		d.editedTo(text, map[string]any{"video": other.Media.Value, "caption": "see attachment"})
		d.await("attached", func() bool { return shown(was.ID) == "(video) Ann · edited | see attachment" })
		d.awaitShown(m)
		d.awaitShown(text)
	})
	d.run(t, "a medium that is taken out goes, and what is left is posted anew", func(t *testing.T) {
		for i, after := range []func(){func() {}, d.restart} {
			m, id := post("photo", "not for you", "(photo) Ann | not for you")
			d.awaitCopied(m, 1)
			answered := d.reply(d.ann, d.support, m, fmt.Sprint("see above ", i))
			d.awaitCopied(answered, 1)
			long := strings.Repeat("word ", 1000) + fmt.Sprint("the words stay ", i)
			d.editedTo(m, map[string]any{"text": long})
			after()
			is := d.awaitText(d.engineering, eng, fmt.Sprint("the words stay ", i))
			d.awaitShown(m)
			if was, found := d.sim.Message(d.engineering, id); found && !was.Deleted {
				t.Errorf("the photo stayed: %+v", was)
			}
			copies, err := d.store.CopiesOf(t.Context(), messageID(m))
			d.must(err)
			if len(copies) != 1 || len(copies[0].Parts) != 2 || copies[0].Parts[1] != int64(is.ID) {
				t.Errorf("the second part is %+v, the copies %+v", is, copies)
			}
			d.editedTo(m, map[string]any{"text": fmt.Sprint("less ", i)})
			d.awaitText(d.engineering, eng, fmt.Sprint("less ", i))
			d.awaitGone(d.engineering, eng, fmt.Sprint("the words stay ", i))
			d.awaitShown(m)
		}
	})
	d.run(t, "a part of an album", func(t *testing.T) {
		before := d.last(d.engineering)
		parts := d.album(d.ann, d.support, k.thread, "photo:first", "photo:second")
		d.await("the album", func() bool { return len(d.since(d.engineering, eng, before)) == 2 })
		d.awaitCopied(parts[1], 1)
		d.edit(parts[1], "second, corrected")
		d.await("corrected", func() bool {
			got := d.since(d.engineering, eng, before)
			return strings.HasSuffix(got[1], "second, corrected") && strings.HasSuffix(got[0], "first")
		})
		d.awaitShown(parts[1])
	})
	d.run(t, "a live location moves and ends", func(t *testing.T) {
		at := func(lat float64, period int) map[string]any {
			l := map[string]any{"latitude": lat, "longitude": 100.5}
			if period > 0 {
				l["live_period"] = period
			}
			return l
		}
		value, err := json.Marshal(at(13, 900))
		d.must(err)
		m := d.post(simulator.Post{
			From: d.ann, Chat: d.support, Thread: k.thread,
			Media: &simulator.Upload{Kind: "location", Value: value},
		})
		var id int
		d.await("a location", func() bool {
			for _, x := range d.byBot(d.engineering, eng) {
				if x.Media != nil && x.Media.Kind == "location" {
					id = x.ID
				}
			}
			return id != 0
		})
		d.awaitCopied(m, 1)
		place := func() (l struct {
			Latitude   float64 `json:"latitude"`
			LivePeriod int     `json:"live_period"`
		}) {
			x, _ := d.sim.Message(d.engineering, id)
			d.must(json.Unmarshal(x.Media.Value, &l))
			return l
		}
		d.editedTo(m, map[string]any{"location": at(14, 900)})
		d.await("moved", func() bool { return place().Latitude == 14 && place().LivePeriod == 900 })
		d.editedTo(m, map[string]any{"location": at(14, 0)})
		d.await("ended", func() bool { return place().LivePeriod == 0 })
		d.awaitShown(m)
	})
	d.run(t, "a poll is stopped", func(t *testing.T) {
		poll := `{"id":"1","question":"When?","options":[
			{"persistent_id":"0","text":"Today","voter_count":0},{"persistent_id":"1","text":"Never","voter_count":0}],
			"total_voter_count":0,"is_closed":%,"is_anonymous":false,"type":"regular",
			"allows_multiple_answers":false,"allows_revoting":true,"members_only":false}`
		m := d.post(simulator.Post{
			From: d.ann, Chat: d.support, Thread: k.thread,
			Media: &simulator.Upload{Kind: "poll", Value: []byte(strings.Replace(poll, "%", "false", 1))},
		})
		d.awaitCopied(m, 1)
		d.editedTo(m, map[string]any{"poll": json.RawMessage(strings.Replace(poll, "%", "true", 1))})
		d.await("stopped", func() bool { return d.calls("stopPoll", d.engineering) == 1 })
		d.awaitShown(m)
	})
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	quoted := func(m simulator.Message) string {
		if m.Quote == nil {
			return ""
		}
		return m.Quote.Text
	}
	answer := func(from int64, to simulator.Message, text, quote string) {
		d.post(simulator.Post{From: from, Chat: to.Chat, Thread: to.Thread, Text: text, ReplyTo: to.ID, Quote: quote})
	}
	m := d.say(d.ann, d.support, k.thread, "one two one two")
	is := d.awaitText(d.engineering, eng, "one two one two")
	d.awaitCopied(m, 1)
	d.run(t, "of a copy: it stands on the original", func(t *testing.T) {
		answer(d.bob, is, "which two", "two")
		c := d.awaitText(d.support, k.thread, "which two")
		if c.ReplyTo != m.ID || quoted(c) != "two" {
			t.Errorf("it answers %d with %q", c.ReplyTo, quoted(c))
		}
	})
	d.run(t, "of an original: it stands on the copy", func(t *testing.T) {
		answer(d.ann, m, "this one", "one two")
		c := d.awaitText(d.engineering, eng, "this one")
		if c.ReplyTo != is.ID || quoted(c) != "one two" {
			t.Errorf("it answers %d with %q", c.ReplyTo, quoted(c))
		}
	})
	d.run(t, "of what the original does not have: left out, in one call", func(t *testing.T) {
		before := d.calls("sendMessage", d.support)
		answer(d.bob, is, "who is that", "Ann")
		c := d.awaitText(d.support, k.thread, "who is that")
		if c.ReplyTo != m.ID || quoted(c) != "" {
			t.Errorf("it answers %d with %q", c.ReplyTo, quoted(c))
		}
		d.eventually("its call is noted, which is after its message", func() bool {
			return d.calls("sendMessage", d.support) > before
		})
		if n := d.calls("sendMessage", d.support) - before; n != 1 {
			t.Errorf("%d calls", n)
		}
	})
	d.run(t, "of words that were edited since", func(t *testing.T) {
		answer(d.bob, is, "meanwhile", "two one")
		d.awaitText(d.support, k.thread, "meanwhile")
		d.edit(m, "three four")
		d.awaitText(d.engineering, eng, "edited\nthree four")
		d.awaitShown(m)
		answer(d.bob, is, "good", "three")
		if c := d.awaitText(d.support, k.thread, "good"); quoted(c) != "three" {
			t.Errorf("%q", quoted(c))
		}
	})
	d.run(t, "with markup, after a restart", func(t *testing.T) {
		bold := d.post(simulator.Post{
			From: d.ann, Chat: d.support, Thread: k.thread, Text: "very bold words",
			Entities: []simulator.Entity{{Type: "bold", Offset: 5, Length: 4}},
		})
		copied := d.awaitText(d.engineering, eng, "very bold words")
		d.awaitCopied(bold, 1)
		d.restart()
		answer(d.bob, copied, "so bold", "bold")
		if c := d.awaitText(d.support, k.thread, "so bold"); c.ReplyTo != bold.ID || quoted(c) != "bold" {
			t.Errorf("it answers %d with %q", c.ReplyTo, quoted(c))
		}
	})
}
