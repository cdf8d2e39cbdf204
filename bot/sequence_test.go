package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// posted is an update with a message with that id in a thread of a group; the groups -1001 to -1003 and their threads
// 1 to 5 are tickets' topics.
func posted(update, chat, thread int64, fields string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"message_thread_id":%d,"is_topic_message":true,"date":1763900000,
		"chat":{"id":%d,"type":"supergroup","title":"Support","is_forum":true},"from":{"id":5,"first_name":"Ann"},%s}}`, update, update, thread, chat, fields))
}

func batchDesk() *fakeDesk {
	d := newFake()
	for c := int64(1); c <= 3; c++ {
		place := fmt.Sprint("g", c)
		d.places[-1000-c] = place
		d.groups[place] = &messages.GroupView{Code: messages.Code_OK, Registered: true}
		for thread := int64(1); thread <= 5; thread++ {
			d.topics[topic(place, thread)] = fmt.Sprintf("TICK-%d%d-AAAAAAAA", c, thread)
		}
	}
	return d
}

// sequenced is a sequence over an intake, and the updates of a batch. It pauses for next to nothing.
func sequenced(ctx context.Context, in *Intake) (*sequence, func(...json.RawMessage)) {
	s := newSequence(ctx, in.Accept, func(context.Context, time.Duration) { runtime.Gosched() })
	return s, func(raws ...json.RawMessage) {
		s.add(fresh(raws, map[int64]json.RawMessage{}, func(int64) bool { return false }, in.Decode))
	}
}

func settled(t interface{ Fatal(...any) }, s *sequence) {
	if first, ok := s.settle(time.Minute); !ok {
		t.Fatal("update ", first, " still waits")
	}
}

func TestSequence(t *testing.T) {
	t.Run("empty and undecodable", func(t *testing.T) {
		d := batchDesk()
		s, add := sequenced(t.Context(), testIntake(d))
		settled(t, s)
		add()
		add(json.RawMessage(`{"update_id":1}`))
		add(json.RawMessage(`{}`), posted(2, -1001, 1, `"text":"x"`), json.RawMessage(`7`))
		settled(t, s)
		if len(d.take()) != 1 {
			t.Error("lost among poison")
		}
	})
	t.Run("what comes behind a failure in its topic is held back, the rest goes on", func(t *testing.T) {
		d := batchDesk()
		var down atomic.Bool
		down.Store(true)
		d.reply = failing("ticket/TICK-11-", &down)
		s, add := sequenced(t.Context(), testIntake(d))
		add(posted(1, -1001, 1, `"text":"a"`), posted(2, -1001, 2, `"text":"b"`), posted(3, -1001, 1, `"text":"/close_ticket"`), posted(4, -1002, 1, `"text":"c"`))
		if first, ok := s.settle(50 * time.Millisecond); ok || first != 1 {
			t.Error(first, ok)
		}
		add(posted(5, -1001, 1, `"text":"d"`), posted(6, -1001, 2, `"text":"e"`), posted(7, -1001, 2, `"text":"/lang th"`), posted(8, -1001, 2, `"text":"f"`))
		if first, ok := s.settle(50 * time.Millisecond); ok || first != 1 {
			t.Error(first, ok)
		}
		if got := perTopic(d.take()); got["ticket/TICK-11-AAAAAAAA"] != "" ||
			got["ticket/TICK-12-AAAAAAAA"] != "2 6" || got["ticket/TICK-21-AAAAAAAA"] != "4" || got["group/g1"] != "" {
			t.Error(got)
		}
		down.Store(false)
		settled(t, s)
		if got := perTopic(d.take()); got["ticket/TICK-11-AAAAAAAA"] != "1 3 5" ||
			got["ticket/TICK-12-AAAAAAAA"] != "8" || got["group/g1"] != "7" || got["ticket/TICK-21-AAAAAAAA"] != "" {
			t.Error(got)
		}
		if len(s.chats) != 0 {
			t.Error("remembers", s.chats)
		}
	})
	t.Run("topics do not wait for each other", func(t *testing.T) {
		d := &meetingDesk{fakeDesk: batchDesk(), arrived: make(chan struct{}), want: 4}
		s, add := sequenced(t.Context(), testIntake(d))
		add(posted(1, -1001, 1, `"text":"a"`), posted(2, -1001, 2, `"text":"b"`), posted(3, -1002, 1, `"text":"c"`), posted(4, -1003, 1, `"text":"d"`))
		settled(t, s)
	})
	t.Run("nothing is accepted after the end", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s, add := sequenced(ctx, testIntake(batchDesk()))
		add(posted(1, -1001, 1, `"text":"a"`), posted(2, -1001, 1, `"text":"b"`))
		s.running.Wait()
		if first, ok := s.settle(time.Minute); ok || first != 1 {
			t.Error("accepted")
		}
	})
}

// meetingDesk answers commands only once as many as wanted wait concurrently.
type meetingDesk struct {
	*fakeDesk
	mu      sync.Mutex
	want    int
	arrived chan struct{}
}

func (d *meetingDesk) Ask(ctx context.Context, kind, identity string, m proto.Message) (proto.Message, error) {
	if kind == messages.KindTicket {
		d.mu.Lock()
		if d.want--; d.want == 0 {
			close(d.arrived)
		}
		d.mu.Unlock()
		<-d.arrived
	}
	return d.fakeDesk.Ask(ctx, kind, identity, m)
}

// perTopic lists the update ids that each entity got, in order.
func perTopic(commands []sent) map[string]string {
	got := map[string][]string{}
	for _, c := range commands {
		o := c.Message.(interface{ GetOrigin() *messages.Origin }).GetOrigin()
		_, id, _ := strings.Cut(o.CommandId, ":")
		got[c.To] = append(got[c.To], id)
	}
	out := map[string]string{}
	for to, ids := range got {
		out[to] = strings.Join(ids, " ")
	}
	return out
}

// However often updates fail, and while newer ones come, each ticket gets each message, in order.
func TestSequenceOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(r, "updates")
		var batch []json.RawMessage
		want := map[string][]string{}
		for i := range n {
			chat, thread := rapid.Int64Range(1, 3).Draw(r, "chat"), rapid.Int64Range(1, 5).Draw(r, "thread")
			id := int64(i + 1)
			if rapid.IntRange(0, 9).Draw(r, "barrier") == 0 {
				batch = append(batch, posted(id, -1000-chat, thread, `"text":"/lang th"`))
				for th := int64(1); th <= 5; th++ { // seen by every topic of the chat
					to := fmt.Sprintf("%d%d", chat, th)
					want[to] = append(want[to], fmt.Sprint(id))
				}
				continue
			}
			batch = append(batch, posted(id, -1000-chat, thread, `"text":"x"`))
			to := fmt.Sprintf("%d%d", chat, thread)
			want[to] = append(want[to], fmt.Sprint(id))
		}
		failures := rapid.SliceOfN(rapid.IntRange(1, 2*n), 0, 5).Draw(r, "failures")
		d := batchDesk()
		var calls atomic.Int64
		d.reply = func(string, proto.Message) (*messages.Reply, error) {
			if slices.Contains(failures, int(calls.Add(1))) {
				return nil, errFake
			}
			return nil, nil
		}
		s, add := sequenced(t.Context(), testIntake(d))
		for rest := batch; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(r, "at once")
			add(rest[:n]...)
			rest = rest[n:]
		}
		settled(r, s)
		got := map[string][]string{}
		for _, c := range d.take() {
			o := c.Message.(interface{ GetOrigin() *messages.Origin }).GetOrigin()
			_, id, _ := strings.Cut(o.CommandId, ":")
			if _, ok := c.Message.(*messages.SetGroupLanguage); ok {
				for th := 1; th <= 5; th++ {
					to := fmt.Sprintf("%s%d", strings.TrimPrefix(o.Place, "g"), th)
					got[to] = append(got[to], id)
				}
				continue
			}
			to := strings.Split(c.To, "-")[1]
			got[to] = append(got[to], id)
		}
		for to, ids := range want {
			if strings.Join(got[to], " ") != strings.Join(ids, " ") {
				r.Fatalf("topic %s: got %v, want %v", to, got[to], ids)
			}
		}
	})
}

// nullDesk accepts everything at no cost.
type nullDesk struct{ topic *messages.TopicFound }

func (nullDesk) Tell(string, string, proto.Message) {}
func (d nullDesk) Ask(_ context.Context, kind, _ string, m proto.Message) (proto.Message, error) {
	switch m.(type) {
	case *messages.FindPlace:
		return &messages.PlaceFound{Code: messages.Code_OK, Place: "g7"}, nil
	case *messages.FindTopic:
		return d.topic, nil
	}
	return &messages.Reply{Code: messages.Code_OK}, nil
}

// The cost of an ordinary message, from its bytes to the command, without the actors.
func BenchmarkIntakeText(b *testing.B) {
	in := testIntake(nullDesk{&messages.TopicFound{Code: messages.Code_OK, TicketId: aTicket}})
	raws := make([][]byte, 1024)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if n%len(raws) == 0 {
			b.StopTimer()
			for i := range raws {
				id := fmt.Sprint(n + i + 1)
				raws[i] = []byte(strings.Replace(strings.Replace(ordinary, "826471932", id, 1), "4711", id, 1))
			}
			b.StartTimer()
		}
		if err := in.Handle(b.Context(), raws[n%len(raws)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
}

func TestCache(t *testing.T) {
	c := newCache[int, int](100)
	for i := range 10_000 {
		c.put(i, i)
		if v, ok := c.get(0); !ok || v != 0 {
			t.Fatal("forgot what is used all the time, after", i)
		}
		if c.len() > 102 {
			t.Fatal("holds", c.len())
		}
	}
	if _, ok := c.get(9_999); !ok {
		t.Error("forgot the newest")
	}
	if _, ok := c.get(5_000); ok {
		t.Error("kept the old")
	}
	c.drop(0)
	if _, ok := c.get(0); ok {
		t.Error("did not drop")
	}
}
