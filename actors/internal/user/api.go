package user

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// This file holds what programs change through the API.

// onPut makes the person known, or changes what is known. A repeated command finds its own work and gets the same
// reply.
func (u *user) onPut(m *messages.PutUser) (proto.Message, error) {
	id := m.Origin.GetCommandId()
	switch {
	case u.record == nil && m.MustExist, u.record != nil && !m.Create && !u.isOf(m.OnlyGroupId):
		return &messages.UserRecord{Code: messages.Code_NOT_FOUND}, nil
	case u.record != nil && m.Create && u.record.CommandID != id:
		return &messages.UserRecord{Code: messages.Code_CONFLICT, Reason: messages.ReasonUserExists}, nil
	case u.record != nil && m.Create:
		return u.asRecord()
	}
	next := u.next()
	if u.record == nil {
		next.CommandID = id
		telegramID, err := strconv.ParseInt(u.ID, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a user's identity is their Telegram id: %w", err)
		}
		next.TelegramID = telegramID
	}
	for _, field := range []struct {
		to   *string
		from *string
	}{
		{&next.Username, m.Username}, {&next.FirstName, m.FirstName}, {&next.LastName, m.LastName}, {&next.Language, m.Lang},
		{&next.DefaultGroupID, m.DefaultGroupId},
	} {
		if field.from != nil {
			*field.to = messages.CleanLine(*field.from)
		}
	}
	if u.record != nil && reflect.DeepEqual(next, u.record) {
		return u.asRecord()
	}
	if u.record == nil || !strings.EqualFold(u.record.Username, next.Username) {
		other, err := u.anotherWith(next.Username)
		if err != nil {
			return nil, err
		}
		if other != "" {
			return &messages.UserRecord{Code: messages.Code_CONFLICT, Reason: messages.ReasonUsernameTaken}, nil
		}
	}
	if err := u.save(next); err != nil {
		return nil, err
	}
	return u.asRecord()
}

// isOf says whether the person's default group is the group; everybody matches "".
func (u *user) isOf(groupID string) bool { return groupID == "" || u.record.DefaultGroupID == groupID }

func (u *user) asRecord() (proto.Message, error) {
	chat, err := desk.ChatOf(u.Ctx, u.Store, u.record.DefaultGroupID)
	if err != nil {
		return nil, err
	}
	return desk.UserRecordOf(u.record, chat), nil
}

// onDelete forgets the person, until they write to the bot again. Their tickets and messages keep their name.
func (u *user) onDelete(m *messages.DeleteUser) (proto.Message, error) {
	if u.record == nil || !u.isOf(m.OnlyGroupId) {
		return entity.Answer(messages.Code_NOT_FOUND, ""), nil
	}
	if err := u.Store.DeleteUser(u.Ctx, u.record.TelegramID, u.record.Version); err != nil {
		return nil, fmt.Errorf("delete the user: %w", err)
	}
	u.record = nil
	return entity.OK(), nil
}
