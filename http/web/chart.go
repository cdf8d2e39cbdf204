package web

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Charts are drawn by the server, as SVG with nothing but classes: they need no script, and a strict policy has nothing to forbid.

const (
	chartWidth  = 600 // in units of the drawing, which is stretched to the page
	chartHeight = 120
	chartRoom   = 4 // above the highest value, so that its line is whole
)

// chart is a drawing of values over time.
type chart struct {
	Name     string // of the text "chart_" + Name
	Millis   bool   // its values are milliseconds, else numbers
	From, To time.Time
	Lines    []line
	Top      float64 // the value at the upper edge
	Empty    bool    // there is nothing to draw
}

// line is the values of one kind, one for each step; NaN: there is none.
type line struct {
	Kind   string // of the text "line_" + Kind, and its class
	Total  float64
	Paths  []string // of polylines, one for each part without a gap
	values []float64
}

// drawn works out the lines.
func drawn(c chart) chart {
	highest := 0.0
	for _, l := range c.Lines {
		for _, v := range l.values {
			if !math.IsNaN(v) {
				highest = max(highest, v)
			}
		}
	}
	c.Top, c.Empty = roundUp(highest), highest == 0
	if c.Empty {
		return c
	}
	for i := range c.Lines {
		c.Lines[i].Paths = pathsOf(c.Lines[i].values, c.Top)
	}
	return c
}

// pathsOf are the points of a line, in parts where values are missing.
func pathsOf(values []float64, top float64) (paths []string) {
	var path strings.Builder
	points := 0
	step := float64(chartWidth) / float64(max(len(values)-1, 1))
	number := func(v float64) { path.WriteString(strconv.FormatFloat(v, 'f', 1, 64)) }
	end := func(x float64) {
		if points == 1 { // a point alone would not be seen
			path.WriteByte(' ')
			number(x + 3)
			text := path.String()
			_, y, _ := strings.Cut(text[:strings.LastIndexByte(text, ' ')], ",")
			path.WriteString("," + y)
		}
		if points > 0 {
			paths = append(paths, path.String())
		}
		path.Reset()
		points = 0
	}
	for i, v := range values {
		x := float64(i) * step
		if math.IsNaN(v) {
			end(x - step)
			continue
		}
		if points > 0 {
			path.WriteByte(' ')
		}
		number(x)
		path.WriteByte(',')
		number(chartHeight - v/top*(chartHeight-chartRoom))
		points++
	}
	end(chartWidth - 3)
	return paths
}

// roundUp is the next of 1, 2, 5, 10, 20 and so on; at least 1.
func roundUp(v float64) float64 {
	for scale := 1.0; scale < 1e15; scale *= 10 {
		for _, n := range []float64{1, 2, 5} {
			if v <= n*scale {
				return n * scale
			}
		}
	}
	return v
}
