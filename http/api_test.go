package httpedge_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
)

func TestErrors(t *testing.T) {
	s := newService(t, wrap(func(next httpedge.Desk, ctx context.Context, kind, id string,
		m proto.Message) (proto.Message, error) {
		switch m.(type) {
		case *messages.ListGroups:
			panic("s3cr3t")
		case *messages.ListUsers:
			return nil, errors.New("s3cr3t")
		case *messages.GetGroupRecord:
			return nil, messages.ErrFault
		}
		return next.Ask(ctx, kind, id, m)
	}))
	key := s.key(nil, "admin")
	for path, code := range map[string]string{"/api/v1/nothing": "not_found", "/nothing": "not_found",
		"/api/v1/users/": "invalid"} {
		if p := s.do("GET", path, key, nil); p.status == 200 {
			t.Errorf("%s is answered", path)
		} else if code == "not_found" {
			p.is(404, code)
		}
	}
	r := s.do("PATCH", "/api/v1/groups", key, nil)
	r.is(405, "method_not_allowed")
	if !strings.Contains(r.header.Get("Allow"), "GET") {
		t.Error(r.header)
	}
	for _, path := range []string{"/api/v1/groups", "/api/v1/users", "/api/v1/groups/-5"} {
		if p := s.do("GET", path, key, nil).is(500, "internal"); strings.Contains(fmt.Sprint(p), "s3cr3t") {
			t.Error(p)
		}
	}
	s.do("GET", "/api/v1/me", key, nil).is(200) // it lives
	for _, path := range []string{"/api/v1/users?limit=%zz", "/api/v1/users/%zz", "/api/v1/users?a;b"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		s.must(err)
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", path, key)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, " 4") {
			t.Errorf("%s: %q %v", path, line, err)
		}
		_ = conn.Close()
	}
}

func TestTextsAreCleaned(t *testing.T) {
	s := newService(t, serviceOptions{})
	key := s.key(nil, "admin")
	body := fmt.Sprintf(`{"telegramId":%d,"firstName":"N\u0000o\u001b[1mk\u0085","lastName":"a\r\nb\tc\u007f`+"\u0090"+`<&>กข 👍 \ud83d\udc4d"}`, nextID())
	u := s.do("POST", "/api/v1/users", key, body).is(201)
	if u["firstName"] != "No[1mk" || u["lastName"] != "a b c<&>กข 👍 👍" {
		t.Errorf("%q", u)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, "admin")
	want := map[int64]bool{}
	for range 23 {
		want[s.person(s.support)] = true
	}
	seen := map[int64]bool{}
	cursor := ""
	for pages := 0; ; pages++ {
		path := fmt.Sprintf("/api/v1/users?limit=5&defaultGroupId=%d", s.support)
		page := s.do("GET", path+cursor, key, nil).is(200)
		for _, u := range page["data"].([]any) {
			id := int64(u.(object)["telegramId"].(float64))
			if seen[id] {
				t.Errorf("%d comes twice", id)
			}
			seen[id] = true
		}
		s.person(s.support) // more come while the list is read
		if page["nextCursor"] == nil {
			break
		}
		next := page["nextCursor"].(string)
		cursor = "&cursor=" + next
		s.do("GET", "/api/v1/users?limit=5&cursor="+next, key, nil).is(422, "invalid") // of another list
		s.do("GET", path+"&cursor="+next[:len(next)-1], key, nil).is(422, "invalid")   // cut
		s.do("GET", path+"&cursor="+"A"+strings.TrimPrefix(next, next[:1]), key, nil)  // whatever it is, no fault
		s.do("GET", "/api/v1/api-keys?cursor="+next, key, nil).is(422, "invalid")      //
		if pages > 100 {
			t.Fatal("the list does not end")
		}
	}
	for id := range want {
		if !seen[id] {
			t.Errorf("%d is not in the list", id)
		}
	}
	id := s.person(0)
	one := s.do("GET", fmt.Sprintf("/api/v1/users?username=@BEN_%d", newest.Load()), key, nil).is(200)
	if data := one["data"].([]any); len(data) != 1 || data[0].(object)["telegramId"] != float64(id) {
		t.Error(one)
	}
	if none := s.do("GET", "/api/v1/users?username=nobody", key, nil).is(200); len(none["data"].([]any)) != 0 ||
		none["nextCursor"] != nil {
		t.Error(none)
	}
}

func TestBrowsers(t *testing.T) {
	t.Parallel()
	t.Run("of other origins are refused", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		r := s.do("GET", "/api/v1/me", s.key(nil, "admin"), nil, "Origin", "https://evil.example")
		r.is(200)
		if r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("X-Content-Type-Options") != "nosniff" ||
			r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Security-Policy") == "" {
			t.Error(r.header)
		}
	})
	t.Run("of an origin that is set are let in", func(t *testing.T) {
		o := serviceOptions{}
		o.api.CORSOrigins = []string{"https://desk.example.org"}
		s := newService(t, o)
		for origin, allowed := range map[string]string{"https://desk.example.org": "https://desk.example.org",
			"https://evil.example": ""} {
			r := s.do("OPTIONS", "/api/v1/users", "", nil, "Origin", origin, "Access-Control-Request-Method", "POST",
				"Access-Control-Request-Headers", "authorization,idempotency-key")
			if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != allowed {
				t.Error(origin, r.status, r.header)
			}
		}
	})
	t.Run("find the document and a page that calls nobody else", func(t *testing.T) {
		s := newService(t, serviceOptions{})
		committed, err := os.ReadFile("../docs/openapi.yaml")
		s.must(err)
		if r := s.do("GET", "/openapi.yaml", "", nil); r.status != 200 || string(r.body) != string(committed) {
			t.Error(r.status)
		}
		if r := s.do("GET", "/openapi.json", "", nil); r.status != 200 ||
			!strings.Contains(string(r.body), `"openapi":"3.1.0"`) {
			t.Error(r.status)
		}
		if r := s.do("GET", "/swagger", "", nil); r.status != http.StatusMovedPermanently {
			t.Error(r.status)
		}
		page := s.do("GET", "/swagger/index.html", "", nil)
		if page.status != 200 || strings.Contains(string(page.body), "googleapis") ||
			!strings.Contains(string(page.body), "/openapi.json") {
			t.Errorf("%d %s", page.status, page.body)
		}
		if policy := page.header.Get("Content-Security-Policy"); strings.Contains(policy, "script-src 'self' 'unsafe") || !strings.Contains(policy, "script-src 'self' 'sha256-") {
			t.Error(policy)
		}
		for _, file := range []string{"swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js",
			"favicon-32x32.png"} {
			if r := s.do("GET", "/swagger/"+file, "", nil); r.status != 200 || len(r.body) < 100 {
				t.Error(file, r.status)
			}
		}
	})
}
