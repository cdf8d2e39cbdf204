package httpedge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// docTables are the tables of docs/api.md, by the names between whose marks they stand: <!-- name --> and <!-- /name -->.
var docTables = map[string]func() string{"codes": codesTable, "events": eventsTable}

// codesTable has every code with its status and meaning.
func codesTable() string {
	codes := make([]string, 0, len(problemKinds))
	for code := range problemKinds {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b string) int {
		if d := problemKinds[a].status - problemKinds[b].status; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	b.WriteString("| code | status | meaning |\n|---|---|---|\n")
	for _, code := range codes {
		fmt.Fprintf(&b, "| `%s` | %d | %s |\n", code, problemKinds[code].status, problemKinds[code].detail)
	}
	return b.String()
}

// eventsTable has every type of event.
func eventsTable() string {
	var b strings.Builder
	b.WriteString("| type | when |\n|---|---|\n")
	for _, e := range messages.Events {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e.Type, e.When)
	}
	return b.String()
}

// UpdateDocs puts the tables in their places; an error names one that has none.
func UpdateDocs(text string) (string, error) {
	for name, table := range docTables {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		before, rest, found := strings.Cut(text, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			return "", fmt.Errorf("docs/api.md has no place for the table of %s", name)
		}
		text = before + begin + table() + end + after
	}
	return text, nil
}
