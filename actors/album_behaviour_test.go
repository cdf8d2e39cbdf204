package actors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// album has somebody send an album: a part is "kind" or "kind:caption".
func (d *desk) album(from, chat int64, thread int, parts ...string) []simulator.Message {
	d.t.Helper()
	return d.albumParts(d.sim.NewAlbum(), from, chat, thread, parts...)
}

func (d *desk) albumParts(id string, from, chat int64, thread int, parts ...string) (sent []simulator.Message) {
	d.t.Helper()
	for _, part := range parts {
		kind, caption, _ := strings.Cut(part, ":")
		sent = append(sent, d.post(simulator.Post{
			From: from, Chat: chat, Thread: thread, Media: upload(kind), Text: caption, Album: id, Premium: true,
		}))
	}
	return sent
}

// arrived is since, with albums in brackets.
func (d *desk) arrived(chat int64, thread, after int) []string {
	var out []string
	album := ""
	for _, m := range d.byBot(chat, thread) {
		if m.ID <= after {
			continue
		}
		switch {
		case m.AlbumID != "" && m.AlbumID == album:
			out[len(out)-1] += ", " + look(m)
		case m.AlbumID != "":
			out = append(out, "album: "+look(m))
		default:
			out = append(out, look(m))
		}
		album = m.AlbumID
	}
	return out
}

// mapped checks that each original has the copy with its own file as its counterpart.
func (d *desk) mapped(originals []simulator.Message, chat int64, thread, after int) {
	d.t.Helper()
	for _, original := range originals {
		i := slices.IndexFunc(d.byBot(chat, thread), func(m simulator.Message) bool {
			return m.ID > after && m.Media != nil && m.Media.FileID == original.Media.FileID
		})
		if i < 0 {
			d.t.Errorf("no copy of %s", original.Media.FileID)
			continue
		}
		at := d.byBot(chat, thread)[i]
		copies, err := d.store.CopiesAt(d.t.Context(), chat, int64(at.ID))
		d.must(err)
		if want := itoa(int(original.Chat)) + ":" + itoa(original.ID); len(copies) != 1 ||
			copies[0].MessageID != want || copies[0].State != "sent" {
			d.t.Errorf("message %d is the copy of %+v, want %s", at.ID, copies, want)
		}
	}
}

func TestAlbums(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{speed: 3})
	other := func(names ...string) string { return "album: " + strings.Join(names, ", ") }
	long := strings.Repeat("word ", 250) + "end"
	for name, c := range map[string]struct {
		parts []string
		want  []string
	}{
		"the name goes to the only caption": {[]string{"photo", "video:look", "photo"},
			[]string{other("(photo)", "(video) Ann | look", "(photo)")}},
		"without captions to the first": {[]string{"photo", "photo"}, []string{other("(photo) Ann", "(photo)")}},
		"every caption is kept": {[]string{"photo", "photo:two", "photo:three"},
			[]string{other("(photo) Ann", "(photo) two", "(photo) three")}},
		"live photos": {[]string{"live_photo", "photo:two"}, []string{other("(live_photo)", "(photo) Ann | two")}},
		"documents": {[]string{"document", "document:read"},
			[]string{other("(document)", "(document) Ann | read")}},
		"audio": {[]string{"audio", "audio"}, []string{other("(audio) Ann", "(audio)")}},
		"only with their own kind": {[]string{"photo", "photo", "document", "document", "audio"},
			[]string{other("(photo) Ann", "(photo)"), other("(document) Ann", "(document)"), "(audio) Ann"}},
		"more than ten are split": {slices.Repeat([]string{"photo"}, 12), []string{
			other(append([]string{"(photo) Ann"}, slices.Repeat([]string{"(photo)"}, 9)...)...),
			other("(photo) Ann", "(photo)")}},
		"one part is no album": {[]string{"photo:alone"}, []string{"(photo) Ann | alone"}},
		"a long caption goes on behind": {[]string{"photo", "photo:" + long}, []string{
			other("(photo)", "(photo) Ann (1/2) | "+strings.TrimSpace(strings.Repeat("word ", 202))),
			"Ann (2/2) | " + strings.Repeat("word ", 48) + "end"}},
	} {
		d.run(t, name, func(t *testing.T) {
			after := d.last(d.engineering)
			d.say(d.ann, d.support, k.thread, "before")
			originals := d.album(d.ann, d.support, k.thread, c.parts...)
			d.say(d.carl, d.support, k.thread, "behind")
			d.await("the text behind it", func() bool {
				got := d.arrived(d.engineering, eng, after)
				return len(got) > 0 && got[len(got)-1] == "Carl | behind"
			})
			d.quiet(k)
			got := d.arrived(d.engineering, eng, after)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], " ,", ",")
			}
			same(t, "copies", got, slices.Concat([]string{"Ann | before"}, c.want, []string{"Carl | behind"}))
			d.mapped(originals, d.engineering, eng, after)
		})
	}
	d.run(t, "and back", func(t *testing.T) {
		after := d.last(d.support)
		originals := d.album(d.bob, d.engineering, eng, "photo", "video:both")
		d.say(d.bob, d.engineering, eng, "behind")
		d.awaitText(d.support, k.thread, "behind")
		same(t, "copies", d.arrived(d.support, k.thread, after), []string{
			other("(photo)", "(video) Bob | both"), "Bob | behind",
		})
		d.mapped(originals, d.support, k.thread, after)
	})
	d.quiet(k)
}

func TestAlbumsWithinAConversation(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{speed: 3})
	d.run(t, "somebody speaks in between: the album stays whole, and where it began", func(t *testing.T) {
		after := d.last(d.engineering)
		id := d.sim.NewAlbum()
		d.albumParts(id, d.ann, d.support, k.thread, "photo:one")
		d.say(d.carl, d.support, k.thread, "in between")
		d.albumParts(id, d.ann, d.support, k.thread, "photo:two")
		d.awaitText(d.engineering, eng, "in between")
		same(t, "copies", d.arrived(d.engineering, eng, after), []string{
			"album: (photo) Ann | one, (photo) two", "Carl | in between",
		})
	})
	d.run(t, "a part that comes late arrives, as an answer to the album", func(t *testing.T) {
		after := d.last(d.engineering)
		id := d.sim.NewAlbum()
		d.albumParts(id, d.ann, d.support, k.thread, "photo:early", "photo")
		d.awaitText(d.engineering, eng, "early")
		d.say(d.ann, d.support, k.thread, "meanwhile")
		d.awaitText(d.engineering, eng, "meanwhile")
		d.albumParts(id, d.ann, d.support, k.thread, "photo:late")
		late := d.awaitText(d.engineering, eng, "late")
		same(t, "copies", d.arrived(d.engineering, eng, after), []string{
			"album: (photo) Ann | early, (photo)", "Ann | meanwhile", "(photo) Ann | late",
		})
		if first, _ := d.find(d.engineering, eng, "early"); late.ReplyTo != first.ID {
			t.Errorf("answers %d, want %d", late.ReplyTo, first.ID)
		}
	})
	d.run(t, "two albums at once, and an album as an answer", func(t *testing.T) {
		d.quiet(k)
		after := d.last(d.engineering)
		to := d.say(d.ann, d.support, k.thread, "show me")
		a, b := d.sim.NewAlbum(), d.sim.NewAlbum()
		d.albumParts(a, d.ann, d.support, k.thread, "photo:a1")
		d.post(simulator.Post{
			From: d.carl, Chat: d.support, Thread: k.thread, Media: upload("photo"), Text: "b1", Album: b,
			ReplyTo: to.ID,
		})
		d.albumParts(a, d.ann, d.support, k.thread, "photo")
		d.post(simulator.Post{
			From: d.carl, Chat: d.support, Thread: k.thread, Media: upload("photo"), Album: b, ReplyTo: to.ID,
		})
		d.awaitText(d.engineering, eng, "b1")
		same(t, "copies", d.arrived(d.engineering, eng, after), []string{
			"Ann | show me", "album: (photo) Ann | a1, (photo)", "album: (photo) Carl | b1, (photo)",
		})
		asked, _ := d.find(d.engineering, eng, "show me")
		if m, _ := d.find(d.engineering, eng, "b1"); m.ReplyTo != asked.ID {
			t.Errorf("answers %d, want %d", m.ReplyTo, asked.ID)
		}
	})
	d.run(t, "an answer to any part finds it, here and there", func(t *testing.T) {
		d.quiet(k)
		after := d.last(d.engineering)
		parts := d.album(d.ann, d.support, k.thread, "photo", "photo:second", "photo")
		d.awaitText(d.engineering, eng, "second")
		d.reply(d.carl, d.support, parts[2], "the third")
		there := d.awaitText(d.engineering, eng, "the third")
		var copies []simulator.Message
		for _, m := range d.byBot(d.engineering, eng) {
			if m.ID > after && m.Media != nil {
				copies = append(copies, m)
			}
		}
		if there.ReplyTo != copies[2].ID {
			t.Errorf("answers %d, want %d", there.ReplyTo, copies[2].ID)
		}
		d.reply(d.bob, d.engineering, copies[0], "the first")
		if m := d.awaitText(d.support, k.thread, "the first"); m.ReplyTo != parts[0].ID {
			t.Errorf("answers %d, want %d", m.ReplyTo, parts[0].ID)
		}
	})
	d.run(t, "an internal note's album stays where it is", func(t *testing.T) {
		after := d.last(d.engineering)
		d.album(d.ann, d.support, k.thread, "photo:// internal", "photo", "photo")
		d.say(d.ann, d.support, k.thread, "behind the note")
		d.awaitText(d.engineering, eng, "behind the note")
		same(t, "copies", d.arrived(d.engineering, eng, after), []string{"Ann | behind the note"})
	})
	d.run(t, "an edit of the caption makes the whole album a note, or public", func(t *testing.T) {
		after := d.last(d.engineering)
		id := d.sim.NewAlbum()
		sent := d.albumParts(id, d.ann, d.support, k.thread, "photo:to you", "photo", "photo")
		d.quiet(k)
		d.edit(sent[0], "// to us")
		d.quiet(k)
		d.edit(sent[0], "to all")
		pictures := func() (n int) {
			for _, m := range d.byBot(d.engineering, eng) {
				if m.ID > after && m.Media != nil {
					n++
				}
			}
			return n
		}
		d.await("three pictures", func() bool { return pictures() == 3 })
		d.albumParts(id, d.ann, d.support, k.thread, "photo")
		d.await("the one that comes later, too", func() bool { return pictures() == 4 })
		d.quiet(k)
		d.restart()
		d.edit(sent[0], "// to us again")
		d.await("no picture", func() bool { return pictures() == 0 })
		d.albumParts(id, d.ann, d.support, k.thread, "photo")
		d.say(d.ann, d.support, k.thread, "behind the album")
		d.awaitText(d.engineering, eng, "behind the album")
		d.quiet(k)
		if n := pictures(); n != 0 {
			t.Errorf("%d pictures of a note", n)
		}
	})
	d.quiet(k)
}

// The caption that makes a note of an album may be on any of its parts, and each part is an update of its own.
func TestNoteInALaterCaption(t *testing.T) {
	t.Parallel()
	var stalled atomic.Bool // while true, no album becomes complete
	d := ready(t, options{speed: 3, slowed: func(after time.Duration) time.Duration {
		if stalled.Load() && after == actors.GatherFor {
			return time.Hour
		}
		return after
	}})
	k := d.openPrivately(d.ann, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	pictures := func(chat int64, thread, after int) (n int) {
		for _, m := range d.byBot(chat, thread) {
			if m.ID > after && m.Media != nil {
				n++
			}
		}
		return n
	}
	others := map[int64]int{d.ann: 0, d.engineering: eng}
	for name, c := range map[string][2][]string{
		"before it":                {{"photo"}, {"photo:// only for us"}},
		"with captions":            {{"photo:front", "photo"}, {"photo:// only for us"}},
		"behind it, with captions": {{"photo"}, {"photo:// only for us", "photo:side", "photo"}},
	} {
		d.run(t, "parts that are gathered are held back: "+name, func(t *testing.T) {
			stalled.Store(true)
			defer stalled.Store(false)
			made := map[int64]int{}
			for chat := range others {
				made[chat] = d.calls("sendPhoto", chat) + d.calls("sendMediaGroup", chat)
			}
			id := d.sim.NewAlbum()
			first := d.albumParts(id, d.carl, d.support, k.thread, c[0]...)
			d.await("they are taken in", func() bool { return d.sim.Pending() == 0 })
			sent := append(first, d.albumParts(id, d.carl, d.support, k.thread, c[1]...)...)
			behind := "behind the note " + name
			d.say(d.carl, d.support, k.thread, behind)
			for chat, thread := range others {
				d.awaitText(chat, thread, behind)
			}
			d.quiet(k)
			for chat := range others {
				if n := d.calls("sendPhoto", chat) + d.calls("sendMediaGroup", chat); n != made[chat] {
					t.Errorf("%d calls show the note in %d", n-made[chat], chat)
				}
			}
			for _, m := range sent {
				if !d.said(m).Internal {
					t.Errorf("part %d is no note", m.ID)
				}
			}
			if _, told := d.find(d.support, k.thread, "whole album an internal note"); told {
				t.Error("told that others have seen it")
			}
		})
	}
	d.run(t, "parts that were posted are deleted there, over a restart, and the author is told", func(t *testing.T) {
		after := map[int64]int{}
		for chat := range others {
			after[chat] = d.last(chat)
		}
		id := d.sim.NewAlbum()
		d.albumParts(id, d.carl, d.support, k.thread, "photo", "photo:front")
		for chat, thread := range others {
			d.await("both are posted", func() bool { return pictures(chat, thread, after[chat]) == 2 })
		}
		d.quiet(k)
		d.restart()
		note := d.albumParts(id, d.carl, d.support, k.thread, "photo:// only for us")[0]
		d.awaitAnswer(note, "whole album an internal note")
		side := d.albumParts(id, d.carl, d.support, k.thread, "photo:side")[0]
		d.say(d.carl, d.support, k.thread, "behind the album")
		for chat, thread := range others {
			d.await("none is left", func() bool { return pictures(chat, thread, after[chat]) == 0 })
			d.awaitText(chat, thread, "behind the album")
		}
		d.quiet(k)
		for chat, thread := range others {
			if n := pictures(chat, thread, after[chat]); n != 0 {
				t.Errorf("%d pictures of a note in %d", n, chat)
			}
		}
		d.edit(side, "the side")
		d.edit(note, "for all")
		d.awaitAnswer(note, "still an internal note")
		d.quiet(k)
		if n := d.answers(side, "still an internal note"); n > 0 {
			t.Error("of a part that never began as a note it says so, too")
		}
		for chat, thread := range others {
			if n := pictures(chat, thread, after[chat]); n != 0 {
				t.Errorf("%d pictures of a note in %d, which was edited", n, chat)
			}
		}
	})
}

// An album that Telegram refuses as a whole is sent part by part, so that only the refused part is missing.
func TestAlbumThatIsRefused(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{speed: 3})
	d.inject(simulator.Fault{
		Method: "sendMediaGroup", Kind: simulator.Fault400, Description: "wrong file identifier/HTTP URL specified",
	})
	d.inject(simulator.Fault{
		Method: "sendPhoto", Kind: simulator.Fault400, Description: "wrong file identifier/HTTP URL specified",
		After: 1,
	})
	after := d.last(d.engineering)
	parts := d.album(d.ann, d.support, k.thread, "photo:one", "photo:two", "photo:three")
	d.say(d.ann, d.support, k.thread, "behind")
	d.awaitText(d.engineering, eng, "behind")
	told := d.awaitAnswer(parts[1], "wrong file identifier")
	same(t, "copies", d.arrived(d.engineering, eng, after), []string{
		"(photo) Ann | one", "(photo) Ann | three", "Ann | behind",
	})
	d.press(d.ann, told, "retry:")
	d.awaitText(d.engineering, eng, "two")
	d.quiet(k)
	d.mapped(parts, d.engineering, eng, after)
}

func TestAlbumsInTrouble(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]simulator.Fault{
		"flood control":  {Kind: simulator.Fault429, RetryAfter: 2},
		"a proxy's page": {Kind: simulator.Fault502HTML, Count: 2},
		"a reset":        {Kind: simulator.FaultReset},
		"a lost answer":  {Kind: simulator.FaultLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, k, eng := linked(t, options{speed: 3})
			f.Method = "sendMediaGroup"
			d.inject(f)
			after := d.last(d.engineering)
			parts := d.album(d.ann, d.support, k.thread, "photo:one", "photo")
			d.say(d.ann, d.support, k.thread, "behind")
			d.awaitText(d.engineering, eng, "behind")
			want := []string{"album: (photo) Ann | one, (photo)", "Ann | behind"}
			if f.Kind == simulator.FaultLost {
				want = append([]string{want[0]}, want...)
			}
			same(t, "copies", d.arrived(d.engineering, eng, after), want)
			d.quiet(k)
			for _, p := range parts {
				copies, err := d.store.CopiesOf(t.Context(), itoa(int(p.Chat))+":"+itoa(p.ID))
				d.must(err)
				if len(copies) != 1 || copies[0].State != "sent" {
					t.Errorf("%+v", copies)
				}
			}
		})
	}
}

// Nothing is lost or repeated by a restart while an album is gathered, between its parts, or after its call.
func TestRestartWithinAnAlbum(t *testing.T) {
	t.Parallel()
	t.Run("while it is gathered", func(t *testing.T) {
		t.Parallel()
		var stalled atomic.Bool // while true, no album becomes complete
		stalled.Store(true)
		d, k, eng := linked(t, options{speed: 4, slowed: func(after time.Duration) time.Duration {
			if stalled.Load() && after == actors.GatherFor {
				return time.Hour
			}
			return after
		}})
		after := d.last(d.engineering)
		id := d.sim.NewAlbum()
		parts := d.albumParts(id, d.ann, d.support, k.thread, "photo:one", "photo")
		d.await("they are taken in", func() bool { return d.sim.Pending() == 0 })
		d.stop()
		parts = append(parts, d.albumParts(id, d.ann, d.support, k.thread, "photo:three")...)
		d.say(d.ann, d.support, k.thread, "behind")
		stalled.Store(false)
		d.start()
		d.awaitText(d.engineering, eng, "behind")
		same(t, "copies", d.arrived(d.engineering, eng, after), []string{
			"album: (photo) Ann | one, (photo), (photo) three", "Ann | behind",
		})
		d.quiet(k)
		d.mapped(parts, d.engineering, eng, after)
	})
	t.Run("after its call, when not every copy was written down", func(t *testing.T) {
		t.Parallel()
		var broken atomic.Bool
		d, k, eng := linked(t, options{
			speed: 3, wrapStore: func(s storage.Store) storage.Store { return &forgetful{s, &broken} },
		})
		after := d.last(d.engineering)
		broken.Store(true)
		parts := d.album(d.ann, d.support, k.thread, "photo:one", "photo", "photo")
		d.say(d.ann, d.support, k.thread, "behind")
		d.await("the call", func() bool { return d.calls("sendMediaGroup", d.engineering) == 1 })
		d.eventually("the first copy is written", func() bool {
			copies, err := d.store.CopiesOf(t.Context(), itoa(int(parts[0].Chat))+":"+itoa(parts[0].ID))
			return err == nil && len(copies) == 1
		})
		d.stop()
		broken.Store(false)
		d.start()
		d.awaitText(d.engineering, eng, "behind")
		d.quiet(k)
		same(t, "copies", d.arrived(d.engineering, eng, after), []string{
			"album: (photo) Ann | one, (photo), (photo)", "Ann | behind",
		})
		d.mapped(parts, d.engineering, eng, after)
	})
	t.Run("before a part that comes late, and before the rest of an internal note", func(t *testing.T) {
		t.Parallel()
		d, k, eng := linked(t, options{speed: 3})
		id, note := d.sim.NewAlbum(), d.sim.NewAlbum()
		d.albumParts(id, d.ann, d.support, k.thread, "photo:early", "photo")
		d.albumParts(note, d.ann, d.support, k.thread, "photo:// internal")
		early := d.awaitText(d.engineering, eng, "early")
		d.quiet(k)
		d.restart()
		d.albumParts(note, d.ann, d.support, k.thread, "photo")
		d.albumParts(id, d.ann, d.support, k.thread, "photo:late")
		if m := d.awaitText(d.engineering, eng, "late"); m.ReplyTo != early.ID {
			t.Errorf("answers %d, want %d", m.ReplyTo, early.ID)
		}
		got := d.arrived(d.engineering, eng, 0)
		same(t, "copies", got[len(got)-2:], []string{"album: (photo) Ann | early, (photo)", "(photo) Ann | late"})
	})
	t.Run("between the album and the rest of a caption", func(t *testing.T) {
		t.Parallel()
		d, k, eng := linked(t, options{speed: 3})
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
		after := d.last(d.engineering)
		d.album(d.ann, d.support, k.thread, "photo", "photo:"+strings.Repeat("word ", 250)+"end")
		d.await("the rest is tried", func() bool {
			return d.calls("sendMediaGroup", d.engineering) == 1 && d.calls("sendMessage", d.engineering) > 0
		})
		d.say(d.ann, d.support, k.thread, "behind")
		d.restart()
		d.sim.ClearFaults()
		d.awaitText(d.engineering, eng, "behind")
		got := d.arrived(d.engineering, eng, after)
		if len(got) != 3 || !strings.HasPrefix(got[0], "album: ") ||
			!strings.HasPrefix(got[1], "Ann (2/2) | word") || got[2] != "Ann | behind" {
			t.Errorf("%q", got)
		}
		d.quiet(k)
	})
}

// Telegram counts each part of an album as a message. Large albums keep to the limits of a group, too.
func TestAlbumsKeepThePace(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for Telegram's minutes to pass")
	}
	t.Parallel()
	limits := simulator.DefaultFloodLimits()
	limits.Slack = 2 * time.Second // a busy machine blurs exact pacing, and the clock runs fast
	d := ready(t, options{speed: 15, slowed: func(after time.Duration) time.Duration {
		if after == actors.GatherFor { // at this speed a part would be late if the machine stalled for 50 ms
			return 10 * after
		}
		return after
	}})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.opt.pace = actors.Pace{GlobalPerSecond: 30, ChatPerSecond: 1, GroupPerMinute: 20}
	d.restart()
	limits.ChatBurst = 10 // like Telegram, the simulator accepts an album of ten only when its bucket is empty
	d.sim.SetFloodLimits(limits)
	d.sim.SetFlood(true)
	after := d.last(d.engineering)
	for range 3 {
		d.album(d.ann, d.support, k.thread, slices.Repeat([]string{"photo"}, 10)...)
	}
	d.say(d.ann, d.support, k.thread, "behind")
	d.awaitText(d.engineering, eng, "behind")
	if got := d.arrived(d.engineering, eng, after); len(got) != 4 ||
		strings.Count(strings.Join(got, ""), "(photo)") != 30 {
		t.Errorf("%q", got)
	}
	for _, c := range d.sim.Calls() {
		if c.Code == 429 {
			t.Errorf("%s was refused: %s", c.Method, c.Description)
		}
	}
	d.sim.SetFlood(false)
	d.quiet(k)
}

// forgetful is a store that can write only the first copy of an album while broken is set.
type forgetful struct {
	storage.Store
	broken *atomic.Bool
}

func (f *forgetful) SaveCopy(ctx context.Context, c *storage.Copy) error {
	if f.broken.Load() && len(c.Album) == 0 {
		return errors.Join(storage.ErrUnavailable, errors.New("out of order"))
	}
	return f.Store.SaveCopy(ctx, c)
}
