package main

import (
	"bufio"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/storage"
)

// stormKinds is how many kinds of errors a storm of many has.
const stormKinds = 1000

// benchStormCommand is the service as bench monitor measures it beside a storm of errors. Nobody else needs it.
func benchStormCommand() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:    "serve-storm",
		Short:  "Run the desk, and log as many errors as standard input says",
		Long:   "Each line says how many errors per second are logged from then on, and of how many kinds: 10000 1, 10000 1000, 0 1.",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd, profile, func(log *slog.Logger) {
				wanted := make(chan [2]int)
				go storm(log, wanted)
				go func() {
					defer close(wanted)
					for lines := bufio.NewScanner(cmd.InOrStdin()); lines.Scan(); {
						var now [2]int
						if _, err := fmt.Sscan(lines.Text(), &now[0], &now[1]); err == nil {
							wanted <- now
						}
					}
				}()
			})
		},
	}
	cmd.Flags().StringVar(&profile, "cpuprofile", "", "file to write a CPU profile to at the end")
	return cmd
}

// storm logs so many errors per second, of so many kinds, as wanted says, until that is closed.
func storm(log *slog.Logger, wanted <-chan [2]int) {
	var texts []string // differ by letters, since digits do not make another kind
	for i := range stormKinds {
		texts = append(texts, "a storm of "+strings.Map(func(r rune) rune { return r - '0' + 'a' }, strconv.Itoa(i)))
	}
	err := fmt.Errorf("write ticket: %w", storage.ErrUnavailable)
	const step = 10 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	perSecond, kinds, n, begun, done := 0, 1, 0, time.Now(), 0
	for {
		select {
		case now, open := <-wanted:
			if !open {
				return
			}
			perSecond, kinds, begun, done = now[0], min(max(now[1], 1), stormKinds), time.Now(), 0
		case <-tick.C:
			for due := int(time.Since(begun).Seconds() * float64(perSecond)); done < due; done++ {
				n++
				log.Error(texts[n%kinds], "ticket", "TICK-MDJ3K5QP-1A2B3C4D", "group", "g-100"+strconv.Itoa(n%50), "n", n, "error", err)
			}
		}
	}
}
