package httpedge_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDescriptionsWithMarkup(t *testing.T) {
	s, key := ticketService(t)
	marks := func(ticket map[string]any) string {
		raw, err := json.Marshal(ticket["descriptionEntities"])
		s.must(err)
		return string(raw)
	}
	const bold = `[{"length":3,"offset":7,"type":"bold"}]`
	made := s.ticket(key, "Markup", "description", "Is it **hot**?", "descriptionFormat", "markdown")
	if made["description"] != "Is it hot?" || !strings.Contains(marks(made), `"offset":6`) {
		t.Errorf("%v %s", made["description"], marks(made))
	}
	if m := s.awaitText(s.support, thread(made), "Is it hot?"); len(m.Entities) < 2 {
		t.Errorf("the card has no markup: %+v", m.Entities)
	}
	entity := map[string]any{"type": "bold", "offset": 7, "length": 3}
	changed := s.do("PATCH", at(made), key, map[string]any{"description": "It was hot.",
		"descriptionEntities": []any{entity}}).is(200)
	if marks(changed) != bold {
		t.Error(marks(changed))
	}
	// A program that knows of no markup sends back what it read.
	same := s.do("PATCH", at(made), key, map[string]any{"description": "It was hot."}).is(200)
	if marks(same) != bold || same["updatedAt"] != changed["updatedAt"] {
		t.Errorf("%s, changed at %v and %v", marks(same), changed["updatedAt"], same["updatedAt"])
	}
	other := s.do("PATCH", at(made), key, map[string]any{"description": "It is cold."}).is(200)
	if marks(other) != "[]" {
		t.Error(marks(other))
	}
	for _, body := range []map[string]any{
		{"description": "short", "descriptionEntities": []any{entity}},
		{"descriptionEntities": []any{entity}},
		{"descriptionFormat": "markdown"},
		{"description": "**x**", "descriptionFormat": "html"},
		{"description": "long enough for it", "descriptionFormat": "markdown", "descriptionEntities": []any{entity}},
	} {
		s.do("PATCH", at(made), key, body).is(422, "invalid")
	}
}
