package series

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// pageOfSamples is how many are read at a time.
const pageOfSamples = 500

// Read puts the samples of all nodes together, into points of a length; 0: into one.
func Read(ctx context.Context, from storage.Samples, minutes int, since time.Time, step time.Duration) ([]*messages.SeriesPoint, error) {
	points := map[int64]*point{}
	for after := ""; ; {
		page, err := from.Samples(ctx, minutes, since, after, pageOfSamples)
		if err != nil {
			return nil, err
		}
		for i := range page {
			at := since.UnixMilli()
			if step > 0 {
				at = page[i].At.Truncate(step).UnixMilli()
			}
			if points[at] == nil {
				points[at] = &point{nodes: map[string]*messages.Measured{}}
			}
			if err := points[at].add(&page[i]); err != nil {
				return nil, err
			}
		}
		if len(page) < pageOfSamples {
			break
		}
		after = page[len(page)-1].Key()
	}
	var all []*messages.SeriesPoint
	for _, at := range slices.Sorted(maps.Keys(points)) {
		all = append(all, &messages.SeriesPoint{AtMs: at, Measured: points[at].sum()})
	}
	return all, nil
}

// point is what each node measured in a step.
type point struct {
	nodes map[string]*messages.Measured
}

func (p *point) add(s *storage.Sample) error {
	m := &messages.Measured{}
	if err := proto.Unmarshal(s.Body, m); err != nil {
		return fmt.Errorf("a sample can't be read: %w", err)
	}
	node, _, _ := strings.Cut(s.Node, "/") // a node that was started again is the same
	if p.nodes[node] == nil {
		p.nodes[node] = &messages.Measured{}
	}
	Merge(p.nodes[node], m)
	return nil
}

func (p *point) sum() *messages.Measured {
	sum := &messages.Measured{}
	for _, node := range slices.Sorted(maps.Keys(p.nodes)) {
		Join(sum, p.nodes[node])
	}
	return sum
}
