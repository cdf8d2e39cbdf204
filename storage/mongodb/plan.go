package mongodb

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// What tests, here and in mongotest, need to know about the queries and their indexes.

// Query is a query of the store, with sample arguments.
type Query struct {
	Collection, Index string
	Filter, Sort      bson.D
	Fields            bson.D
	// Pipeline is set for an aggregation.
	Pipeline bson.A
}

// Queries returns all queries of the store.
func Queries() (all []Query) {
	samples := []any{"1", int64(1), "1", "1", "1", int64(1), int64(1), int64(1), "1", "1", "1", bson.A{"1"}}
	for _, q := range queries {
		all = append(all, Query{
			Collection: q.collection, Index: q.index, Filter: listed(bind(q.filter, samples)), Sort: q.sort, Fields: q.fields,
		})
	}
	status := countTickets[0].(bson.D)[0].Value.(bson.D)
	return append(all, Query{Collection: "tickets", Index: "all_createdAt", Filter: status, Pipeline: countTickets})
}

// listed makes a list of each operand of $in, which a server refuses otherwise: samples don't know what is a list.
func listed(filter bson.D) bson.D {
	for i, element := range filter {
		if operators, ok := element.Value.(bson.D); ok {
			filter[i].Value = listed(operators)
		} else if _, ok := element.Value.(bson.A); element.Key == "$in" && !ok {
			filter[i].Value = bson.A{element.Value}
		}
	}
	return filter
}

// String describes the index as docs/storage.md does: (field, field descending) unique sparse.
func (i Index) String() string {
	var on []string
	for _, k := range i.Keys {
		if k.Value == -1 {
			k.Key += " descending"
		}
		on = append(on, k.Key)
	}
	text := fmt.Sprintf("(%s)", strings.Join(on, ", "))
	if i.Unique {
		text += " unique"
	}
	if i.Sparse {
		text += " sparse"
	}
	return text
}

// Indexes returns all indexes that the migrations leave. The one on _id, which every collection has, is not among
// them.
func Indexes() (all []Index) {
	for _, step := range migrations {
		for _, old := range step.replaced {
			all = slices.DeleteFunc(all, func(i Index) bool { return i.Collection == old.Collection && i.Name == old.Name })
		}
		all = append(all, step.indexes...)
	}
	return all
}
