package sqlite

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	saveSample = define(`
		INSERT INTO samples (sample_key, doc) VALUES (?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc`)
	listSamples = define(`
		SELECT doc FROM samples WHERE sample_key > ? AND sample_key < ? ORDER BY sample_key LIMIT ?`)
	deleteSamples = define(`
		DELETE FROM samples WHERE sample_key IN (
			SELECT sample_key FROM samples WHERE sample_key > ? AND sample_key < ? ORDER BY sample_key LIMIT ?)`)
)

// SaveSample implements storage.Samples.
func (s *Store) SaveSample(ctx context.Context, sample storage.Sample) error {
	if err := validID("node", sample.Node); err != nil {
		return err
	}
	doc, err := encode(sample.Kept())
	if err != nil {
		return err
	}
	return s.write(ctx, func(w *writer) error {
		_, err := w.exec(saveSample, sample.Key(), doc)
		return err
	})
}

// Samples implements storage.Samples.
func (s *Store) Samples(ctx context.Context, minutes int, from time.Time, after string, limit int) ([]storage.Sample, error) {
	after = max(after, storage.SampleKey(minutes, from))
	return readAll[storage.Sample](ctx, s, listSamples, after, storage.SampleKeysEnd(minutes), atMost(limit))
}

// DeleteSamples implements storage.Samples.
func (s *Store) DeleteSamples(ctx context.Context, minutes int, before time.Time, limit int) (int, error) {
	first, end := storage.SampleKey(minutes, time.Time{}), storage.SampleKey(minutes, before)
	n := make(chan int64, 1)
	err := s.write(ctx, func(w *writer) error {
		deleted, err := w.exec(deleteSamples, first, end, atMost(limit))
		n <- deleted
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(<-n), nil
}
