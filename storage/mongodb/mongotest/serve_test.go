package mongotest_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// service is the program on MongoDB's protocol, with a Telegram of two groups. The database's server is FerretDB in the
// process of the test, or a real one. The service has a process of its own, which the test kills.
type service struct {
	*testing.T
	sim            *simulator.Server
	server         server
	opener         *opener
	database       string // its name
	path, addr     string
	env            []string
	cmd            *exec.Cmd
	log            bytes.Buffer
	alice, bob     int64
	support, works int64
}

func newService(t *testing.T) *service {
	server, o := serverOf(t)
	sim, err := simulator.New(simulator.Options{})
	must(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	running, err := sim.Start("127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = running.Stop() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &service{T: t, sim: sim, server: server, opener: o, database: newDatabase(), path: program(t), addr: l.Addr().String()}
	must(t, l.Close())
	must(t, o.open(t, s.database).Close()) // creates the index that FerretDB's finds need
	s.env = []string{
		"TELEGRAM_BOT_TOKEN=" + sim.Token(), "TELEGRAM_API_URL=" + running.URL, "HTTP_ADDR=" + s.addr,
		"TELEGRAM_MODE=webhook", "TELEGRAM_WEBHOOK_URL=http://" + s.addr + "/telegram/webhook",
		"TELEGRAM_WEBHOOK_SECRET=" + hookSecret,
		"TELEGRAM_GLOBAL_PER_SECOND=0", "TELEGRAM_CHAT_PER_SECOND=0", "TELEGRAM_GROUP_PER_MINUTE=0",
		"DATABASE_URL=" + databaseURL(t, server.URI(), s.database), "DATA_DIR=" + t.TempDir(),
	}
	person := func(name, username string) int64 {
		p, err := sim.AddPerson(simulator.Person{FirstName: name, Username: username, LanguageCode: "en"})
		must(t, err)
		return p.ID
	}
	group := func(title string, creator int64) int64 {
		g, err := sim.AddGroup(simulator.Group{Title: title, Forum: true})
		must(t, err)
		must(t, sim.SetMember(g.ID, creator, simulator.Creator))
		return g.ID
	}
	s.alice, s.bob = person("Alice", "alice"), person("Bob", "bob_b")
	s.support, s.works = group("Support", s.alice), group("Works", s.bob)
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *service) start() {
	s.Helper()
	s.cmd = exec.Command(s.path, "serve")
	s.cmd.Env, s.cmd.Stderr, s.cmd.Dir = append(os.Environ(), s.env...), &s.log, s.TempDir()
	must(s.T, s.cmd.Start())
}

func (s *service) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *service) status(path string) int {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + s.addr + path)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

const hookSecret = "a-secret"

// deliver sends the service an update as Telegram does. It returns the status of the answer, or 0 when there is none.
func (s *service) deliver(update string) int {
	s.Helper()
	address := "http://" + s.addr + "/telegram/webhook"
	call, err := http.NewRequestWithContext(s.Context(), http.MethodPost, address, strings.NewReader(update))
	must(s.T, err)
	call.Header.Set("X-Telegram-Bot-Api-Secret-Token", hookSecret)
	answer, err := (&http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}).Do(call)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// await waits until cond holds.
func (s *service) await(what string, cond func() bool) {
	s.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("waited in vain: %s", what)
		}
	}
}

func (s *service) say(from, group int64, thread int, text string) {
	s.Helper()
	_, err := s.sim.Post(simulator.Post{From: from, Chat: group, Thread: thread, Text: text})
	must(s.T, err)
}

// thread returns the topic of the group whose name begins so, or 0 when there is none.
func (s *service) thread(group int64, title string) int {
	for _, topic := range s.sim.Topics(group) {
		if strings.HasSuffix(topic.Name, " "+title) {
			return topic.Thread
		}
	}
	return 0
}

// heard returns the words "m-…" that the bot posted in a topic, in the order of their first posts, and how many it
// posted more than once.
func (s *service) heard(group int64, thread int) (all []string, again int) {
	for _, m := range s.sim.Messages(group, thread) {
		i := strings.LastIndex(m.Text, "m-")
		switch {
		case i < 0 || !m.From.IsBot:
		case slices.Contains(all, m.Text[i:]):
			again++
		default:
			all = append(all, m.Text[i:])
		}
	}
	return all, again
}

// TestServe lets the service mirror a conversation while SIGKILL ends it several times and its database is
// unreachable for a while.
func TestServe(t *testing.T) { // not parallel: a stop has 10 s
	s := newService(t)
	away := 4 * time.Second
	if os.Getenv("TOPICDESK_LONG") != "" {
		away = 30 * time.Second
	}
	s.start()
	for _, g := range []int64{s.support, s.works} {
		must(t, s.sim.SetBot(g, simulator.Administrator, simulator.BotRights{CanManageTopics: true, CanPinMessages: true}))
	}
	s.await("ready", func() bool { return s.status("/readyz") == 200 })
	s.say(s.bob, s.works, 0, "/default_group")
	s.say(s.alice, s.support, 0, "/create_ticket Printer")
	s.await("the ticket's topic", func() bool { return s.thread(s.support, "Printer") != 0 && s.sim.Pending() == 0 })
	home := s.thread(s.support, "Printer")
	s.say(s.alice, s.support, home, "/mention @bob_b")
	s.await("bob's topic", func() bool { return s.thread(s.works, "Printer") != 0 && s.sim.Pending() == 0 })
	there := s.thread(s.works, "Printer")

	var want []string
	tell := func(n int) {
		for range n {
			want = append(want, fmt.Sprintf("m-%03d", len(want)))
			s.say(s.alice, s.support, home, "it says "+want[len(want)-1])
		}
	}
	count := func() int {
		all, _ := s.heard(s.works, there)
		return len(all)
	}
	arrived := func() bool { return count() >= len(want) }
	kills := 3
	for n := range kills {
		tell(10)
		s.await("some have arrived", func() bool { return count() > n*10+3 })
		s.kill()
		s.start()
	}
	s.await("all that was said before and after kills", arrived)
	// All may have arrived before the last kill, when the service is not ready yet.
	s.await("readiness is green", func() bool { return s.status("/readyz") == 200 })

	s.server.Away(true)
	gone := time.Now()
	tell(5)
	s.await("readiness is red", func() bool { return s.status("/readyz") == 503 })
	if s.status("/healthz") != 200 {
		t.Error("without its database the service counts as dead")
	}
	// Messages of people, and updates that need a record that no cache has.
	words := fmt.Sprintf(`"date":%d,"chat":{"id":%d,"type":"supergroup","is_forum":true},`+
		`"from":{"id":%d,"is_bot":false,"first_name":"Alice"}`,
		time.Now().Unix(), s.support, s.alice)
	for what, message := range map[string]string{
		"a message of a ticket": fmt.Sprintf(
			`{"message_id":900001,%s,"message_thread_id":%d,"is_topic_message":true,"text":"hello"}`, words, home),
		"a command": fmt.Sprintf(`{"message_id":900002,%s,"text":"/create_ticket Scanner"}`, words),
	} {
		if status := s.deliver(`{"update_id":900001,"message":` + message + `}`); status != http.StatusServiceUnavailable {
			t.Errorf("%s was answered %d while nothing could be stored", what, status)
		}
	}
	s.await("the time is over", func() bool { return time.Since(gone) > away })
	if s.sim.Pending() == 0 {
		t.Error("updates were taken while nothing could be stored")
	}
	s.server.Away(false)
	s.await("all that was said while the database was away", arrived)
	t.Logf("all was there %v after the database came back", time.Since(gone.Add(away)).Round(10*time.Millisecond))
	s.await("readiness is green", func() bool { return s.status("/readyz") == 200 })
	s.await("all updates are taken", func() bool { return s.sim.Pending() == 0 })

	got, again := s.heard(s.works, there)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// A kill may leave calls whose outcome is unknown: a link has at most 16 of them in flight to a topic.
	if again > 16*kills {
		t.Errorf("%d messages came again with %d kills", again, kills)
	}
	t.Logf("%d messages, %d kills, %d came again", len(want), kills, again)
	stop, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, s.cmd.Process.Signal(os.Interrupt))
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
		s.cmd = nil
	case <-stop.Done():
		t.Error("it did not stop")
		<-ended
		s.cmd = nil
	}
}
