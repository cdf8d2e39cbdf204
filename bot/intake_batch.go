package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/topicdesk/topicdesk/messages"
)

// chatTopic is one topic of one chat: its updates must stay in order.
type chatTopic struct{ chat, thread int64 }

// HandleBatch handles a batch of updates, as getUpdates returned it. Updates of one topic are handled one after the
// other, topics and chats in parallel. An update that concerns a whole chat waits for all earlier updates of that
// chat, and all later ones wait for it.
//
// nil means that the whole batch may be acknowledged. After an error, call HandleBatch with the whole batch again: the
// updates that follow a failed one in its topic have not been handled.
func (in *Intake) HandleBatch(ctx context.Context, raws []json.RawMessage) error {
	if len(raws) == 1 {
		return in.Handle(ctx, raws[0])
	}
	var order []int64 // of the chats, by their first update
	chats := make(map[int64][]*Update)
	for _, raw := range raws {
		u := in.decode(raw)
		if u == nil {
			continue
		}
		chat := u.topic().chat
		if _, seen := chats[chat]; !seen {
			order = append(order, chat)
		}
		chats[chat] = append(chats[chat], u)
	}
	b := &batch{in: in, ctx: ctx}
	var wg sync.WaitGroup
	for _, chat := range order {
		wg.Go(func() { b.chat(chats[chat]) })
	}
	wg.Wait()
	if b.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d updates not accepted, or behind one that was not; first: %w",
		b.failed, len(raws), b.first)
}

// batch is the state while one batch is handled.
type batch struct {
	in  *Intake
	ctx context.Context

	mu     sync.Mutex
	failed int   // updates that were not accepted, and those behind them
	first  error // of the first update that was not accepted
}

// chat handles the updates of one chat: its topics in parallel, up to the next update that concerns the whole chat,
// then that one, and so on.
func (b *batch) chat(updates []*Update) {
	for len(updates) > 0 {
		n := 0
		for n < len(updates) && !updates[n].barrier() {
			n++
		}
		if n == 0 {
			n = 1
		}
		if !b.stretch(updates[:n]) {
			b.fail(len(updates) - n)
			return
		}
		updates = updates[n:]
	}
}

// stretch handles updates of one chat, topics in parallel, and says whether all were accepted.
func (b *batch) stretch(updates []*Update) bool {
	topics := make(map[int64][]*Update, len(updates))
	for _, u := range updates {
		thread := u.topic().thread
		topics[thread] = append(topics[thread], u)
	}
	if len(topics) == 1 {
		return b.topic(updates)
	}
	var wg sync.WaitGroup
	results := make(chan bool, len(topics))
	for _, us := range topics {
		wg.Go(func() { results <- b.topic(us) })
	}
	wg.Wait()
	close(results)
	all := true
	for ok := range results {
		all = all && ok
	}
	return all
}

// topic handles the updates of one topic in order, up to the first that is not accepted.
func (b *batch) topic(updates []*Update) bool {
	b.in.slots <- struct{}{}
	defer func() { <-b.in.slots }()
	for i, u := range updates {
		if err := b.in.handle(b.ctx, u); err != nil {
			b.mu.Lock()
			if b.first == nil {
				b.first = err
			}
			b.mu.Unlock()
			b.fail(len(updates) - i)
			return false
		}
	}
	return true
}

func (b *batch) fail(n int) {
	b.mu.Lock()
	b.failed += n
	b.mu.Unlock()
}

// topic returns the topic among whose updates this one is kept in order.
func (u *Update) topic() chatTopic {
	switch {
	case u.Message != nil:
		return chatTopic{u.Message.Chat.ID, u.Message.ThreadID}
	case u.Callback != nil && u.Callback.Chat.ID != 0:
		return chatTopic{u.Callback.Chat.ID, u.Callback.ThreadID}
	case u.Callback != nil:
		return chatTopic{u.Callback.From.GetId(), 0}
	case u.Member != nil:
		return chatTopic{u.Member.Chat.ID, 0}
	case u.Reaction != nil:
		return chatTopic{u.Reaction.Chat.ID, 0}
	}
	return chatTopic{}
}

// barrier says whether the update concerns its whole chat, or does not say which topic it belongs to.
func (u *Update) barrier() bool {
	switch {
	case u.Member != nil, u.Reaction != nil: // a reaction does not name its message's topic
		return true
	case u.Callback != nil:
		return !u.Callback.Visible
	case u.Message != nil && u.Kind == KindMessage:
		if u.Message.MigrateTo != 0 || u.Message.MigrateFrom != 0 {
			return true
		}
		verb, _, _, _ := splitCommand(u.Message.Text)
		c, _ := messages.CommandOf(strings.ToLower(verb))
		return c.About == messages.AboutChat
	}
	return false
}
