package storagetest

import (
	"context"
	"fmt"

	"github.com/topicdesk/topicdesk/storage"
)

// saveable describes a collection of records with a Version, for tests that are the same for each. Records are
// pointers in an any.
type saveable struct {
	name    string
	record  func(id int) any // a new record, not stored
	insert  func(ctx context.Context, s storage.Store, r any) error
	save    func(ctx context.Context, s storage.Store, r any) error
	load    func(ctx context.Context, s storage.Store, r any) (any, error) // the record with r's id
	version func(r any) *int64
	text    func(r any) *string // one of its texts
	// adopt gives r the identity of like, after fill has changed it.
	adopt func(r, like any)
	clone func(r any) any
}

func saveableOf[T any](
	name string, record func(id int) *T,
	save func(storage.Store, context.Context, *T) error,
	load func(storage.Store, context.Context, *T) (*T, error),
	version func(*T) *int64, text func(*T) *string, adopt func(r, like *T),
) saveable {
	return saveable{
		name:    name,
		record:  func(id int) any { return record(id) },
		insert:  func(ctx context.Context, s storage.Store, r any) error { return save(s, ctx, r.(*T)) },
		save:    func(ctx context.Context, s storage.Store, r any) error { return save(s, ctx, r.(*T)) },
		load:    func(ctx context.Context, s storage.Store, r any) (any, error) { return load(s, ctx, r.(*T)) },
		version: func(r any) *int64 { return version(r.(*T)) },
		text:    func(r any) *string { return text(r.(*T)) },
		adopt:   func(r, like any) { adopt(r.(*T), like.(*T)) },
		clone: func(r any) any {
			c := *r.(*T)
			return &c
		},
	}
}

func saveables() []saveable {
	messages := saveableOf("message",
		func(id int) *storage.Message { return aMessage(fmt.Sprintf("T%d", id), 1) },
		storage.Store.SaveMessage,
		func(s storage.Store, ctx context.Context, m *storage.Message) (*storage.Message, error) {
			return s.Message(ctx, m.MessageID)
		},
		func(m *storage.Message) *int64 { return &m.Version },
		func(m *storage.Message) *string { return &m.Text },
		func(m, like *storage.Message) {
			m.MessageID, m.TicketID, m.Sequence, m.Version = like.MessageID, like.TicketID, like.Sequence, like.Version
		})
	messages.insert = func(ctx context.Context, s storage.Store, r any) error {
		return s.InsertMessage(ctx, r.(*storage.Message))
	}
	return append([]saveable{
		messages,
		saveableOf("user",
			func(id int) *storage.User {
				return &storage.User{TelegramID: int64(id), FirstName: "Nok", CreatedAt: day, UpdatedAt: day}
			},
			storage.Store.SaveUser,
			func(s storage.Store, ctx context.Context, u *storage.User) (*storage.User, error) {
				return s.User(ctx, u.TelegramID)
			},
			func(u *storage.User) *int64 { return &u.Version },
			func(u *storage.User) *string { return &u.FirstName },
			func(u, like *storage.User) { u.TelegramID, u.Version = like.TelegramID, like.Version }),
		saveableOf("group",
			func(id int) *storage.Group {
				return &storage.Group{
					GroupID: fmt.Sprintf("g%d", id), TelegramGroupID: -1000 - int64(id), Spoken: "th", CreatedAt: day, UpdatedAt: day,
				}
			},
			storage.Store.SaveGroup,
			func(s storage.Store, ctx context.Context, g *storage.Group) (*storage.Group, error) {
				return s.Group(ctx, g.GroupID)
			},
			func(g *storage.Group) *int64 { return &g.Version },
			func(g *storage.Group) *string { return &g.Title },
			func(g, like *storage.Group) { g.GroupID, g.Version = like.GroupID, like.Version }),
		saveableOf("ticket",
			func(id int) *storage.Ticket { return aTicket(fmt.Sprintf("T%d", id)) },
			storage.Store.SaveTicket,
			func(s storage.Store, ctx context.Context, t *storage.Ticket) (*storage.Ticket, error) {
				return s.Ticket(ctx, t.TicketID)
			},
			func(t *storage.Ticket) *int64 { return &t.Version },
			func(t *storage.Ticket) *string { return &t.Title },
			func(t, like *storage.Ticket) { t.TicketID, t.Version = like.TicketID, like.Version }),
		saveableOf("copy",
			func(id int) *storage.Copy { return aCopy(fmt.Sprintf("-1001:%d", id), "T1:1", "T1:1", int64(id), 5) },
			storage.Store.SaveCopy,
			func(s storage.Store, ctx context.Context, c *storage.Copy) (*storage.Copy, error) {
				return s.Copy(ctx, c.MessageID, c.TopicID)
			},
			func(c *storage.Copy) *int64 { return &c.Version },
			func(c *storage.Copy) *string { return &c.Reason },
			func(c, like *storage.Copy) {
				c.MessageID, c.TopicID, c.Version = like.MessageID, like.TopicID, like.Version
			}),
		saveableOf("attachment",
			func(id int) *storage.Attachment { return anAttachment(fmt.Sprintf("T%d", id), 1) },
			storage.Store.SaveAttachment,
			func(s storage.Store, ctx context.Context, a *storage.Attachment) (*storage.Attachment, error) {
				return s.Attachment(ctx, a.AttachmentID)
			},
			func(a *storage.Attachment) *int64 { return &a.Version },
			func(a *storage.Attachment) *string { return &a.Reason },
			func(a, like *storage.Attachment) { a.AttachmentID, a.Version = like.AttachmentID, like.Version }),
		saveableOf("chat",
			func(id int) *storage.Chat {
				return &storage.Chat{ChatID: fmt.Sprintf("g%d", id), Rate: 1, Answers: []storage.Pending{{ID: "a"}},
					Words: []storage.Word{{MessageID: 7, TicketID: "TICK-A"}}}
			},
			storage.Store.SaveChat,
			func(s storage.Store, ctx context.Context, c *storage.Chat) (*storage.Chat, error) {
				return s.Chat(ctx, c.ChatID)
			},
			func(c *storage.Chat) *int64 { return &c.Version },
			func(c *storage.Chat) *string { return &c.Answers[0].Kind },
			func(c, like *storage.Chat) { c.ChatID, c.Version = like.ChatID, like.Version }),
		saveableOf("API key",
			func(id int) *storage.APIKey { return anAPIKey(fmt.Sprintf("k%d", id)) },
			storage.Store.SaveAPIKey,
			func(s storage.Store, ctx context.Context, k *storage.APIKey) (*storage.APIKey, error) {
				return s.APIKey(ctx, k.KeyID)
			},
			func(k *storage.APIKey) *int64 { return &k.Version },
			func(k *storage.APIKey) *string { return &k.Name },
			func(k, like *storage.APIKey) { k.KeyID, k.Version = like.KeyID, like.Version }),
		saveableOf("idempotency",
			func(id int) *storage.Idempotency { return anIdempotency(fmt.Sprintf("k1/%d", id)) },
			storage.Store.SaveIdempotency,
			func(s storage.Store, ctx context.Context, i *storage.Idempotency) (*storage.Idempotency, error) {
				return s.Idempotency(ctx, i.RequestID)
			},
			func(i *storage.Idempotency) *int64 { return &i.Version },
			func(i *storage.Idempotency) *string { return &i.Headers[0].Value },
			func(i, like *storage.Idempotency) { i.RequestID, i.Version = like.RequestID, like.Version }),
	}, append(append(webhookSaveables(), monitorSaveables()...), tallySaveable())...)
}
