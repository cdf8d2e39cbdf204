package report

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// large has the tallies of so many tickets, all but every thousandth of one group. They are not stored anywhere.
type large struct {
	storage.Store
	tickets int
}

func (l large) TalliesBy(_ context.Context, _ storage.TallyTime, after storage.Due, _ time.Time, limit int) (page []storage.Tally, _ error) {
	first := 0
	if after.ID != "" {
		if _, err := fmt.Sscanf(after.ID, "t%d", &first); err != nil {
			return nil, err
		}
		first++
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := first; i < min(first+limit, l.tickets); i++ {
		t := storage.Tally{TallyID: fmt.Sprintf("t%09d", i), GroupID: "large", CreatedAt: at, AnsweredAt: at, FirstClosedAt: at, ClosedAt: at}
		if i%1000 == 0 {
			t.GroupID = "small"
		}
		page = append(page, t)
	}
	return page, nil
}

// TestTheBoundIsTheReports: a report of a small group is made, however many tickets other groups have.
func TestTheBoundIsTheReports(t *testing.T) {
	store := large{tickets: talliesAtMost/2 + 1000} // each has three times
	span := &messages.ReportSpan{FirstDay: "2026-03-01", LastDay: "2026-03-31", TimeZone: "UTC", By: ByGroup, Limit: 10}
	if _, err := Times(t.Context(), store, span); !errors.Is(err, ErrTooMuch) {
		t.Errorf("of all groups: %v", err)
	}
	span.GroupId = "small"
	r, err := Times(t.Context(), store, span)
	if err != nil || r.Total.Close.Tickets != int64(store.tickets/1000) {
		t.Errorf("of the small one: %v, %v", r.GetTotal(), err)
	}
}
