package actors

import "github.com/topicdesk/topicdesk/actors/internal/entity"

// On makes a node of a cluster that has this placement.
func (o Options) On(p entity.Placement) Options {
	o.placement = p
	return o
}
