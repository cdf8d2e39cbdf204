package main

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// TestUpdatesOfAPollerAreTakenInByWebhook: what a poller had set aside when it ended is handed in although the desk has
// webhooks now.
func TestUpdatesOfAPollerAreTakenInByWebhook(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	nok, err := h.sim.AddPerson(simulator.Person{FirstName: "Nok"})
	h.must(err)
	_, err = h.sim.Post(simulator.Post{From: nok.ID, Chat: nok.ID, Text: "/start"})
	h.must(err)
	client, err := bot.NewClient(bot.Options{Token: h.sim.Token(), BaseURL: h.url})
	h.must(err)
	defer client.Close()
	updates, err := client.Updates(t.Context(), 0, 0, 100)
	h.must(err)
	var id struct {
		UpdateID int64 `json:"update_id"`
	}
	h.must(json.Unmarshal(updates[len(updates)-1], &id))
	_, err = client.Updates(t.Context(), id.UpdateID+1, 0, 100) // confirmed: the simulator has them no more
	h.must(err)
	name, left := strconv.FormatInt(h.sim.BotID(), 10), 0
	h.inStore(func(ctx context.Context, store storage.Store) error {
		var all []storage.WaitingUpdate
		for i, raw := range updates {
			all = append(all, storage.WaitingUpdate{Bot: name, UpdateID: id.UpdateID - int64(len(updates)-1-i), Body: raw, At: time.Now()})
		}
		return store.SaveWaitingUpdates(ctx, all)
	})
	p := h.serve("webhook", 0)
	p.awaitReady()
	h.await(func() string { return "the bot answers" }, func() bool {
		for _, m := range h.sim.Messages(nok.ID, simulator.AllThreads) {
			if m.From.ID == h.sim.BotID() {
				return true
			}
		}
		return false
	})
	if code := p.stop(); code != 0 {
		t.Error("exit code", code)
	}
	h.inStore(func(ctx context.Context, store storage.Store) error {
		all, err := store.WaitingUpdates(ctx, name, 0, 10)
		left = len(all)
		return err
	})
	if left != 0 {
		t.Error(left, "updates are left")
	}
}
