package metered

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

func TestCallsAreTimed(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	s := New(store, registry)
	if err := s.SaveUser(t.Context(), &storage.User{TelegramID: 1}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.User(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.User(t.Context(), 1); err == nil {
		t.Fatal("a store that is closed can be read")
	}
	for _, want := range []struct {
		family, operation, kind string
		n                       uint64
	}{
		{"topicdesk_storage_seconds", "SaveUser", "write", 1}, {"topicdesk_storage_seconds", "User", "read", 3},
		{"topicdesk_storage_seconds", "SaveGroup", "write", 0}, {"topicdesk_storage_commit_seconds", "", "", 1},
	} {
		if got := find(t, registry, want.family, want.operation, want.kind).GetHistogram().GetSampleCount(); got != want.n {
			t.Errorf("%s %s: %d, want %d", want.family, want.operation, got, want.n)
		}
	}
	if got := find(t, registry, "topicdesk_storage_unavailable_total", "", "").GetCounter().GetValue(); got != 1 {
		t.Errorf("%v calls failed, want 1", got)
	}
}

func find(t *testing.T, from prometheus.Gatherer, family, operation, kind string) *dto.Metric {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			has := func(name, value string) bool {
				return value == "" || slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool {
					return l.GetName() == name && l.GetValue() == value
				})
			}
			if f.GetName() == family && has("operation", operation) && has("kind", kind) {
				return m
			}
		}
	}
	t.Fatalf("no %s of %s", family, operation)
	return nil
}

// TestEveryMethodIsTimed: each one that takes a context is among the operations.
func TestEveryMethodIsTimed(t *testing.T) {
	contract := reflect.TypeFor[storage.Store]()
	for i := range contract.NumMethod() {
		name := contract.Method(i).Name
		timed := slices.ContainsFunc(operations, func(o operation) bool { return o.name == name })
		if timed != (name != "Close") {
			t.Errorf("%s: timed %v", name, timed)
		}
	}
}

// BenchmarkNote is what a call pays for being timed.
func BenchmarkNote(b *testing.B) {
	s := New(nothing{}, prometheus.NewRegistry())
	for b.Loop() {
		_, _ = s.User(b.Context(), 1)
	}
}

type nothing struct{ storage.Store }

func (nothing) User(context.Context, int64) (*storage.User, error) { return nil, nil }
