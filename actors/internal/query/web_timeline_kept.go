package query

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A page that stays open asks for its messages whenever something happens. It says which versions it has, so only what differs is
// read and shown.

// readTogether is how many messages that are the same may lie between two that are read, for both to be one read.
const readTogether = 8

// keptMessages are the sequences behind m.After of those that who asks has already, and the messages that they have not, or
// differently: oldest first.
func (q *query) keptMessages(m *messages.ListWebTimeline) (kept []int64, differ []storage.Message, err error) {
	stored, err := q.env.Store.MessageVersions(q.env.Ctx, m.TicketId, m.After, int(m.Limit))
	if err != nil {
		return nil, nil, err
	}
	has := func(v storage.MessageVersion) bool {
		at := v.Sequence - max(m.After, 0) - 1
		return at >= 0 && at < int64(len(m.Have)) && m.Have[at] != 0 && m.Have[at] == v.Version
	}
	same := map[int64]bool{}
	first, end := -1, 0 // what is to be read next
	read := func() error {
		if first < 0 {
			return nil
		}
		page, err := q.env.Store.MessagesAfter(q.env.Ctx, m.TicketId, stored[first].Sequence-1, end-first)
		for _, one := range page {
			if !same[one.Sequence] {
				differ = append(differ, one)
			}
		}
		first = -1
		return err
	}
	for i, v := range stored {
		if has(v) {
			kept, same[v.Sequence] = append(kept, v.Sequence), true
			continue
		}
		if first >= 0 && i-end > readTogether {
			if err := read(); err != nil {
				return nil, nil, err
			}
		}
		if first < 0 {
			first = i
		}
		end = i + 1
	}
	return kept, differ, read()
}

// contextOf changes with what messages show of their ticket: where each of them goes, and what the addresses into Telegram lead to.
func contextOf(t *storage.Ticket) string {
	sum := sha256.New()
	topicInto(sum, &t.Home)
	for i := range t.Links {
		l := &t.Links[i]
		fmt.Fprintf(sum, "%d %d %t ", l.BeginSequence, l.EndSequence, l.Ended)
		topicInto(sum, &l.Topic)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

func topicInto(sum hash.Hash, t *storage.Topic) {
	fmt.Fprintf(sum, "%q %q %d %q\n", t.TopicID, t.GroupID, t.TelegramTopicID, t.Failure)
}

// settledVersion is the version of a message if nothing that is shown of it changes without another one; else 0.
func settledVersion(m *storage.Message, shown *messages.WebMessage) int64 {
	if m.Outdated {
		return 0
	}
	for _, d := range shown.Message.Deliveries {
		if d.State == "failed" || d.State == "pending" && !m.Deleted {
			return 0
		}
	}
	for _, file := range shown.Files {
		if file.State == storage.FilePending || file.State == storage.FileDownloading || file.State == storage.FileFailed {
			return 0
		}
	}
	return m.Version
}
