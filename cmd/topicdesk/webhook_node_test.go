package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// nodeReceiver is a receiver that shares no code with the service: testdata/receiver.mjs.
type nodeReceiver struct {
	testing.TB
	url   string
	input io.Writer

	mu    sync.Mutex
	heard []nodeDelivery
}

// nodeDelivery is what the receiver says of a delivery.
type nodeDelivery struct {
	URL        string
	TicketID   string
	Number     int
	Signers    []int // places of the secrets by which it is signed
	Signatures int
	Error      string
	Body       string
}

func newNodeReceiver(t *testing.T) *nodeReceiver {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on this machine: no receiver of another make verifies the signatures")
	}
	cmd := exec.Command(node, "testdata/receiver.mjs")
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &nodeReceiver{TB: t, input: input}
	lines := bufio.NewScanner(output)
	var first nodeDelivery
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &first) != nil || first.URL == "" {
		t.Fatalf("node says %q", lines.Text())
	}
	r.url = first.URL
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			var d nodeDelivery
			if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
				t.Errorf("node says %q", lines.Text())
			}
			r.mu.Lock()
			r.heard = append(r.heard, d)
			r.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = input.Close() // node ends
		<-done
		_ = cmd.Wait()
	})
	return r
}

// knows tells the receiver a secret.
func (r *nodeReceiver) knows(secret string) {
	r.Helper()
	if _, err := io.WriteString(r.input, secret+"\n"); err != nil {
		r.Fatal(err)
	}
}

func (r *nodeReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heard)
}

// TestWebhooksToNode delivers to a receiver that shares none of our code and verifies each delivery, while the secret
// is rotated in the middle.
func TestWebhooksToNode(t *testing.T) {
	if testing.Short() {
		t.Skip("long: starts processes")
	}
	t.Parallel()
	r := newNodeReceiver(t)
	h := newHooked(t)
	h.begin()
	id, secret := h.hook(map[string]any{"url": r.url, "events": []string{"message.*"},
		"maxPerSecond": 100, "enabled": false})
	r.knows(secret)
	h.end()
	const tickets, each = 20, 40
	h.fill(tickets, each)
	h.begin()
	h.call("POST", "/webhooks/"+id+"/enable", nil, nil)
	h.soonTrue("a quarter has arrived", r.count, func() bool { return r.count() >= tickets*each/4 })
	var rotated struct{ Secret string }
	// Until it has the answer, the receiver knows only the old secret.
	h.call("POST", "/webhooks/"+id+"/rotate-secret", map[string]any{"overlapSeconds": 3}, &rotated)
	r.knows(rotated.Secret)
	h.soonTrue("every event arrives", r.count, func() bool { return r.count() >= tickets*each })
	h.allSent(id, tickets*each)
	h.end()

	r.mu.Lock()
	defer r.mu.Unlock()
	signed := map[string]int{}
	last := map[string]int{}
	for _, d := range r.heard {
		switch {
		case d.Error != "":
			t.Errorf("%s: %s", d.Error, d.Body)
			continue
		case d.Signatures == 2:
			signed["both"]++
		case d.Signers[0] == 0:
			signed["the old one"]++
		default:
			signed["the new one"]++
		}
		if d.Number != last[d.TicketID]+1 {
			t.Errorf("%s: %d came after %d", d.TicketID, d.Number, last[d.TicketID])
		}
		last[d.TicketID] = d.Number
	}
	t.Logf("%d deliveries, all verified; signed by %s", len(r.heard), counts(signed))
	if len(signed) != 3 {
		t.Error("the secret was not rotated in the middle")
	}
}
