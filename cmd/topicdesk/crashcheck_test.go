package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// What the kill loops check: what people see, and what the process left in storage.

// stored reads what the process left in storage. It reads a copy of a file, because the next process must find the
// original untouched.
func (b *burst) stored() *ledger {
	b.Helper()
	ctx := context.Background()
	store, err := openDesk(ctx, b.databaseCopy(), beside, existing)
	b.must(err)
	defer func() { b.must(store.Close()) }()
	l, err := readLedger(ctx, store)
	b.must(err)
	return l
}

// databaseCopy is the address of a copy of the database in its current state.
func (b *burst) databaseCopy() string {
	b.Helper()
	if b.database != "" {
		return b.database
	}
	folder := b.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		from, err := os.Open(filepath.Join(b.folder, "topicdesk.db"+suffix))
		if os.IsNotExist(err) {
			continue
		}
		b.must(err)
		to, err := os.Create(filepath.Join(folder, "copy.db"+suffix))
		b.must(err)
		_, err = io.Copy(to, from)
		b.must(err)
		b.must(from.Close())
		b.must(to.Close())
	}
	return "sqlite://" + filepath.Join(folder, "copy.db")
}

// allShown reports whether every copy of an edited message shows the edit.
func (b *burst) allShown() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for token := range b.edited {
		for _, p := range b.said[token].others {
			if !b.shown(token, p) {
				return false
			}
		}
	}
	return true
}

// shown reports whether a topic shows the current text of a message. The caller holds b.mu.
func (b *burst) shown(token string, p topicKey) bool {
	s := b.said[token]
	is, _ := b.sim.Message(s.from.group, s.id)
	return slices.ContainsFunc(b.sim.Messages(p.group, p.thread), func(m simulator.Message) bool {
		return m.From.IsBot && strings.HasSuffix(m.Text, is.Text)
	})
}

// check compares what people see with what was posted.
func (b *burst) check(what string) {
	b.Helper()
	calls, err := readCalls(b.callsFile())
	b.must(err)
	r := repeatsOf(calls, func(life int) *ledger { return b.after[life] })
	for _, w := range r.wrong {
		b.Error(w)
	}
	lost, unanswered, inTopic := 0, 0, 0
	for life, at := range b.after {
		l := lostOf(calls, life, at)
		lost, unanswered, inTopic = lost+l.count, unanswered+l.unanswered, max(inTopic, l.inTopic)
		if !b.killed[life] && l.count > 0 {
			b.Errorf("%d calls were lost in life %d, which ended in peace", l.count, life)
		}
	}
	seen := 0
	sequences := map[string]int64{} // by message id
	for _, said := range b.after[len(b.after)-1].messages {
		for _, m := range said {
			sequences[m.MessageID] = m.Sequence
		}
	}
	for ticket, topics := range b.tickets {
		for _, p := range topics {
			seen += b.checkTopic(ticket, p, sequences)
		}
	}
	if seen > r.count || r.count > lost {
		b.Errorf("%d messages are there twice, %d calls were made again, of %d lost ones", seen, r.count, lost)
	}
	if inTopic > lostInTopic {
		b.Errorf("the outcomes of %d calls in one topic were not recorded when the process was killed", inTopic)
	}
	if twice := b.topicsTwice(); len(twice) > 0 {
		b.Errorf("topics that were opened twice: %q", twice)
	}
	last := b.after[len(b.after)-1]
	// Every edit was seen at Telegram. A stop may come before its ticket has stored that.
	if pending := last.pending(); pending != "" && !strings.Contains(pending, changePending) {
		b.Errorf("in the end %s", pending)
	}
	b.Logf("%s: %d messages, %d calls that post, %d lost (%d of them unanswered; at most %d in one topic), %d repeated", what, len(b.said),
		len(calls)/2, lost, unanswered, inTopic, r.count)
}

// checkTopic checks that one topic has everything that it must have, nothing else, and in order. It returns how many
// messages are there more than once.
func (b *burst) checkTopic(ticket int, p topicKey, sequences map[string]int64) (repeats int) {
	b.Helper()
	order := map[string][]string{} // tokens in the order of their first arrival, by the topic of the original
	count := map[string]int{}
	others := map[string]int{} // messages that are not copies, by text
	newest := int64(0)
	albums := map[string]bool{} // whose first part has arrived
	for _, m := range b.sim.Messages(p.group, p.thread) {
		if !m.From.IsBot || m.Service != nil {
			continue
		}
		token := tokenOf(m.Text)
		if token == "" {
			text := m.Text
			if strings.Contains(text, "🎫") {
				text = "a card"
			}
			if others[text]++; others[text] > 1 {
				repeats++
			}
			continue
		}
		s := b.said[token]
		if s == nil || !slices.Contains(s.others, p) {
			b.Errorf("ticket %d: %s is in topic %v, where it does not belong", ticket, token, p)
			continue
		}
		if count[token]++; count[token] > 1 {
			repeats++
			continue
		}
		from := fmt.Sprint(s.from)
		order[from] = append(order[from], token)
		switch follows := m.AlbumID != "" && albums[m.AlbumID]; {
		case follows: // where the first part is
		case p.group != b.support: // all copies into this topic go through one link
			if n := sequences[fmt.Sprintf("%d:%d", s.from.group, s.id)]; n > newest {
				newest = n
			} else {
				b.Errorf("ticket %d: %s is out of order in topic %v", ticket, token, p)
			}
		}
		albums[m.AlbumID] = true
		if s.replyTo != "" {
			// A copy whose call was lost has no counterpart, so replies quote its original.
			if to, _ := b.sim.Message(p.group, m.ReplyTo); tokenOf(to.Text) != s.replyTo &&
				!strings.Contains(m.Text, s.replyTo) {
				b.Errorf("ticket %d: %s in topic %v answers %q, not %s", ticket, token, p, to.Text, s.replyTo)
			}
		}
	}
	if others["a card"] == 0 {
		b.Errorf("ticket %d: topic %v has no card", ticket, p)
	}
	for _, other := range b.tickets[ticket] {
		var want []string
		for _, m := range b.sim.Messages(other.group, other.thread) {
			token := tokenOf(m.Text)
			if s := b.said[token]; s != nil && s.from == other && s.id == m.ID && slices.Contains(s.others, p) {
				want = append(want, token)
			}
		}
		if got := order[fmt.Sprint(other)]; !slices.Equal(got, want) {
			b.Errorf("ticket %d: from %v came to %v\n%v, not\n%v", ticket, other, p, got, want)
		}
	}
	return repeats
}

// What the kill loop counts: the first part of an album may be posted alone, and after a kill with the others.
func TestRepeatsOfAnAlbumThatGrew(t *testing.T) {
	post := func(life int, kind string, ref *messages.OperationRef) call {
		raw, err := proto.Marshal(ref)
		if err != nil {
			t.Fatal(err)
		}
		return call{Life: life, Kind: kind, Operation: ref.ID(), Ref: raw, Chat: -1}
	}
	alone := func(id string) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_CopyPart{CopyPart: &messages.CopyPart{MessageId: id, TopicId: "T:1"}}}
	}
	album := func(parts int32) *messages.OperationRef {
		return &messages.OperationRef{Wanted: &messages.OperationRef_CopyAlbum{CopyAlbum: &messages.CopyAlbum{MessageId: "-1:1", TopicId: "T:1",
			Parts: parts}}}
	}
	for name, c := range map[string]struct {
		calls []call
		count int
	}{
		"a part alone, then the album": {[]call{post(0, "SendCopy", alone("-1:1")), post(1, "SendAlbum", album(2))}, 1},
		"an album that grows":          {[]call{post(0, "SendAlbum", album(2)), post(1, "SendAlbum", album(3))}, 2},
		"another message":              {[]call{post(0, "SendCopy", alone("-1:2")), post(1, "SendAlbum", album(2))}, 0},
	} {
		if r := repeatsOf(c.calls, func(int) *ledger { return newLedger() }); r.count != c.count || len(r.wrong) > 0 {
			t.Errorf("%s: %d, not %d: %q", name, r.count, c.count, r.wrong)
		}
	}
}
