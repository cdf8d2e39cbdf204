package report

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// BenchmarkReports is what a report over 100,000 tickets of a year costs, in 20 groups that work 10 hours a day.
func BenchmarkReports(b *testing.B) {
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	year := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var all []*storage.Tally
	save := func() {
		if err := store.SaveTallies(b.Context(), all); err != nil {
			b.Fatal(err)
		}
		all = nil
	}
	by := func(i int) storage.Creator {
		return storage.Creator{Kind: "user", ID: fmt.Sprint(10_000 + i%60), Name: fmt.Sprint("Person ", i%60)}
	}
	for i := range 100_000 {
		at := year.Add(time.Duration(i) * (365 * 24 * time.Hour / 100_000))
		all = append(all, &storage.Tally{TallyID: fmt.Sprintf("%sTICK-%08d-ABCDEF01", ticketPrefix, i), GroupID: fmt.Sprint("g", i%20),
			Number: 9, ChangedAt: at, CreatedAt: at, AnsweredAt: at.Add(time.Duration(i%500) * time.Minute), AnsweredBy: by(i),
			FirstClosedAt: at.Add(time.Duration(i%3000) * time.Minute), FirstClosedBy: by(i + 1),
			ClosedAt: at.Add(time.Duration(i%4000) * time.Minute), ClosedBy: by(i + 1)})
		if len(all) == 1000 {
			save()
		}
	}
	for day := range 365 {
		for h := range 200 {
			at := year.AddDate(0, 0, day).Add(time.Duration(h/20) * time.Hour)
			t := &storage.Tally{TallyID: hourID(fmt.Sprint("g", h%20), at), GroupID: fmt.Sprint("g", h%20), ChangedAt: at, Batch: 1}
			for i := range 8 {
				t.Counts = append(t.Counts, storage.TallyCount{Quarter: i % 4, By: by(h + i), Asked: 2, Answered: 3})
			}
			all = append(all, t)
		}
		save()
	}
	span := &messages.ReportSpan{FirstDay: "2026-01-01", LastDay: "2026-12-31", TimeZone: "Asia/Bangkok", By: ByPerson, Limit: 400}
	b.Run("times", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if r, err := Times(b.Context(), store, span); err != nil || r.Total.FirstAnswer.Tickets < 99_000 {
				b.Fatal(r.GetTotal(), err)
			}
		}
	})
	b.Run("activity", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if r, err := Activity(b.Context(), store, span); err != nil || r.Total.Asked < 1_000_000 {
				b.Fatal(r.GetTotal(), err)
			}
		}
	})
}
