package chat

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
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
// lost where it met a shard that just stopped. What was done longer ago they know, and the other node is not to wake each chat
// that it has gained.
func (c *chat) leave() {
	moves := c.HandsOver() || c.Clustered() && c.Env.Draining()
	if !moves || c.Overtaken() || c.done == nil || !c.remembers() {
		return
	}
	m := &messages.ChatLeft{AtMs: c.lastDone.UnixMilli()}
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

// onChatLeft knows what was done on the former node for as long as that one would have, also if the chat moves on.
func (c *chat) onChatLeft(m *messages.ChatLeft) error {
	for _, done := range m.Done {
		if err := c.onDone(done); err != nil {
			return err
		}
	}
	at := c.Now()
	if m.AtMs != 0 {
		at = desk.TimeOf(m.AtMs)
	}
	if at.After(c.lastDone) {
		c.lastDone = at
	}
	return nil
}
