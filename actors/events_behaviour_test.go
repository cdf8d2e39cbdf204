package actors_test

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// eventData is what the tests read of the data of events.
type eventData struct {
	Ticket     view.Ticket
	Actor      *view.Creator
	Message    view.Message
	Changes    map[string]struct{ Before, After any }
	Previous   *view.PreviousContent
	Reaction   view.Reaction
	User       view.LinkUser
	Topic      view.TopicRef
	Attachment view.Attachment
	MessageID  *string
	Reason     string
}

// aTime is a text that is a time and nothing else.
var aTime = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*"`)

// told are the events of a ticket: each is as its type promises, has an id of its own and tells of this ticket.
func (d *desk) told(k *ticket) (all []storage.Event, data []eventData) {
	d.t.Helper()
	all, err := d.store.EventsAfter(d.t.Context(), k.id, 0, 1000)
	d.must(err)
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	view.AddSchemas(schemas)
	seen := map[string]bool{}
	for _, e := range all {
		kind, known := view.EventTypeOf(e.Type)
		envelope := view.EnvelopeOf(e.TicketID, &messages.EventRecord{
			EventId: e.EventID, Number: e.Number, Type: e.Type, AtMs: e.At.UnixMilli(), Data: e.Data})
		var whole any
		d.must(json.Unmarshal(envelope.AppendJSON(nil), &whole))
		found := &huma.ValidateResult{}
		huma.Validate(schemas, schemas.Map()[kind.Schema()], huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, whole, found)
		for _, err := range found.Errors {
			d.t.Errorf("%s: %v", e.Type, err)
		}
		for _, text := range aTime.FindAllString(string(e.Data), -1) {
			if at, err := time.Parse(time.RFC3339Nano, strings.Trim(text, `"`)); err == nil && text != `"`+view.Timestamp(at)+`"` {
				d.t.Errorf("%s: a time is written %s", e.Type, text)
			}
		}
		one := eventData{}
		d.must(json.Unmarshal(e.Data, &one))
		if !known || ids.EventID(e.EventID) != e.EventID || seen[e.EventID] || one.Ticket.TicketID != k.id || e.GroupID == "" {
			d.t.Errorf("%+v", e)
		}
		seen[e.EventID] = true
		data = append(data, one)
	}
	return all, data
}

// awaitTold waits until the ticket has n events of a type, and returns the data of the newest.
func (d *desk) awaitTold(k *ticket, kind string, n int) (e storage.Event, data eventData) {
	d.t.Helper()
	d.eventually(itoa(n)+" of "+kind, func() bool {
		found := 0
		all, of := d.told(k)
		for i := range all {
			if all[i].Type == kind {
				e, data = all[i], of[i]
				found++
			}
		}
		if found > n {
			d.t.Fatalf("%d of %s, want %d", found, kind, n)
		}
		return found == n
	})
	return e, data
}

func TestEventsTellWhatHappened(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	by := func(t *testing.T, data eventData, name string) {
		t.Helper()
		if data.Actor == nil || data.Actor.Name != name || data.Actor.Kind != "user" {
			t.Errorf("by %+v, want %s", data.Actor, name)
		}
	}
	d.run(t, "who was mentioned, and the topic that opens", func(t *testing.T) {
		_, data := d.awaitTold(k, messages.EventUserMentioned, 1)
		by(t, data, "Ann")
		if data.User.UserID != d.bob || data.Topic.TopicID != k.id+":1" || data.Topic.State != "pending" ||
			*data.Topic.GroupID != d.engineering {
			t.Errorf("%+v", data)
		}
		_, opened := d.awaitTold(k, messages.EventTopicCreated, 2)
		if opened.Actor != nil || *opened.Topic.TelegramTopicID != int64(eng) {
			t.Errorf("%+v", opened)
		}
	})
	first := d.say(d.ann, d.support, k.thread, "one")
	d.run(t, "a message, with where it goes", func(t *testing.T) {
		e, data := d.awaitTold(k, messages.EventMessageSent, 1)
		by(t, data, "Ann")
		m := data.Message
		if e.EventID != ids.EventID("message.sent/"+messageID(first)) || m.Text != "one" || len(m.Deliveries) != 1 ||
			m.Deliveries[0].State != "pending" || m.Deliveries[0].Topic.TopicID != k.id+":1" || e.Internal {
			t.Errorf("%+v", e)
		}
	})
	d.run(t, "an edit, with what was said before", func(t *testing.T) {
		d.awaitText(d.engineering, eng, "one")
		d.awaitCopied(first, 1)
		d.edit(first, "won")
		_, data := d.awaitTold(k, messages.EventMessageEdited, 1)
		by(t, data, "Ann")
		if data.Previous == nil || data.Previous.Text != "one" || data.Message.Text != "won" ||
			data.Message.EditedAt == nil || data.Message.Deliveries[0].State != "sent" {
			t.Errorf("%+v", data)
		}
	})
	d.run(t, "notes are marked, and told only as notes", func(t *testing.T) {
		note := d.say(d.ann, d.support, k.thread, "// between us")
		e, data := d.awaitTold(k, messages.EventMessageSent, 2)
		if !e.Internal || !data.Message.Internal {
			t.Errorf("%+v", e)
		}
		d.edit(note, "for everyone")
		if e, _ = d.awaitTold(k, messages.EventMessageEdited, 2); !e.Internal {
			t.Errorf("%s", e.Data)
		}
	})
	d.run(t, "an update, with the fields before and after", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority high"), "high")
		_, data := d.awaitTold(k, messages.EventTicketUpdated, 1)
		by(t, data, "Ann")
		if c := data.Changes; len(c) != 1 || c["priority"].Before != "normal" || c["priority"].After != "high" ||
			data.Ticket.Priority != "high" {
			t.Errorf("%+v", data)
		}
		title, more := "Scanner", []byte(`{"a":1}`)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Title: &title, Metadata: more}, "")
		_, data = d.awaitTold(k, messages.EventTicketUpdated, 2)
		if c := data.Changes; len(c) != 2 || c["title"].Before != "Printer" || c["title"].After != "Scanner" ||
			c["metadata"].Before != nil || data.Actor.Kind != "apiKey" {
			t.Errorf("%+v", data)
		}
	})
	d.run(t, "a message's event is the same after a restart", func(t *testing.T) {
		e, _ := d.awaitTold(k, messages.EventMessageSent, 2)
		d.restart()
		d.say(d.ann, d.support, k.thread, "/close_ticket done")
		_, data := d.awaitTold(k, messages.EventTicketClosed, 1)
		by(t, data, "Ann")
		if again, _ := d.awaitTold(k, messages.EventMessageSent, 2); again.EventID != e.EventID || data.Reason != "done" ||
			data.Ticket.Status != "closed" || data.Ticket.ClosedAt == nil {
			t.Errorf("%+v, %+v", again, data)
		}
	})
}

func TestFailedCopiesAreTold(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.refuse(d.engineering, eng, "bot was muted")
	m := d.say(d.ann, d.support, k.thread, "lost")
	word := d.awaitAnswer(m, "did not reach Engineering")
	d.run(t, "with the topic and the reason", func(t *testing.T) {
		e, data := d.awaitTold(k, messages.EventMessageFailed, 1)
		if data.Actor != nil || data.Topic.TopicID != k.id+":1" || !strings.Contains(data.Reason, "bot was muted") ||
			data.Message.MessageID != messageID(m) || data.Message.Deliveries[0].State != "failed" || e.Internal {
			t.Errorf("%+v", data)
		}
	})
	d.run(t, "of a program's message, too", func(t *testing.T) {
		d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: "from a program"}}, "")
		d.awaitTold(k, messages.EventMessageFailed, 2)
	})
	d.run(t, "once for each attempt", func(t *testing.T) {
		d.press(d.ann, word, "retry:")
		d.awaitTold(k, messages.EventMessageFailed, 3)
		d.quiet(k) // else the button's work may begin again
		d.restart()
		d.sim.ClearFaults()
		d.say(d.ann, d.support, k.thread, "the last")
		d.awaitText(d.engineering, eng, "the last")
		d.quiet(k)
		d.awaitTold(k, messages.EventMessageFailed, 3)
	})
	d.run(t, "once, although it was told to the ticket and not yet shown at its source", func(t *testing.T) {
		d.refuse(d.engineering, eng, "bot was muted")
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.support, Thread: k.thread, Kind: simulator.Fault500, Count: -1,
		})
		lost := d.say(d.ann, d.support, k.thread, "lost again")
		d.awaitTold(k, messages.EventMessageFailed, 4)
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitAnswer(lost, "did not reach Engineering")
		d.quiet(k)
		d.awaitTold(k, messages.EventMessageFailed, 4)
	})
}

func TestFinishedFilesAreTold(t *testing.T) {
	t.Parallel()
	opt, fails := keeping(t), &atomic.Bool{}
	opt.wrapStore = func(s storage.Store) storage.Store { return untold{s, fails} }
	d, k, _ := linked(t, opt)
	photo := d.send(d.ann, d.support, k.thread, upload("photo"), "")
	d.run(t, "a stored one, with its message", func(t *testing.T) {
		e, data := d.awaitTold(k, messages.EventAttachmentStored, 1)
		_, sent := d.awaitTold(k, messages.EventMessageSent, 1)
		if data.MessageID == nil || *data.MessageID != messageID(photo) || data.Attachment.State != "stored" ||
			data.Attachment.DownloadURL == nil || len(sent.Message.Attachments) != 1 ||
			sent.Message.Attachments[0] != data.Attachment.AttachmentID || e.Internal {
			t.Errorf("%+v; the message: %+v", data, sent.Message)
		}
	})
	d.run(t, "one that is refused", func(t *testing.T) {
		d.send(d.ann, d.support, k.thread, &simulator.Upload{Kind: "video", FileName: "long.mp4", Size: 60 << 20}, "")
		_, data := d.awaitTold(k, messages.EventAttachmentRefused, 1)
		if data.Attachment.State != "refused" || data.Attachment.Reason != "larger than 50 MB" {
			t.Errorf("%+v", data)
		}
	})
	d.run(t, "one of an internal note, as internal", func(t *testing.T) {
		d.send(d.ann, d.support, k.thread, upload("document"), "// for us")
		if e, _ := d.awaitTold(k, messages.EventAttachmentStored, 2); !e.Internal {
			t.Errorf("%+v", e)
		}
	})
	d.run(t, "once, also after a restart", func(t *testing.T) {
		d.awaitFiles(k, 3)
		d.restart()
		d.send(d.ann, d.support, k.thread, upload("voice"), "")
		d.awaitTold(k, messages.EventAttachmentStored, 3)
		d.awaitTold(k, messages.EventAttachmentRefused, 1)
	})
	d.run(t, "once, although the process ends before the file says that it is told", func(t *testing.T) {
		fails.Store(true)
		video := d.send(d.ann, d.support, k.thread, upload("video"), "")
		d.eventually("the ticket has the event", func() bool {
			told := func(id string) bool { return strings.HasPrefix(id, "stored/"+messageID(video)) }
			return slices.ContainsFunc(d.record(k).Handled, told) && d.owedFiles(k) == 1
		})
		d.stop()
		fails.Store(false)
		d.start()
		d.awaitFiles(k, 5)
		d.awaitTold(k, messages.EventAttachmentStored, 4)
	})
	d.run(t, "an upload", func(t *testing.T) {
		o := program()
		media, err := d.system.TakeUpload(t.Context(), actors.Upload{TicketID: k.id, Origin: o, Name: "report.txt",
			From: strings.NewReader("all is well")})
		d.must(err)
		_, data := d.awaitTold(k, messages.EventAttachmentStored, 5)
		if data.Attachment.FileName != media.FileName || data.MessageID != nil {
			t.Errorf("%+v", data)
		}
	})
}

// owedFiles is how many finished files of a ticket are not told.
func (d *desk) owedFiles(k *ticket) (n int) {
	for _, a := range d.attachments(k) {
		if a.Finished() && !a.DueAt.IsZero() {
			n++
		}
	}
	return n
}

// untold refuses to write that a file is told, while fails is set.
type untold struct {
	storage.Store
	fails *atomic.Bool
}

func (s untold) SaveAttachment(ctx context.Context, a *storage.Attachment) error {
	if s.fails.Load() && a.Finished() && a.DueAt.IsZero() {
		return storage.ErrUnavailable
	}
	return s.Store.SaveAttachment(ctx, a)
}
