// Package topicdesk_test holds the house plan: which part may import which.
package topicdesk_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/topicdesk/topicdesk/"

// arrows says what of ours the packages in a folder may import, tests aside; "..." is anything. The longest folder that fits
// counts, and "storage/" is every folder beneath storage. A package may always import what lies beneath itself, unless sealed
// names it.
//
// bot and http reach storage only through the actors, and each other not at all; only cmd knows who is there.
var arrows = map[string][]string{
	"cmd":        {"..."},
	"config":     {},
	"config/gen": {"config"},
	"ids":        {},
	"hours":      {},
	"messages":   {"ids"},
	"view":       {"ids", "messages"},
	"actors":     {"ids", "messages", "storage", "tracing"},

	// The rooms of the actors: none imports another. What all entities share knows no kind, and none of the rooms.
	"actors/internal/":         {"ids", "messages", "storage", "tracing", "view", "actors/internal/entity", "actors/internal/desk"},
	"actors/internal/entity":   {"ids", "messages", "storage", "tracing"},
	"actors/internal/desk":     {"hours", "ids", "messages", "storage", "tracing", "view"},
	"actors/internal/pace":     {},
	"actors/internal/delivery": {},
	"actors/internal/collect":  {},
	"actors/internal/monitor": {"ids", "messages", "storage", "view", "actors/internal/entity", "actors/internal/desk",
		"actors/internal/collect"},
	"actors/internal/chat": {"ids", "messages", "storage", "tracing", "actors/internal/entity", "actors/internal/desk",
		"actors/internal/pace"},
	"actors/internal/cluster": {"actors/internal/entity"}, // it knows of nodes and shards, not of what is in them
	"actors/internal/budget":  {"messages", "actors/internal/entity", "actors/internal/pace"},
	"actors/etcdtest":         {"actors/internal/cluster", "actors/internal/entity"}, // a server for tests, those of storage/mongodb/mongotest too
	"actors/internal/query": {"ids", "messages", "storage", "tracing", "actors/internal/entity", "actors/internal/desk",
		"actors/internal/delivery", "actors/internal/eventlog", "actors/internal/pace", "actors/internal/report", "actors/internal/series"},
	"actors/internal/report": {"messages", "storage", "actors/internal/entity", "actors/internal/eventlog"},
	"actors/internal/group":  {"hours", "ids", "messages", "storage", "actors/internal/entity", "actors/internal/desk"},
	"actors/internal/ticket": {"hours", "ids", "messages", "storage", "view", "actors/internal/entity", "actors/internal/desk",
		"actors/internal/pace", "actors/internal/attachment"},

	"actors/internal/webhook": {"ids", "messages", "storage", "tracing", "view", "actors/internal/entity", "actors/internal/desk",
		"actors/internal/eventlog", "actors/internal/delivery"},

	"bot":             {"hours", "ids", "messages", "tracing", "actors"},
	"tracing/otlp":    {"tracing"},
	"tracing":         {}, // it knows nothing of ours
	"simulator":       {}, // a Bot API server for any bot
	"http":            {"hours", "ids", "messages", "tracing", "view", "actors"},
	"docs/examples":   {}, // what users copy: nothing of ours
	"storage":         {"ids"},
	"storage/":        {"ids", "storage"}, // the stores behind the contract: sqlite, mongodb, files
	"storage/lock":    {},
	"storage/metered": {"storage", "tracing"},
	"storage/sqlite":  {"ids", "storage", "storage/lock"},
}

// sealed packages must not import what lies beneath them: the contract knows no store.
var sealed = []string{"storage"}

func TestArrowsOfTheHousePlan(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "data" || entry.Name() == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		checked++
		from := path.Dir(filepath.ToSlash(name))
		rule, ok := ruleFor(from)
		if !ok {
			t.Errorf("%s: the house plan has no folder %s; say in arrows what it may import", name, from)
		}
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if to, ours := strings.CutPrefix(imported, module); ours && ok && !allowed(rule, from, to) {
				t.Errorf("%s imports %s; %s may import of ours: %s", name, to, rule, strings.Join(arrows[rule], ", "))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked == 0 {
		t.Fatal("no Go file found")
	}
}

func TestArrowsAreUnderstood(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"cmd/topicdesk", "storage/sqlite", true},
		{"http", "actors", true},
		{"http", "http/pages", true},
		{"http/pages", "storage", false},
		{"http", "storage/sqlite", false},
		{"http", "bot", false},
		{"bot", "http", false},
		{"bot", "simulator", false},
		{"bot", "storage", false},
		{"simulator", "messages", false},
		{"simulator", "bot", false},
		{"simulator/gen", "simulator", true},
		{"actors", "storage", true},
		{"actors", "storage/sqlite", false},
		{"actors", "bot", false},
		{"actors", "actors/internal/ticket", true},
		{"actors/internal/ticket", "actors/internal/entity", true},
		{"actors/internal/ticket", "actors/internal/link", false},
		{"actors/internal/ticket", "actors", false},
		{"actors/internal/a_new_room", "actors/internal/entity", true},
		{"actors/internal/a_new_room", "actors/internal/link", false},
		{"actors/internal/a_new_room", "actors/internal/pace", false},
		{"actors/internal/a_new_room", "storage/sqlite", false},
		{"actors/internal/entity", "actors/internal/ticket", false},
		{"actors/internal/desk", "actors/internal/entity", false},
		{"storage", "messages", false},
		{"storage", "storage/sqlite", false},
		{"storage/sqlite", "storage", true},
		{"storage/sqlite", "storage/mongodb", false},
		{"storage/sqlite", "actors", false},
		{"messages", "config", false},
		{"messages", "view", false},
		{"view", "storage", false},
		{"actors/internal/desk", "view", true},
		{"config", "messages", false},
		{"docs/examples/go", "http", false},
	} {
		rule, ok := ruleFor(tt.from)
		if !ok || allowed(rule, tt.from, tt.to) != tt.want {
			t.Errorf("%s → %s: allowed %v, want %v", tt.from, tt.to, !tt.want, tt.want)
		}
	}
	if rule, ok := ruleFor("somewhere/else"); ok {
		t.Errorf("somewhere/else goes by the rule of %s", rule)
	}
}

// inside says whether a package is a room of the actors.
func inside(pkg string) bool { return strings.HasPrefix(pkg, "actors/internal/") }

// ruleFor finds the longest folder of arrows that holds the package.
func ruleFor(pkg string) (folder string, ok bool) {
	for name := range arrows {
		fits := pkg == name || strings.HasPrefix(pkg, strings.TrimSuffix(name, "/")+"/")
		if fits && len(name) >= len(folder) {
			folder, ok = name, true
		}
	}
	return folder, ok
}

// allowed says whether the package from, under the rule of its folder, may import the package to.
func allowed(rule, from, to string) bool {
	beneath := strings.HasPrefix(to, from+"/") && !slices.Contains(sealed, from)
	// A package and those beneath the folder that has the rule are one household: simulator/gen and simulator.
	household := !inside(from) && !strings.HasSuffix(rule, "/") && strings.HasPrefix(from, rule+"/") && (to == rule || strings.HasPrefix(to, rule+"/"))
	return beneath || household || slices.Contains(arrows[rule], to) || slices.Contains(arrows[rule], "...")
}
