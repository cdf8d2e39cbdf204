package view

import (
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Time is a time as programs see it everywhere: RFC 3339, in UTC, always with three digits of milliseconds, so that texts of
// times sort as the times do. Times that programs send may be written otherwise.
type Time struct{ time.Time }

// At is a time in milliseconds since 1970.
func At(ms int64) Time { return Time{time.UnixMilli(ms).UTC()} }

// MarshalJSON writes it so.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + Timestamp(t.Time) + `"`), nil }

// TransformSchema makes the schema of a text that of a time.
func (Time) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Format = "date-time"
	return s
}

// TimeOf is a time as the API shows it. It is nil if the time is not set.
func TimeOf(ms int64) *Time {
	if ms == 0 {
		return nil
	}
	t := At(ms)
	return &t
}
