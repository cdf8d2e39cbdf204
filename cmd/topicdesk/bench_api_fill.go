package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// filledDesk is what the bench's programs know of the database.
type filledDesk struct {
	key    string   // an API key without a limit of its own
	ids    []string // ids of some tickets, spread over all
	groups []int64
	size   int64 // bytes of the database file
}

const (
	fillBatch  = 1000
	knownIDs   = 100_000
	firstTopic = 10_000_000 // threads of these tickets, beyond those that the simulator gives
)

var benchWords = strings.Fields("printer fire router cable login password screen invoice slow noise leaking broken " +
	"urgent office floor lift keyboard account delivery customer refund license server backup email calendar " +
	"เครื่องพิมพ์ เน็ตช้า รหัสผ่าน ใบแจ้งหนี้ ลูกค้า จัดส่ง คืนเงิน หน้าจอ เสียงดัง ขัดข้อง")

// fillDesk makes the database of a run: tickets in which people wrote some time ago, and a key. The tickets are
// written once for each folder and copied for each run, since a run leaves a database that fits only its own
// Telegram.
func fillDesk(ctx context.Context, folder string, w *benchWorld, tickets int, p *progress) (*filledDesk, error) {
	d := &filledDesk{}
	for _, g := range w.groups {
		d.groups = append(d.groups, g[0])
	}
	filled := filepath.Join(folder, fmt.Sprintf("tickets-%d.db", tickets))
	path := filepath.Join(folder, benchDatabase)
	if err := d.fill(ctx, filled, tickets, p); err != nil {
		return nil, err
	}
	for _, rest := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(rest); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	size, err := copyFile(filled, path)
	if err != nil {
		return nil, err
	}
	d.size = size
	return d, d.addKey(ctx, path)
}

// fill writes the tickets that are not there yet.
func (d *filledDesk) fill(ctx context.Context, path string, tickets int, p *progress) (err error) {
	store, err := sqlite.Open(ctx, path, sqlite.WithExclusive(), sqlite.WithoutSync())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	have, err := store.Count(ctx, "tickets")
	if err != nil {
		return err
	}
	t := p.begin("fill", "tickets", int64(tickets))
	defer func() { t.end(err) }()
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Now().UTC().Truncate(time.Millisecond).Add(-time.Duration(tickets) * time.Second)
	for n := 0; n < tickets; n += fillBatch {
		batch := make([]any, 0, fillBatch)
		for i := n; i < min(n+fillBatch, tickets); i++ {
			record := benchTicketRecord(r, d.groups, begin, i)
			batch = append(batch, record)
			if i%max(1, tickets/knownIDs) == 0 {
				d.ids = append(d.ids, record.TicketID)
			}
		}
		if int64(n) >= have { // those before are from an earlier run
			if err := store.Load(ctx, batch); err != nil {
				return err
			}
		}
		t.add(len(batch))
	}
	return nil
}

func (d *filledDesk) addKey(ctx context.Context, path string) (err error) {
	store, err := sqlite.Open(ctx, path, sqlite.WithExclusive())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	record := &storage.APIKey{KeyID: messages.NewAPIKeyID(""), Name: "Bench", Scopes: []string{messages.ScopeAdmin},
		Rate: 1_000_000, Burst: 1_000_000, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	var hash []byte
	d.key, hash = messages.NewAPIKey(record.KeyID)
	record.Secrets = []storage.KeySecret{{Hash: hash, CommandID: "bench", CreatedAt: time.Now()}}
	return store.SaveAPIKey(ctx, record)
}

// copyFile copies a file and returns its size in bytes. It flushes both files to the disk, which would otherwise be
// busy with them during the measurement.
func copyFile(from, to string) (size int64, err error) {
	source, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer func() { _ = source.Close() }()
	target, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if size, err = io.Copy(target, source); err != nil {
		return 0, err
	}
	return size, errors.Join(source.Sync(), target.Sync())
}

// benchTicketRecord is ticket number i: the same in every run, except for its group and its times.
func benchTicketRecord(r *rand.Rand, groups []int64, begin time.Time, i int) *storage.Ticket {
	at := begin.Add(time.Duration(i) * time.Second)
	id := messages.TicketID("bench/"+strconv.Itoa(i), int64(i)*1000)
	short := id[len(id)-8:]
	words := func(n int) string {
		all := make([]string, n)
		for j := range all {
			all[j] = pick(r, benchWords)
		}
		return strings.Join(all, " ")
	}
	title := words(4) + " " + strconv.Itoa(i)
	status := []string{"open", "open", "pending", "closed", "closed", "closed", "closed", "closed"}[i%8]
	group := messages.GroupPlace(groups[i%len(groups)])
	t := &storage.Ticket{
		TicketID: id, ShortID: short, Number: int64(i + 1), Title: title, Description: words(18), Status: status,
		Priority:  []string{"low", "normal", "normal", "high", "urgent"}[i%5],
		CreatedBy: storage.Creator{Kind: "user", ID: strconv.Itoa(1000 + i%500), Name: fmt.Sprint("Person ", i%500)},
		GroupID:   group, Language: "en", CreatedAt: at, UpdatedAt: at.Add(time.Duration(i%3600) * time.Second), LastMessageAt: at,
		CardRevision: 3, LinksRevision: 2, EventNumber: 3, Handled: []string{"bench/" + strconv.Itoa(i)},
		Home: storage.Topic{TopicID: "home", GroupID: group, TelegramTopicID: firstTopic + int64(i),
			Name: messages.TopicName(title, int64(i+1)), CardMessageID: 7, CardRevision: 3, Pinned: true, Introduced: true,
			Closed: status == "closed"},
		Version: 5,
	}
	if status == "closed" {
		t.ClosedAt = t.UpdatedAt
	} else {
		t.WaitingFor, t.WaitingSince = storage.WaitsForDesk, at
		due := at.Add(4 * time.Hour)
		t.Timers = storage.Timers{Settings: 1, AnswerDueAt: due, OverdueAt: due} // told: the bench is of other things
	}
	return t
}
