package report

import (
	"context"
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// State says what reports are made of: from when on everything is counted, and how many events are not counted yet.
func State(ctx context.Context, store storage.Tallies, log *eventlog.Log) (*messages.ReportState, error) {
	heads, err := log.Heads(ctx)
	if err != nil {
		return nil, err
	}
	counted, err := store.Tally(ctx, logID)
	if errors.Is(err, storage.ErrNotFound) {
		counted, err = &storage.Tally{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the log is counted: %w", err)
	}
	state := &messages.ReportState{}
	if !counted.CompleteSince.IsZero() {
		state.CompleteSinceMs = counted.CompleteSince.UnixMilli()
	}
	for p, head := range heads {
		if p < len(counted.Positions) {
			head -= counted.Positions[p]
		}
		state.Waiting += max(0, head)
	}
	return state, nil
}
