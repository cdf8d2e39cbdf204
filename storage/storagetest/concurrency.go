package storagetest

import (
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

func testConcurrency(t *testing.T, f Factory) {
	ctx := t.Context()
	for _, k := range saveables() {
		t.Run("one writer per version of a "+k.name, func(t *testing.T) {
			s := f.Open(t)
			insert := func(r any) error { return k.insert(ctx, s, r) }
			save := func(r any) error { return k.save(ctx, s, r) }
			oneWinner(t, s, k, f.Sizes.Writers, insert, storage.ErrExists)
			for range 3 {
				oneWinner(t, s, k, f.Sizes.Writers, save, storage.ErrConflict)
			}
		})
		t.Run("no change of a "+k.name+" is lost when all read, change and save", func(t *testing.T) {
			s := f.Open(t)
			first := k.record(1)
			*k.text(first) = "0"
			noError(t, k.insert(ctx, s, first))
			together(f, func(int) error {
				for {
					r, err := k.load(ctx, s, first)
					if err != nil {
						return err
					}
					n, _ := strconv.Atoi(*k.text(r))
					*k.text(r) = strconv.Itoa(n + 1)
					if err = k.save(ctx, s, r); kind(err) != storage.ErrConflict {
						return err
					}
				}
			}, t)
			r, err := k.load(ctx, s, first)
			noError(t, err)
			same(t, *k.text(r), strconv.Itoa(f.Sizes.Writers))
			same(t, *k.version(r), int64(1+f.Sizes.Writers))
		})
		t.Run("who has written a "+k.name+" reads it", func(t *testing.T) {
			s := f.Open(t)
			together(f, func(writer int) error {
				r := k.record(writer + 1)
				for n := range f.Sizes.Rounds {
					write := k.save
					if n == 0 {
						write = k.insert
					}
					*k.text(r) = strconv.Itoa(n)
					if err := write(ctx, s, r); err != nil {
						return err
					}
					stored, err := k.load(ctx, s, r)
					if err != nil {
						return err
					}
					if diff := difference(stored, r); diff != "" {
						return fmt.Errorf("an older state was read:\n%s", diff)
					}
				}
				return nil
			}, t)
		})
	}
	// race runs do in all writers. Exactly one of them may succeed.
	race := func(t *testing.T, loser error, do func(writer int) error) {
		t.Helper()
		var mu sync.Mutex
		won := 0
		together(f, func(writer int) error {
			err := do(writer)
			if kind(err) == loser {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			won++
			return err
		}, t)
		same(t, won, 1)
	}
	t.Run("one ticket gets the topic that all want", func(t *testing.T) {
		s := f.Open(t)
		race(t, storage.ErrTopicTaken, func(writer int) error {
			ticket := aTicket(fmt.Sprint(writer))
			ticket.Home.TelegramTopicID = 7
			return s.SaveTicket(ctx, ticket)
		})
		counts, err := s.CountTickets(ctx)
		noError(t, err)
		same(t, counts, map[string]int64{"open": 1})
	})
	t.Run("one message gets the sequence that all want", func(t *testing.T) {
		s := f.Open(t)
		race(t, storage.ErrConflict, func(writer int) error {
			m := aMessage("A", 1)
			m.MessageID = fmt.Sprint(writer)
			return s.InsertMessage(ctx, m)
		})
	})
	t.Run("a message that arrives many times concurrently is stored once", func(t *testing.T) {
		s := f.Open(t)
		race(t, storage.ErrExists, func(writer int) error {
			m := aMessage("A", int64(writer+1))
			m.MessageID = "m"
			return s.InsertMessage(ctx, m)
		})
	})
	t.Run("sequences of one ticket have no gaps when all append", func(t *testing.T) {
		s := f.Open(t)
		together(f, func(writer int) error {
			for n := 0; n < f.Sizes.Rounds/4; {
				last, err := s.LastSequence(ctx, "A")
				if err != nil {
					return err
				}
				m := aMessage("A", last+1)
				m.MessageID = fmt.Sprintf("%d/%d", writer, n)
				switch err := s.InsertMessage(ctx, m); kind(err) {
				case nil:
					n++
				case storage.ErrConflict:
				default:
					return err
				}
			}
			return nil
		}, t)
		all, err := s.MessagesAfter(ctx, "A", 0, 1<<20)
		noError(t, err)
		same(t, len(all), f.Sizes.Rounds/4*f.Sizes.Writers)
		for i, m := range all {
			same(t, m.Sequence, int64(i+1))
		}
	})
}

// together runs do in a goroutine for each writer and reports their errors.
func together(f Factory, do func(writer int) error, t *testing.T) {
	t.Helper()
	var wg sync.WaitGroup
	for writer := range f.Sizes.Writers {
		wg.Go(func() {
			if err := do(writer); err != nil {
				t.Errorf("writer %d: %v", writer, err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// owner is an activation of a ticket: its epoch, and what it knows of the ticket.
type owner struct {
	epoch  int64
	ticket *storage.Ticket
	last   int64
}

func takeOver(t *testing.T, s storage.Store, name string) *owner {
	t.Helper()
	ctx := t.Context()
	epoch, err := s.TakeLease(ctx, "ticket/A", name, day)
	noError(t, err)
	o := &owner{epoch: epoch}
	o.reload(t, s)
	return o
}

func (o *owner) reload(t *testing.T, s storage.Store) {
	t.Helper()
	var err error
	o.ticket, err = s.Ticket(t.Context(), "A")
	noError(t, err)
	o.last, err = s.LastSequence(t.Context(), "A")
	noError(t, err)
}

func (o *owner) newest(t *testing.T, s storage.Store) bool {
	t.Helper()
	lease, err := s.Lease(t.Context(), "ticket/A")
	noError(t, err)
	return lease.Epoch == o.epoch
}

func (o *owner) say(t *testing.T, s storage.Store, id string) error {
	t.Helper()
	m := aMessage("A", o.last+1)
	m.MessageID = id
	err := s.InsertMessage(t.Context(), m)
	if err == nil {
		o.last++
	}
	return err
}

// testFencing simulates two activations of one ticket that know nothing of each other.
func testFencing(t *testing.T, f Factory) {
	ctx := t.Context()
	start := func(t *testing.T) (s storage.Store, older, newer *owner) {
		s = f.Open(t)
		noError(t, s.SaveTicket(ctx, aTicket("A")))
		noError(t, s.InsertMessage(ctx, aMessage("A", 1)))
		return s, takeOver(t, s, "older"), takeOver(t, s, "newer")
	}
	t.Run("the older one's save fails after the newer one's", func(t *testing.T) {
		s, older, newer := start(t)
		newer.ticket.Title = "newer"
		noError(t, s.SaveTicket(ctx, newer.ticket))
		older.ticket.Title = "older"
		fails(t, s.SaveTicket(ctx, older.ticket), storage.ErrConflict)
		same(t, older.newest(t, s), false)
		same(t, newer.newest(t, s), true)
	})
	t.Run("the newer one's save fails after the older one's, and it continues from there", func(t *testing.T) {
		s, older, newer := start(t)
		older.ticket.Title = "older"
		noError(t, s.SaveTicket(ctx, older.ticket))
		fails(t, s.SaveTicket(ctx, newer.ticket), storage.ErrConflict)
		same(t, newer.newest(t, s), true)
		newer.reload(t, s)
		same(t, newer.ticket.Title, "older")
		noError(t, s.SaveTicket(ctx, newer.ticket))
		fails(t, s.SaveTicket(ctx, older.ticket), storage.ErrConflict)
	})
	t.Run("the older one's message fails after the newer one's", func(t *testing.T) {
		s, older, newer := start(t)
		noError(t, newer.say(t, s, "m2"))
		fails(t, older.say(t, s, "m3"), storage.ErrConflict)
		fails(t, older.say(t, s, "m2"), storage.ErrExists) // the same update came to both
		same(t, older.newest(t, s), false)
	})
	t.Run("the newer one's message fails after the older one's, and takes the next sequence", func(t *testing.T) {
		s, older, newer := start(t)
		noError(t, older.say(t, s, "m2"))
		fails(t, newer.say(t, s, "m3"), storage.ErrConflict)
		newer.reload(t, s)
		noError(t, newer.say(t, s, "m3"))
		fails(t, older.say(t, s, "m4"), storage.ErrConflict)
		all, err := s.MessagesAfter(ctx, "A", 1, 9)
		noError(t, err)
		same(t, []string{all[0].MessageID, all[1].MessageID}, []string{"m2", "m3"})
	})
}
