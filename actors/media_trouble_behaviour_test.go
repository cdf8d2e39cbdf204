package actors_test

import (
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// A medium that Telegram refuses is reported at its source, and the messages after it arrive.
func TestMediaThatAreRefused(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	for _, c := range []struct{ method, kind, why string }{
		{"sendPhoto", "photo", "wrong file identifier/HTTP URL specified"},
		{"sendSticker", "sticker", "not enough rights to send stickers to the chat"},
		{"sendVideo", "video", "CHAT_SEND_VIDEOS_FORBIDDEN"},
	} {
		d.run(t, c.why, func(t *testing.T) {
			d.inject(simulator.Fault{Method: c.method, Kind: simulator.Fault400, Description: c.why})
			m := d.send(d.ann, d.support, k.thread, upload(c.kind), "")
			d.say(d.ann, d.support, k.thread, "behind a "+c.kind)
			d.awaitText(d.engineering, eng, "behind a "+c.kind)
			told := d.awaitAnswer(m, c.why)
			before := len(d.byBot(d.engineering, eng))
			d.press(d.ann, told, "retry:") // the fault is over
			d.await("the medium", func() bool {
				all := d.byBot(d.engineering, eng)
				return len(all) == before+1 && all[before].Media != nil && all[before].Media.Kind == c.kind
			})
		})
	}
	d.quiet(k)
}

// Passing trouble changes neither the order nor the number of copies. Only a call whose answer was lost may be
// repeated.
func TestMediaInTrouble(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{speed: 40})
	for _, f := range []simulator.Fault{
		{Method: "sendPhoto", Kind: simulator.Fault429, RetryAfter: 2},
		{Method: "sendSticker", Kind: simulator.Fault500, Count: 2},
		{Method: "sendVideoNote", Kind: simulator.FaultReset},
		{Method: "sendLocation", Kind: simulator.Fault502HTML},
		{Method: "sendVoice", Kind: simulator.FaultLost},
	} {
		d.inject(f)
	}
	after := d.last(d.engineering)
	d.send(d.ann, d.support, k.thread, upload("photo"), "one")
	d.send(d.ann, d.support, k.thread, upload("sticker"), "")
	d.say(d.ann, d.support, k.thread, "between")
	d.send(d.ann, d.support, k.thread, upload("video_note"), "")
	d.send(d.ann, d.support, k.thread, value("location", `{"latitude":1,"longitude":2}`), "")
	d.send(d.ann, d.support, k.thread, upload("voice"), "")
	d.say(d.ann, d.support, k.thread, "behind")
	d.awaitText(d.engineering, eng, "behind")
	same(t, "copies", d.since(d.engineering, eng, after), []string{
		"(photo) Ann | one", "Ann | [sticker]", "(sticker)", "Ann | between", "Ann | [video message]", "(video_note)",
		"Ann | [location]", "(location)", "(voice) Ann", "(voice) Ann", "Ann | behind",
	})
	d.quiet(k)
}

// After a restart between the parts of a copy, the missing part is sent.
func TestRestartWithinACopy(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.inject(simulator.Fault{Method: "sendSticker", Kind: simulator.Fault500, Count: -1})
	after := d.last(d.engineering)
	d.send(d.ann, d.support, k.thread, upload("sticker"), "")
	d.await("the call for the medium", func() bool { return d.calls("sendSticker", d.engineering) > 0 })
	d.say(d.ann, d.support, k.thread, "behind")
	d.restart()
	d.sim.ClearFaults()
	d.awaitText(d.engineering, eng, "behind")
	same(t, "copies", d.since(d.engineering, eng, after), []string{"Ann | [sticker]", "(sticker)", "Ann | behind"})
	copies := d.byBot(d.engineering, eng)
	sticker := copies[len(copies)-2]

	// A reply to the medium, or to the text before it, replies to the original. A reply to the original replies to the
	// medium.
	d.reply(d.bob, d.engineering, sticker, "nice")
	if m := d.awaitText(d.support, k.thread, "nice"); m.ReplyTo == 0 {
		t.Error("the reply to the medium answers nothing")
	}
	original, _ := d.sim.Message(d.support, d.awaitText(d.support, k.thread, "nice").ReplyTo)
	d.reply(d.bob, d.engineering, copies[len(copies)-3], "label")
	if m := d.awaitText(d.support, k.thread, "label"); m.ReplyTo != original.ID {
		t.Errorf("answers %d, want %d", m.ReplyTo, original.ID)
	}
	d.reply(d.ann, d.support, original, "thanks")
	if m := d.awaitText(d.engineering, eng, "thanks"); m.ReplyTo != sticker.ID {
		t.Errorf("answers %d, want %d", m.ReplyTo, sticker.ID)
	}
	d.quiet(k)
}
