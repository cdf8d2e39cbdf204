package mongotest

import (
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// partitions know which partitions of the log may have events, so that who looks into each of the 256 does not have
// FerretDB, which has no index, read the whole log 256 times. They know it of databases whose every event came through
// the proxy.
type partitions struct {
	mu  sync.Mutex
	all map[string]*partitioned // by database
}

// partitioned is what is known of one database.
type partitioned struct {
	some    map[int64]bool // partitions that may have events
	unknown bool           // some were written in a way that does not tell
}

func (p *partitions) of(c *Command) *partitioned {
	name, _ := c.Body.Lookup("$db").StringValueOK()
	if p.all[name] == nil {
		p.all[name] = &partitioned{some: map[int64]bool{}}
	}
	return p.all[name]
}

// note takes note of a command before it is carried out.
func (p *partitions) note(c *Command) {
	if c.Collection() != "events" || c.Name == "find" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.of(c)
	switch c.Name {
	case "insert":
		known.unknown = known.unknown || len(c.Documents) == 0
		for _, event := range c.Documents {
			if partition, is := event.Lookup("partition").AsInt64OK(); is {
				known.some[partition] = true
			} else {
				known.unknown = true
			}
		}
	case "create", "createIndexes", "dropIndexes", "listIndexes", "delete", "aggregate":
	default:
		known.unknown = true
	}
}

// none answers a command that looks into a partition without events; nil: FerretDB does.
func (p *partitions) none(c *Command) any {
	if c.Name != "find" || c.Collection() != "events" {
		return nil
	}
	filter, is := c.Body.Lookup("filter").DocumentOK()
	if !is {
		return nil
	}
	partition, is := filter.Lookup("partition").AsInt64OK()
	if !is {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.of(c)
	if known.unknown || known.some[partition] {
		return nil
	}
	database, _ := c.Body.Lookup("$db").StringValueOK()
	return bson.D{
		{Key: "cursor", Value: bson.D{{Key: "firstBatch", Value: bson.A{}}, {Key: "id", Value: int64(0)},
			{Key: "ns", Value: database + ".events"}}},
		{Key: "ok", Value: float64(1)},
	}
}
