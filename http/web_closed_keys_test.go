package httpedge_test

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/view"
)

// TestKeysOfAnotherGroupFindNothing walks all routes that answer a GET, those of the API and of the operations pages, by a key that may
// do everything in another group: no answer has anything of this group, whatever its address names. It takes up new routes by itself.
func TestKeysOfAnotherGroupFindNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long: asks every route for everything")
	}
	s := newService(t, serviceOptions{countEvery: 20 * time.Millisecond})
	s.register()
	anybody, other := s.key(nil, "admin"), s.bound(s.sales)
	begin := s.feed(other, "after", "now").NextCursor
	w := s.newWalk()
	s.opened(s.ann, s.sales, "An invoice") // so that the other group has something, too
	days := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly) + "&to=" + time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	s.settled(reportsPath+"/activity?from="+days, anybody)
	walked := func(key string, look func(r route, path string, p *page)) (routes int) {
		page, program := s.signInByKey(key), &visitor{s: s}
		for _, r := range w.routes {
			api := strings.HasPrefix(r.path, view.APIPrefix)
			if r.method != http.MethodGet || !api && !strings.HasPrefix(r.path, "/operations") {
				continue
			}
			routes++
			paths := w.addresses(r.path)
			if strings.Contains(r.path, "/reports") {
				paths = nil
				for _, by := range []string{"group", "person", "day"} {
					paths = append(paths, r.path+"?by="+by+"&from="+days, r.path+"?by="+by+"&from="+days+"&groupId="+w.chat)
				}
			}
			switch r.path {
			case feed:
				paths = append(paths, r.path+"?limit=1000", r.path+"?ticketId="+path.Base(w.base))
			case view.APIPrefix + "/tickets":
				paths = append(paths, r.path+"?q="+mark, r.path+"?groupId="+w.chat)
			case keyTickets:
				paths = append(paths, r.path+"?state=all&q="+mark)
			}
			for _, address := range paths {
				if api {
					look(r, address, program.send(http.MethodGet, address, nil, "Authorization", "Bearer "+key))
				} else {
					look(r, address, page.get(address))
				}
			}
		}
		return routes
	}
	var found []string // routes that have something of the group, for whom may see all
	walked(anybody, func(r route, path string, p *page) {
		if !slices.Contains(found, r.path) && slices.ContainsFunc(w.marks, func(m string) bool {
			return strings.Contains(strings.ToLower(p.body), strings.ToLower(m)) && !strings.Contains(strings.ToLower(path), strings.ToLower(m))
		}) {
			found = append(found, r.path)
		}
	})
	if len(found) < 20 {
		t.Errorf("the walk finds something at %d routes only: %q", len(found), found)
	}
	routes := walked(other, func(r route, path string, p *page) {
		w.shut(&outsider{}, "GET "+r.path, path, p)
		if p.status >= http.StatusInternalServerError {
			t.Errorf("%s answers %d at %s: %s", r.path, p.status, path, p.body)
		}
	})
	if routes < 50 {
		t.Errorf("%d routes", routes)
	}
	t.Logf("%d routes, of which %d have something of the group", routes, len(found))
	s.run(t, "nor does the stream of events", func(t *testing.T) {
		stream := s.open(other, "?after="+url.QueryEscape(begin))
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Text: "/create_ticket More " + mark})
		s.must(err)
		s.ticketCalled("More " + mark)
		last := s.opened(s.ann, s.sales, "The last invoice")
		var said []string
		for inVain := time.After(patience); !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, last.TicketID) }); {
			select {
			case line, more := <-stream.lines:
				if !more {
					t.Fatalf("the stream ended after %q", said)
				}
				said = append(said, line)
			case <-inVain:
				t.Fatalf("the key's own ticket never came: %q", said)
			}
		}
		w.shut(&outsider{}, "GET the stream", "/", &page{body: strings.Join(said, "\n")})
		if !slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, "An invoice") }) {
			t.Errorf("the stream did not begin where it was told: %q", said)
		}
	})
}
