package main

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func (f *faults) wrapStore(inner storage.Store) storage.Store {
	return &faultyStore{Store: inner, f: f}
}

// faultyStore reports what it has written, and refuses to write in a life that has ended.
type faultyStore struct {
	storage.Store
	f *faults
}

var errDead = fmt.Errorf("the process is gone: %w", storage.ErrUnavailable)

func (s *faultyStore) do(method string, record any, write func() error) error {
	if s.f.isDead() {
		return errDead
	}
	if err := write(); err != nil {
		return err
	}
	s.f.wrote(method, record)
	if _, alive := s.f.at(afterWrite); !alive {
		return errDead
	}
	return nil
}

func (s *faultyStore) TakeLease(ctx context.Context, entity, owner string, now time.Time) (epoch int64, err error) {
	err = s.do("TakeLease", nil, func() (err error) {
		epoch, err = s.Store.TakeLease(ctx, entity, owner, now)
		return err
	})
	return epoch, err
}

func (s *faultyStore) SaveUser(ctx context.Context, u *storage.User) error {
	return s.do("SaveUser", u, func() error { return s.Store.SaveUser(ctx, u) })
}

func (s *faultyStore) SaveGroup(ctx context.Context, g *storage.Group) error {
	return s.do("SaveGroup", g, func() error { return s.Store.SaveGroup(ctx, g) })
}

func (s *faultyStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	return s.do("SaveTicket", r, func() error { return s.Store.SaveTicket(ctx, r) })
}

func (s *faultyStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	return s.do("InsertMessage", m, func() error { return s.Store.InsertMessage(ctx, m) })
}

func (s *faultyStore) SaveMessage(ctx context.Context, m *storage.Message) error {
	return s.do("SaveMessage", m, func() error { return s.Store.SaveMessage(ctx, m) })
}

func (s *faultyStore) SaveCopy(ctx context.Context, c *storage.Copy) error {
	return s.do("SaveCopy", c, func() error { return s.Store.SaveCopy(ctx, c) })
}

func (s *faultyStore) SaveChat(ctx context.Context, c *storage.Chat) error {
	return s.do("SaveChat", c, func() error { return s.Store.SaveChat(ctx, c) })
}

func (s *faultyStore) AppendEvents(ctx context.Context, events []storage.Event) error {
	return s.do("AppendEvents", events, func() error { return s.Store.AppendEvents(ctx, events) })
}

func (s *faultyStore) SaveOffset(ctx context.Context, name string, offset int64) error {
	return s.do("SaveOffset", nil, func() error { return s.Store.SaveOffset(ctx, name, offset) })
}

func (s *faultyStore) DeleteUser(ctx context.Context, telegramID, version int64) error {
	return s.do("DeleteUser", nil, func() error { return s.Store.DeleteUser(ctx, telegramID, version) })
}

func (s *faultyStore) SaveAPIKey(ctx context.Context, k *storage.APIKey) error {
	return s.do("SaveAPIKey", k, func() error { return s.Store.SaveAPIKey(ctx, k) })
}

func (s *faultyStore) SaveIdempotency(ctx context.Context, i *storage.Idempotency) error {
	return s.do("SaveIdempotency", i, func() error { return s.Store.SaveIdempotency(ctx, i) })
}

func (s *faultyStore) DeleteIdempotencies(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.do("DeleteIdempotencies", nil, func() (err error) {
		n, err = s.Store.DeleteIdempotencies(ctx, now, limit)
		return err
	})
	return n, err
}

func (s *faultyStore) InsertAttachments(ctx context.Context, all []storage.Attachment) error {
	return s.do("InsertAttachments", all, func() error { return s.Store.InsertAttachments(ctx, all) })
}

func (s *faultyStore) SaveAttachment(ctx context.Context, a *storage.Attachment) error {
	return s.do("SaveAttachment", a, func() error { return s.Store.SaveAttachment(ctx, a) })
}

func (s *faultyStore) DeleteEvents(ctx context.Context, partition int, before time.Time, limit int) (n int, err error) {
	err = s.do("DeleteEvents", nil, func() (err error) {
		n, err = s.Store.DeleteEvents(ctx, partition, before, limit)
		return err
	})
	return n, err
}

func (s *faultyStore) SaveWebhook(ctx context.Context, w *storage.Webhook) error {
	return s.do("SaveWebhook", w, func() error { return s.Store.SaveWebhook(ctx, w) })
}

func (s *faultyStore) DeleteWebhook(ctx context.Context, webhookID string, version int64) error {
	return s.do("DeleteWebhook", nil, func() error { return s.Store.DeleteWebhook(ctx, webhookID, version) })
}

func (s *faultyStore) SaveDeliveries(ctx context.Context, all []*storage.Delivery) error {
	return s.do("SaveDeliveries", all, func() error { return s.Store.SaveDeliveries(ctx, all) })
}

func (s *faultyStore) DeleteDeliveries(ctx context.Context, webhookID string, before time.Time, limit int) (n int, err error) {
	err = s.do("DeleteDeliveries", nil, func() (err error) {
		n, err = s.Store.DeleteDeliveries(ctx, webhookID, before, limit)
		return err
	})
	return n, err
}

func (s *faultyStore) SaveReplay(ctx context.Context, r *storage.Replay) error {
	return s.do("SaveReplay", r, func() error { return s.Store.SaveReplay(ctx, r) })
}

func (s *faultyStore) DeleteReplays(ctx context.Context, webhookID string, before time.Time, limit int) (n int, err error) {
	err = s.do("DeleteReplays", nil, func() (err error) {
		n, err = s.Store.DeleteReplays(ctx, webhookID, before, limit)
		return err
	})
	return n, err
}

func (s *faultyStore) SaveConsumer(ctx context.Context, c *storage.Consumer) error {
	return s.do("SaveConsumer", c, func() error { return s.Store.SaveConsumer(ctx, c) })
}

func (s *faultyStore) DeleteConsumer(ctx context.Context, keyID, name string, version int64) error {
	return s.do("DeleteConsumer", nil, func() error { return s.Store.DeleteConsumer(ctx, keyID, name, version) })
}

func (s *faultyStore) SaveSample(ctx context.Context, sample storage.Sample) error {
	return s.do("SaveSample", nil, func() error { return s.Store.SaveSample(ctx, sample) })
}

func (s *faultyStore) DeleteSamples(ctx context.Context, minutes int, before time.Time, limit int) (n int, err error) {
	err = s.do("DeleteSamples", nil, func() (err error) {
		n, err = s.Store.DeleteSamples(ctx, minutes, before, limit)
		return err
	})
	return n, err
}

func (s *faultyStore) SaveErrorGroups(ctx context.Context, all []*storage.ErrorGroup) error {
	return s.do("SaveErrorGroups", all, func() error { return s.Store.SaveErrorGroups(ctx, all) })
}

func (s *faultyStore) DeleteErrorGroup(ctx context.Context, fingerprint string, version int64) error {
	return s.do("DeleteErrorGroup", nil, func() error { return s.Store.DeleteErrorGroup(ctx, fingerprint, version) })
}

func (s *faultyStore) SaveProblem(ctx context.Context, p *storage.Problem) error {
	return s.do("SaveProblem", p, func() error { return s.Store.SaveProblem(ctx, p) })
}

func (s *faultyStore) DeleteProblem(ctx context.Context, problemID string, version int64) error {
	return s.do("DeleteProblem", nil, func() error { return s.Store.DeleteProblem(ctx, problemID, version) })
}

func (s *faultyStore) SaveTallies(ctx context.Context, all []*storage.Tally) error {
	return s.do("SaveTallies", all, func() error { return s.Store.SaveTallies(ctx, all) })
}

func (s *faultyStore) DeleteTallies(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.do("DeleteTallies", nil, func() (err error) {
		n, err = s.Store.DeleteTallies(ctx, before, limit)
		return err
	})
	return n, err
}

func (s *faultyStore) SaveWaitingUpdates(ctx context.Context, all []storage.WaitingUpdate) error {
	return s.do("SaveWaitingUpdates", nil, func() error { return s.Store.SaveWaitingUpdates(ctx, all) })
}

func (s *faultyStore) DeleteWaitingUpdates(ctx context.Context, bot string, ids []int64) error {
	return s.do("DeleteWaitingUpdates", nil, func() error { return s.Store.DeleteWaitingUpdates(ctx, bot, ids) })
}

func (s *faultyStore) TakeNumbers(ctx context.Context, n int) (first int64, err error) {
	err = s.do("TakeNumbers", nil, func() (err error) {
		first, err = s.Store.TakeNumbers(ctx, n)
		return err
	})
	return first, err
}

// changing are the words with which names of methods that write may begin.
var changing = regexp.MustCompile(`^(Add|Append|Begin|Claim|Clear|Delete|Drop|Finish|Give|Insert|Make|Mark|Move|Prune|Purge|Put|Record|Release|Remove|Rename|Save|Set|Store|Take|Update|Write)`)

// TestFaultyStoreCountsEveryWrite keeps the crash points complete when the storage contract grows.
func TestFaultyStoreCountsEveryWrite(t *testing.T) {
	counted := []string{"TakeLease", "SaveUser", "SaveGroup", "SaveTicket", "InsertMessage", "SaveMessage",
		"SaveCopy", "SaveChat", "AppendEvents",
		"SaveOffset", "DeleteUser", "SaveAPIKey", "SaveIdempotency", "DeleteIdempotencies", "InsertAttachments", "SaveAttachment",
		"DeleteEvents", "SaveWebhook", "DeleteWebhook", "SaveDeliveries", "DeleteDeliveries", "SaveReplay", "DeleteReplays",
		"SaveConsumer", "DeleteConsumer", "TakeNumbers", "SaveSample", "DeleteSamples", "SaveErrorGroups", "DeleteErrorGroup",
		"SaveProblem", "DeleteProblem", "SaveTallies", "DeleteTallies", "SaveWaitingUpdates", "DeleteWaitingUpdates"}
	contract := reflect.TypeFor[storage.Store]()
	for i := range contract.NumMethod() {
		if name := contract.Method(i).Name; changing.MatchString(name) && !slices.Contains(counted, name) {
			t.Errorf("storage.Store has a new method %s: faultyStore must count it; list it here then", name)
		}
	}
}
