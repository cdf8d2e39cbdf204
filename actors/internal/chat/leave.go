package chat

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// What a chat does when its shard goes to another node that has joined, or because this one stops (docs/decisions.md, D153).

var _ entity.Finisher = (*chat)(nil)

// Finish implements entity.Finisher. Dispatch begins no call while Draining is true.
func (c *chat) Finish() error { return nil }

// Finished implements entity.Finisher.
func (c *chat) Finished() bool { return c.lasting.calls == 0 }

// leave tells the activation on the other node what was done here lately. Owners may enqueue that again: what told them is
// lost where it met a shard that just stopped.
func (c *chat) leave() {
	moves := c.HandsOver() || c.Clustered() && c.Env.Draining()
	if !moves || c.Overtaken() || c.done == nil {
		return
	}
	m := &messages.ChatLeft{}
	for key, encoded := range c.done.All() {
		outcome := &messages.Outcome{}
		if err := proto.Unmarshal([]byte(encoded), outcome); err != nil {
			c.Log.Error("an outcome can't be handed over", "operation", key.id, "error", err)
			continue
		}
		m.Done = append(m.Done, &messages.Done{OperationId: key.id, Attempt: key.version.Attempt, Content: key.version.Content,
			Withdrawn: key.version.Withdrawn, Outcome: outcome})
	}
	if len(m.Done) > 0 {
		c.Tell(messages.KindChat, c.ID, m)
	}
}

func (c *chat) onChatLeft(m *messages.ChatLeft) error {
	for _, done := range m.Done {
		if err := c.onDone(done); err != nil {
			return err
		}
	}
	return nil
}
