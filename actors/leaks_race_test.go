//go:build race

package actors_test

import "go.uber.org/goleak"

// clusterLeaks: with the race detector no cluster is tried.
func clusterLeaks() []goleak.Option { return nil }
