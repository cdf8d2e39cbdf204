package query

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/series"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of how the desk does.

func (q *query) series(m *messages.GetSeries) proto.Message {
	from, step := time.UnixMilli(m.FromMs), time.Duration(m.StepMs)*time.Millisecond
	points, err := series.Read(q.env.Ctx, q.env.Store, int(m.Minutes), from, step)
	return &messages.Series{Code: q.code(m, err), Points: points}
}

func (q *query) groupStates(m *messages.ListGroupStates) proto.Message {
	groups, err := q.groupsFor(m)
	if err != nil {
		return &messages.GroupStates{Code: q.code(m, err)}
	}
	reply := &messages.GroupStates{Code: messages.Code_OK}
	for i := range groups {
		state, err := q.groupState(&groups[i])
		if err != nil {
			return &messages.GroupStates{Code: q.code(m, err)}
		}
		reply.Groups = append(reply.Groups, state)
	}
	return reply
}

func (q *query) groupsFor(m *messages.ListGroupStates) ([]storage.Group, error) {
	if m.GroupId == "" {
		return q.env.Store.Groups(q.env.Ctx, m.After, int(m.Limit))
	}
	one, err := q.env.Store.Group(q.env.Ctx, m.GroupId)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case one.GroupID <= m.After:
		return nil, nil
	}
	return []storage.Group{*one}, nil
}

// groupState reads what the group's chat stored last, which it does with each call, and now and then while copies wait. To ask
// the chat would make it resident.
func (q *query) groupState(g *storage.Group) (*messages.GroupState, error) {
	s := &messages.GroupState{
		GroupId: g.GroupID, Title: g.Title, ChatId: g.TelegramGroupID, BotStatus: g.BotStatus,
		CanManageTopics: g.CanManageTopics, IsForum: g.IsForum, Registered: g.SupportTopicsEnabled, Lang: g.Language,
	}
	people, err := q.env.Store.Users(q.env.Ctx, g.GroupID, 0, 1)
	if err != nil {
		return nil, err
	}
	s.IsDefault = len(people) > 0
	chat, err := q.env.Store.Chat(q.env.Ctx, g.GroupID)
	if errors.Is(err, storage.ErrNotFound) {
		chat, err = &storage.Chat{}, nil
	}
	if err != nil {
		return nil, err
	}
	now := q.env.Now()
	quiet := now.Sub(chat.RateAt)
	s.OldestMs, s.Waiting, s.Suspended = desk.MillisOf(chat.Oldest), int64(chat.Waiting), chat.Suspended
	s.PerMinute = int64(q.pace.PerMinute(chat.Rate, quiet))
	s.Budget = int64(q.pace.Left(chat.Calls, chat.Rate, quiet, now))
	if chat.BlockedUntil.After(now) {
		s.Budget, s.BlockedUntilMs = 0, desk.MillisOf(chat.BlockedUntil)
	}
	return s, nil
}
