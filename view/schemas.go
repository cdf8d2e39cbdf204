package view

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// AddSchemas adds the schema of every type of event to a registry, under the name that EventType.Schema says.
func AddSchemas(r huma.Registry) {
	for _, e := range EventTypes {
		whole := *huma.SchemaFromType(r, reflect.TypeFor[Envelope]())
		whole.Description = e.When
		whole.Properties = maps.Clone(whole.Properties)
		kind := *whole.Properties["type"]
		kind.Enum, kind.Examples = []any{e.Type}, []any{e.Type}
		whole.Properties["type"] = &kind
		if e.NoTicket {
			for _, name := range []string{"ticketId", "number"} {
				whole.Properties[name] = &huma.Schema{Type: "null", Description: "There is no ticket that it happened to."}
			}
		}
		whole.Properties["data"] = r.Schema(e.Data, true, "")
		r.Map()[e.Schema()] = &whole
	}
}

// AnyEvent is the schema of an event of whatever type: one of those that AddSchemas adds, told apart by its type.
func AnyEvent() *huma.Schema {
	s := &huma.Schema{
		Description:   "An event: its type says what its data are. More types may come: skip those that you do not know.",
		Discriminator: &huma.Discriminator{PropertyName: "type", Mapping: map[string]string{}},
	}
	for _, e := range EventTypes {
		ref := schemaRef + e.Schema()
		s.OneOf = append(s.OneOf, &huma.Schema{Ref: ref})
		s.Discriminator.Mapping[e.Type] = ref
	}
	return s
}

const schemaRef = "#/components/schemas/"

// eventSchemas are the schemas of all events, and of what they consist of, by name.
func eventSchemas() map[string]*huma.Schema {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	AddSchemas(r)
	return r.Map()
}

// outline says, a line for each field, what the schemas promise: the field, whether it is always there, its type, and
// each value that it may have if those are listed. The lines are sorted. A promise is kept as long as its line is there.
func outline(schemas map[string]*huma.Schema) []string {
	var lines []string
	for name, s := range schemas {
		for field, p := range s.Properties {
			at := name + "." + field
			presence := "optional"
			if slices.Contains(s.Required, field) {
				presence = "always"
			}
			lines = append(lines, fmt.Sprintf("%s %s %s", at, presence, typeName(p)))
			for _, value := range p.Enum {
				lines = append(lines, fmt.Sprintf("%s may be %v", at, value))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// KeepPromises adds to a file, which has outline's lines, those that are new. What it has stays: who wants to break a
// promise must do so by hand.
func KeepPromises(file string) error {
	committed, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := outline(eventSchemas())
	if text := strings.TrimSuffix(string(committed), "\n"); text != "" {
		lines = append(lines, strings.Split(text, "\n")...)
	}
	slices.Sort(lines)
	return os.WriteFile(file, []byte(strings.Join(slices.Compact(lines), "\n")+"\n"), 0o644)
}

// typeName is the type of a schema in short: string, integer or null, list of TextEntity.
func typeName(s *huma.Schema) string {
	name := s.Type
	switch {
	case s.Ref != "":
		name = s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case len(s.AnyOf) > 0:
		var all []string
		for _, one := range s.AnyOf {
			all = append(all, typeName(one))
		}
		name = strings.Join(all, " or ")
	case s.Type == "array":
		name = "list of " + typeName(s.Items)
	case s.Format == "date-time":
		name = "time"
	case name == "":
		name = "anything"
	}
	if s.Nullable {
		name += " or null"
	}
	return name
}
