package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of keys, people and groups.

// answerAPI answers a read of the API; false: it is none of these.
func (q *query) answerAPI(m proto.Message) (proto.Message, bool) {
	switch m := m.(type) {
	case *messages.GetAPIKey:
		return q.apiKey(m), true
	case *messages.ListAPIKeys:
		return q.apiKeys(m), true
	case *messages.GetUserRecord:
		return q.userRecord(m), true
	case *messages.ListUsers:
		return q.users(m), true
	case *messages.GetGroupRecord:
		return q.groupRecord(m), true
	case *messages.ListGroups:
		return q.groups(m), true
	}
	return nil, false
}

func (q *query) apiKey(m *messages.GetAPIKey) proto.Message {
	s, ctx := q.system.store, q.system.ctx
	r, err := s.APIKey(ctx, m.KeyId)
	if err != nil {
		return &messages.APIKeyView{Code: q.code(m, err)}
	}
	view := keyView(r)
	view.ChatId, err = chatOf(ctx, s, r.GroupID)
	return &messages.APIKeyView{Code: q.code(m, err), Key: view}
}

func (q *query) apiKeys(m *messages.ListAPIKeys) proto.Message {
	page, err := q.system.store.APIKeys(q.system.ctx, m.GroupId, m.After, int(m.Limit))
	answer := &messages.APIKeyList{Code: q.code(m, err)}
	chats := q.chats()
	for i := range page {
		view := keyView(&page[i])
		if view.ChatId, err = chats(page[i].GroupID); err != nil {
			return &messages.APIKeyList{Code: q.code(m, err)}
		}
		answer.Keys = append(answer.Keys, view)
	}
	return answer
}

func (q *query) userRecord(m *messages.GetUserRecord) proto.Message {
	s, ctx := q.system.store, q.system.ctx
	r, err := s.User(ctx, m.UserId)
	if err != nil {
		return &messages.UserRecord{Code: q.code(m, err)}
	}
	if m.OnlyGroupId != "" && r.DefaultGroupID != m.OnlyGroupId {
		return &messages.UserRecord{Code: messages.Code_NOT_FOUND}
	}
	chat, err := chatOf(ctx, s, r.DefaultGroupID)
	if err != nil {
		return &messages.UserRecord{Code: q.code(m, err)}
	}
	return userRecordOf(r, chat)
}

func (q *query) users(m *messages.ListUsers) proto.Message {
	s, ctx := q.system.store, q.system.ctx
	var page []storage.User
	var err error
	if m.Username != "" {
		var one *storage.User
		one, err = s.UserByUsername(ctx, m.Username)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			err = nil
		case err == nil && one.TelegramID > m.After && (m.GroupId == "" || one.DefaultGroupID == m.GroupId):
			page = append(page, *one)
		}
	} else {
		page, err = s.Users(ctx, m.GroupId, m.After, int(m.Limit))
	}
	answer := &messages.UserList{Code: q.code(m, err)}
	chats := q.chats()
	for i := range page {
		chat, err := chats(page[i].DefaultGroupID)
		if err != nil {
			return &messages.UserList{Code: q.code(m, err)}
		}
		answer.Users = append(answer.Users, userRecordOf(&page[i], chat))
	}
	return answer
}

func (q *query) groupRecord(m *messages.GetGroupRecord) proto.Message {
	var r *storage.Group
	var err error
	if m.ChatId != 0 {
		r, err = q.system.store.GroupByTelegramID(q.system.ctx, m.ChatId)
	} else {
		r, err = q.system.store.Group(q.system.ctx, m.GroupId)
	}
	if err != nil {
		return &messages.GroupRecord{Code: q.code(m, err)}
	}
	return groupRecordOf(r)
}

func (q *query) groups(m *messages.ListGroups) proto.Message {
	page, err := q.system.store.Groups(q.system.ctx, m.After, int(m.Limit))
	answer := &messages.GroupList{Code: q.code(m, err)}
	for i := range page {
		answer.Groups = append(answer.Groups, groupRecordOf(&page[i]))
	}
	return answer
}

// chats finds Telegram's ids of groups, each once.
func (q *query) chats() func(groupID string) (int64, error) {
	known := map[string]int64{}
	return func(id string) (int64, error) {
		if chat, ok := known[id]; ok {
			return chat, nil
		}
		chat, err := chatOf(q.system.ctx, q.system.store, id)
		known[id] = chat
		return chat, err
	}
}

// chatOf is Telegram's id of a group; 0 for "" and for a group that nobody knows.
func chatOf(ctx context.Context, store storage.Groups, groupID string) (int64, error) {
	if groupID == "" {
		return 0, nil
	}
	g, err := store.Group(ctx, groupID)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read a group: %w", err)
	}
	return g.TelegramGroupID, nil
}

// keyView is a key as its owner sees it.
func keyView(r *storage.APIKey) *messages.APIKey {
	rate, burst := limitsOf(r)
	v := &messages.APIKey{KeyId: r.KeyID, Name: r.Name, Owner: r.Owner, Scopes: r.Scopes, GroupId: r.GroupID, Rate: rate, Burst: burst,
		ExpiresMs: millisOf(r.ExpiresAt), RevokedMs: millisOf(r.RevokedAt), LastUsedMs: millisOf(r.LastUsedAt),
		CreatedMs: millisOf(r.CreatedAt), UpdatedMs: millisOf(r.UpdatedAt)}
	for _, s := range r.Secrets {
		v.OldUntilMs = max(v.OldUntilMs, millisOf(s.Until))
	}
	return v
}

func userRecordOf(r *storage.User, chat int64) *messages.UserRecord {
	return &messages.UserRecord{
		Code: messages.Code_OK,
		Person: &messages.Person{Id: r.TelegramID, Username: r.Username, FirstName: r.FirstName, LastName: r.LastName,
			LanguageCode: r.Language, IsBot: r.IsBot},
		DefaultGroupId: r.DefaultGroupID, DefaultChatId: chat, CreatedMs: millisOf(r.CreatedAt), UpdatedMs: millisOf(r.UpdatedAt),
	}
}

func groupRecordOf(r *storage.Group) *messages.GroupRecord {
	return &messages.GroupRecord{
		Code: messages.Code_OK, GroupId: r.GroupID, Registered: r.SupportTopicsEnabled, Public: r.Public, Lang: r.Language,
		Facts: &messages.GroupFacts{ChatId: r.TelegramGroupID, Title: r.Title, Type: r.Type, IsForum: r.IsForum,
			BotStatus: r.BotStatus, CanManageTopics: r.CanManageTopics, CanPinMessages: r.CanPinMessages},
		Standing: ticketsIn(r), CreatedMs: millisOf(r.CreatedAt), UpdatedMs: millisOf(r.UpdatedAt),
	}
}

// millisOf is a time as it travels; 0: not set.
func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
