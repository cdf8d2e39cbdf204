package httpedge_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	reportsPath = "/api/v1/reports"
	ofMarch     = "?from=2026-03-01&to=2026-03-31"
)

func init() {
	invalid := func(path string) map[string]func(*service) request {
		of := func(query string) func(*service) request { return get(path + "?" + query) }
		return map[string]func(*service) request{
			"from": of("to=2026-03-31"), "from ": of("from=March&to=2026-03-31"), "from  ": of("from=1999-12-31&to=1999-12-31"),
			"to": of("from=2026-03-01&to=2026-02-28"), "to ": of("from=2026-03-01&to=2027-03-02"),
			"timeZone": of(ofMarch[1:] + "&timeZone=Mars/Olympus"), "timeZone ": of(ofMarch[1:] + "&timeZone=Local"),
			"timeZone  ": of(ofMarch[1:] + "&timeZone=../../etc/passwd"),
			"by":         of(ofMarch[1:] + "&by=year"), "groupId": of(ofMarch[1:] + "&groupId=-7"),
		}
	}
	unknown := func(path string) map[string]func(*service) request {
		return map[string]func(*service) request{"group_not_found": get(path)}
	}
	page := func(path string) operationTest {
		o := operationTest{good: get(path + ofMarch), invalid: invalid(path), refused: unknown(path + ofMarch + "&groupId=-7")}
		o.invalid["limit"] = get(path + ofMarch + "&limit=1001")
		o.invalid["cursor"] = get(path + ofMarch + "&cursor=nonsense")
		return o
	}
	file := func(path string) operationTest {
		o := operationTest{good: get(path + ofMarch), invalid: invalid(path), refused: unknown(path + ofMarch + "&groupId=-7")}
		o.check = func(t *testing.T, s *service, r *response) {
			if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv; charset=utf-8") ||
				!strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment;") || !strings.HasPrefix(string(r.body), "key,name,") {
				t.Errorf("%v: %s", r.header, r.body)
			}
		}
		return o
	}
	operationTests["getTimesReport"] = page(reportsPath + "/times")
	operationTests["getActivityReport"] = page(reportsPath + "/activity")
	operationTests["getTimesReportCsv"] = file(reportsPath + "/times.csv")
	operationTests["getActivityReportCsv"] = file(reportsPath + "/activity.csv")
	operationTests["getOpenReport"] = operationTest{good: get(reportsPath + "/open"),
		refused: unknown(reportsPath + "/open?groupId=-7"),
		invalid: map[string]func(*service) request{"groupId": get(reportsPath + "/open?groupId=-7")}}
}

// reporting is a service that counts soon, with a key that may read reports, and the query of the last days.
func reporting(t *testing.T) (s *service, key, days string) {
	t.Helper()
	s = newService(t, serviceOptions{countEvery: 20 * time.Millisecond})
	s.register()
	now := time.Now().UTC()
	days = "?from=" + now.AddDate(0, 0, -1).Format(time.DateOnly) + "&to=" + now.AddDate(0, 0, 1).Format(time.DateOnly)
	return s, s.key(nil, messages.ScopeReportsRead), days
}

// settled waits until everything is counted.
func (s *service) settled(path, key string) object {
	s.t.Helper()
	var got object
	s.await("all events are counted", func() bool {
		got = s.do("GET", path, key, nil).is(200)
		return got["waitingEvents"] == 0.0
	})
	return got
}

func TestReports(t *testing.T) {
	s, key, days := reporting(t)
	one, other := s.key(func(k *storage.APIKey) { k.Name = "=1+1" }, "admin"), s.key(nil, "admin")
	ticket := s.ticket(one, "Counted")
	s.do("POST", at(ticket)+"/messages", one, object{"text": "question"}).is(202)
	s.do("POST", at(ticket)+"/messages", other, object{"text": "answer"}).is(202)
	s.do("POST", at(ticket)+"/close", other, object{}).is(200)
	s.await("it is closed", func() bool {
		return s.do("GET", at(ticket), one, nil).is(200)["status"] == "closed"
	})
	times := reportsPath + "/times" + days + "&timeZone=Asia/Kathmandu"
	activity := reportsPath + "/activity" + days + "&timeZone=Asia/Kathmandu"
	got := s.settled(activity+"&by=person", key)
	total := got["total"].(object)
	for name, want := range map[string]float64{"opened": 1, "closed": 1, "reopened": 0, "customerMessages": 1, "deskMessages": 1, "notes": 0} {
		if total[name] != want {
			t.Errorf("%s: %v, want %v", name, total[name], want)
		}
	}
	if len(got["data"].([]any)) != 2 || got["completeSince"] != nil {
		t.Error(got)
	}
	total = s.settled(times, key)["total"].(object)
	for _, name := range []string{"firstAnswer", "firstClose", "close"} {
		if took := total[name].(object); took["tickets"] != 1.0 || took["medianSeconds"].(float64) < 0 || took["p90Seconds"] != took["longestSeconds"] {
			t.Errorf("%s: %v", name, took)
		}
	}
	t.Run("pages", func(t *testing.T) {
		seen, cursor := []string{}, ""
		for {
			page := s.do("GET", activity+"&by=hour&limit=7"+cursor, key, nil).is(200)
			for _, row := range page["data"].([]any) {
				seen = append(seen, row.(object)["key"].(string))
			}
			if page["nextCursor"] == nil {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(page["nextCursor"].(string))
			s.do("GET", times+"&by=hour&limit=7"+cursor, key, nil).is(422, "invalid") // of another report
		}
		if len(seen) != 24 || seen[0] != "00" || seen[23] != "23" {
			t.Error(seen)
		}
	})
	t.Run("CSV", func(t *testing.T) {
		for path, columns := range map[string]int{"/times.csv": 18, "/activity.csv": 8} {
			r := s.do("GET", reportsPath+path+days+"&by=person", key, nil)
			r.is(200)
			table, err := csv.NewReader(strings.NewReader(string(r.body))).ReadAll()
			s.must(err)
			if len(table) < 2 || len(table[0]) != columns || strings.Count(string(r.body), "\r\n") != len(table) {
				t.Errorf("%s: %q", path, r.body)
			}
			for _, row := range table[1:] {
				if strings.HasPrefix(row[1], "=") {
					t.Errorf("a formula: %q", row)
				}
			}
			if path == "/activity.csv" && !strings.Contains(string(r.body), ",'=1+1,") {
				t.Errorf("the name is not there: %s", r.body)
			}
		}
	})
	t.Run("a key of a group gets its group", func(t *testing.T) {
		group := func(chat int64) string {
			g, err := s.store.GroupByTelegramID(t.Context(), chat)
			s.must(err)
			return g.GroupID
		}
		support := s.key(of(group(s.support)), messages.ScopeReportsRead)
		sales := s.key(of(group(s.sales)), messages.ScopeReportsRead)
		for token, want := range map[string]float64{support: 1, sales: 0} {
			if got := s.do("GET", activity, token, nil).is(200)["total"].(object)["opened"]; got != want {
				t.Errorf("%v, want %v", got, want)
			}
			if got := s.do("GET", times, token, nil).is(200)["total"].(object)["close"].(object)["tickets"]; got != want {
				t.Errorf("%v, want %v", got, want)
			}
		}
		s.do("GET", activity+fmt.Sprint("&groupId=", s.support), sales, nil).is(422, "group_not_found")
		s.do("GET", reportsPath+fmt.Sprint("/open?groupId=", s.support), sales, nil).is(422, "group_not_found")
		if got := s.do("GET", activity+fmt.Sprint("&groupId=", s.support), key, nil).is(200)["total"].(object)["opened"]; got != 1.0 {
			t.Error(got)
		}
	})
	t.Run("open tickets by age", func(t *testing.T) {
		s.ticket(one, "Open")
		rows := s.do("GET", reportsPath+"/open", key, nil).is(200)["data"].([]any)
		first, last := rows[0].(object), rows[6].(object)
		if first["open"] != 1.0 || first["fromSeconds"] != 0.0 || first["toSeconds"] != 3600.0 || last["toSeconds"] != nil || last["open"] != 0.0 {
			t.Error(rows)
		}
	})
}

// TestReportsLeaveRoomForLists: while reports take long, whoever lists tickets does not wait for them, and further reports are refused.
func TestReportsLeaveRoomForLists(t *testing.T) {
	var begun atomic.Int64
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string, m proto.Message) (proto.Message, error) {
		if _, is := m.(*messages.GetTimesReport); is {
			begun.Add(1)
			<-gate
		}
		return next.Ask(context.WithoutCancel(ctx), kind, id, m) // on a slow machine the test takes its time
	}))
	t.Cleanup(open) // before the service stops
	s.register()
	key := s.key(nil, "admin")
	var asking sync.WaitGroup
	statuses := make(chan int, 10)
	for range cap(statuses) {
		asking.Go(func() {
			r, err := s.try("GET", reportsPath+"/times"+ofMarch, key, nil)
			if err != nil {
				t.Error(err)
				return
			}
			statuses <- r.status
			if r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") == "" {
				t.Errorf("refused without a Retry-After: %s", r.body)
			}
		})
	}
	for range cap(statuses) - 2 {
		select {
		case status := <-statuses:
			if status != http.StatusServiceUnavailable {
				t.Errorf("one of many reports: %d", status)
			}
		case <-time.After(patience):
			t.Fatal("more than two reports are being made")
		}
	}
	if n := begun.Load(); n != 2 {
		t.Errorf("%d reports are being made", n)
	}
	s.do("GET", "/api/v1/tickets", key, nil).is(200)
	s.do("GET", reportsPath+"/open", key, nil).is(200)
	open()
	asking.Wait()
	for range 2 {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("one of the two: %d", status)
		}
	}
}
