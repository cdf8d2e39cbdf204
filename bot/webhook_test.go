package bot

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestWebhook(t *testing.T) {
	for name, tc := range map[string]struct {
		body, secret string
		off          bool
		err          error
		want         int
		handled      bool
	}{
		"accepted":               {body: ordinary, secret: "s", want: 200, handled: true},
		"not accepted":           {body: ordinary, secret: "s", err: errors.New("down"), want: 503, handled: true},
		"polling mode":           {body: ordinary, secret: "s", off: true, want: 404},
		"wrong secret":           {body: ordinary, secret: "S", want: 401},
		"no secret":              {body: ordinary, want: 401},
		"longer secret":          {body: ordinary, secret: "ss", want: 401},
		"wrong secret, not JSON": {body: "?", secret: "x", want: 401},
		"not JSON":               {body: `{"update_id":`, secret: "s", want: 400},
		"empty":                  {secret: "s", want: 400},
		"JSON, but no update":    {body: `{"hello":"world"}`, secret: "s", want: 200, handled: true},
		"5 MB":                   {body: `"` + strings.Repeat("x", 5<<20) + `"`, secret: "s", want: 413},
	} {
		t.Run(name, func(t *testing.T) {
			handled := false
			w := &Webhook{Enabled: !tc.off, Secret: "s", Log: slog.New(slog.DiscardHandler), Handle: func(_ context.Context, raw []byte) error {
				handled = string(raw) == tc.body
				return tc.err
			}}
			if got := w.Serve(t.Context(), []byte(tc.body), tc.secret); got != tc.want || handled != tc.handled {
				t.Errorf("got %d, handled %v", got, handled)
			}
		})
	}
	t.Run("without a secret of its own nobody gets in", func(t *testing.T) {
		w := &Webhook{Enabled: true, Log: slog.New(slog.DiscardHandler)}
		if got := w.Serve(t.Context(), []byte(ordinary), ""); got != 401 {
			t.Error(got)
		}
	})
	t.Run("an update that waits for its owner is answered in time", func(t *testing.T) {
		w := &Webhook{Enabled: true, Secret: "s", Within: time.Millisecond, Log: slog.New(slog.DiscardHandler),
			Handle: func(ctx context.Context, _ []byte) error { <-ctx.Done(); return ctx.Err() }}
		if got := w.Serve(t.Context(), []byte(ordinary), "s"); got != 503 {
			t.Error(got)
		}
	})
	t.Run("poison is accepted and passed over", func(t *testing.T) {
		d := newFake()
		w := &Webhook{Enabled: true, Secret: "s", Log: slog.New(slog.DiscardHandler), Handle: testIntake(d).Handle}
		if got := w.Serve(t.Context(), []byte(`{"update_id":5,"message":{"text":7}}`), "s"); got != 200 ||
			len(d.take()) != 0 {
			t.Error(got)
		}
	})
}
