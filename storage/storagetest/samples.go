package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/storage"
)

func aSample(minutes, at int, node string) storage.Sample {
	return storage.Sample{Minutes: minutes, At: minute(at), Node: node, Body: []byte{0, 255, byte(at)}}
}

func testSamples(t *testing.T, f Factory) {
	ctx := t.Context()
	s := f.Open(t)
	var want []storage.Sample // of one minute, in order
	for i := range f.Sizes.Rows {
		for _, node := range []string{"a/1", "b/1"} {
			noError(t, s.SaveSample(ctx, aSample(1, i, node)))
			want = append(want, aSample(1, i, node))
		}
		noError(t, s.SaveSample(ctx, aSample(10, i, "a/1")))
	}
	all := func(minutes int, from time.Time) (all []storage.Sample) {
		t.Helper()
		for after := ""; ; after = all[len(all)-1].Key() {
			page, err := s.Samples(ctx, minutes, from, after, 7)
			noError(t, err)
			if all = append(all, page...); len(page) < 7 {
				return all
			}
		}
	}
	same(t, all(1, time.Time{}), want)
	same(t, all(1, minute(3)), want[6:])
	same(t, len(all(10, time.Time{})), f.Sizes.Rows)
	same(t, len(all(2, time.Time{})), 0)

	t.Run("a sample replaces the one with its key", func(t *testing.T) {
		want[2].Body = []byte("other")
		noError(t, s.SaveSample(ctx, want[2]))
		same(t, all(1, time.Time{}), want)
	})
	t.Run("the oldest are deleted, at most so many, and only those of the span", func(t *testing.T) {
		for _, step := range []struct{ before, limit, deleted int }{{2, 3, 3}, {2, 0, 0}, {2, 9, 1}, {2, 9, 0}} {
			n, err := s.DeleteSamples(ctx, 1, minute(step.before), step.limit)
			noError(t, err)
			same(t, n, step.deleted)
		}
		same(t, all(1, time.Time{}), want[4:])
		same(t, len(all(10, time.Time{})), f.Sizes.Rows)
	})
}

func (m *machine) sample(t *rapid.T) {
	minutes, at := []int{1, 10}[number(t, "minutes", 1)], int(number(t, "at", 3))
	limit := int(number(t, "limit", 3))
	switch number(t, "call", 2) {
	case 0:
		sample := aSample(minutes, at, name(t, "node", "a", "b"))
		both(t, m, "SaveSample", func(s storage.Store) (any, error) { return nil, s.SaveSample(m.ctx, sample) })
	case 1:
		both(t, m, "DeleteSamples", func(s storage.Store) (int, error) {
			return s.DeleteSamples(m.ctx, minutes, minute(at), limit)
		})
	default:
		after := ""
		if number(t, "after", 1) == 1 {
			after = fmt.Sprint(storage.SampleKey(minutes, minute(int(number(t, "after at", 3)))), "a")
		}
		both(t, m, "Samples", func(s storage.Store) ([]storage.Sample, error) {
			return s.Samples(m.ctx, minutes, minute(at), after, limit)
		})
	}
}

func (m *model) SaveSample(ctx context.Context, s storage.Sample) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if err := validID(s.Node); err != nil {
		return err
	}
	m.samples[s.Key()] = isolated(s.Kept())
	return nil
}

func (m *model) Samples(ctx context.Context, minutes int, from time.Time, after string, limit int) ([]storage.Sample, error) {
	return modelList(ctx, m, m.samples, func(s storage.Sample) bool {
		return s.Minutes == minutes && !s.At.Before(from) && s.Key() > after
	}, byKey, 0, limit)
}

func (m *model) DeleteSamples(ctx context.Context, minutes int, before time.Time, limit int) (int, error) {
	page, err := modelList(ctx, m, m.samples, func(s storage.Sample) bool {
		return s.Minutes == minutes && s.At.Before(before)
	}, byKey, 0, limit)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range page {
		delete(m.samples, s.Key())
	}
	return len(page), nil
}

func byKey(page []storage.Sample) {
	slices.SortFunc(page, func(a, b storage.Sample) int { return cmp.Compare(a.Key(), b.Key()) })
}
