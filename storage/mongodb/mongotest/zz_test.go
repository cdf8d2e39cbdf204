package mongotest_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

func TestZZ(t *testing.T) {
	d := newDesks(t, 3, "webhook")
	timer := time.AfterFunc(35*time.Second, func() {
		for _, n := range d.nodes {
			_ = os.WriteFile("/tmp/zz."+n.host, []byte(n.log.String()), 0o644)
		}
		f, _ := os.Create("/tmp/zz.sim")
		for _, g := range []int64{d.support, d.works} {
			for _, m := range d.sim.Messages(g, simulator.AllThreads) {
				fmt.Fprintf(f, "%v %d/%d %s: %.100q\n", time.Unix(m.Date, 0).Format("15:04:05"), g, m.Thread, m.From.Name, m.Text)
			}
		}
		fmt.Fprintln(f, d.sim.Pending())
		f.Close()
		os.Exit(7)
	})
	d.begin(6)
	timer.Stop()
}
