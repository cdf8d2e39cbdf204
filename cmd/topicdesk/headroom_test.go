package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestHeadroom(t *testing.T) {
	percent := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	t.Setenv("GOGC", "100")
	keepHeadroom()
	if got := percent(); got != 100 {
		t.Errorf("GOGC was set by the operator, and is %d now", got)
	}
	t.Setenv("GOGC", "")
	keepHeadroom()
	if got := percent(); got <= 100 {
		t.Errorf("GOGC is %d with next to nothing live", got)
	}
	much := make([]byte, 2*headroom)
	for deadline := time.Now().Add(10 * time.Second); percent() != 100; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("GOGC is %d with %d MB live", percent(), len(much)>>20)
		}
	}
	runtime.KeepAlive(much)
}
