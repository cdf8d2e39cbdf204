package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/messages"
)

// gatherErrors has a logger's warnings and errors gathered for the monitor.
func gatherErrors(c config.Config, log *slog.Logger) (*slog.Logger, *actors.ErrorCollector) {
	gathered := actors.NewErrorCollector(c.Redact)
	return slog.New(gathered.Handler(log.Handler())), gathered
}

// monitor says what this node tells the monitor of the desk, and where problems are posted.
func (a *App) monitor() *actors.MonitorOptions {
	if a.Errors == nil {
		return nil
	}
	chat, topic, _ := a.Config.Alerts()
	folders := diskFolders(a.Config)
	return &actors.MonitorOptions{Errors: a.Errors, AlertsChat: chat, AlertsTopic: topic,
		Look: func(context.Context) []actors.Condition { return lowDisks(diskOf, folders...) }}
}

// A disk is nearly full when less than a twentieth of it is free, and less than lowAtMost; or less than lowAtLeast, four times
// as much as the service needs to count as ready.
const (
	lowAtMost  = 5 << 30
	lowAtLeast = 4 * leastFree
)

// lowDisks lists the folders whose disk is nearly full. of says what a system says of a folder's disk.
func lowDisks(of func(string) (disk, bool, error), folders ...string) (low []actors.Condition) {
	for _, folder := range folders {
		d, known, err := of(folderOrAbove(folder))
		if err != nil || !known || d.free >= max(lowAtLeast, min(d.size/20, lowAtMost)) {
			continue
		}
		low = append(low, actors.Condition{Kind: messages.ProblemDiskLow, Name: folder, Detail: fmt.Sprintf("%d MB are free", d.free>>20)})
	}
	return low
}
