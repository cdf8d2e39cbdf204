package mongotest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// program is the path of the service, which the first test that needs it builds.
func program(t *testing.T) string {
	t.Helper()
	path, err := built()
	must(t, err)
	return path
}

// built builds the service into a folder that TestMain removes.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "topicdesk")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "topicdesk")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/topicdesk")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// builtIn is the folder with the service; "": there is none.
var builtIn string

// aDesk creates a SQLite database with that many messages, and with records of every other kind.
func aDesk(t *testing.T, messages int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "desk.db")
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	records := []any{
		&storage.Group{
			GroupID: "g1", TelegramGroupID: -1001, Title: "Support <&>", FormerIDs: []int64{-1}, CreatedAt: at, Version: 3,
		},
		&storage.Chat{
			ChatID: "g1", Rate: 0.25, DueAt: at,
			Answers: []storage.Pending{{ID: "a", Kind: "operation", Body: []byte{0, 255}}}, Version: 9,
		},
		&storage.SavedOffset{Name: "bot", Value: 1 << 60},
	}
	for i := range 300 {
		id := fmt.Sprintf("TICK-%06d", i)
		ticket := aTicket(id)
		ticket.Version, ticket.Home.TelegramTopicID = int64(1+i%7), int64(i+1)
		ticket.Number, ticket.LastMessageAt = int64(i+1), at // as each has; who opens the database numbers the rest
		ticket.Status = []string{"open", "closed"}[i%2]
		ticket.Description = strings.Repeat("กระดาษติด ", i%40)
		ticket.Events = []storage.Event{{
			EventID: id, TicketID: id, Type: "ticket.created", At: at,
			Data: json.RawMessage(`{"n":1.0,"e":1e3,"ก":"\u0e01"}`),
		}}
		records = append(records, ticket,
			&storage.User{
				TelegramID: int64(i) << 40, FirstName: fmt.Sprint("Nok ", i), DefaultGroupID: "g1",
				CreatedAt: at, UpdatedAt: at, Version: 1,
			},
			&storage.Lease{Entity: "ticket/" + id, Epoch: int64(i + 1), Owner: "host/1", TakenAt: at})
	}
	positions := map[int]int64{}
	for i := range messages {
		m := aMessage(fmt.Sprintf("TICK-%06d", i%300), int64(i/300+1))
		m.Version, m.Text = int64(1+i%3), fmt.Sprintf("message %d %s", i, strings.Repeat("ยาว ", i%20))
		m.Internal = i%50 == 0
		m.SentAt = at.Add(time.Duration(i) * time.Millisecond)
		if i%9 == 0 {
			m.Metadata = json.RawMessage(`{"$a.b":[1,2.50,null,"<&>"]}`)
			m.ReplyTo = &storage.ReplyTo{ChatID: -1001, MessageID: int64(i), Quote: "\x00"}
		}
		records = append(records, m)
		if i%4 == 0 {
			c := aCopy()
			c.MessageID, c.TicketID, c.Sequence, c.Version = m.MessageID, m.TicketID, m.Sequence, 2
			c.Parts = []int64{int64(i), int64(i + 1)}
			records = append(records, c)
		}
		if i%8 == 0 {
			event := anEvent(m.Sequence)
			event.TicketID, event.EventID, event.Partition = m.TicketID, m.MessageID, storage.PartitionOf(m.TicketID)
			positions[event.Partition]++
			event.Position = positions[event.Partition]
			records = append(records, &event)
		}
	}
	for len(records) > 0 {
		n := min(1000, len(records))
		if err := s.Load(t.Context(), records[:n]); err != nil {
			t.Fatal(err)
		}
		records = records[n:]
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCopy copies a desk of 6,000 messages (20,000 in the long tests) from SQLite to MongoDB's protocol and back. The
// program is a process, which the test kills each time while it copies.
func TestCopy(t *testing.T) {
	t.Parallel()
	messages := 6000
	if os.Getenv("TOPICDESK_LONG") != "" {
		messages = 20_000
	}
	server, o := onFerret(t)
	topicdesk := program(t)
	first, last := "sqlite://"+aDesk(t, messages), "sqlite://"+filepath.Join(t.TempDir(), "back.db")
	database := newDatabase()
	o.open(t, database) // creates the index that FerretDB's finds need
	middle := server.URI() + database

	run := func(args ...string) (printed, said string, err error) {
		for try := 1; ; try++ {
			cmd := exec.Command(topicdesk, append([]string{"storage"}, args...)...)
			var out, log bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &log
			err := cmd.Run()
			if err == nil {
				return out.String(), log.String(), nil
			}
			// On a busy machine FerretDB answers no heartbeat for 10 s, and the driver gives it up. Whoever copies tries again.
			if try == 4 || !strings.Contains(log.String(), "storage is unavailable") {
				return "", "", fmt.Errorf("%w: %s", err, log.String())
			}
		}
	}
	// copyKilled starts a copy, kills it when the target has enough messages, and copies again.
	copyKilled := func(t *testing.T, from, to string, count func() int64) {
		t.Helper()
		cmd := exec.Command(topicdesk, "storage", "copy", "--from", from, "--to", to)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		// FerretDB reads every record to count them, so it is not asked without a pause.
		again, inVain := time.NewTicker(200*time.Millisecond), time.After(2*time.Minute)
		defer again.Stop()
		for count() < 1000 {
			select {
			case <-again.C:
			case err := <-ended:
				t.Fatalf("the copy ended before it could be killed: %v", err)
			case <-inVain:
				_ = cmd.Process.Kill()
				t.Fatal("nothing is copied")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-ended
		n := count()
		if n >= int64(messages) {
			t.Errorf("it was killed too late, after %d messages", n)
		}
		begun := time.Now()
		_, said, err := run("copy", "--from", from, "--to", to)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(said, fmt.Sprintf("compare messages: %d records in", messages)) ||
			!strings.Contains(said, "every one compared") {
			t.Error(said)
		}
		t.Logf("killed after %d messages; the rest and the comparison took %v", n, time.Since(begun).Round(time.Millisecond))
	}
	export := func(t *testing.T, from string) [32]byte {
		t.Helper()
		out, _, err := run("export", "--from", from)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out, "\n"); n != 3+3*300+messages+messages/4+messages/8 {
			t.Errorf("%d records were exported", n)
		}
		return sha256.Sum256([]byte(out))
	}
	want := export(t, first)
	s, err := mongodb.Open(t.Context(), server.URI(), database)
	if err != nil {
		t.Fatal(err)
	}
	copyKilled(t, first, middle, func() int64 {
		n, _ := s.Count(t.Context(), "messages")
		return n
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if export(t, middle) != want {
		t.Error("the export from MongoDB is not the same")
	}
	copyKilled(t, middle, last, func() int64 {
		if _, err := os.Stat(strings.TrimPrefix(last, "sqlite://")); err != nil {
			return 0
		}
		s, err := sqlite.Open(t.Context(), strings.TrimPrefix(last, "sqlite://"), sqlite.WithCopying())
		if err != nil {
			return 0
		}
		defer func() { _ = s.Close() }()
		n, _ := s.Count(t.Context(), "messages")
		return n
	})
	if export(t, last) != want {
		t.Error("the export after the way there and back is not the same")
	}
}
