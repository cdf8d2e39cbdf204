package actors_test

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// attach has a program with that key write a message with a file.
func (d *desk) attach(k *ticket, key, command, kind, name, text string, data []byte) {
	d.t.Helper()
	origin := &messages.Origin{
		CommandId: command, Sender: &messages.Sender{Kind: messages.Sender_API_KEY, Name: key, KeyId: key},
	}
	media, err := d.system.TakeUpload(d.t.Context(), actors.Upload{
		TicketID: k.id, Origin: origin, Kind: kind, Name: name, From: bytes.NewReader(data),
	})
	d.must(err)
	_, err = d.system.Ask(d.t.Context(), messages.KindTicket, k.id, &messages.SendMessage{
		Origin: origin, Content: &messages.Content{Text: text, Media: media},
	})
	d.must(err)
}

// awaitFile waits for the file that the bot posts with that text, and returns it.
func (d *desk) awaitFile(chat int64, thread int, text string) (found simulator.Media) {
	d.t.Helper()
	d.await("the file of "+text, func() bool {
		for _, m := range d.byBot(chat, thread) {
			if m.Media != nil && strings.Contains(m.Text, text+".") {
				found = *m.Media
				return true
			}
		}
		return false
	})
	return found
}

// TestAFileHasItsOwnName: the same bytes under another name, in another ticket, by another key or as another kind, are
// another file in Telegram. A file id carries the name that it was uploaded with, and nothing of one customer may reach
// another.
func TestAFileHasItsOwnName(t *testing.T) {
	t.Parallel()
	opt := keeping(t)
	opt.speed = 50
	d, acme, eng := linked(t, opt)
	globex := d.open(d.bob, d.engineering, "Contract")
	var picture bytes.Buffer
	d.must(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 40, 30))))
	ids := map[string]string{}
	for _, kind := range []string{"document", "photo", "video", "animation", "audio", "voice"} {
		data := []byte("the same content of every kind")
		if kind == "photo" {
			data = picture.Bytes()
		}
		for _, at := range []struct {
			of, key, name string
			ticket        *ticket
			topics        map[int64]int
		}{
			{"ACME", "k1", "Contract ACME.pdf", acme, map[int64]int{d.support: acme.thread, d.engineering: eng}},
			{"Globex", "k2", "Contract Globex.pdf", globex, map[int64]int{d.engineering: globex.thread}},
			{"Globex, the same name", "k2", "Contract ACME.pdf", globex, map[int64]int{d.engineering: globex.thread}},
			{"ACME, another name", "k1", "Offer.pdf", acme, map[int64]int{d.support: acme.thread, d.engineering: eng}},
		} {
			text := at.of + ": " + kind
			d.attach(at.ticket, at.key, text, kind, at.name, text+".", data)
			for chat, thread := range at.topics {
				file := d.awaitFile(chat, thread, text)
				if file.Kind != kind || file.FileName != at.name {
					t.Errorf("%s is shown as %s %q", text, file.Kind, file.FileName)
				}
				if other := ids[file.FileID]; other != "" && other != text {
					t.Errorf("%s has the file id of %s", text, other)
				}
				ids[file.FileID] = text
			}
		}
	}
}
