package query

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of keys, people and groups.

func (q *query) apiKey(m *messages.GetAPIKey) proto.Message {
	r, err := q.env.Store.APIKey(q.env.Ctx, m.KeyId)
	if err != nil {
		return &messages.APIKeyView{Code: q.code(m, err)}
	}
	view := desk.KeyView(r)
	view.ChatId, err = desk.ChatOf(q.env.Ctx, q.env.Store, r.GroupID)
	return &messages.APIKeyView{Code: q.code(m, err), Key: view}
}

func (q *query) apiKeys(m *messages.ListAPIKeys) proto.Message {
	page, err := q.env.Store.APIKeys(q.env.Ctx, m.GroupId, m.After, int(m.Limit))
	reply := &messages.APIKeyList{Code: q.code(m, err)}
	chats := q.chats()
	for i := range page {
		view := desk.KeyView(&page[i])
		if view.ChatId, err = chats(page[i].GroupID); err != nil {
			return &messages.APIKeyList{Code: q.code(m, err)}
		}
		reply.Keys = append(reply.Keys, view)
	}
	return reply
}

func (q *query) userRecord(m *messages.GetUserRecord) proto.Message {
	r, err := q.env.Store.User(q.env.Ctx, m.UserId)
	if err != nil {
		return &messages.UserRecord{Code: q.code(m, err)}
	}
	if m.OnlyGroupId != "" && r.DefaultGroupID != m.OnlyGroupId {
		return &messages.UserRecord{Code: messages.Code_NOT_FOUND}
	}
	chat, err := desk.ChatOf(q.env.Ctx, q.env.Store, r.DefaultGroupID)
	if err != nil {
		return &messages.UserRecord{Code: q.code(m, err)}
	}
	return desk.UserRecordOf(r, chat)
}

func (q *query) userRecords(m *messages.ListUsers) proto.Message {
	page, err := q.userPage(m)
	reply := &messages.UserList{Code: q.code(m, err)}
	chats := q.chats()
	for i := range page {
		chat, err := chats(page[i].DefaultGroupID)
		if err != nil {
			return &messages.UserList{Code: q.code(m, err)}
		}
		reply.Users = append(reply.Users, desk.UserRecordOf(&page[i], chat))
	}
	return reply
}

// userPage is a page of the list of people; with a username, a page of at most one.
func (q *query) userPage(m *messages.ListUsers) ([]storage.User, error) {
	if m.Username == "" {
		return q.env.Store.Users(q.env.Ctx, m.GroupId, m.After, int(m.Limit))
	}
	one, err := q.env.Store.UserByUsername(q.env.Ctx, m.Username)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case one.TelegramID <= m.After || m.GroupId != "" && one.DefaultGroupID != m.GroupId:
		return nil, nil
	}
	return []storage.User{*one}, nil
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

func (q *query) groupRecords(m *messages.ListGroups) proto.Message {
	page, err := q.env.Store.Groups(q.env.Ctx, m.After, int(m.Limit))
	reply := &messages.GroupList{Code: q.code(m, err)}
	for i := range page {
		reply.Groups = append(reply.Groups, desk.GroupRecordOf(&page[i]))
	}
	return reply
}

// chats finds Telegram's ids of the groups of a list. It reads each group once.
func (q *query) chats() func(group ids.Place) (ids.ChatID, error) {
	known := map[ids.Place]ids.ChatID{}
	return func(group ids.Place) (ids.ChatID, error) {
		if chat, ok := known[group]; ok {
			return chat, nil
		}
		chat, err := desk.ChatOf(q.env.Ctx, q.env.Store, group)
		known[group] = chat
		return chat, err
	}
}
