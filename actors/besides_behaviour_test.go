package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// A command's message is more than its command.

// afterCard lists what the bot wrote below the pinned card of a topic.
func (d *desk) afterCard(chat int64, thread int) []string {
	all := d.arrived(chat, thread, 0)
	if len(all) == 0 {
		return nil
	}
	return all[1:]
}

// opened waits for the ticket that somebody opens in a group.
func (d *desk) opened(chat int64, title string) *ticket {
	d.t.Helper()
	k := &ticket{chat: chat, thread: d.topicNamed(chat, title).Thread}
	d.introduced(chat, k.thread)
	k.id = d.ticketIDIn(d.awaitText(chat, k.thread, "🎫 #").Text)
	return k
}

// awaitEnclosed waits until a topic shows so many media below its card, and returns what it shows.
func (d *desk) awaitEnclosed(k *ticket, chat int64, thread, media int) []string {
	d.t.Helper()
	shown := func() (n int) {
		for _, m := range d.byBot(chat, thread) {
			if m.Media != nil {
				n++
			}
		}
		return n
	}
	d.await(itoa(media)+" media below the card", func() bool { return shown() >= media })
	d.quiet(k)
	if n := shown(); n != media {
		d.t.Errorf("%d media, want %d", n, media)
	}
	return d.afterCard(chat, thread)
}

func TestTicketFromAnAlbum(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	for name, parts := range map[string][]string{
		"First":  {"photo:/create_ticket First\nIt smokes", "photo", "video:and burns"},
		"Middle": {"photo:before", "photo:/create_ticket Middle", "video"},
		"Last":   {"document", "document", "document:/create_ticket Last"},
	} {
		d.run(t, "the command is the caption of the part: "+name, func(t *testing.T) {
			d.album(d.ann, d.support, 0, parts...)
			k := d.opened(d.support, name)
			eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
			for chat, thread := range map[int64]int{d.support: k.thread, d.engineering: eng} {
				shown := strings.Join(d.awaitEnclosed(k, chat, thread, 3), "; ")
				for _, part := range parts {
					kind, caption, _ := strings.Cut(part, ":")
					if strings.HasPrefix(caption, "/") {
						caption = ""
					}
					if !strings.Contains(shown, "("+kind+")") || !strings.Contains(shown, caption) ||
						strings.Contains(shown, "/create_ticket") {
						t.Errorf("%q in %d", shown, chat)
					}
				}
			}
			if n := d.calls("sendMediaGroup", d.engineering); n == 0 {
				t.Error("what is known goes as an album")
			}
		})
	}
	d.run(t, "parts that come late, after a restart, find the ticket", func(t *testing.T) {
		id := d.sim.NewAlbum()
		d.albumParts(id, d.ann, d.support, 0, "photo:/create_ticket Late")
		k := d.opened(d.support, "Late")
		d.quiet(k)
		d.restart()
		d.albumParts(id, d.ann, d.support, 0, "photo:late")
		same(t, "the topic", d.awaitEnclosed(k, d.support, k.thread, 2), []string{"(photo)", "(photo) late"})
	})
	d.run(t, "parts that came early wait, over a restart", func(t *testing.T) {
		id := d.sim.NewAlbum()
		d.albumParts(id, d.ann, d.support, 0, "photo:early", "photo")
		d.quiet()
		d.restart()
		d.albumParts(id, d.ann, d.support, 0, "photo:/create_ticket Early")
		k := d.opened(d.support, "Early")
		d.awaitEnclosed(k, d.support, k.thread, 3)
	})
	d.run(t, "a reply to a part takes the whole album", func(t *testing.T) {
		sent := d.album(d.carl, d.support, 0, "photo:Look", "photo:there")
		d.quiet()
		d.reply(d.ann, d.support, sent[0], "/create_ticket Replied")
		k := d.opened(d.support, "Replied")
		same(t, "the topic", d.awaitEnclosed(k, d.support, k.thread, 2), []string{"album: (photo), (photo) there"})
		if r := d.record(k); r.Description != "Look" {
			t.Errorf("the description is %q", r.Description)
		}
	})
	d.run(t, "an album without a title waits for it", func(t *testing.T) {
		id := d.sim.NewAlbum()
		sent := d.albumParts(id, d.ann, d.support, 0, "photo:/create_ticket", "photo:one")
		asked := d.awaitAnswer(sent[0], "What is the ticket about?")
		d.quiet()
		d.restart()
		d.reply(d.ann, d.support, asked, "Titled")
		k := d.opened(d.support, "Titled")
		d.awaitEnclosed(k, d.support, k.thread, 2)
		d.albumParts(id, d.ann, d.support, 0, "photo:two")
		d.awaitEnclosed(k, d.support, k.thread, 3)
	})
	d.run(t, "a reply to a protected text says that it is there", func(t *testing.T) {
		secret := d.post(simulator.Post{From: d.carl, Chat: d.support, Text: "secret", Protected: true})
		d.reply(d.ann, d.support, secret, "/create_ticket Protected")
		k := d.opened(d.support, "Protected")
		d.awaitText(d.support, k.thread, "This message is protected")
		asking := d.reply(d.ann, d.support, secret, "/create_ticket")
		d.reply(d.ann, d.support, d.awaitAnswer(asking, "What is the ticket about?"), "Later")
		k = d.opened(d.support, "Later")
		d.awaitText(d.support, k.thread, "This message is protected")
	})
	d.run(t, "each question is about one message, whoever answers it", func(t *testing.T) {
		carls := d.send(d.carl, d.support, 0, upload("photo"), "/create_ticket")
		anns := d.send(d.ann, d.support, 0, upload("document"), "/create_ticket")
		aboutCarls := d.awaitAnswer(carls, "What is the ticket about?")
		aboutAnns := d.awaitAnswer(anns, "What is the ticket about?")
		d.reply(d.ann, d.support, aboutCarls, "For Carl")
		d.reply(d.ann, d.support, aboutAnns, "For Ann")
		for title, want := range map[string]string{"For Carl": "(photo)", "For Ann": "(document)"} {
			k := d.opened(d.support, title)
			same(t, title, d.awaitEnclosed(k, d.support, k.thread, 1), []string{want})
		}
	})
	d.run(t, "an album that is refused goes one by one", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMediaGroup", Kind: "400", Count: 1, Description: "Bad Request: WEBPAGE_MEDIA_EMPTY"})
		id := d.sim.NewAlbum()
		d.albumParts(id, d.ann, d.support, 0, "photo", "photo:/create_ticket Refused")
		k := d.opened(d.support, "Refused")
		same(t, "the topic", d.awaitEnclosed(k, d.support, k.thread, 2), []string{"(photo)", "(photo)"})
	})
	d.run(t, "an album in the topic of another ticket is the new one's too", func(t *testing.T) {
		other := d.open(d.ann, d.support, "Other")
		d.album(d.ann, d.support, other.thread, "photo:early", "photo:/create_ticket Within", "photo:late")
		k := d.opened(d.support, "Within")
		d.awaitEnclosed(k, d.support, k.thread, 3)
		d.quiet(other)
	})
	d.run(t, "a forwarded message is described with where it comes from", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.carl, Chat: d.support, Text: "We are closed", Media: upload("photo"),
			Forward: &simulator.Origin{Name: "Shop"}})
		d.reply(d.ann, d.support, m, "/create_ticket Closed")
		k := d.opened(d.support, "Closed")
		d.awaitEnclosed(k, d.support, k.thread, 1)
		if card, _ := d.find(d.support, k.thread, d.head(k)); !strings.Contains(card.Text, "Forwarded from Shop\nWe are closed") {
			t.Errorf("the card is %q", card.Text)
		}
	})
	d.run(t, "protected content is only named", func(t *testing.T) {
		m := d.post(simulator.Post{From: d.carl, Chat: d.support, Text: "secret", Media: upload("photo"), Protected: true})
		d.reply(d.ann, d.support, m, "/create_ticket Guarded")
		k := d.opened(d.support, "Guarded")
		d.await("what is below the card", func() bool { return len(d.afterCard(d.support, k.thread)) == 1 })
		d.quiet(k)
		for _, text := range d.arrived(d.support, k.thread, 0) {
			if strings.Contains(text, "secret") || strings.Contains(text, "(photo)") {
				t.Errorf("%q", text)
			}
		}
	})
	d.run(t, "an album that nobody makes a ticket of stays alone", func(t *testing.T) {
		topics := len(d.sim.Topics(d.support))
		after := d.last(d.support)
		d.album(d.ann, d.support, 0, "photo:holiday", "photo")
		d.quiet()
		if len(d.sim.Topics(d.support)) != topics || len(d.arrived(d.support, 0, after)) > 0 {
			t.Error("the bot did something")
		}
	})
}

func TestCommandsUnderMedia(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{speed: 3})
	arrives := func(t *testing.T, do func(), want ...string) {
		t.Helper()
		after := d.last(d.engineering)
		do()
		d.say(d.carl, d.support, k.thread, "behind")
		d.await("what is behind", func() bool {
			return slices.Contains(d.arrived(d.engineering, eng, after), "Carl | behind")
		})
		d.quiet(k)
		got := slices.DeleteFunc(d.arrived(d.engineering, eng, after), func(s string) bool {
			return !strings.Contains(s, "(") && !strings.HasPrefix(s, "Carl | behind")
		})
		same(t, "copies", got, append(want, "Carl | behind"))
	}
	d.run(t, "the command is done, and the picture goes along without its words", func(t *testing.T) {
		arrives(t, func() { d.send(d.ann, d.support, k.thread, upload("photo"), "/priority low the crack") },
			"(photo) Ann | the crack")
		if p := d.record(k).Priority; p != "low" {
			t.Errorf("priority %s", p)
		}
	})
	d.run(t, "the rest of an album goes along, as an album", func(t *testing.T) {
		arrives(t, func() { d.album(d.ann, d.support, k.thread, "photo:/priority high", "photo:two", "photo") },
			"album: (photo), (photo) Ann | two, (photo)")
	})
	d.run(t, "an edit does not bring the command's words back", func(t *testing.T) {
		m := d.send(d.ann, d.support, k.thread, upload("photo"), "/ticket first")
		d.awaitText(d.engineering, eng, "first")
		_, err := d.sim.Edit(d.ann, d.support, m.ID, "/ticket second")
		d.must(err)
		d.awaitText(d.engineering, eng, "second")
		if _, found := d.find(d.engineering, eng, "/ticket"); found {
			t.Error("the command's words are there")
		}
	})
	d.run(t, "another bot's command", func(t *testing.T) {
		arrives(t, func() { d.send(d.ann, d.support, k.thread, upload("photo"), "/scan@other_bot now") }, "(photo) Ann")
	})
	d.run(t, "a picture under the closing arrives before the topics close", func(t *testing.T) {
		after := d.last(d.engineering)
		d.send(d.ann, d.support, k.thread, upload("photo"), "/close_ticket works")
		d.awaitText(d.engineering, eng, "closed")
		d.quiet(k)
		if got := d.arrived(d.engineering, eng, after); len(got) == 0 || got[0] != "(photo) Ann" {
			t.Errorf("%q", got)
		}
		d.send(d.ann, d.support, k.thread, upload("photo"), "/reopen_ticket still broken")
		d.awaitText(d.engineering, eng, "still broken")
		d.quiet(k)
	})
	d.run(t, "the rest of an album under the closing reopens nothing", func(t *testing.T) {
		after := d.last(d.engineering)
		d.album(d.ann, d.support, k.thread, "photo", "photo:/close_ticket", "photo:rest")
		d.awaitText(d.engineering, eng, "rest")
		d.quiet(k)
		if got := d.arrived(d.engineering, eng, after); strings.Count(strings.Join(got, ""), "(photo)") != 3 {
			t.Errorf("%q", got)
		}
		if status := d.record(k).Status; status != "closed" {
			t.Errorf("the ticket is %s", status)
		}
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		d.eventually("it is open", func() bool { return d.record(k).Status == "open" })
		d.quiet(k)
	})
	d.run(t, "a picture under /unlink was said before the link ended, one under /link before it began", func(t *testing.T) {
		thread, err := d.sim.CreateTopic(d.sales, d.dora, "Own topic")
		d.must(err)
		d.must(d.sim.SetMember(d.sales, d.ann, simulator.Administrator))
		d.send(d.ann, d.sales, thread, upload("photo"), "/link "+k.id+" ours")
		d.awaitText(d.support, k.thread, "linked a topic")
		d.send(d.ann, d.sales, thread, upload("photo"), "/unlink bye")
		d.awaitText(d.support, k.thread, "bye")
		d.quiet(k)
		if _, found := d.find(d.support, k.thread, "ours"); found {
			t.Error("what was said before the link arrived")
		}
	})
}
