package storagetest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// hostile lists texts that people write, by chance or with intent.
var hostile = []string{
	"", " ", "\x00", "a\x00b", "\x01\x02\x1f\x7f", `"`, `'`, `\`, "`", `'; DROP TABLE tickets; --`, `{"$ne": null}`,
	"$set", "a.b", "%_*?", "<script>&amp;</script>", "line\r\nline\ttab", "\u2028\u2029", "\u202eright to left",
	"\ufeffbom", "\ufffd",
	"กำลังพิมพ์ ที่ ๑๒๓", "👩‍👩‍👧‍👦🏳️‍🌈", "e\u0301 é", "null", "true", "0", "-0", "1e999", "\U0010ffff",
}

func testHostile(t *testing.T, f Factory) {
	ctx := t.Context()
	for _, k := range saveables() {
		t.Run("any text in a "+k.name, func(t *testing.T) {
			s := f.Open(t)
			r := k.record(1)
			noError(t, k.insert(ctx, s, r))
			for _, text := range append(hostile, strings.Repeat("ยาว", 1<<20/9)) {
				*k.text(r) = text
				noError(t, k.save(ctx, s, r))
				stored, err := k.load(ctx, s, r)
				noError(t, err)
				same(t, *k.text(stored), text)
			}
			*k.text(r) = "a\xff\xfe\xc3b"
			noError(t, k.save(ctx, s, r))
			stored, err := k.load(ctx, s, r)
			noError(t, err)
			same(t, *k.text(stored), "a\ufffd\ufffd\ufffdb") // each byte that is not UTF-8
		})
	}
	t.Run("any text as an id", func(t *testing.T) {
		s := f.Open(t)
		for i, id := range append(hostile[1:], strings.Repeat("long", 200)) {
			ticket := aTicket(id)
			ticket.ShortID, ticket.CreatedBy.ID = id, id
			ticket.Home.GroupID, ticket.Home.TelegramTopicID = id, 7
			noError(t, s.SaveTicket(ctx, ticket))
			ids, err := s.TicketsByShortID(ctx, id)
			noError(t, err)
			same(t, ids, []string{id})
			owner, err := s.TicketByTopic(ctx, id, 7)
			noError(t, err)
			same(t, owner, id)
			mine, err := s.TicketsByCreator(ctx, "user", id, true, 9)
			noError(t, err)
			same(t, mine, []storage.Ticket{*ticket})

			noError(t, s.SaveGroup(ctx, &storage.Group{GroupID: id, TelegramGroupID: int64(i)}))
			m := aMessage(id, 1)
			m.MessageID = id
			noError(t, s.InsertMessage(ctx, m))
			messages, err := s.MessagesAfter(ctx, id, 0, 9)
			noError(t, err)
			same(t, messages, []storage.Message{*m})
			c := aCopy(id, id, id, 1, 5, 6)
			c.ChatID = int64(i)
			noError(t, s.SaveCopy(ctx, c))
			copies, err := s.CopiesAt(ctx, int64(i), 6)
			noError(t, err)
			same(t, copies, []storage.Copy{*c})
			a := anAttachment(id, 1)
			a.AttachmentID, a.MessageID, a.SHA256 = id, id, id
			noError(t, s.SaveAttachment(ctx, a))
			for _, list := range []func() ([]storage.Attachment, error){
				func() ([]storage.Attachment, error) { return s.AttachmentsOf(ctx, id) },
				func() ([]storage.Attachment, error) { return s.AttachmentsWith(ctx, id, 9) },
				func() ([]storage.Attachment, error) { return s.TicketAttachments(ctx, id, 0, "", 9) },
				func() ([]storage.Attachment, error) { return s.PendingAttachments(ctx, id, minute(1), 9) },
			} {
				attachments, err := list()
				noError(t, err)
				same(t, attachments, []storage.Attachment{*a})
			}
			e := anEvent(id, 1)
			last, err := s.LastPosition(ctx, e.Partition)
			noError(t, err)
			e.Position = last + 1
			noError(t, s.AppendEvents(ctx, []storage.Event{e}))
			events, err := s.EventsAfter(ctx, id, 0, 9)
			noError(t, err)
			same(t, events, []storage.Event{e})
			w, d := aWebhook(id), aDelivery(id, 1)
			w.Name, w.GroupID, w.KeyID, d.EventID = id, id, id, id
			noError(t, s.SaveWebhook(ctx, w))
			noError(t, s.SaveDeliveries(ctx, []*storage.Delivery{d}))
			hook, err := s.WebhookByName(ctx, id, id)
			noError(t, err)
			same(t, hook, w)
			open, err := s.OpenDeliveries(ctx, id, 0, 0, 9)
			noError(t, err)
			same(t, open, []storage.Delivery{*d})
			page, err := s.ListDeliveries(ctx, storage.DeliveryQuery{WebhookID: id, Limit: 9})
			noError(t, err)
			same(t, page, storage.DeliveryPage{Deliveries: open})
			consumer := &storage.Consumer{KeyID: id, Name: id}
			noError(t, s.SaveConsumer(ctx, consumer))
			reader, err := s.Consumer(ctx, id, id)
			noError(t, err)
			same(t, reader, consumer)
			epoch, err := s.TakeLease(ctx, id, id, day)
			noError(t, err)
			same(t, epoch, int64(1))
			noError(t, s.SaveOffset(ctx, id, 5))
			update := anUpdate(id, 5)
			noError(t, s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{update}))
			updates, err := s.WaitingUpdates(ctx, id, 4, 9)
			noError(t, err)
			same(t, updates, []storage.WaitingUpdate{update})
		}
	})
	t.Run("ids that are empty or not UTF-8 are refused", func(t *testing.T) {
		s := f.Open(t)
		for _, id := range []string{"", "a\xff"} {
			m, c := aMessage("T1", 1), aCopy("m", "t", "l", 1)
			m.MessageID, c.MessageID = id, id
			a := anAttachment("T1", 1)
			a.AttachmentID = id
			_, leaseErr := s.TakeLease(ctx, id, "me", day)
			for call, err := range map[string]error{
				"SaveTicket": s.SaveTicket(ctx, aTicket(id)), "InsertMessage": s.InsertMessage(ctx, m),
				"SaveCopy": s.SaveCopy(ctx, c), "SaveAttachment": s.SaveAttachment(ctx, a),
				"InsertAttachments": s.InsertAttachments(ctx, []storage.Attachment{*a}),
				"SaveGroup":         s.SaveGroup(ctx, &storage.Group{GroupID: id}),
				"SaveChat":          s.SaveChat(ctx, &storage.Chat{ChatID: id}),
				"SaveWebhook":       s.SaveWebhook(ctx, aWebhook(id)),
				"SaveDeliveries":    s.SaveDeliveries(ctx, []*storage.Delivery{aDelivery(id, 1)}),
				"SaveReplay":        s.SaveReplay(ctx, aReplay(id)),
				"SaveConsumer":      s.SaveConsumer(ctx, aConsumer(id)),
				"SaveErrorGroups":   s.SaveErrorGroups(ctx, []*storage.ErrorGroup{anErrorGroup(id)}),
				"SaveProblem":       s.SaveProblem(ctx, aProblem(id)),
				"SaveTallies":       s.SaveTallies(ctx, []*storage.Tally{aTally(id)}),
				"AppendEvents":      s.AppendEvents(ctx, []storage.Event{anEvent(id, 1)}),
				"SaveOffset":        s.SaveOffset(ctx, id, 1), "TakeLease": leaseErr,
				"SaveSample":         s.SaveSample(ctx, aSample(1, 1, id)),
				"SaveWaitingUpdates": s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{anUpdate(id, 1)}),
			} {
				if err == nil || kind(err) != err {
					t.Errorf("%s with id %q: got %v, want an error that is none of the contract's", call, id, err)
				}
			}
		}
	})
	t.Run("the largest and smallest numbers", func(t *testing.T) {
		s := f.Open(t)
		for i, n := range []int64{
			math.MinInt64, math.MinInt64 + 1, -1 << 53, -1, 1, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64,
		} {
			id := fmt.Sprint(n)
			u := &storage.User{TelegramID: n}
			noError(t, s.SaveUser(ctx, u))
			user, err := s.User(ctx, n)
			noError(t, err)
			same(t, user, u)
			g := &storage.Group{GroupID: id, TelegramGroupID: n, FormerIDs: []int64{n}}
			noError(t, s.SaveGroup(ctx, g))
			group, err := s.GroupByTelegramID(ctx, n)
			noError(t, err)
			same(t, group, g)
			ticket := aTicket(id)
			ticket.Home.TelegramTopicID = n
			noError(t, s.SaveTicket(ctx, ticket))
			owner, err := s.TicketByTopic(ctx, ticket.Home.GroupID, n)
			noError(t, err)
			same(t, owner, id)
			m := aMessage("T1", n)
			noError(t, s.InsertMessage(ctx, m))
			last, err := s.LastSequence(ctx, "T1")
			noError(t, err)
			same(t, last, n)
			after, err := s.MessagesAfter(ctx, "T1", n-1, 9)
			noError(t, err)
			if n > math.MinInt64 { // no number is smaller
				same(t, after, []storage.Message{*m})
			}
			c := aCopy(id, "home", "T1:1", n, int64(i), n)
			c.ChatID = n
			noError(t, s.SaveCopy(ctx, c))
			copies, err := s.CopiesAt(ctx, n, n)
			noError(t, err)
			same(t, copies, []storage.Copy{*c})
		}
	})
}
