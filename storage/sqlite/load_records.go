package sqlite

import (
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// How each kind of record is loaded: with the statements that also insert it.

func loadUser(u storage.User, doc string) *loading {
	username, sortName, group := userColumns(&u)
	return &loading{
		what: fmt.Sprint("user ", u.TelegramID), doc: doc, find: readUser, key: []any{u.TelegramID},
		store: versioned(func(w *writer) error {
			return w.one(exists("user", u.TelegramID), insertUser,
				u.TelegramID, username, sortName, group, millis(u.UpdatedAt), dueAt(u.DueAt), doc)
		}, setUserVersion, u.Version, u.TelegramID),
	}
}

func loadGroup(g storage.Group, doc string) *loading {
	g.FormerIDs = slices.Clone(g.FormerIDs)
	return &loading{
		what: "group " + g.GroupID, doc: doc, find: readGroup, key: []any{g.GroupID},
		store: versioned(func(w *writer) error {
			if err := w.one(exists("group", g.GroupID), insertGroup, g.GroupID, dueAt(g.DueAt), doc); err != nil {
				return err
			}
			return w.saveGroupChats(g)
		}, setGroupVersion, g.Version, g.GroupID),
	}
}

func loadTicket(t storage.Ticket, doc string) *loading {
	t.DueAt = t.DueWhenLoaded()
	save := newTicketSave(&t, 0, doc)
	return &loading{
		what: "ticket " + t.TicketID, doc: doc, find: readTicket, key: []any{t.TicketID},
		store: versioned(save.insert, setTicketVersion, t.Version, t.TicketID),
	}
}

func loadMessage(m storage.Message, doc string) *loading {
	return &loading{
		what: "message " + m.MessageID, doc: doc, find: readMessage, key: []any{m.MessageID},
		store: versioned(func(w *writer) error {
			return w.one(exists("message", m.MessageID), insertMessage,
				m.TicketID, m.Sequence, m.MessageID, m.Hidden(), m.Open(), answersOf(&m), doc)
		}, setMessageVersion, m.Version, m.MessageID),
	}
}

func loadCopy(c storage.Copy, doc string) *loading {
	c.Parts = slices.Clone(c.Parts)
	columns := copyColumns(&c, doc)
	return &loading{
		what: "copy of " + c.MessageID + " into " + c.TopicID, doc: doc,
		find: readCopy, key: []any{c.MessageID, c.TopicID},
		store: versioned(func(w *writer) error {
			if err := w.one(exists("copy", c.MessageID), insertCopy, columns...); err != nil {
				return err
			}
			return w.saveParts(&c)
		}, setCopyVersion, c.Version, c.MessageID, c.TopicID),
	}
}

func loadAttachment(a storage.Attachment, doc string) *loading {
	columns := attachmentColumns(&a, doc)
	return &loading{
		what: "attachment " + a.AttachmentID, doc: doc, find: readAttachment, key: []any{a.AttachmentID},
		store: versioned(func(w *writer) error {
			return w.one(exists("attachment", a.AttachmentID), insertAttachment, columns...)
		}, setFileVersion, a.Version, a.AttachmentID),
	}
}

func loadChat(c storage.Chat, doc string) *loading {
	return &loading{
		what: "chat " + c.ChatID, doc: doc, find: readChat, key: []any{c.ChatID},
		store: versioned(func(w *writer) error {
			return w.one(exists("chat", c.ChatID), insertChat, c.ChatID, dueAt(c.DueAt), doc)
		}, setChatVersion, c.Version, c.ChatID),
	}
}

func loadAPIKey(k storage.APIKey, doc string) *loading {
	group := orNull(k.GroupID)
	return &loading{
		what: "API key " + k.KeyID, doc: doc, find: readAPIKey, key: []any{k.KeyID},
		store: versioned(func(w *writer) error {
			return w.one(exists("API key", k.KeyID), insertAPIKey, k.KeyID, group, doc)
		}, setAPIKeyVersion, k.Version, k.KeyID),
	}
}

func loadIdempotency(i storage.Idempotency, doc string) *loading {
	return &loading{
		what: "answer to " + i.RequestID, doc: doc, find: readIdempotency, key: []any{i.RequestID},
		store: versioned(func(w *writer) error {
			return w.one(exists("answer", i.RequestID), insertIdempotency, i.RequestID, millis(i.ExpiresAt), doc)
		}, setIdempotencyVersion, i.Version, i.RequestID),
	}
}

// loadEvent does not ask whether the position follows the last one: events may have been deleted during the dump.
func loadEvent(e storage.Event, doc string) *loading {
	row := newEventRow(&e, doc)
	return &loading{
		what: fmt.Sprintf("event %d/%d", e.Partition, e.Position), doc: doc, find: readPlace, key: []any{row.place},
		store: func(w *writer) error { return w.insertEvent(row) },
	}
}

func loadWebhook(h storage.Webhook, doc string) *loading {
	save := newWebhookSave(&h, doc)
	return &loading{
		what: "webhook " + h.WebhookID, doc: doc, find: readWebhook, key: []any{h.WebhookID},
		store: versioned(func(w *writer) error { return save.run(w, 0) }, setWebhookVersion, h.Version, h.WebhookID),
	}
}

func loadDelivery(d storage.Delivery, doc string) *loading {
	columns := deliveryColumns(&d, doc)
	return &loading{
		what: "delivery of " + d.EventID + " to " + d.WebhookID, doc: doc,
		find: readDelivery, key: columns[:3],
		store: versioned(func(w *writer) error {
			return w.one(exists("delivery", d.EventID), insertDelivery, columns...)
		}, setDeliveryVersion, append([]any{d.Version}, columns[:3]...)...),
	}
}

func loadReplay(r storage.Replay, doc string) *loading {
	return &loading{
		what: "replay " + r.ReplayID, doc: doc, find: readReplay, key: []any{r.ReplayID},
		store: versioned(func(w *writer) error {
			return w.one(exists("replay", r.ReplayID), insertReplay, r.ReplayID, r.WebhookID, millis(r.CreatedAt), doc)
		}, setReplayVersion, r.Version, r.ReplayID),
	}
}

func loadConsumer(c storage.Consumer, doc string) *loading {
	return &loading{
		what: "consumer " + c.Name, doc: doc, find: readConsumer, key: []any{c.KeyID, c.Name},
		store: versioned(func(w *writer) error {
			return w.one(exists("consumer", c.Name), insertConsumer, c.KeyID, c.Name, doc)
		}, setConsumerVersion, c.Version, c.KeyID, c.Name),
	}
}

func loadErrorGroup(g storage.ErrorGroup, doc string) *loading {
	return &loading{
		what: "error " + g.Fingerprint, doc: doc, find: readErrorGroup, key: []any{g.Fingerprint},
		store: versioned(func(w *writer) error {
			return w.one(exists("error", g.Fingerprint), insertErrorGroup, g.Fingerprint, doc)
		}, setErrorVersion, g.Version, g.Fingerprint),
	}
}

func loadProblem(p storage.Problem, doc string) *loading {
	return &loading{
		what: "problem " + p.ProblemID, doc: doc, find: readProblem, key: []any{p.ProblemID},
		store: versioned(func(w *writer) error {
			return w.one(exists("problem", p.ProblemID), insertProblem, p.ProblemID, doc)
		}, setProblemVersion, p.Version, p.ProblemID),
	}
}

func loadTally(t storage.Tally, doc string) *loading {
	return &loading{
		what: "tally " + t.TallyID, doc: doc, find: readTally, key: []any{t.TallyID},
		store: versioned(func(w *writer) error {
			return w.one(exists("tally", t.TallyID), insertTally, tallyColumns(&t, doc)...)
		}, setTallyVersion, t.Version, t.TallyID),
	}
}

func loadLease(l storage.Lease, doc string) *loading {
	return &loading{
		what: "lease " + l.Entity, doc: doc, find: readLease, key: []any{l.Entity},
		found: func(r row) string {
			taken := time.UnixMilli(r.int(2)).UTC()
			text, _ := encode(&storage.Lease{Entity: l.Entity, Epoch: r.int(0), Owner: r.text(1), TakenAt: taken})
			return text
		},
		store: func(w *writer) error {
			_, err := w.exec(insertLease, l.Entity, l.Epoch, l.Owner, millis(l.TakenAt))
			return err
		},
	}
}

func loadOffset(o storage.SavedOffset, doc string) *loading {
	return &loading{
		what: "offset " + o.Name, doc: doc, find: readOffset, key: []any{o.Name},
		found: func(r row) string {
			text, _ := encode(&storage.SavedOffset{Name: o.Name, Value: r.int(0)})
			return text
		},
		store: func(w *writer) error {
			_, err := w.exec(insertOffset, o.Name, o.Value)
			return err
		},
	}
}

func loadUpdate(u storage.WaitingUpdate, doc string) *loading {
	return &loading{
		what: fmt.Sprintf("update %d of %s", u.UpdateID, u.Bot), doc: doc, find: readUpdate, key: []any{u.Bot, u.UpdateID},
		store: func(w *writer) error {
			return w.one(exists("update", u.UpdateID), insertUpdate, u.Bot, u.UpdateID, doc)
		},
	}
}
