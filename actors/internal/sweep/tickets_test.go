package sweep

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// TestEachIsWokenOnce: a ticket that is due again before a sweep of all comes to its end is not woken again.
func TestEachIsWokenOnce(t *testing.T) {
	woken, at := once{}, time.Unix(1e9, 0)
	first := woken.not([]storage.Due{{ID: "a", At: at}, {ID: "b", At: at}})
	again := woken.not([]storage.Due{{ID: "a", At: at.Add(time.Minute)}, {ID: "c", At: at.Add(time.Minute)}})
	if len(first) != 2 || len(again) != 1 || again[0].ID != "c" {
		t.Errorf("%v, then %v", first, again)
	}
}

// TestTicketsThatStayDue: a ticket that stays as due as it was is woken ever more seldom, one that is due anew at once.
func TestTicketsThatStayDue(t *testing.T) {
	all := tickets{resting: map[ids.TicketID]rest{}}
	at := time.Unix(1e9, 0)
	var woken []int64
	for all.pass = 1; all.pass <= 100; all.pass++ {
		if all.wakes(storage.Due{ID: "stays", At: at}) {
			woken = append(woken, all.pass)
		}
		if !all.wakes(storage.Due{ID: "moves", At: at.Add(time.Duration(all.pass))}) {
			t.Errorf("sweep %d leaves out what is due anew", all.pass)
		}
		all.forget()
	}
	if want := []int64{1, 2, 4, 8, 16, 32, 48, 64, 80, 96}; !slices.Equal(woken, want) {
		t.Errorf("%v", woken)
	}
	all.pass += 100
	if all.forget(); len(all.resting) != 0 {
		t.Errorf("%d are remembered", len(all.resting))
	}
	for i := range restingAtMost + 10 {
		if !all.wakes(storage.Due{ID: fmt.Sprint(i), At: at}) {
			t.Fatal(i)
		}
	}
	if len(all.resting) != restingAtMost {
		t.Errorf("%d are remembered", len(all.resting))
	}
}
