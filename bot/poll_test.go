package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
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
	handled [][]json.RawMessage
	saved   []int64
	pauses  []time.Duration
	log     bytes.Buffer
}

func (p *polling) run(t *testing.T, from int64) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	poller := &Poller{Log: slog.New(slog.NewTextHandler(&p.log, nil)), Pause: func(_ context.Context, d time.Duration) { p.pauses = append(p.pauses, d) }}
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
	}, func(_ context.Context, batch []json.RawMessage) error {
		p.handled = append(p.handled, batch)
		if len(p.fails) > 0 {
			err := p.fails[0]
			p.fails = p.fails[1:]
			return err
		}
		return nil
	}, func(offset int64) { p.saved = append(p.saved, offset) })
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
	t.Run("hands the same batch in until it is accepted, and confirms nothing meanwhile", func(t *testing.T) {
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
	for code, words := range map[int]string{409: "another program polls", 401: "TELEGRAM_BOT_TOKEN", 500: "failed", 429: "failed"} {
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
				func(context.Context, []json.RawMessage) error { stopIn("handle"); return errors.New("down") },
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
