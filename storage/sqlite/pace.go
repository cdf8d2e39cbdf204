package sqlite

import "time"

const (
	// mostGather is the longest time between the beginnings of two transactions: when they take all of the time.
	mostGather = 5 * time.Millisecond
	// paceOver is how far back the pace looks.
	paceOver = 50 * time.Millisecond
)

// pace says when the writer begins a transaction. Writes that wait share its commit, and so its fsync and log frames,
// which cost more than the writes. That pays when transactions take much of the time; otherwise waiting would only keep
// the callers. So the wait grows with the share of the time that transactions take, and a lone write never waits
// (docs/decisions.md, D7).
type pace struct {
	began time.Time     // when the last transaction began
	took  time.Duration // how long it took
	share float64       // of the time that transactions took recently, 0 to 1
}

// wait returns how long to wait before the next transaction begins. It is negative when the moment has passed.
func (p *pace) wait(now time.Time) time.Duration {
	return time.Duration(p.share*float64(mostGather)) - now.Sub(p.began)
}

func (p *pace) begin(now time.Time) {
	if between := now.Sub(p.began); between > 0 {
		weight := min(1, between.Seconds()/paceOver.Seconds())
		p.share += weight * (p.took.Seconds()/between.Seconds() - p.share)
	}
	p.began = now
}

func (p *pace) end(now time.Time) { p.took = now.Sub(p.began) }
