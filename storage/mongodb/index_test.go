package mongodb

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestEveryQueryIsServedByItsIndex compares each query with the index that is its hint. The fields that must be equal
// come first in the index, then the fields of the sort order, which are also those that are compared. So MongoDB
// reads only the wanted range of the index, in the wanted order. TestExplain in package mongotest asks a server what
// it really does.
func TestEveryQueryIsServedByItsIndex(t *testing.T) {
	used := map[string]bool{}
	for _, q := range Queries() {
		name := q.Collection + "." + q.Index
		used[name] = true
		keys := indexKeys(t, q.Collection, q.Index)
		var equal, ranged, passed []string
		for _, element := range q.Filter {
			operators, isRange := element.Value.(bson.D)
			switch {
			case !isRange || operators[0].Key == "$in": // one range for each value, merged
				equal = append(equal, element.Key)
				if isRange {
					if _, ok := operators[0].Value.(bson.A); !ok {
						t.Errorf("%s: a server refuses to explain %v, whose $in has no list", name, q.Filter)
					}
				}
			case operators[0].Key == "$ne", operators[0].Key == "$nin":
				passed = append(passed, element.Key)
			default:
				ranged = append(ranged, element.Key)
			}
		}
		rest := slices.Clone(keys)
		for range equal {
			if len(rest) == 0 || !slices.Contains(equal, rest[0].Key) {
				t.Errorf("%s: %v are not the first of %v", name, equal, keys)
				break
			}
			rest = rest[1:]
		}
		for _, key := range ranged {
			if len(rest) == 0 || rest[0].Key != key {
				t.Errorf("%s: %s is compared and is not next in %v", name, key, keys)
			}
		}
		direction := 0
		for _, s := range q.Sort {
			if len(rest) > 0 && slices.Contains(equal, s.Key) {
				continue // all results have the same value
			}
			if len(rest) == 0 || rest[0].Key != s.Key || direction != 0 && direction != s.Value.(int)*rest[0].Value.(int) {
				t.Errorf("%s: the order %v is not that of %v", name, q.Sort, keys)
				break
			}
			direction = s.Value.(int) * rest[0].Value.(int)
			rest = rest[1:]
		}
		if len(passed) > 0 && q.Filter[0].Key != "ticketId" && q.Filter[0].Key != "webhookId" {
			t.Errorf("%s: skips documents by %v; are there few of them?", name, passed)
		}
	}
	for _, i := range Indexes() {
		if name := i.Collection + "." + i.Name; !used[name] {
			t.Errorf("no query uses the index %s", name)
		}
	}
}

func indexKeys(t *testing.T, collection, name string) bson.D {
	t.Helper()
	if name == "_id_" {
		return bson.D{e("_id", 1)}
	}
	for _, i := range Indexes() {
		if i.Collection == collection && i.Name == name {
			return i.Keys
		}
	}
	t.Fatalf("%s has no index %s", collection, name)
	return nil
}

// TestDocumentation compares the tables of docs/storage.md about MongoDB with what the migrations create.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/storage.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## MongoDB\n")
	if !ok {
		t.Fatal("docs/storage.md has no section on MongoDB")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]bool{}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 3 || !strings.HasPrefix(strings.TrimSpace(cells[0]), "`") {
			continue
		}
		if strings.TrimSpace(cells[2]) == "" {
			t.Errorf("docs/storage.md does not say what this is for: %s", line)
		}
		documented[strings.TrimSpace(cells[0])+" | "+strings.TrimSpace(cells[1])] = true
	}
	want := []string{fmt.Sprintf("`%s` | _id", schemaCollection)}
	for _, step := range migrations {
		for _, name := range step.collections {
			want = append(want, fmt.Sprintf("`%s` | _id", name))
		}
	}
	for _, i := range Indexes() {
		want = append(want, fmt.Sprintf("`%s.%s` | %s", i.Collection, i.Name, i))
	}
	for _, line := range want {
		if !documented[line] {
			t.Errorf("docs/storage.md lacks: | %s |", line)
		}
		delete(documented, line)
	}
	for line := range documented {
		t.Errorf("docs/storage.md has what the schema has not: %s", line)
	}
}
