package httpedge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/storage"
)

// TestLargeAnswersAreBounded: clients that read slowly, or not at all, hold a limited amount of memory. Others are told
// to come again, and are served as soon as the slow ones have left.
func TestLargeAnswersAreBounded(t *testing.T) {
	s := newService(t, serviceOptions{server: httpedge.Options{AnswerMemory: 8 << 20}})
	token := s.key(func(k *storage.APIKey) { k.Rate, k.Burst = 100_000, 200_000 }, "admin")
	for n := range 100 {
		at := time.UnixMilli(int64(n + 1000))
		s.must(s.store.SaveTicket(t.Context(), &storage.Ticket{
			TicketID: fmt.Sprint("T", n), ShortID: fmt.Sprintf("%08X", n), Title: strings.Repeat("ท", 120),
			Description: strings.Repeat("ก", 4000), Status: "open", Priority: "normal", GroupID: "g1",
			Metadata:  json.RawMessage(`{"a":"` + strings.Repeat("m", 8000) + `"}`),
			CreatedBy: storage.Creator{Kind: "user", ID: "7"}, CreatedAt: at, UpdatedAt: at}))
	}
	const path = "/api/v1/tickets?limit=100"
	large := func() (status, size int, res *http.Response) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.url+path, nil)
		s.must(err)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err = http.DefaultClient.Do(req)
		s.must(err)
		body, err := io.ReadAll(res.Body)
		s.must(errors.Join(err, res.Body.Close()))
		return res.StatusCode, len(body), res
	}
	_, whole, _ := large()
	if whole < 1<<20 {
		t.Fatalf("the answer has only %d bytes", whole)
	}
	var slow []net.Conn
	for range 6 { // each asks often, and reads nothing: more than the kernel's buffers hold
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		s.must(err)
		s.must(conn.(*net.TCPConn).SetReadBuffer(64 << 10)) // else the kernel's grows, and takes many answers
		t.Cleanup(func() { _ = conn.Close() })
		request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", path, token)
		_, err = io.WriteString(conn, strings.Repeat(request, 8))
		s.must(err)
		slow = append(slow, conn)
	}
	await := func(what string, want int) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; {
			status, _, res := large()
			if status == want {
				if status == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
					t.Error("it does not say when to come again")
				}
				return
			}
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	await("slow clients hold as much memory as they like", http.StatusServiceUnavailable)
	s.do("GET", "/api/v1/me", token, nil).is(200) // short answers are not concerned
	for _, conn := range slow {
		s.must(conn.Close())
	}
	await("the memory of clients that left is never free", http.StatusOK)
	for range 30 { // whoever reads takes nothing from others
		if status, size, _ := large(); status != http.StatusOK || size != whole {
			t.Fatalf("%d: %d bytes instead of %d", status, size, whole)
		}
	}
	req, err := http.NewRequest("HEAD", s.url+path, nil)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+token)
	for range 30 {
		res, err := http.DefaultClient.Do(req)
		s.must(err)
		body, err := io.ReadAll(res.Body)
		s.must(err)
		s.must(res.Body.Close())
		if res.StatusCode != http.StatusOK || len(body) > 0 || res.ContentLength != int64(whole) {
			t.Fatalf("HEAD: %d, %d bytes of %d", res.StatusCode, len(body), res.ContentLength)
		}
	}
}

// TestAnAnswerLargerThanTheMemory: it is given while no other large one waits.
func TestAnAnswerLargerThanTheMemory(t *testing.T) {
	s := newService(t, serviceOptions{server: httpedge.Options{AnswerMemory: 100 << 10}})
	for n := range 20 {
		at := time.UnixMilli(int64(n + 1000))
		s.must(s.store.SaveTicket(t.Context(), &storage.Ticket{
			TicketID: fmt.Sprint("T", n), ShortID: fmt.Sprintf("%08X", n), Title: "Lamp", Status: "open",
			Description: strings.Repeat("ก", 4000), Priority: "normal", GroupID: "g1", Home: storage.Topic{GroupID: "g1", TelegramTopicID: int64(n + 7)},
			CreatedBy: storage.Creator{Kind: "user", ID: "7"}, CreatedAt: at, UpdatedAt: at}))
	}
	token := s.key(nil, "admin")
	for range 3 {
		s.do("GET", "/api/v1/tickets?limit=100", token, nil).is(200)
	}
}
