package actors_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// pick chooses Support for the ticket of a draft.
func (d *desk) pick(by int64, choice simulator.Message, title string) *ticket {
	d.t.Helper()
	d.press(by, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
	return d.openedPrivately(by, d.support, title)
}

func TestPrivateTicketFromMedia(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.run(t, "a caption opens it", func(t *testing.T) {
		sent := d.send(d.ann, d.ann, 0, upload("photo"), "/create_ticket Caption\nthe screen")
		k := d.pick(d.ann, d.awaitAnswer(sent, "Where should Caption"), "Caption")
		same(t, "the topic", d.awaitEnclosed(k, d.support, k.thread, 1), []string{"(photo)"})
		if r := d.record(k); r.Description != "the screen" {
			t.Errorf("the description is %q", r.Description)
		}
		if n := d.calls("sendPhoto", d.ann); n > 0 {
			t.Error("the person gets their own picture back")
		}
	})
	d.run(t, "a command that is edited while the draft waits", func(t *testing.T) {
		sent := d.say(d.ann, d.ann, 0, "/create_ticket Typpo\nit smokse")
		choice := d.awaitAnswer(sent, "Where should Typpo")
		d.edit(sent, "/create_ticket Fixed title\nit smokes")
		d.quiet()
		d.press(d.ann, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
		k := d.openedPrivately(d.ann, d.support, "Fixed title")
		if r := d.record(k); r.Description != "it smokes" {
			t.Errorf("the description is %q", r.Description)
		}
	})
	d.run(t, "an album opens it, and its parts come early, late and after a restart", func(t *testing.T) {
		id := d.sim.NewAlbum()
		d.albumParts(id, d.carl, d.carl, 0, "photo:early")
		sent := d.albumParts(id, d.carl, d.carl, 0, "photo:/create_ticket Parts", "photo:drafted")
		choice := d.awaitAnswer(sent[0], "Where should Parts")
		d.quiet()
		d.restart()
		d.albumParts(id, d.carl, d.carl, 0, "photo:restarted")
		k := d.pick(d.carl, choice, "Parts")
		d.albumParts(id, d.carl, d.carl, 0, "photo:opened")
		shown := strings.Join(d.awaitEnclosed(k, d.support, k.thread, 5), "; ")
		for _, caption := range []string{"early", "drafted", "restarted", "opened"} {
			if !strings.Contains(shown, caption) {
				t.Errorf("%s is missing in %q", caption, shown)
			}
		}
	})
	for kind, media := range map[string]*simulator.Upload{
		"voice": upload("voice"), "sticker": upload("sticker"), "location": value("location", `{"latitude":1,"longitude":2}`),
	} {
		d.run(t, "what has no caption waits for the title: "+kind, func(t *testing.T) {
			who := d.newcomer("Zoe" + kind)
			sent := d.send(who, who, 0, media, "")
			d.press(who, d.awaitAnswer(sent, "passed on to nobody"), "new")
			asked := d.awaitAnswer(sent, "What is the ticket about?")
			d.quiet()
			d.restart()
			title := d.reply(who, who, asked, "About "+kind)
			k := d.pick(who, d.awaitAnswer(title, "Where should About"), "About "+kind)
			same(t, "the topic", d.awaitEnclosed(k, d.support, k.thread, 1), []string{"(" + kind + ")"})
		})
	}
	d.run(t, "a reply to a medium", func(t *testing.T) {
		who := d.newcomer("Rita")
		sent := d.send(who, who, 0, upload("video"), "it leaks")
		d.awaitAnswer(sent, "passed on to nobody")
		command := d.reply(who, who, sent, "/create_ticket Leak")
		k := d.pick(who, d.awaitAnswer(command, "Where should Leak"), "Leak")
		same(t, "the topic", d.awaitEnclosed(k, d.support, k.thread, 1), []string{"(video)"})
		if r := d.record(k); r.Description != "it leaks" {
			t.Errorf("the description is %q", r.Description)
		}
	})
	d.run(t, "an album with a button: asked once, opened with all", func(t *testing.T) {
		who := d.newcomer("Nora")
		sent := d.album(who, who, 0, "photo", "photo:Lamp", "photo:and here")
		asked := d.awaitAnswer(sent[0], "passed on to nobody")
		d.quiet()
		if n := len(d.byBot(who, 0)); n != 1 {
			t.Errorf("%d answers", n)
		}
		d.press(who, asked, "new")
		k := d.pick(who, d.awaitText(who, 0, "Where should Lamp"), "Lamp")
		shown := d.awaitEnclosed(k, d.support, k.thread, 3)
		same(t, "the topic", shown, []string{"album: (photo), (photo), (photo) and here"})
	})
	d.run(t, "an album without a title waits for it, and nothing else is asked", func(t *testing.T) {
		who := d.newcomer("Otto")
		sent := d.album(who, who, 0, "photo:/create_ticket", "photo:one", "photo")
		asked := d.awaitAnswer(sent[0], "What is the ticket about?")
		d.quiet()
		if n := len(d.byBot(who, 0)); n != 1 {
			t.Errorf("%d answers", n)
		}
		title := d.reply(who, who, asked, "Roof")
		k := d.pick(who, d.awaitAnswer(title, "Where should Roof"), "Roof")
		same(t, "the topic", d.awaitEnclosed(k, d.support, k.thread, 3), []string{"album: (photo), (photo) one, (photo)"})
	})
	d.run(t, "an album as the answer is asked about once, and is not lost", func(t *testing.T) {
		who := d.newcomer("Paul")
		question := d.awaitAnswer(d.say(who, who, 0, "/create_ticket"), "What is the ticket about?")
		id, sent := d.sim.NewAlbum(), []simulator.Message(nil)
		for range 3 {
			sent = append(sent, d.post(simulator.Post{
				From: who, Chat: who, Media: upload("photo"), Album: id, ReplyTo: question.ID,
			}))
		}
		again := d.awaitAnswer(sent[0], "What is the ticket about?")
		d.quiet()
		if n := len(d.byBot(who, 0)); n != 2 {
			t.Errorf("%d answers", n)
		}
		title := d.reply(who, who, again, "Door")
		k := d.pick(who, d.awaitAnswer(title, "Where should Door"), "Door")
		d.awaitEnclosed(k, d.support, k.thread, 3)
	})
	d.run(t, "a draft that is dropped gives its album back", func(t *testing.T) {
		who := d.newcomer("Olga")
		id := d.sim.NewAlbum()
		sent := d.albumParts(id, who, who, 0, "photo:Sink")
		asked := d.awaitAnswer(sent[0], "passed on to nobody")
		d.press(who, asked, "new")
		choice := d.awaitText(who, 0, "Where should Sink")
		d.albumParts(id, who, who, 0, "photo:leaks")
		d.quiet()
		d.press(who, choice, "pdrop:")
		d.press(who, asked, "new")
		d.await("a second choice", func() bool {
			again, _ := d.find(who, 0, "Where should Sink")
			return again.ID > choice.ID
		})
		choice, _ = d.find(who, 0, "Where should Sink")
		k := d.pick(who, choice, "Sink")
		d.awaitEnclosed(k, d.support, k.thread, 2)
	})
	d.run(t, "one draft too many drops the oldest, says so, and loses no late part of its album", func(t *testing.T) {
		who := d.newcomer("Mara")
		id := d.sim.NewAlbum()
		first := d.albumParts(id, who, who, 0, "photo:/create_ticket Oldest")
		d.awaitAnswer(first[0], "Where should Oldest")
		for i := range 10 {
			title := fmt.Sprintf("Later %d", i)
			d.awaitAnswer(d.say(who, who, 0, "/create_ticket "+title), "Where should "+title)
		}
		d.awaitAnswer(first[0], "Cancelled: Oldest")
		late := d.albumParts(id, who, who, 0, "photo:late")
		d.awaitAnswer(late[0], "passed on to nobody")
	})
	d.run(t, "what was said about the oldest is withdrawn with it", func(t *testing.T) {
		who := d.newcomer("Nora")
		d.openPrivately(who, d.support, "Lamp")
		choice := d.choice(who, "Oldest")
		d.awaitSaid(who, choice)
		said := d.say(who, who, 0, "It is for you")
		d.press(who, d.awaitAnswer(said, unclear), "mean:"+ticketOf(choice))
		d.settled(who, who)
		for i := range 10 {
			title := fmt.Sprintf("Later %d", i)
			d.awaitAnswer(d.say(who, who, 0, "/create_ticket "+title), "Where should "+title)
		}
		d.awaitText(who, 0, "Cancelled: Oldest. What you wrote for it was passed on to nobody")
		d.nothingWaits(who)
	})
	d.run(t, "two media, each with a question, answered in order", func(t *testing.T) {
		who := d.newcomer("Ida")
		first := d.send(who, who, 0, upload("voice"), "")
		firstChoice := d.awaitAnswer(first, "passed on to nobody")
		second := d.send(who, who, 0, upload("sticker"), "")
		secondChoice := d.awaitAnswer(second, "passed on to nobody")
		d.press(who, firstChoice, "new")
		firstQuestion := d.awaitAnswer(first, "What is the ticket about?")
		d.press(who, secondChoice, "new")
		secondQuestion := d.awaitAnswer(second, "What is the ticket about?")
		d.quiet()
		d.restart()
		for _, c := range []struct {
			question    simulator.Message
			title, want string
		}{{firstQuestion, "Voiced", "(voice)"}, {secondQuestion, "Stuck", "(sticker)"}} {
			title := d.reply(who, who, c.question, c.title)
			k := d.pick(who, d.awaitAnswer(title, "Where should "+c.title), c.title)
			same(t, "the topic of "+c.title, d.awaitEnclosed(k, d.support, k.thread, 1), []string{c.want})
		}
	})
	d.run(t, "a forward that waits for the title says where it is from, also after a restart", func(t *testing.T) {
		who := d.newcomer("Lena")
		sent := d.post(simulator.Post{From: who, Chat: who, Media: upload("voice"), Forward: &simulator.Origin{Name: "News", Date: 1}})
		asked := d.awaitAnswer(d.reply(who, who, sent, "/create_ticket"), "What is the ticket about?")
		d.quiet()
		d.restart()
		k := d.pick(who, d.awaitAnswer(d.reply(who, who, asked, "Spoken"), "Where should Spoken"), "Spoken")
		d.awaitText(d.support, k.thread, "Forwarded from News")
	})
	d.run(t, "what is answered elsewhere waits for the title", func(t *testing.T) {
		elsewhere := simulator.Elsewhere{External: json.RawMessage(`{"origin":{"type":"channel","date":1,
			"chat":{"id":-1001,"type":"channel","title":"Shop","username":"shop"},"message_id":17}}`)}
		for _, chat := range []int64{d.support, d.ann} {
			sent := d.post(simulator.Post{From: d.ann, Chat: chat, Text: "/create_ticket", Elsewhere: elsewhere})
			title := d.reply(d.ann, chat, d.awaitAnswer(sent, "What is the ticket about?"), "Returns\nand more")
			k := &ticket{}
			if chat == d.ann {
				k = d.pick(d.ann, d.awaitAnswer(title, "Where should Returns"), "Returns")
			} else {
				k.id = d.ticketIDIn(d.awaitAnswer(title, " Returns").Text)
			}
			if got := d.record(k).Description; got != "and more\n\n↩️ Shop https://t.me/shop/17" {
				t.Errorf("the description is %q", got)
			}
		}
	})
	d.run(t, "a title that is asked for twice is of the newest", func(t *testing.T) {
		who := d.newcomer("Two")
		first := d.send(who, who, 0, upload("voice"), "/create_ticket")
		d.awaitAnswer(first, "What is the ticket about?")
		second := d.say(who, who, 0, "/create_ticket")
		title := d.reply(who, who, d.awaitAnswer(second, "What is the ticket about?"), "Nothing with it")
		k := d.pick(who, d.awaitAnswer(title, "Where should Nothing"), "Nothing with it")
		d.awaitEnclosed(k, d.support, k.thread, 0)
	})
}

func TestAlbumsInAPrivateChat(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 3})
	d.asksAfterClosing()
	k := d.openPrivately(d.ann, d.support, "Printer")
	count := func(who int64, part string) (n int) {
		for _, m := range d.byBot(who, 0) {
			n += strings.Count(m.Text, part)
		}
		return n
	}
	d.run(t, "a command's album reaches the ticket", func(t *testing.T) {
		after := d.last(d.support)
		d.album(d.ann, d.ann, 0, "photo:/priority high", "photo:two")
		d.say(d.ann, d.ann, 0, "behind")
		d.awaitText(d.support, k.thread, "behind")
		d.quiet(k)
		if got := strings.Join(d.arrived(d.support, k.thread, after), "; "); !strings.Contains(got, "album: (photo), (photo) Ann | two") {
			t.Errorf("%q", got)
		}
	})
	d.run(t, "an album that opens another ticket, with a part before the command", func(t *testing.T) {
		sent := d.album(d.ann, d.ann, 0, "photo:early", "photo:/create_ticket Second")
		second := d.pick(d.ann, d.awaitAnswer(sent[1], "Where should Second"), "Second")
		d.awaitEnclosed(second, d.support, second.thread, 2)
		card, _ := d.find(d.ann, 0, d.head(k))
		id := d.sim.NewAlbum()
		d.post(simulator.Post{From: d.ann, Chat: d.ann, Media: upload("photo"), Text: "answer", Album: id, ReplyTo: card.ID})
		d.albumParts(id, d.ann, d.ann, 0, "photo:follows")
		d.awaitText(d.support, k.thread, "follows")
		d.say(d.ann, d.ann, 0, "/close_ticket")
		d.awaitText(d.ann, 0, "closed your ticket "+d.name(second))
		list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "You have 1 open ticket")
		d.press(d.ann, list, "talk:"+k.id)
	})
	d.run(t, "into a closed ticket it is asked about once, and goes there whole", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "/close_ticket")
		d.awaitText(d.ann, 0, "closed your ticket "+d.name(k))
		id := d.sim.NewAlbum()
		sent := d.albumParts(id, d.ann, d.ann, 0, "photo", "photo:again", "photo")
		asked := d.awaitAnswer(sent[0], "Not passed on")
		d.quiet(k)
		d.restart()
		if n := count(d.ann, "Not passed on"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		after := d.last(d.support)
		d.press(d.ann, asked, "say:")
		d.awaitText(d.support, k.thread, "again")
		d.quiet(k)
		same(t, "what arrived", d.arrived(d.support, k.thread, after)[1:], []string{"album: (photo), (photo) Ann | again, (photo)"})
		d.albumParts(id, d.ann, d.ann, 0, "photo:late")
		d.awaitText(d.support, k.thread, "late")
		d.quiet(k)
		d.became(asked, "✅ Sent to ")
		if n := count(d.ann, "Not passed on"); n != 0 {
			t.Errorf("asked %d times more", n)
		}
		if got := d.arrived(d.support, k.thread, after); strings.Count(strings.Join(got, ""), "(photo)") != 4 {
			t.Errorf("%q", got)
		}
	})
	for name, parts := range map[string][]string{
		"first":  {"photo:/close_ticket", "photo:two", "photo"},
		"middle": {"photo", "photo:/close_ticket", "photo:three"},
		"last":   {"photo", "photo", "photo:/close_ticket"},
	} {
		d.run(t, "all parts of an album belong to the /close_ticket under one: the "+name, func(t *testing.T) {
			d.say(d.ann, d.ann, 0, "/reopen_ticket")
			d.eventually("it is open", func() bool { return d.record(k).Status == "open" })
			d.quiet(k)
			after, asked := d.last(d.support), count(d.ann, "Not passed on")
			d.album(d.ann, d.ann, 0, parts...)
			d.await("all parts", func() bool {
				return strings.Count(strings.Join(d.arrived(d.support, k.thread, after), ""), "(photo)") == 3
			})
			d.quiet(k)
			if status := d.record(k).Status; status != "closed" {
				t.Errorf("the ticket is %s", status)
			}
			if n := count(d.ann, "Not passed on") - asked; n != 0 {
				t.Errorf("asked %d times", n)
			}
		})
	}
	d.run(t, "a picture under /reopen_ticket reaches the open ticket", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "/close_ticket")
		d.eventually("it is closed", func() bool { return d.record(k).Status == "closed" })
		d.send(d.ann, d.ann, 0, upload("photo"), "/reopen_ticket see here")
		d.awaitText(d.support, k.thread, "see here")
		d.quiet(k)
		if n := count(d.ann, "Not passed on"); n != 0 {
			t.Errorf("asked %d times more", n)
		}
	})
	d.run(t, "they belong to it when the command makes another ticket the current one", func(t *testing.T) {
		third := d.openPrivately(d.ann, d.support, "Third")
		other := d.openPrivately(d.ann, d.support, "Fourth")
		list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "open tickets")
		d.press(d.ann, list, "talk:"+third.id)
		d.quiet(third, other)
		asked := count(d.ann, "Not passed on")
		d.album(d.ann, d.ann, 0, "photo:/close_ticket", "photo:its second part")
		d.awaitText(d.support, third.thread, "its second part")
		d.quiet(third, other)
		if n := count(d.ann, "Not passed on") - asked; n != 0 {
			t.Errorf("asked %d times", n)
		}
	})
}

// newcomer is a person in Support who has never written to the bot.
func (d *desk) newcomer(name string) int64 {
	d.t.Helper()
	p, err := d.sim.AddPerson(simulator.Person{FirstName: name, LanguageCode: "en"})
	d.must(err)
	d.must(d.sim.SetMember(d.support, p.ID, simulator.Member))
	return p.ID
}
