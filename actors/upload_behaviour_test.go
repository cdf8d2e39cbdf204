package actors_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
)

// uploadKinds are the kinds of files that Telegram takes as bytes. Only an image is fit to be a photo: http has that test.
var uploadKinds = []string{messages.MediaAnimation, messages.MediaAudio, messages.MediaDocument, messages.MediaSticker,
	messages.MediaVideo, messages.MediaVideoNote, messages.MediaVoice}

// TestFileNamesStayWithTheirTicket: the same bytes come from two customers, under a name of their own, as every kind of
// file. Telegram shows each customer their own name, in each topic, also when the service has restarted in between.
func TestFileNamesStayWithTheirTicket(t *testing.T) {
	t.Parallel()
	d, acme, eng := linked(t, keeping(t))
	globex := d.open(d.carl, d.sales, "Contract")
	type place struct {
		chat   int64
		thread int
	}
	places := map[string][]place{"ACME": {{d.support, acme.thread}, {d.engineering, eng}},
		"Globex": {{d.sales, globex.thread}}}
	ticketOf := map[string]*ticket{"ACME": acme, "Globex": globex}
	sent := map[string]int{}
	// post has a customer's key post a file. The bytes are the same for all.
	post := func(customer, kind, name string) {
		t.Helper()
		k := ticketOf[customer]
		origin := &messages.Origin{CommandId: fmt.Sprint(customer, len(name), kind, sent),
			Sender: &messages.Sender{Kind: messages.Sender_API_KEY, Name: customer, KeyId: "k" + customer}}
		media, err := d.system.TakeUpload(t.Context(), actors.Upload{TicketID: k.id, Origin: origin, Kind: kind, Name: name,
			From: strings.NewReader("the same for all")})
		d.must(err)
		answer, err := d.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.SendMessage{Origin: origin,
			Content: &messages.Content{Media: media}})
		d.must(err)
		if code := answer.(*messages.Reply).Code; code != messages.Code_OK {
			t.Fatalf("got %v", answer)
		}
		sent[customer]++
	}
	names := func(p place) (shown []string) {
		for _, m := range d.byBot(p.chat, p.thread) {
			if m.Media != nil {
				shown = append(shown, m.Media.FileName)
			}
		}
		return shown
	}
	arrived := func() {
		t.Helper()
		for customer, all := range places {
			for _, p := range all {
				d.await("all files of "+customer, func() bool { return len(names(p)) == sent[customer] })
			}
		}
	}
	want := map[string][]string{}
	say := func(customer, kind, suffix string) {
		t.Helper()
		name := fmt.Sprintf("Contract %s%s.%s", customer, suffix, kind)
		post(customer, kind, name)
		want[customer] = append(want[customer], name)
		arrived() // so that the file id of the one is known before the other comes
	}
	for i, kind := range uploadKinds {
		first, then := "ACME", "Globex"
		if i%2 == 1 {
			first, then = then, first
		}
		say(first, kind, "")
		say(then, kind, "")
	}
	say("ACME", messages.MediaDocument, ", second draft") // nor does a ticket show an old name of its own
	d.restart()
	say("Globex", messages.MediaDocument, ", signed")
	say("ACME", messages.MediaDocument, ", signed")
	for customer, all := range places {
		for _, p := range all {
			if got := names(p); !slices.Equal(got, want[customer]) {
				t.Errorf("%s sees\n%q, want\n%q", customer, got, want[customer])
			}
		}
	}
}

// TestPhotoLimitHoldsWithoutKind: what becomes a photo by its content keeps to the limit of photos.
func TestPhotoLimitHoldsWithoutKind(t *testing.T) {
	o := keeping(t)
	o.files.Rules.Limits = map[string]int64{"photo": 100, "other": 1 << 20}
	d, k, _ := linked(t, o)
	picture := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i * i)
	}
	var content bytes.Buffer
	d.must(png.Encode(&content, picture))
	for kind, refused := range map[string]bool{"": true, messages.MediaPhoto: true, messages.MediaDocument: false} {
		origin := &messages.Origin{CommandId: "upload" + kind, Sender: &messages.Sender{Kind: messages.Sender_API_KEY, KeyId: "k"}}
		_, err := d.system.TakeUpload(t.Context(), actors.Upload{TicketID: k.id, Origin: origin, Kind: kind, Name: "a.png",
			From: bytes.NewReader(content.Bytes())})
		why := (*actors.UploadRefusedError)(nil)
		if errors.As(err, &why) != refused || refused && !strings.Contains(why.Reason, "larger than 100 bytes") {
			t.Errorf("kind %q of %d bytes: %v", kind, content.Len(), err)
		}
	}
}
