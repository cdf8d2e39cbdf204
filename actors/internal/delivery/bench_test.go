package delivery

import (
	"context"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
)

// BenchmarkDo makes attempts at a receiver in the same process, 64 at a time: signed, with a body of 1 kB.
func BenchmarkDo(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		drain(r.Body)
		say(w, "ok")
	})
	for name, start := range map[string]func(*httptest.Server){"http": (*httptest.Server).Start, "tls": (*httptest.Server).StartTLS,
		"http2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() }} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewUnstartedServer(handler)
			server.Config.ErrorLog = discard
			start(server)
			defer server.Close()
			o := Options{Policy: loopback, Version: "1"}
			if server.TLS != nil {
				o.Roots = rootsOf(server)
			}
			c := New(o)
			defer c.Close()
			r := request(server.URL + "/hook")
			r.Body = make([]byte, 1024)
			b.ReportAllocs()
			b.SetParallelism(32)
			b.ResetTimer()
			before := processorTime()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if res := c.Do(context.Background(), r); res.Verdict != Success {
						b.Errorf("%+v", res)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// processorTime is what this process has used, receiver included. On a busy machine it says more than the clock.
func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func BenchmarkCheckURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckURL(Policy{}, "https://hooks.example.com/services/T0/B0/xxxxxxxx"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	secrets, body := []Secret{NewSecret()}, make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		Sign("evt_4kq2m7", sample().Timestamp, body, secrets...)
	}
}

func BenchmarkPreset(b *testing.B) {
	templates, err := ParseTemplates([]byte(`{"preset":"slack"}`))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := templates.Render(sample()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIDs(b *testing.B) {
	e := sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.IDs("https://desk.example/api/v1/tickets/1"); err != nil {
			b.Fatal(err)
		}
	}
}
