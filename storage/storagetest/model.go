package storagetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/storage"
)

// model is the contract in its plainest form: maps, and scans of them. The suite runs on the model too, which proves
// that the two agree.
type model struct {
	mu          sync.Mutex
	closed      bool
	leases      map[string]storage.Lease
	offsets     map[string]int64
	users       map[int64]storage.User
	groups      map[string]storage.Group
	tickets     map[string]storage.Ticket
	lastNumber  *int64 // nil: none was taken
	messages    map[string]storage.Message
	copies      map[[2]string]storage.Copy
	attachments map[string]storage.Attachment
	chats       map[string]storage.Chat
	events      map[int][]storage.Event // by partition
	keys        map[string]storage.APIKey
	answers     map[string]storage.Idempotency
	webhooks    map[string]storage.Webhook
	deliveries  map[[2]string]storage.Delivery
	replays     map[string]storage.Replay
	consumers   map[[2]string]storage.Consumer
	samples     map[string]storage.Sample
	errors      map[string]storage.ErrorGroup
	problems    map[string]storage.Problem
	tallies     map[string]storage.Tally
	updates     map[updateKey]storage.WaitingUpdate
}

var _ storage.Store = (*model)(nil)

func newModel() *model {
	return &model{
		leases: map[string]storage.Lease{}, offsets: map[string]int64{}, users: map[int64]storage.User{},
		groups: map[string]storage.Group{}, tickets: map[string]storage.Ticket{}, messages: map[string]storage.Message{},
		copies: map[[2]string]storage.Copy{}, chats: map[string]storage.Chat{}, events: map[int][]storage.Event{},
		keys: map[string]storage.APIKey{}, attachments: map[string]storage.Attachment{},
		answers: map[string]storage.Idempotency{}, webhooks: map[string]storage.Webhook{},
		deliveries: map[[2]string]storage.Delivery{}, replays: map[string]storage.Replay{},
		consumers: map[[2]string]storage.Consumer{}, samples: map[string]storage.Sample{},
		errors:   map[string]storage.ErrorGroup{},
		problems: map[string]storage.Problem{},
		tallies:  map[string]storage.Tally{},
		updates:  map[updateKey]storage.WaitingUpdate{},
	}
}

// begin locks the model. The caller must unlock it unless it got an error.
func (m *model) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return storage.ErrUnavailable
	}
	return nil
}

func (m *model) Ping(ctx context.Context) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	m.mu.Unlock()
	return nil
}

func (m *model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// isolated returns a record that shares nothing with r.
func isolated[T any](r T) T {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	var c T
	if err := json.Unmarshal(text, &c); err != nil {
		panic(err)
	}
	return c
}

// validID refuses ids that are empty or not UTF-8.
func validID(key any) error {
	ids := []string{"number"}
	switch k := key.(type) {
	case string:
		ids = []string{k}
	case [2]string:
		ids = k[:]
	}
	for _, id := range ids {
		if id == "" || !utf8.ValidString(id) {
			return fmt.Errorf("%q can't be an id", id)
		}
	}
	return nil
}

func modelGet[K comparable, T any](ctx context.Context, m *model, all map[K]T, key K) (*T, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	r, ok := all[key]
	if !ok {
		return nil, storage.ErrNotFound
	}
	r = isolated(r)
	return &r, nil
}

// modelList returns isolated copies of the records that want accepts, sorted, from offset, at most limit.
func modelList[K comparable, T any](
	ctx context.Context, m *model, all map[K]T, want func(T) bool, sort func([]T), offset, limit int,
) ([]T, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var page []T
	for _, r := range all {
		if want(r) {
			page = append(page, isolated(r))
		}
	}
	sort(page)
	page = page[min(max(offset, 0), len(page)):]
	return page[:min(max(limit, 0), len(page))], nil
}

// modelSave saves record, which is the given one with its times as they are kept, by compare-and-set, and sets the
// version of the given one. allow, unless nil, may refuse it.
func modelSave[K comparable, T any](
	ctx context.Context, m *model, all map[K]T, key K, given *T, record T, version func(*T) *int64, allow func() error,
) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	return compareAndSet(all, key, given, record, version, allow)
}

// compareAndSet does what modelSave does while the model is locked.
func compareAndSet[K comparable, T any](
	all map[K]T, key K, given *T, record T, version func(*T) *int64, allow func() error,
) error {
	if err := validID(key); err != nil {
		return err
	}
	stored, known := all[key]
	switch old := *version(&record); {
	case old == 0 && known:
		return storage.ErrExists
	case old != 0 && (!known || *version(&stored) != old):
		return storage.ErrConflict
	}
	if allow != nil {
		if err := allow(); err != nil {
			return err
		}
	}
	*version(&record)++
	all[key] = isolated(record)
	*version(given) = *version(&record)
	return nil
}

func userVersion(u *storage.User) *int64             { return &u.Version }
func groupVersion(g *storage.Group) *int64           { return &g.Version }
func ticketVersion(t *storage.Ticket) *int64         { return &t.Version }
func messageVersion(m *storage.Message) *int64       { return &m.Version }
func copyVersion(c *storage.Copy) *int64             { return &c.Version }
func attachmentVersion(a *storage.Attachment) *int64 { return &a.Version }
func chatVersion(c *storage.Chat) *int64             { return &c.Version }
func keyVersion(k *storage.APIKey) *int64            { return &k.Version }
func answerVersion(i *storage.Idempotency) *int64    { return &i.Version }

func webhookVersion(w *storage.Webhook) *int64   { return &w.Version }
func deliveryVersion(d *storage.Delivery) *int64 { return &d.Version }
func replayVersion(r *storage.Replay) *int64     { return &r.Version }
func consumerVersion(c *storage.Consumer) *int64 { return &c.Version }

func modelDue[T any](
	ctx context.Context, m *model, all map[string]T, at func(T) time.Time, now time.Time, after storage.Due, limit int,
) ([]storage.Due, error) {
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var page []storage.Due
	for id, r := range all {
		d := storage.Due{ID: id, At: at(r)}
		passed := d.At.Before(after.At) || d.At.Equal(after.At) && id <= after.ID
		if d.At.IsZero() || d.At.After(storage.Kept(now)) || passed {
			continue
		}
		page = append(page, d)
	}
	byTimeThenID(page)
	return page[:min(max(limit, 0), len(page))], nil
}

func (m *model) TakeLease(ctx context.Context, entity, owner string, now time.Time) (int64, error) {
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	if err := validID(entity); err != nil {
		return 0, err
	}
	l := storage.Lease{Entity: entity, Epoch: m.leases[entity].Epoch + 1, Owner: owner, TakenAt: now}
	m.leases[entity] = l.Kept()
	return l.Epoch, nil
}

func (m *model) Lease(ctx context.Context, entity string) (storage.Lease, error) {
	l, err := modelGet(ctx, m, m.leases, entity)
	if err != nil {
		return storage.Lease{}, err
	}
	return *l, nil
}

func (m *model) Offset(ctx context.Context, name string) (int64, error) {
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	return m.offsets[name], nil
}

func (m *model) SaveOffset(ctx context.Context, name string, offset int64) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if err := validID(name); err != nil {
		return err
	}
	m.offsets[name] = max(m.offsets[name], offset)
	return nil
}

func (m *model) User(ctx context.Context, id int64) (*storage.User, error) {
	return modelGet(ctx, m, m.users, id)
}

func (m *model) UserByUsername(ctx context.Context, username string) (*storage.User, error) {
	page, err := modelList(ctx, m, m.users, func(u storage.User) bool {
		return u.Username != "" && strings.EqualFold(u.Username, username)
	}, func(users []storage.User) {
		slices.SortFunc(users, func(a, b storage.User) int {
			if c := b.UpdatedAt.Compare(a.UpdatedAt); c != 0 {
				return c
			}
			return int(b.TelegramID - a.TelegramID)
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

func (m *model) InternalUsers(ctx context.Context, offset, limit int) ([]storage.User, int, error) {
	internal := func(u storage.User) bool { return u.DefaultGroupID != "" }
	all, err := modelList(ctx, m, m.users, internal, byNameThenID, 0, 1<<30)
	if err != nil {
		return nil, 0, err
	}
	page := all[min(max(offset, 0), len(all)):]
	return page[:min(max(limit, 0), len(page))], len(all), nil
}

func (m *model) SaveUser(ctx context.Context, u *storage.User) error {
	return modelSave(ctx, m, m.users, u.TelegramID, u, u.Kept(), userVersion, nil)
}

func (m *model) Users(ctx context.Context, group string, after int64, limit int) ([]storage.User, error) {
	return modelList(ctx, m, m.users, func(u storage.User) bool {
		return u.TelegramID > after && (group == "" || u.DefaultGroupID == group)
	}, func(users []storage.User) {
		slices.SortFunc(users, func(a, b storage.User) int { return cmp.Compare(a.TelegramID, b.TelegramID) })
	}, 0, limit)
}

func (m *model) DeleteUser(ctx context.Context, id, version int64) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if u, known := m.users[id]; !known || u.Version != version {
		return storage.ErrConflict
	}
	delete(m.users, id)
	return nil
}
