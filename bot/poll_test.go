package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func bare(ids ...int64) (batch []json.RawMessage) {
	for _, id := range ids {
		batch = append(batch, json.RawMessage(fmt.Sprintf(`{"update_id":%d,"message":{}}`, id)))
	}
	return batch
}

// polling is a poller with a scripted Telegram, which ends it when the script is over.
type polling struct {
	answers []any // []json.RawMessage or error
	fails   []error
	asked   []int64
	trouble bool // the request before failed
	saved   []int64
	step    time.Duration // by which the time advances whenever it is asked for
	log     bytes.Buffer

	mu      sync.Mutex
	handled []int64
	pauses  []time.Duration
}

// Decode makes updates of chats of their own.
func (p *polling) Decode(raw []byte) *Update {
	id, ok := updateID(raw)
	if !ok {
		return nil
	}
	return &Update{ID: id, Kind: KindMessage, Message: &Message{Chat: Chat{ID: id}}}
}

func (p *polling) Accept(_ context.Context, u *Update) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handled = append(p.handled, u.ID)
	if len(p.fails) > 0 {
		err := p.fails[0]
		p.fails = p.fails[1:]
		return err
	}
	return nil
}

func (p *polling) pause(_ context.Context, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pauses = append(p.pauses, d)
}

func (p *polling) run(t *testing.T, from int64) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	poller := &Poller{Log: slog.New(slog.NewTextHandler(&p.log, nil)), Pause: p.pause}
	now := time.Unix(1, 0)
	poller.Now = func() time.Time { now = now.Add(p.step); return now }
	poller.Run(ctx, from, func(_ context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
		want := 30 * time.Second
		if p.trouble || len(p.asked) == 0 {
			want = 0 // an answer at once says that updates come in
		}
		if wait != want {
			t.Errorf("request %d is held %v, not %v", len(p.asked)+1, wait, want)
		}
		p.asked, p.trouble = append(p.asked, offset), false
		if len(p.answers) == 0 {
			cancel()
			return nil, ctx.Err()
		}
		a := p.answers[0]
		p.answers = p.answers[1:]
		if err, ok := a.(error); ok {
			p.trouble = true
			return nil, err
		}
		return a.([]json.RawMessage), nil
	}, p, func(offset int64) { p.saved = append(p.saved, offset) })
}

func TestPoller(t *testing.T) {
	t.Run("advances behind what was handled", func(t *testing.T) {
		p := &polling{answers: []any{bare(10, 11), []json.RawMessage{}, bare(12)}}
		p.run(t, 0)
		if fmt.Sprint(p.asked, p.saved) != "[0 12 12 13] [12 13]" || len(p.pauses) != 0 {
			t.Error(p.asked, p.saved, p.pauses)
		}
	})
	t.Run("goes on where it was", func(t *testing.T) {
		p := &polling{}
		p.run(t, 500)
		if fmt.Sprint(p.asked) != "[500]" {
			t.Error(p.asked)
		}
	})
	t.Run("hands an update in until it is accepted, and confirms nothing meanwhile", func(t *testing.T) {
		down := errors.New("down")
		p := &polling{answers: []any{bare(10)}, fails: []error{down, down, down, down, down, down, down, down, down, down}}
		p.run(t, 10)
		if fmt.Sprint(p.asked, p.saved) != "[10 11] [11]" || len(p.handled) != 11 || len(p.pauses) != 10 {
			t.Error(p.asked, p.saved, len(p.handled), p.pauses)
		}
		if p.pauses[0] > handleBackoffMin || p.pauses[1] < p.pauses[0] || p.pauses[9] > handleBackoffMax ||
			p.pauses[9] < handleBackoffMax*3/4 {
			t.Error(p.pauses)
		}
	})
	t.Run("backs off when Telegram can't be reached, and forgets it", func(t *testing.T) {
		lost := errors.New("connection reset")
		p := &polling{answers: []any{lost, lost, lost, bare(1), lost}}
		p.run(t, 0)
		if len(p.pauses) != 4 || p.pauses[2] <= p.pauses[0] || p.pauses[3] > fetchBackoffMin {
			t.Error(p.pauses)
		}
	})
	t.Run("tells once a minute that another program gets the updates, with what to do", func(t *testing.T) {
		conflict := error(&APIError{Method: methodGetUpdates, Status: 409, Description: "Conflict: terminated by other getUpdates request"})
		p := &polling{}
		for i := range 40 { // each of the two gets some in between
			p.answers = append(p.answers, conflict, bare(int64(i+1)))
		}
		p.run(t, 0)
		if n := strings.Count(p.log.String(), "level=ERROR"); n != 1 || !strings.Contains(p.log.String(), "give each desk a bot of its own") {
			t.Errorf("%d lines: %s", n, p.log.String())
		}
		p = &polling{step: 10 * time.Second}
		for range 13 {
			p.answers = append(p.answers, conflict)
		}
		p.run(t, 0)
		if n := strings.Count(p.log.String(), "level=ERROR"); n != 3 || !strings.Contains(p.log.String(), "times=6") {
			t.Errorf("%d lines: %s", n, p.log.String())
		}
	})
	for code, words := range map[int]string{409: "another program gets the updates", 401: "TELEGRAM_BOT_TOKEN", 500: "failed", 429: "failed"} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			p := &polling{answers: []any{fmt.Errorf("call: %w", &APIError{Method: methodGetUpdates, Status: code, Description: "no", RetryAfter: time.Minute}), bare(1)}}
			p.run(t, 0)
			if !strings.Contains(p.log.String(), words) || fmt.Sprint(p.saved) != "[2]" ||
				code == 429 && p.pauses[0] != time.Minute {
				t.Error(p.log.String(), p.saved, p.pauses)
			}
		})
	}
	t.Run("an update without an id does not stop the others", func(t *testing.T) {
		p := &polling{answers: []any{append(bare(10), json.RawMessage(`{}`), json.RawMessage(`null`), json.RawMessage(`{"update_id":"x"}`))}}
		p.run(t, 0)
		if fmt.Sprint(p.asked) != "[0 11]" {
			t.Error(p.asked)
		}
	})
	t.Run("a batch without any id is passed", func(t *testing.T) {
		p := &polling{answers: []any{[]json.RawMessage{json.RawMessage(`{}`)}}}
		p.run(t, 10)
		if fmt.Sprint(p.asked) != "[10 11]" {
			t.Error(p.asked)
		}
		p = &polling{answers: []any{[]json.RawMessage{json.RawMessage(`{}`)}}}
		p.run(t, 0)
		if fmt.Sprint(p.asked) != "[0 0]" || len(p.pauses) != 1 {
			t.Error(p.asked, p.pauses)
		}
	})
	t.Run("stops at once, in whatever it is", func(t *testing.T) {
		for _, stage := range []string{"fetch", "handle", "pause"} {
			ctx, cancel := context.WithCancel(t.Context())
			var saved []int64
			stopIn := func(s string) {
				if s == stage {
					cancel()
				}
			}
			(&Poller{Log: slog.New(slog.DiscardHandler), Pause: func(context.Context, time.Duration) { stopIn("pause") }}).Run(ctx, 0,
				func(context.Context, int64, time.Duration) ([]json.RawMessage, error) {
					stopIn("fetch")
					return bare(1), ctx.Err()
				},
				&taking{polling{}, func(context.Context, *Update) error { stopIn("handle"); return errors.New("down") }},
				func(o int64) { saved = append(saved, o) })
			if len(saved) != 0 {
				t.Error(stage, saved)
			}
		}
	})
	t.Run("a pause ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		(&Poller{}).pause(ctx, time.Hour)
	})
}

// taking is a polling that accepts in a way of its own.
type taking struct {
	polling
	accept func(context.Context, *Update) error
}

func (k *taking) Accept(ctx context.Context, u *Update) error { return k.accept(ctx, u) }

// An update that is not accepted holds up neither those after it, nor is it confirmed.
func TestPollerOvertakes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked, saved []int64
	newest := make(chan struct{})
	(&Poller{Log: slog.New(slog.DiscardHandler), Patience: time.Millisecond}).Run(ctx, 10,
		func(_ context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error) {
			asked = append(asked, offset)
			switch {
			case len(asked) == 1:
				return bare(10, 11, 12), nil
			case offset == 11 && wait != 0:
				t.Error("waits for updates while one is not accepted")
			case offset > 11:
				cancel()
				return nil, ctx.Err()
			}
			all := bare(10, 11, 12, 13, 14)
			return all[offset-10:], nil
		},
		&taking{polling{}, func(ctx context.Context, u *Update) error {
			switch u.ID {
			case 11:
				select { // 11 is accepted once 14 is
				case <-newest:
				case <-ctx.Done():
				}
			case 14:
				close(newest)
			}
			return nil
		}},
		func(offset int64) { saved = append(saved, offset) })
	if asked[len(asked)-1] != 15 || saved[len(saved)-1] != 15 || slices.ContainsFunc(saved, func(o int64) bool { return o > 11 && o < 15 }) {
		t.Error(asked, saved)
	}
}

func TestUpdateID(t *testing.T) {
	for raw, want := range map[string]int64{
		`{"update_id":5,"message":{}}`: 5, `{"update_id":5}`: 5, `{ "message": {"update_id":7}, "update_id": 6 }`: 6, `{"update_id":1.5}`: -1, `{"update_id":-5}`: -1,
		`{"update_id":9223372036854775807}`: -1, `{"update_id":9223372036854775806}`: math.MaxInt64 - 1, `{"update_id":5,"message":"` + strings.Repeat("x", 2<<20) + `"}`: 5,
		`7`: -1, `{"update_id":999999999999999999999}`: -1,
	} {
		id, ok := updateID(json.RawMessage(raw))
		if ok != (want > 0) || ok && id != want {
			t.Errorf("%.40s: %d %v", raw, id, ok)
		}
	}
}
