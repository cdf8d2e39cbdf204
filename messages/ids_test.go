package messages

import (
	"math"
	"regexp"
	"testing"
)

func TestTicketID(t *testing.T) {
	t.Run("the same command makes the same ticket", func(t *testing.T) {
		a, b := TicketID("-1001:5", 1763900000000), TicketID("-1001:5", 1763900000000)
		if a != b || a != "TICK-MIBOIMM8-55539D02" {
			t.Error(a, b)
		}
	})
	t.Run("another message makes another ticket in the same second", func(t *testing.T) {
		if a, b := TicketID("-1001:5", 1763900000000), TicketID("-1001:6", 1763900000000); a == b {
			t.Error(a)
		}
	})
	t.Run("well formed whatever the date", func(t *testing.T) {
		form := regexp.MustCompile(`^TICK-[0-9A-Z]{1,13}-[0-9A-F]{8}$`)
		for _, ms := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64} {
			id := TicketID("x", ms)
			if parsed, ok := ParseTicketID(id); !form.MatchString(id) || !ok || parsed != id {
				t.Error(id)
			}
		}
	})
}

func TestParseTicketID(t *testing.T) {
	if id, ok := ParseTicketID("tick-mi9k2lhc-c91c2f9d"); !ok || id != "TICK-MI9K2LHC-C91C2F9D" {
		t.Error(id, ok)
	}
	for _, s := range []string{
		"", "TICK", "TICK-", "TICK--C91C2F9D", "TICK-1-C91C2F9", "TICK-1-C91C2F9DA", "TICK-1-G91C2F9D", "TICK-1_-C91C2F9D", "MI9K2LHC-C91C2F9D",
		"TICK-12345678901234-C91C2F9D", "TICK-1-C91C2F9D-1", "TICK-ı-C91C2F9D",
	} {
		if id, ok := ParseTicketID(s); ok {
			t.Errorf("%q taken for %s", s, id)
		}
	}
}

func TestShortIDIn(t *testing.T) {
	for name, want := range map[string]string{
		"Printer · C91C2F9D": "C91C2F9D", "a · b · C91C2F9D": "C91C2F9D", "Printer": "", "Printer · c91c2f9d": "", "· C91C2F9D": "", "x · C91C2F9D ": "",
	} {
		if got, ok := ShortIDIn(name); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", name, got, ok)
		}
	}
}
