package web

import (
	"math"
	"strconv"
	"strings"
)

// Figures as people read them. They are the same in both languages.

// number is a whole number with a comma at each thousand.
func number(n any) string {
	var v int64
	switch n := n.(type) {
	case int64:
		v = n
	case *int64:
		v = *n
	case int:
		v = int64(n)
	case float64:
		if n < 10 && n != math.Trunc(n) {
			return strconv.FormatFloat(n, 'f', 1, 64)
		}
		v = int64(math.Round(n))
	}
	text := strconv.FormatInt(v, 10)
	var b strings.Builder
	for i, digit := range text {
		if i > 0 && (len(text)-i)%3 == 0 && text[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

const noFigure = "–" // where there is none

// millis is a time of so many milliseconds, in the largest unit of which there is one. nil or NaN: there is none.
func millis(ms any) string {
	var v float64
	switch ms := ms.(type) {
	case *float64:
		if ms == nil {
			return noFigure
		}
		v = *ms
	case float64:
		v = ms
	case int64:
		v = float64(ms)
	}
	switch {
	case math.IsNaN(v):
		return noFigure
	case v == 0:
		return "0 ms"
	case v < 10:
		return strconv.FormatFloat(v, 'f', 1, 64) + " ms"
	case v < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64) + " ms"
	}
	return inSeconds(v / 1000)
}

// inSeconds is a time of so many seconds, in the two largest units of which there are some. nil: there is none.
func inSeconds(seconds any) string {
	var v float64
	switch s := seconds.(type) {
	case *float64:
		if s == nil {
			return noFigure
		}
		v = *s
	case float64:
		v = s
	case int64:
		v = float64(s)
	case *int64:
		if s == nil {
			return noFigure
		}
		v = float64(*s)
	}
	if v < 60 {
		return strconv.FormatFloat(v, 'f', -1, 64)[:min(4, len(strconv.FormatFloat(v, 'f', -1, 64)))] + " s"
	}
	n := int64(math.Round(v))
	for i, unit := range units {
		if n < unit.seconds {
			continue
		}
		text := strconv.FormatInt(n/unit.seconds, 10) + " " + unit.name
		if rest := n % unit.seconds; i+1 < len(units) && rest >= units[i+1].seconds {
			text += " " + strconv.FormatInt(rest/units[i+1].seconds, 10) + " " + units[i+1].name
		}
		return text
	}
	return noFigure
}

var units = []struct {
	name    string
	seconds int64
}{{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}

// inBytes is an amount of memory.
func inBytes(n int64) string {
	v, unit := float64(n)/1e6, "MB"
	if v >= 1000 {
		v, unit = v/1000, "GB"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + unit
}
