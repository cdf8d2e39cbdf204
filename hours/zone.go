package hours

import (
	"strings"
	"sync"
	"time"
)

// zones are the time zones that were asked for, by name: to read one takes as long as a hundred working days.
var zones sync.Map

// zoneNamed finds a time zone by its name, in whatever case it is written; nil: there is none.
func zoneNamed(name string) *time.Location {
	if strings.EqualFold(name, "utc") || strings.EqualFold(name, "gmt") {
		return time.UTC
	}
	if !strings.Contains(name, "/") || len(name) > 40 {
		return nil // also the short names, of which some mean several zones, and "Local"
	}
	for _, n := range []string{name, titled(name)} {
		if known, ok := zones.Load(n); ok {
			return known.(*time.Location)
		}
		if zone, err := time.LoadLocation(n); err == nil && zone.String() == n {
			zones.Store(n, zone)
			return zone
		}
	}
	return nil
}

// titled writes "asia/ho_chi_minh" as zones are named.
func titled(name string) string {
	b := []byte(strings.ToLower(name))
	begins := true
	for i, c := range b {
		if begins && c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
		begins = c == '/' || c == '_' || c == '-'
	}
	return string(b)
}
