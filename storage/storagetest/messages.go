package storagetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

func testMessages(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "message")
	t.Run("ErrExists goes before a taken sequence", func(t *testing.T) {
		s := f.Open(t)
		m := aMessage("A", 1)
		noError(t, s.InsertMessage(ctx, m))
		same(t, m.Version, int64(1))
		taken := aMessage("A", 1)
		taken.MessageID = "other"
		fails(t, s.InsertMessage(ctx, taken), storage.ErrConflict)
		same(t, taken.Version, int64(0))
		again := aMessage("A", 2)
		again.MessageID = m.MessageID
		fails(t, s.InsertMessage(ctx, again), storage.ErrExists)
		elsewhere := aMessage("B", 1)
		elsewhere.MessageID = m.MessageID
		fails(t, s.InsertMessage(ctx, elsewhere), storage.ErrExists)
		fails(t, s.InsertMessage(ctx, aMessage("A", 1)), storage.ErrExists)
		noError(t, s.InsertMessage(ctx, aMessage("B", 1)))
		last, err := s.LastSequence(ctx, "A")
		noError(t, err)
		same(t, last, int64(1))
	})
	t.Run("a message stays in its ticket and at its sequence", func(t *testing.T) {
		s := f.Open(t)
		m := aMessage("A", 1)
		noError(t, s.InsertMessage(ctx, m))
		for _, change := range []func(m *storage.Message){
			func(m *storage.Message) { m.Sequence = 2 },
			func(m *storage.Message) { m.TicketID = "B" },
		} {
			moved := *m
			change(&moved)
			fails(t, s.SaveMessage(ctx, &moved), storage.ErrConflict)
		}
	})
	t.Run("a ticket's messages are listed in order, in pages", func(t *testing.T) {
		s := f.Open(t)
		var want, spoken []storage.Message
		for i := f.Sizes.Rows; i >= 1; i-- {
			m := aMessage("A", int64(i))
			m.Internal = i%4 == 0
			noError(t, s.InsertMessage(ctx, m))
			noError(t, s.InsertMessage(ctx, aMessage("B", int64(i))))
			want = append([]storage.Message{*m}, want...)
			if !m.Internal {
				spoken = append([]storage.Message{*m}, spoken...)
			}
		}
		var got []storage.Message
		for after := int64(0); ; after = got[len(got)-1].Sequence {
			page, err := s.MessagesAfter(ctx, "A", after, 7)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want)
		var backwards []storage.Message
		for before := int64(f.Sizes.Rows + 1); ; before = backwards[len(backwards)-1].Sequence {
			page, err := s.MessagesBefore(ctx, "A", before, 7)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			backwards = append(backwards, page...)
		}
		slices.Reverse(backwards)
		same(t, backwards, want)
		for _, limit := range []int{0, 1, 5, 1000} {
			got, err := s.LastMessages(ctx, "A", limit)
			noError(t, err)
			same(t, got, spoken[len(spoken)-min(limit, len(spoken)):])
		}
		last, err := s.LastSequence(ctx, "A")
		noError(t, err)
		same(t, last, int64(f.Sizes.Rows))
	})
	t.Run("a message that becomes a note later is left out too", func(t *testing.T) {
		s := f.Open(t)
		m := aMessage("A", 1)
		noError(t, s.InsertMessage(ctx, m))
		m.Internal = true
		noError(t, s.SaveMessage(ctx, m))
		got, err := s.LastMessages(ctx, "A", 9)
		noError(t, err)
		same(t, len(got), 0)
	})
	t.Run("a deleted message is left out of the last ones", func(t *testing.T) {
		s := f.Open(t)
		m := aMessage("A", 1)
		noError(t, s.InsertMessage(ctx, m))
		m.Deleted, m.DeletedAt = true, minute(1)
		noError(t, s.SaveMessage(ctx, m))
		got, err := s.LastMessages(ctx, "A", 9)
		noError(t, err)
		same(t, len(got), 0)
		got, err = s.MessagesAfter(ctx, "A", 0, 9)
		noError(t, err)
		same(t, got, []storage.Message{*m})
	})
	t.Run("what answers a message is found, in any ticket", func(t *testing.T) { testMessagesAnswering(t, f.Open(t)) })
	t.Run("a changed message is open until its copies and its events are done", func(t *testing.T) {
		s := f.Open(t)
		open := func(want ...storage.Message) {
			t.Helper()
			got, err := s.OpenMessages(ctx, "A", 9)
			noError(t, err)
			same(t, got, want)
		}
		first, second, other := aMessage("A", 1), aMessage("A", 2), aMessage("B", 1)
		for _, m := range []*storage.Message{first, second, other} {
			noError(t, s.InsertMessage(ctx, m))
		}
		open()
		for _, m := range []*storage.Message{second, first, other} {
			m.Revision, m.Outdated, m.Events = 1, true, []storage.Event{anEvent(m.TicketID, 0)}
			noError(t, s.SaveMessage(ctx, m))
		}
		open(*first, *second)
		page, err := s.OpenMessages(ctx, "A", 1)
		noError(t, err)
		same(t, page, []storage.Message{*first})
		first.Outdated = false
		noError(t, s.SaveMessage(ctx, first))
		open(*first, *second)
		first.Events = nil
		noError(t, s.SaveMessage(ctx, first))
		open(*second)
		second.Events = nil
		noError(t, s.SaveMessage(ctx, second))
		open(*second)
		second.Outdated = false
		noError(t, s.SaveMessage(ctx, second))
		open()
	})
	t.Run("a message that is inserted open is found", func(t *testing.T) {
		s := f.Open(t)
		m := aMessage("A", 1)
		m.Outdated = true
		noError(t, s.InsertMessage(ctx, m))
		got, err := s.OpenMessages(ctx, "A", 9)
		noError(t, err)
		same(t, got, []storage.Message{*m})
	})
	t.Run("versions are those of the messages, in order", func(t *testing.T) {
		s := f.Open(t)
		var want []storage.MessageVersion
		for n := range int64(5) {
			m := aMessage("A", n+1)
			noError(t, s.InsertMessage(ctx, m))
			for range n {
				m.Text += "!"
				noError(t, s.SaveMessage(ctx, m))
			}
			want = append(want, storage.MessageVersion{Sequence: n + 1, Version: n + 1})
		}
		noError(t, s.InsertMessage(ctx, aMessage("B", 9)))
		for after := range 6 {
			for _, limit := range []int{0, 1, 3, 1000} {
				got, err := s.MessageVersions(ctx, "A", int64(after), limit)
				noError(t, err)
				same(t, len(got), min(5-after, limit))
				if len(got) > 0 {
					same(t, got, want[after:after+len(got)])
				}
			}
		}
	})
	t.Run("an unknown ticket has no messages", func(t *testing.T) {
		s := f.Open(t)
		versions, err := s.MessageVersions(ctx, "nobody", 0, 9)
		noError(t, err)
		same(t, len(versions), 0)
		got, err := s.MessagesAfter(ctx, "nobody", 0, 9)
		noError(t, err)
		same(t, len(got), 0)
		got, err = s.LastMessages(ctx, "nobody", 9)
		noError(t, err)
		same(t, len(got), 0)
		last, err := s.LastSequence(ctx, "nobody")
		noError(t, err)
		same(t, last, int64(0))
	})
}

func testCopies(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "copy")
	save := func(t *testing.T, s storage.Store, c *storage.Copy) storage.Copy {
		t.Helper()
		noError(t, s.SaveCopy(ctx, c))
		return *c
	}
	list := func(t *testing.T) func(got []storage.Copy, err error) func(want ...storage.Copy) {
		return func(got []storage.Copy, err error) func(want ...storage.Copy) {
			return func(want ...storage.Copy) {
				t.Helper()
				noError(t, err)
				same(t, got, want)
			}
		}
	}
	t.Run("a copy is found at each of its parts", func(t *testing.T) {
		s, is := f.Open(t), list(t)
		c := aCopy("m1", "T1:1", "T1:1", 1, 11, 12, 13)
		save(t, s, c)
		single := save(t, s, aCopy("m2", "T1:1", "T1:1", 2, 14))
		none := aCopy("m3", "T1:1", "T1:1", 3)
		save(t, s, none)
		for _, part := range []int64{11, 12, 13} {
			is(s.CopiesAt(ctx, -1002, part))(*c)
		}
		is(s.CopiesAt(ctx, -1002, 14))(single)
		is(s.CopiesAt(ctx, -1002, 0))()
		is(s.CopiesAt(ctx, -1003, 11))()

		c.Parts = []int64{12, 21, 21} // the others are removed, and a part that is listed twice is found once
		save(t, s, c)
		is(s.CopiesAt(ctx, -1002, 11))()
		is(s.CopiesAt(ctx, -1002, 13))()
		is(s.CopiesAt(ctx, -1002, 12))(*c)
		is(s.CopiesAt(ctx, -1002, 21))(*c)

		c.ChatID = -1003
		save(t, s, c)
		is(s.CopiesAt(ctx, -1002, 12))()
		is(s.CopiesAt(ctx, -1003, 12))(*c)
		is(s.CopiesAt(ctx, -1003, 21))(*c)

		none.Parts = []int64{31}
		save(t, s, none)
		is(s.CopiesAt(ctx, -1002, 31))(*none)
		none.Parts = nil
		save(t, s, none)
		is(s.CopiesAt(ctx, -1002, 31))()
	})
	t.Run("copies that share a message are listed in order of sequence", func(t *testing.T) {
		s := f.Open(t)
		c := save(t, s, aCopy("m3", "T1:1", "T1:1", 3, 10, 50))
		a := save(t, s, aCopy("m1", "T1:1", "T1:1", 1, 50))
		b := save(t, s, aCopy("m2", "T1:1", "T1:1", 2, 9, 50))
		list(t)(s.CopiesAt(ctx, -1002, 50))(a, b, c)
	})
	t.Run("a message's copies are those into each topic", func(t *testing.T) {
		s := f.Open(t)
		b := save(t, s, aCopy("m1", "T1:2", "T1:2", 1, 20))
		a := save(t, s, aCopy("m1", "T1:1", "T1:1", 1, 10))
		home := save(t, s, aCopy("m1", "home", "T1:1", 1, 30))
		save(t, s, aCopy("m10", "T1:1", "T1:1", 2, 11))
		list(t)(s.CopiesOf(ctx, "m1"))(a, b, home)
		list(t)(s.CopiesOf(ctx, "m"))()
		_, err := s.Copy(ctx, "m1", "T1:3")
		fails(t, err, storage.ErrNotFound)
	})
	t.Run("a link's copies are listed in order, in pages", func(t *testing.T) {
		s := f.Open(t)
		var want []storage.Copy
		for i := f.Sizes.Rows / 2; i >= 1; i-- {
			x := save(t, s, aCopy(fmt.Sprintf("m%d", i), "home", "T1:1", int64(i), int64(1000+i)))
			y := save(t, s, aCopy(fmt.Sprintf("m%d", i), "T1:1", "T1:1", int64(i), int64(2000+i)))
			save(t, s, aCopy(fmt.Sprintf("m%d", i), "T1:10", "T1:10", int64(i), int64(3000+i)))
			want = append([]storage.Copy{y, x}, want...)
		}
		var got []storage.Copy
		for after := int64(0); ; after = got[len(got)-1].Sequence {
			page, err := s.CopiesAfter(ctx, "T1:1", after, 6) // two of each sequence
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want)
		list(t)(s.CopiesAfter(ctx, "T1:", 0, 9))()
	})
	t.Run("open copies are the partial ones, and the failed ones that were not reported", func(t *testing.T) {
		s, is := f.Open(t), list(t)
		state := func(i int, state string, told bool) *storage.Copy {
			c := aCopy(fmt.Sprintf("m%d", i), "T1:1", "T1:1", int64(i), int64(i))
			c.State, c.Reported = state, told
			save(t, s, c)
			return c
		}
		failed := state(4, "failed", false)
		partial := state(2, "partial", false)
		edit := aCopy("m5", "T1:1", "T1:1", 5, 5) // sent, and its edit failed
		edit.Reason = "message to edit not found"
		save(t, s, edit)
		told := aCopy("m6", "T1:1", "T1:1", 6, 6)
		told.Reason, told.Reported = edit.Reason, true
		save(t, s, told)
		state(1, "sent", false)
		state(3, "failed", true)
		is(s.OpenCopies(ctx, "T1:1", 9))(*partial, *failed, *edit)
		is(s.OpenCopies(ctx, "T1:1", 1))(*partial)
		is(s.OpenCopies(ctx, "T1:1", 0))()
		is(s.OpenCopies(ctx, "T1:2", 9))()
		partial.State = "sent"
		save(t, s, partial)
		is(s.OpenCopies(ctx, "T1:1", 9))(*failed, *edit)
		edit.Reported = true
		save(t, s, edit)
		is(s.OpenCopies(ctx, "T1:1", 9))(*failed)
		failed.Reported = true
		save(t, s, failed)
		is(s.OpenCopies(ctx, "T1:1", 9))()
		partial.State = "partial"
		save(t, s, partial)
		is(s.OpenCopies(ctx, "T1:1", 9))(*partial)
	})
}
