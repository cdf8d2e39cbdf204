package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
)

// Collections are the kinds of records that a store keeps, in the order in which they are exported and copied.
var Collections = []string{
	"users", "groups", "tickets", "messages", "copies", "attachments", "chats", "events", "api_keys", "idempotency",
	"webhooks", "deliveries", "replays", "consumers", "errors", "problems", "tallies", "leases", "offsets",
	"waiting_updates",
}

// Dumper is what a store provides besides the contract, for programs that move or read a desk as a whole. Records are
// *User, *Group, *Ticket, *Message, *Copy, *Attachment, *Chat, *Event, *APIKey, *Idempotency, *Webhook, *Delivery, *Replay,
// *Consumer, *ErrorGroup, *Problem, *Tally, *Lease, *SavedOffset or *WaitingUpdate.
type Dumper interface {
	// Dump yields the records of a collection after the given one (nil: from the first). They are ordered by their key,
	// which is, in the order of Collections: telegramId, groupId, ticketId, (ticketId, sequence), (messageId, topicId),
	// attachmentId, chatId, (partition, position), keyId, requestId, webhookId, (webhookId,
	// createdAt, eventId), replayId, (keyId, name), fingerprint, problemId, tallyId, entity, name, (bot, updateId). Texts are ordered byte by byte. An error
	// comes last.
	Dump(ctx context.Context, collection string, after any) iter.Seq2[any, error]
	// Load stores records as they are, with their versions, in order. A record that is stored already is left as it is. A
	// record that is stored with other content, or that has a unique value of another record, is ErrConflict. When Load
	// fails, the first of the records may be stored.
	Load(ctx context.Context, records []any) error
	// Count returns the approximate number of records: others may write meanwhile.
	Count(ctx context.Context, collection string) (int64, error)
}

// SavedOffset says how far updates were acknowledged, as Offsets keeps it.
type SavedOffset struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// Encode returns the exported form of a record, which is the same whatever store it was in: JSON on one line, with
// "<" and "&" as they are. Bytes that are not UTF-8 become U+FFFD.
func Encode(record any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(record); err != nil {
		return nil, fmt.Errorf("can't encode a %T: %w", record, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
