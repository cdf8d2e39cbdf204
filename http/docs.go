package httpedge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// docTables are the generated tables of docs/api.md. Each is between two lines with its name: <!-- name --> and
// <!-- /name -->.
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

// UpdateDocs replaces the tables in the text of docs/api.md. It is an error if the text lacks the lines around one.
func UpdateDocs(text string) (string, error) {
	for name, table := range docTables {
		begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		before, rest, found := strings.Cut(text, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			return "", fmt.Errorf("docs/api.md has no lines <!-- %s --> and <!-- /%s -->", name, name)
		}
		text = before + begin + table() + end + after
	}
	return text, nil
}
