package query

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of keys, people and groups.

func (q *query) apiKey(m *messages.GetAPIKey) proto.Message {
	s, ctx := q.env.Store, q.env.Ctx
	r, err := s.APIKey(ctx, m.KeyId)
	if err != nil {
		return &messages.APIKeyView{Code: q.code(m, err)}
	}
	view := desk.KeyView(r)
	view.ChatId, err = desk.ChatOf(ctx, s, r.GroupID)
	return &messages.APIKeyView{Code: q.code(m, err), Key: view}
}

func (q *query) apiKeys(m *messages.ListAPIKeys) proto.Message {
	page, err := q.env.Store.APIKeys(q.env.Ctx, m.GroupId, m.After, int(m.Limit))
	answer := &messages.APIKeyList{Code: q.code(m, err)}
	chats := q.chats()
	for i := range page {
		view := desk.KeyView(&page[i])
		if view.ChatId, err = chats(page[i].GroupID); err != nil {
			return &messages.APIKeyList{Code: q.code(m, err)}
		}
		answer.Keys = append(answer.Keys, view)
	}
	return answer
}

func (q *query) userRecord(m *messages.GetUserRecord) proto.Message {
	s, ctx := q.env.Store, q.env.Ctx
	r, err := s.User(ctx, m.UserId)
	if err != nil {
		return &messages.UserRecord{Code: q.code(m, err)}
	}
	if m.OnlyGroupId != "" && r.DefaultGroupID != m.OnlyGroupId {
		return &messages.UserRecord{Code: messages.Code_NOT_FOUND}
	}
	chat, err := desk.ChatOf(ctx, s, r.DefaultGroupID)
	if err != nil {
		return &messages.UserRecord{Code: q.code(m, err)}
	}
	return desk.UserRecordOf(r, chat)
}

func (q *query) users(m *messages.ListUsers) proto.Message {
	s, ctx := q.env.Store, q.env.Ctx
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
		answer.Users = append(answer.Users, desk.UserRecordOf(&page[i], chat))
	}
	return answer
}

func (q *query) groupRecord(m *messages.GetGroupRecord) proto.Message {
	var r *storage.Group
	var err error
	if m.ChatId != 0 {
		r, err = q.env.Store.GroupByTelegramID(q.env.Ctx, m.ChatId)
	} else {
		r, err = q.env.Store.Group(q.env.Ctx, m.GroupId)
	}
	if err != nil {
		return &messages.GroupRecord{Code: q.code(m, err)}
	}
	return desk.GroupRecordOf(r)
}

func (q *query) groups(m *messages.ListGroups) proto.Message {
	page, err := q.env.Store.Groups(q.env.Ctx, m.After, int(m.Limit))
	answer := &messages.GroupList{Code: q.code(m, err)}
	for i := range page {
		answer.Groups = append(answer.Groups, desk.GroupRecordOf(&page[i]))
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
		chat, err := desk.ChatOf(q.env.Ctx, q.env.Store, id)
		known[id] = chat
		return chat, err
	}
}
