package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// saysNotKept counts what the bot says in a thread about files that are not kept.
func (d *desk) saysNotKept(chat int64, thread int) (n int) {
	for _, m := range d.byBot(chat, thread) {
		if strings.Contains(m.Text, "could not be kept") {
			n++
		}
	}
	return n
}

func TestFilesThatAreNotKeptAreTold(t *testing.T) {
	t.Parallel()
	with := keeping(t)
	with.files.Rules.Limits["audio"] = 2 << 10
	d := ready(t, with)
	alpha := d.openedAlone(d.ann, d.support, "Alpha")
	beta := d.openedAlone(d.ann, d.support, "Beta")
	page := func(name string) *simulator.Upload {
		return &simulator.Upload{Kind: "document", FileName: name, Data: []byte("<!DOCTYPE html><html><script>1</script>")}
	}
	d.run(t, "in the topic, in reply to the message, once", func(t *testing.T) {
		sent := d.send(d.carl, d.support, alpha.thread, page("page.html"), "")
		told := d.awaitAnswer(sent, "page.html")
		if !strings.Contains(told.Text, "could not be kept with this ticket, since files of this kind (.html) can't be kept here.") {
			t.Errorf("the topic reads %q", told.Text)
		}
		d.quiet(alpha)
		d.restart()
		d.send(d.carl, d.support, alpha.thread, upload("document"), "")
		d.awaitFiles(alpha, 2)
		d.quiet(alpha)
		if n := d.saysNotKept(d.support, alpha.thread); n != 1 {
			t.Errorf("it is told %d times", n)
		}
	})
	d.run(t, "one that is too large says the limit, and programs read of it what they did", func(t *testing.T) {
		sent := d.send(d.carl, d.support, alpha.thread, &simulator.Upload{
			Kind: "audio", FileName: "song.mp3", Data: make([]byte, 3000)}, "")
		told := d.awaitAnswer(sent, "song.mp3")
		if !strings.Contains(told.Text, "larger than 2 KB. If it is needed there, send it smaller.") {
			t.Errorf("the topic reads %q", told.Text)
		}
		files := d.awaitFiles(alpha, 3)
		if a := files[2]; a.Reason != "larger than 2 KB" || a.Rule != storage.RuleSize {
			t.Errorf("%q by %q", a.Reason, a.Rule)
		}
	})
	d.run(t, "and again for another file", func(*testing.T) {
		d.awaitAnswer(d.send(d.carl, d.support, alpha.thread, page("other.html"), ""), "other.html")
	})
	d.run(t, "in Thai, with the ticket's name where a person has two, also when it ends over a restart", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "/lang th"), "ภาษาไทย")
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.ann, Kind: simulator.Fault500, Count: -1})
		card := int(d.record(beta).Links[0].Topic.CardMessageID)
		sent := d.post(simulator.Post{From: d.ann, Chat: d.ann, Media: page("ใบแจ้งหนี้.html"), ReplyTo: card})
		d.awaitFiles(beta, 1)
		d.restart()
		d.sim.ClearFaults()
		told := d.awaitAnswer(sent, "ใบแจ้งหนี้.html")
		if !strings.Contains(told.Text, "เก็บไว้กับทิกเก็ต "+"#2 Beta") || strings.Contains(told.Text, "allowed") {
			t.Errorf("the person reads %q", told.Text)
		}
	})
}

func TestWhatADescriptionDoesNotShowIsTold(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.inject(simulator.Fault{Method: "sendPhoto", Chat: d.support, Kind: simulator.Fault400,
		Description: "Bad Request: PHOTO_INVALID_DIMENSIONS"})
	sent := d.send(d.ann, d.ann, 0, upload("photo"), "/create_ticket Broken screen")
	choice := d.awaitAnswer(sent, "Where should")
	d.press(d.ann, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
	told := d.awaitText(d.ann, 0, "is not shown in Support")
	if !strings.Contains(told.Text, "#1 Broken screen") || !strings.Contains(told.Text, "PHOTO_INVALID_DIMENSIONS") {
		t.Errorf("the person reads %q", told.Text)
	}
}
