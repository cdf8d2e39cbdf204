package messages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// constants reads the values of a file's constants whose names begin so.
func constants(t *testing.T, file, prefix string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 &&
			strings.HasPrefix(spec.Names[0].Name, prefix) {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				value, _ := strconv.Unquote(literal.Value)
				values = append(values, value)
			}
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s has no constant %s…", file, prefix)
	}
	return values
}

// TestEveryConstantHasItsRow holds the tables to their constants: each has one row.
func TestEveryConstantHasItsRow(t *testing.T) {
	var verbs, events []string
	for _, c := range SlashCommands {
		verbs = append(verbs, c.Verb)
	}
	for _, e := range Events {
		events = append(events, e.Type)
	}
	for _, tt := range []struct {
		file, prefix string
		rows         []string
	}{
		{"kinds.go", "Media", MediaKinds},
		{"verbs.go", "Verb", verbs},
		{"events.go", "Event", events},
	} {
		declared := constants(t, tt.file, tt.prefix)
		slices.Sort(declared)
		if rows := slices.Sorted(slices.Values(tt.rows)); !slices.Equal(declared, rows) {
			t.Errorf("%s: the constants %s… are %q, the rows are of %q", tt.file, tt.prefix, declared, rows)
		}
	}
}
