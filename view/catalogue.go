package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// Catalogue is the text of docs/events.md: every type of event with its data and an example.
func Catalogue() string {
	schemas := eventSchemas()
	var b strings.Builder
	b.WriteString("# Events\n\n<!-- Generated from package view by `make gen`. -->\n\n")
	b.WriteString("What happens at the desk, as webhooks, the feed and `GET /tickets/{id}/events` tell it. The same is in the " +
		"API's\ndocument (`/openapi.yaml`, `webhooks`), and `GET /events/types` lists it.\n\n")
	b.WriteString("- Types of events, fields and values are only ever added. Skip those that you do not know.\n" +
		"- An event that you have seen before, by its `id`, is a repetition.\n" +
		"- Events of a ticket are numbered without gaps, in order.\n" +
		"- What internal notes say is told only to those who ask for internal notes.\n\n")
	b.WriteString("| type | when |\n|---|---|\n")
	for _, e := range EventTypes {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", e.Type, strings.ReplaceAll(e.Type, ".", ""), e.When)
	}
	fmt.Fprintf(&b, "\nReserved for later: `%s`.\n", strings.Join(messages.ReservedEvents, "`, `"))
	b.WriteString("\n## The envelope\n\nEvery event has these fields.\n\n")
	whole := *schemas[EventTypes[0].Schema()]
	whole.Properties = maps.Clone(whole.Properties)
	whole.Properties["data"] = &huma.Schema{Type: "object", Description: "What happened; the fields depend on the type."}
	fields(&b, &whole, "id", "type", "timestamp", "ticketId", "number", "data")
	for _, e := range EventTypes {
		fmt.Fprintf(&b, "\n## %s\n\n%s The fields of `data`:\n\n", e.Type, e.When)
		fields(&b, schemas[e.Data.Name()], "ticket", "actor", "message", "webhook")
		b.WriteString("\n```json\n" + indented(e.Example()) + "\n```\n")
	}
	b.WriteString("\n## Objects\n\nWhat the data consist of. The API shows the same objects.\n")
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if strings.HasSuffix(name, "Event") || strings.HasSuffix(name, "Data") || len(schemas[name].Properties) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", name)
		fields(&b, schemas[name])
	}
	return b.String()
}

// fields writes the table of a schema's fields: those named first, then the others by name.
func fields(b *strings.Builder, s *huma.Schema, first ...string) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Properties)), func(n string) bool { return slices.Contains(first, n) })
	b.WriteString("| field | type | meaning |\n|---|---|---|\n")
	for _, name := range append(slices.Clone(first), names...) {
		p := s.Properties[name]
		if p == nil {
			continue
		}
		kind, meaning := typeName(p), strings.ReplaceAll(p.Description, "|", "\\|")
		if !slices.Contains(s.Required, name) {
			kind += ", optional"
		}
		if len(p.Enum) > 1 {
			var values []string
			for _, v := range p.Enum {
				values = append(values, fmt.Sprintf("`%v`", v))
			}
			meaning = strings.TrimSpace(strings.Join(values, ", ") + ". " + meaning)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, kind, meaning)
	}
}

func indented(e Envelope) string {
	var b bytes.Buffer
	_ = json.Indent(&b, e.AppendJSON(nil), "", "  ") // of an example, which a test has made
	return b.String()
}
