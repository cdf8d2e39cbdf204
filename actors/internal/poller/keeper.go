package poller

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
)

// Keeper keeps the updates of a bot that are confirmed to Telegram before the desk has accepted them.
type Keeper struct {
	env   *entity.Env
	bot   string
	claim *entity.Claim // nil: of nobody who polls
}

// NewKeeper is for a bot.
func NewKeeper(env *entity.Env, bot string) *Keeper { return &Keeper{env: env, bot: bot} }

// keptPage is how many updates are read together. Each may have 100 kB and more.
const keptPage = 100

// Waiting lists what is kept, in order, of ids above after; several at a time, and none when there are no more.
func (k *Keeper) Waiting(ctx context.Context, after int64) (ids []int64, bodies []json.RawMessage, err error) {
	page, err := k.env.Store.WaitingUpdates(ctx, k.bot, after, keptPage)
	if err != nil {
		return nil, nil, fmt.Errorf("read updates that wait: %w", err)
	}
	for _, u := range page {
		ids, bodies = append(ids, u.UpdateID), append(bodies, u.Body)
	}
	return ids, bodies, nil
}

// SetAside keeps updates. One that is kept already stays as it is.
func (k *Keeper) SetAside(ctx context.Context, ids []int64, bodies []json.RawMessage) error {
	updates := make([]storage.WaitingUpdate, len(ids))
	for i, id := range ids {
		updates[i] = storage.WaitingUpdate{Bot: k.bot, UpdateID: id, Body: bodies[i], At: k.env.Now()}
	}
	if err := k.env.Store.SaveWaitingUpdates(ctx, updates); err != nil {
		return fmt.Errorf("store updates that wait: %w", err)
	}
	return nil
}

// Drop keeps updates no longer.
func (k *Keeper) Drop(ctx context.Context, ids []int64) error {
	if err := k.env.Store.DeleteWaitingUpdates(ctx, k.bot, ids); err != nil {
		return fmt.Errorf("delete updates that waited: %w", err)
	}
	return nil
}

// Newest returns nil when no other poller has begun since this one did, which it had before it read anything.
func (k *Keeper) Newest(ctx context.Context) error {
	if k.claim == nil {
		return entity.ErrOvertaken
	}
	newest, err := k.claim.Newest(ctx)
	if err == nil && !newest {
		err = entity.ErrOvertaken
	}
	return err
}
