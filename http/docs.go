package httpedge

import (
	"fmt"
	"slices"
	"strings"
)

// CodesTable is the table of docs/api.md: every code with its status and meaning.
func CodesTable() string {
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

// UpdateDocs replaces the table between the lines <!-- codes --> and <!-- /codes --> of docs/api.md. ok is false if
// the text lacks them.
func UpdateDocs(text string) (updated string, ok bool) {
	const begin, end = "<!-- codes -->\n", "<!-- /codes -->"
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	return before + begin + CodesTable() + end + after, found && ended
}
