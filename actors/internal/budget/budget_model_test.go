package budget

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// world is a cluster as the budget sees it.
type world struct {
	entity.Placement // what the budget does not use

	now   time.Time
	nodes []*peer
	b     *budget
}

// peer is a node, as Room is one.
type peer struct {
	name    string
	share   int
	until   time.Time
	asked   time.Time // when it asked last
	joined  time.Time // when it became a member
	known   bool      // to the budget's node
	ended   bool
	endedAt time.Time
	highest []held // what it could call lately
	wants   int
}

type held struct {
	n  int
	at time.Time // until then
}

func (w *world) Self() string { return w.nodes[0].name }

func (w *world) Others() (others []string) {
	for _, p := range w.nodes[1:] {
		if p.known {
			others = append(others, p.name)
		}
	}
	return others
}

// restart has the budget begin anew, as on another node.
func (w *world) restart(total int) {
	env := &entity.Env{Now: func() time.Time { return w.now }}
	w.b = &budget{Host: &entity.Host{Env: env}, room: &Room{env: env, total: total, nodes: w}}
	_ = w.b.Load()
}

// holds is what a node may call at a time.
func (p *peer) holds(now time.Time) int {
	if p.ended || !now.Before(p.until) {
		return 0
	}
	return p.share
}

// ask has a node ask for its share. The answer may be lost.
func (w *world) ask(t *rapid.T, p *peer, lost bool) {
	if !w.now.Before(p.until) {
		p.lend(w.now, 0, w.now)
	}
	p.asked = w.now
	reply, err := w.b.onShare(&messages.ShareBudget{Node: p.name, Holds: int64(p.share), Wants: int64(p.wants)})
	share, ok := reply.(*messages.BudgetShare)
	if err != nil || !ok {
		t.Fatal(reply, err)
	}
	if !lost {
		p.lend(w.now, int(share.PerSecond), w.now.Add(time.Duration(share.LastsMs)*time.Millisecond))
	}
}

func (p *peer) lend(now time.Time, share int, until time.Time) {
	if before := min(now.UnixNano(), p.until.UnixNano()); p.share > share {
		p.highest = append(p.highest, held{p.share, time.Unix(0, before).Add(time.Second)})
	}
	p.share, p.until = share, until
}

// most is how many calls a node may have made in the last second.
func (p *peer) most(now time.Time) int {
	n := p.holds(now)
	if !p.ended && p.until.Add(time.Second).After(now) || p.ended && p.endedAt.Add(time.Second).After(now) {
		n = max(n, p.share)
	}
	p.highest = slices.DeleteFunc(p.highest, func(h held) bool { return !h.at.After(now) })
	for _, h := range p.highest {
		n = max(n, h.n)
	}
	return n
}

// TestTheSumOfTheSharesIsNeverMoreThanTheWhole has nodes join, be known late, leave, and lose answers, and the budget begin
// anew.
func TestTheSumOfTheSharesIsNeverMoreThanTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(1, 30).Draw(t, "total")
		w := &world{now: time.Unix(1e9, 0)}
		join := func() {
			w.nodes = append(w.nodes, &peer{name: fmt.Sprint("node ", len(w.nodes)), joined: w.now, known: len(w.nodes) == 0,
				wants: rapid.IntRange(0, 40).Draw(t, "wants")})
		}
		join()
		w.restart(total)
		for range 300 {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "pause")) * time.Millisecond)
			p := w.nodes[rapid.IntRange(0, len(w.nodes)-1).Draw(t, "node")]
			switch rapid.SampledFrom([]string{"ask", "ask", "ask", "ask", "ask", "lose", "join", "know", "end", "restart", "want"}).
				Draw(t, "what") {
			case "ask":
				if !p.ended {
					w.ask(t, p, false)
				}
			case "lose":
				if !p.ended {
					w.ask(t, p, true)
				}
			case "join":
				if len(w.nodes) < 5 {
					join()
				}
			case "know":
				p.known = !p.ended
			case "end":
				if p != w.nodes[0] && !p.ended {
					p.ended, p.endedAt = true, w.now
				}
			case "restart":
				w.restart(total)
			case "want":
				p.wants = rapid.IntRange(0, 40).Draw(t, "wants")
			}
			for _, p := range w.nodes { // nobody is unknown for longer than a node may be sure, nor known for long after its end
				late := w.now.Sub(p.joined) >= knows
				p.known = (p.known || late) && !(p.ended && w.now.Sub(p.endedAt) >= time.Second)
			}
			sum := 0
			for _, p := range w.nodes {
				sum += p.most(w.now)
			}
			if sum > total {
				t.Fatalf("%d calls in a second, %d are allowed", sum, total)
			}
		}
	})
}
