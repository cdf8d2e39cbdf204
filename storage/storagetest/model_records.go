package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func (m *model) DueUsers(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	due := func(u storage.User) storage.Due {
		return storage.Due{ID: strconv.FormatInt(u.TelegramID, 10), At: u.DueAt}
	}
	users, err := modelList(ctx, m, m.users, func(u storage.User) bool {
		return !u.DueAt.IsZero() && !u.DueAt.After(storage.Kept(now))
	}, func(users []storage.User) {
		slices.SortFunc(users, func(a, b storage.User) int {
			return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(due(a).ID, due(b).ID))
		})
	}, 0, limit)
	page := make([]storage.Due, 0, len(users))
	for _, u := range users {
		page = append(page, due(u))
	}
	return page, err
}

func (m *model) Group(ctx context.Context, id string) (*storage.Group, error) {
	return modelGet(ctx, m, m.groups, id)
}

func (m *model) GroupByTelegramID(ctx context.Context, chatID int64) (*storage.Group, error) {
	rank := func(g storage.Group) int {
		if g.TelegramGroupID == chatID {
			return 0
		}
		return 1
	}
	page, err := modelList(ctx, m, m.groups, func(g storage.Group) bool {
		return g.TelegramGroupID == chatID || slices.Contains(g.FormerIDs, chatID)
	}, func(groups []storage.Group) {
		slices.SortFunc(groups, func(a, b storage.Group) int {
			if c := rank(a) - rank(b); c != 0 {
				return c
			}
			return strings.Compare(b.GroupID, a.GroupID)
		})
	}, 0, 1)
	if err != nil {
		return nil, err
	}
	if len(page) == 0 {
		return nil, storage.ErrNotFound
	}
	return &page[0], nil
}

func (m *model) Groups(ctx context.Context, after string, limit int) ([]storage.Group, error) {
	return modelList(ctx, m, m.groups, func(g storage.Group) bool { return g.GroupID > after },
		func(groups []storage.Group) {
			slices.SortFunc(groups, func(a, b storage.Group) int { return strings.Compare(a.GroupID, b.GroupID) })
		}, 0, limit)
}

func (m *model) SaveGroup(ctx context.Context, g *storage.Group) error {
	return modelSave(ctx, m, m.groups, g.GroupID, g, g.Kept(), groupVersion, nil)
}

func (m *model) DueGroups(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	return modelDue(ctx, m, m.groups, func(g storage.Group) time.Time { return g.DueAt }, now, storage.Due{}, limit)
}

func (m *model) APIKey(ctx context.Context, id string) (*storage.APIKey, error) {
	return modelGet(ctx, m, m.keys, id)
}

func (m *model) APIKeys(ctx context.Context, group, after string, limit int) ([]storage.APIKey, error) {
	return modelList(ctx, m, m.keys, func(k storage.APIKey) bool {
		return k.KeyID > after && (group == "" || k.GroupID == group)
	}, func(keys []storage.APIKey) {
		slices.SortFunc(keys, func(a, b storage.APIKey) int { return strings.Compare(a.KeyID, b.KeyID) })
	}, 0, limit)
}

func (m *model) SaveAPIKey(ctx context.Context, k *storage.APIKey) error {
	return modelSave(ctx, m, m.keys, k.KeyID, k, k.Kept(), keyVersion, nil)
}

func (m *model) Idempotency(ctx context.Context, id string) (*storage.Idempotency, error) {
	return modelGet(ctx, m, m.answers, id)
}

func (m *model) SaveIdempotency(ctx context.Context, i *storage.Idempotency) error {
	return modelSave(ctx, m, m.answers, i.RequestID, i, i.Kept(), answerVersion, nil)
}

func (m *model) DeleteIdempotencies(ctx context.Context, now time.Time, limit int) (int, error) {
	expiry := func(i storage.Idempotency) time.Time { return i.ExpiresAt }
	page, err := modelDue(ctx, m, m.answers, expiry, now, storage.Due{}, limit)
	if err != nil {
		return 0, err
	}
	for _, d := range page {
		delete(m.answers, d.ID)
	}
	return len(page), nil
}

func (m *model) Chat(ctx context.Context, id string) (*storage.Chat, error) {
	return modelGet(ctx, m, m.chats, id)
}

func (m *model) SaveChat(ctx context.Context, c *storage.Chat) error {
	return modelSave(ctx, m, m.chats, c.ChatID, c, c.Kept(), chatVersion, nil)
}

func (m *model) DueChats(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	return modelDue(ctx, m, m.chats, func(c storage.Chat) time.Time { return c.DueAt }, now, storage.Due{}, limit)
}

// belongs says whether the ticket claims the topic.
func belongs(t storage.Ticket, group string, thread int64) bool {
	is := func(at storage.Topic) bool {
		return thread != 0 && at.GroupID == group &&
			(at.TelegramTopicID == thread || slices.Contains(at.FormerThreads, thread))
	}
	return is(t.Home) || slices.ContainsFunc(t.Links, func(l storage.Link) bool { return !l.Ended && is(l.Topic) })
}

func (m *model) Ticket(ctx context.Context, id string) (*storage.Ticket, error) {
	return modelGet(ctx, m, m.tickets, id)
}

func (m *model) SaveTicket(ctx context.Context, t *storage.Ticket) error {
	free := func() error {
		for id, other := range m.tickets {
			sameCreator := other.CreatedBy.Kind == t.CreatedBy.Kind && other.CreatedBy.ID == t.CreatedBy.ID
			if t.ExternalID != "" && id != t.TicketID && other.ExternalID == t.ExternalID && sameCreator {
				return storage.ErrExternalIDTaken
			}
		}
		for id, other := range m.tickets {
			if t.Number != 0 && id != t.TicketID && other.Number == t.Number {
				return storage.ErrNumberTaken
			}
		}
		topics := []storage.Topic{t.Home}
		for _, l := range t.Links {
			if !l.Ended {
				topics = append(topics, l.Topic)
			}
		}
		for _, at := range topics {
			for id, other := range m.tickets {
				for _, thread := range append([]int64{at.TelegramTopicID}, at.FormerThreads...) {
					if id != t.TicketID && belongs(other, at.GroupID, thread) {
						return storage.ErrTopicTaken
					}
				}
			}
		}
		return nil
	}
	return modelSave(ctx, m, m.tickets, t.TicketID, t, t.Kept(), ticketVersion, free)
}

func (m *model) TicketByTopic(ctx context.Context, group string, thread int64) (string, error) {
	owns := func(t storage.Ticket) bool { return belongs(t, group, thread) }
	page, err := modelList(ctx, m, m.tickets, owns, newestFirst, 0, 1)
	if err != nil {
		return "", err
	}
	if len(page) == 0 {
		return "", storage.ErrNotFound
	}
	return page[0].TicketID, nil
}

func (m *model) TakeNumbers(ctx context.Context, n int) (int64, error) {
	if n < 1 {
		return 0, fmt.Errorf("take %d numbers", n)
	}
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if m.lastNumber == nil {
		m.lastNumber = new(int64)
		for _, t := range m.tickets {
			*m.lastNumber = max(*m.lastNumber, t.Number)
		}
	}
	first := *m.lastNumber + 1
	*m.lastNumber += int64(n)
	return first, nil
}

func (m *model) TicketByNumber(ctx context.Context, number int64) (string, error) {
	hasIt := func(t storage.Ticket) bool { return t.Number == number }
	page, err := modelList(ctx, m, m.tickets, hasIt, newestFirst, 0, 1)
	if err != nil {
		return "", err
	}
	if len(page) == 0 {
		return "", storage.ErrNotFound
	}
	return page[0].TicketID, nil
}

func (m *model) TicketsByShortID(ctx context.Context, shortID string) ([]string, error) {
	hasIt := func(t storage.Ticket) bool { return t.ShortID == shortID }
	page, err := modelList(ctx, m, m.tickets, hasIt, newestFirst, 0, math.MaxInt)
	var ids []string
	for _, t := range page {
		ids = append(ids, t.TicketID)
	}
	slices.Sort(ids)
	return ids[:min(10, len(ids))], err
}

func (m *model) TicketsByCreator(
	ctx context.Context, kind, id string, openOnly bool, limit int,
) ([]storage.Ticket, error) {
	return modelList(ctx, m, m.tickets, func(t storage.Ticket) bool {
		return t.CreatedBy.Kind == kind && t.CreatedBy.ID == id && (!openOnly || t.Status != "closed")
	}, newestFirst, 0, limit)
}

func (m *model) TicketsWith(ctx context.Context, party string, limit int) ([]storage.Ticket, error) {
	return modelList(ctx, m, m.tickets, func(t storage.Ticket) bool {
		return slices.Contains(t.Parties(), party)
	}, newestFirst, 0, limit)
}

func (m *model) DueTickets(ctx context.Context, now time.Time, after storage.Due, limit int) ([]storage.Due, error) {
	return modelDue(ctx, m, m.tickets, func(t storage.Ticket) time.Time { return t.DueAt }, now, after, limit)
}

func (m *model) ListTickets(ctx context.Context, q storage.TicketQuery) (storage.TicketPage, error) {
	if err := m.Ping(ctx); err != nil {
		return storage.TicketPage{}, err
	}
	if err := q.Served(); err != nil {
		return storage.TicketPage{}, err
	}
	var search *storage.Search
	if q.Text != "" {
		search, _ = storage.NewSearch(q.Text, false)
	}
	wanted := func(t storage.Ticket) bool { return q.Wants(&t, search) }
	all, err := modelList(ctx, m, m.tickets, wanted, func(tickets []storage.Ticket) {
		slices.SortFunc(tickets, func(a, b storage.Ticket) int { return q.Compare(q.Place(&a), q.Place(&b)) })
	}, 0, math.MaxInt)
	if err != nil || q.Limit <= 0 {
		return storage.TicketPage{}, err
	}
	page := storage.TicketPage{Tickets: all[:min(q.Limit, len(all))]}
	if len(all) > q.Limit {
		page.Next = q.Place(&all[q.Limit-1])
	}
	return page, nil
}

func (m *model) CountCreated(ctx context.Context, groupID, status string, from, to time.Time) (int64, error) {
	page, err := modelList(ctx, m, m.tickets, func(t storage.Ticket) bool {
		return (groupID == "" || t.GroupID == groupID) && t.Status == status && !t.CreatedAt.Before(from) && t.CreatedAt.Before(to)
	}, func([]storage.Ticket) {}, 0, 1<<30)
	return int64(len(page)), err
}

func (m *model) CountTickets(ctx context.Context) (map[string]int64, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	counts := map[string]int64{}
	for _, t := range m.tickets {
		counts[t.Status]++
	}
	return counts, nil
}

func (m *model) CountWaiting(ctx context.Context) (map[string]int64, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	counts := map[string]int64{}
	for _, t := range m.tickets {
		if t.WaitingFor != "" {
			counts[t.WaitingFor]++
		}
	}
	return counts, nil
}

func (m *model) Message(ctx context.Context, id string) (*storage.Message, error) {
	return modelGet(ctx, m, m.messages, id)
}

func (m *model) InsertMessage(ctx context.Context, msg *storage.Message) error {
	record := msg.Kept()
	record.Version = 0
	return modelSave(ctx, m, m.messages, msg.MessageID, msg, record, messageVersion, func() error {
		for _, other := range m.messages {
			if other.TicketID == msg.TicketID && other.Sequence == msg.Sequence {
				return storage.ErrConflict
			}
		}
		return nil
	})
}

func (m *model) SaveMessage(ctx context.Context, msg *storage.Message) error {
	if msg.Version == 0 {
		return storage.ErrConflict
	}
	return modelSave(ctx, m, m.messages, msg.MessageID, msg, msg.Kept(), messageVersion, func() error {
		if is := m.messages[msg.MessageID]; is.TicketID != msg.TicketID || is.Sequence != msg.Sequence {
			return storage.ErrConflict
		}
		return nil
	})
}

func (m *model) MessagesAfter(
	ctx context.Context, ticketID string, after int64, limit int,
) ([]storage.Message, error) {
	return modelList(ctx, m, m.messages, func(msg storage.Message) bool {
		return msg.TicketID == ticketID && msg.Sequence > after
	}, bySequence, 0, limit)
}

func (m *model) OpenMessages(ctx context.Context, ticketID string, limit int) ([]storage.Message, error) {
	return modelList(ctx, m, m.messages, func(msg storage.Message) bool {
		return msg.TicketID == ticketID && msg.Open()
	}, bySequence, 0, limit)
}

func (m *model) MessagesBefore(
	ctx context.Context, ticketID string, before int64, limit int,
) ([]storage.Message, error) {
	return modelList(ctx, m, m.messages, func(msg storage.Message) bool {
		return msg.TicketID == ticketID && msg.Sequence < before
	}, func(messages []storage.Message) {
		bySequence(messages)
		slices.Reverse(messages)
	}, 0, limit)
}

func (m *model) LastMessages(ctx context.Context, ticketID string, limit int) ([]storage.Message, error) {
	all, err := modelList(ctx, m, m.messages, func(msg storage.Message) bool {
		return msg.TicketID == ticketID && !msg.Hidden()
	}, bySequence, 0, math.MaxInt)
	return all[len(all)-min(max(limit, 0), len(all)):], err
}

func (m *model) LastSequence(ctx context.Context, ticketID string) (int64, error) {
	ofTicket := func(msg storage.Message) bool { return msg.TicketID == ticketID }
	all, err := modelList(ctx, m, m.messages, ofTicket, bySequence, 0, math.MaxInt)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].Sequence, nil
}

func (m *model) MessageVersions(ctx context.Context, ticketID string, after int64, limit int) (all []storage.MessageVersion, err error) {
	messages, err := m.MessagesAfter(ctx, ticketID, after, limit)
	for _, one := range messages {
		all = append(all, storage.MessageVersion{Sequence: one.Sequence, Version: one.Version})
	}
	return all, err
}

func (m *model) Copy(ctx context.Context, messageID, topicID string) (*storage.Copy, error) {
	return modelGet(ctx, m, m.copies, [2]string{messageID, topicID})
}

func (m *model) SaveCopy(ctx context.Context, c *storage.Copy) error {
	return modelSave(ctx, m, m.copies, [2]string{c.MessageID, c.TopicID}, c, c.Kept(), copyVersion, nil)
}

func (m *model) CopiesAt(ctx context.Context, chatID, messageID int64) ([]storage.Copy, error) {
	return modelList(ctx, m, m.copies, func(c storage.Copy) bool {
		return c.ChatID == chatID && slices.Contains(c.Parts, messageID)
	}, bySequenceThenTopic, 0, math.MaxInt)
}

func (m *model) CopiesAfter(ctx context.Context, linkID string, after int64, limit int) ([]storage.Copy, error) {
	return modelList(ctx, m, m.copies, func(c storage.Copy) bool {
		return c.LinkID == linkID && c.Sequence > after
	}, bySequenceThenTopic, 0, limit)
}

func (m *model) OpenCopies(ctx context.Context, linkID string, limit int) ([]storage.Copy, error) {
	return modelList(ctx, m, m.copies, func(c storage.Copy) bool {
		return c.LinkID == linkID && c.Open()
	}, bySequenceThenTopic, 0, limit)
}

func (m *model) FailedCopies(ctx context.Context, linkID string, after int64, limit int) ([]storage.Copy, error) {
	return modelList(ctx, m, m.copies, func(c storage.Copy) bool {
		return c.LinkID == linkID && c.State == "failed" && c.Sequence > after
	}, bySequenceThenTopic, 0, limit)
}

func (m *model) CopiesOf(ctx context.Context, messageID string) ([]storage.Copy, error) {
	ofMessage := func(c storage.Copy) bool { return c.MessageID == messageID }
	return modelList(ctx, m, m.copies, ofMessage, byTopic, 0, math.MaxInt)
}

// Reindex has nothing to do: the model has no index.
func (m *model) Reindex(ctx context.Context, _ int) (bool, error) { return false, m.Ping(ctx) }
