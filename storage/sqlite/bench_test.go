package sqlite_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// BenchmarkMessageAndCopy is the storage's share of the hot path: it records a message, then its copy. 64 tickets do
// so concurrently. cpu-µs/op is the CPU time of the whole process for both writes, including the calling goroutines.
func BenchmarkMessageAndCopy(b *testing.B) {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	var writers atomic.Int64
	before := cpu(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		w := writers.Add(1)
		for n := int64(1); pb.Next(); n++ {
			m := benchMessage(w, n)
			if err := s.InsertMessage(b.Context(), m); err != nil {
				b.Error(err)
				return
			}
			if err := s.SaveCopy(b.Context(), benchCopy(m)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// BenchmarkRead reads messages by id, with 64 concurrent readers.
func BenchmarkRead(b *testing.B) {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), sqlite.WithoutSync())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	const messages = 1000
	for n := range int64(messages) {
		if err := s.InsertMessage(b.Context(), benchMessage(1, n)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	before := cpu(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for n := int64(0); pb.Next(); n++ {
			if _, err := s.Message(b.Context(), benchMessage(1, n%messages).MessageID); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func benchMessage(writer, n int64) *storage.Message {
	at := time.UnixMilli(1750000000000 + n)
	ticket := fmt.Sprintf("TICK-MC0%05d-%08X", writer, writer*2654435761&0xffffffff)
	return &storage.Message{
		MessageID: fmt.Sprintf("-100%010d:%d", 1000+writer, n), TicketID: ticket, Sequence: n,
		TopicID: "home", GroupID: "grp-0000000001",
		Sender: storage.Sender{ID: 1000000 + writer, Kind: "user", Name: "Somchai Jaidee", Username: "somchai"},
		Text:   strings.Repeat("The printer on the third floor is out of paper again. ", 3),
		SentAt: at, RecordedAt: at, Metadata: json.RawMessage(`{"kind":"text"}`),
	}
}

func benchCopy(m *storage.Message) *storage.Copy {
	return &storage.Copy{
		MessageID: m.MessageID, TopicID: m.TicketID + ":1", TicketID: m.TicketID, LinkID: m.TicketID + ":1",
		Sequence: m.Sequence, GroupID: "grp-0000000002", ChatID: -1009999999999, Parts: []int64{m.Sequence * 7},
		Wanted: 1, State: "sent", SentAt: m.SentAt,
	}
}

// cpu returns the CPU time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSaveDeliveries saves what became of 50 events at an endpoint, in 4 endpoints concurrently. records/s counts
// deliveries. It is durable.
func BenchmarkSaveDeliveries(b *testing.B) {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	const batch = 50
	b.SetParallelism(max(1, 4/runtime.GOMAXPROCS(0)))
	var endpoints atomic.Int64
	before := cpu(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		endpoint := endpoints.Add(1)
		for n := int64(1); pb.Next(); n++ {
			all := make([]*storage.Delivery, batch)
			for i := range all {
				all[i] = benchDelivery(endpoint, n*batch+int64(i))
			}
			if err := s.SaveDeliveries(b.Context(), all); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	records := float64(b.N * batch)
	b.ReportMetric(records/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/records, "cpu-µs/record")
}

func benchDelivery(endpoint, n int64) *storage.Delivery {
	at := time.UnixMilli(1750000000000 + n)
	ticket := fmt.Sprintf("TICK-MC0%05d-%08X", n%1000, n%1000)
	return &storage.Delivery{
		WebhookID: fmt.Sprintf("wh_%026d", endpoint), EventID: ids.EventID(fmt.Sprint(n)), TicketID: ticket, Number: n,
		Type: "message.sent", Partition: storage.PartitionOf(ticket), Position: n, State: storage.DeliverySent,
		CreatedAt: at, UpdatedAt: at,
		Attempts: []storage.DeliveryAttempt{{
			At: at, DurationMs: 12, Status: 200, Response: "ok",
			RequestHeaders: []storage.Header{
				{Name: "webhook-id", Value: ids.EventID(fmt.Sprint(n))}, {Name: "webhook-timestamp", Value: "1750000000"},
				{Name: "webhook-signature", Value: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
			},
		}},
	}
}
