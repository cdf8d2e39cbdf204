package desk

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Whatever people say at whatever length: a description is bounded, what it cuts can be posted, and no word is lost.
func TestLongDescription(t *testing.T) {
	t.Parallel()
	words := func(s string) string { return strings.Join(strings.Fields(s), "") }
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"a", "สวัสดี ", "🔥", "word after word ", "line\n", "\n\n\n"})
		var text strings.Builder
		for range rapid.IntRange(1, 6).Draw(t, "pieces") {
			text.WriteString(strings.Repeat(piece.Draw(t, "piece"), rapid.SampledFrom([]int{1, 3999, 4000}).Draw(t, "times")))
		}
		whole := strings.TrimSpace(text.String())
		var entities []*messages.Entity
		for i := range rapid.SampledFrom([]int{0, 100, 1000}).Draw(t, "entities") {
			entities = append(entities, &messages.Entity{Type: "bold", Offset: int32(i), Length: 1})
		}
		r := &storage.Ticket{}
		Describe(r, whole, entities)
		if n := utf8.RuneCountInString(r.Description); n > descriptionLimit || len(r.DescriptionEntities) > descriptionMarks {
			t.Fatalf("%d characters with %d entities", n, len(r.DescriptionEntities))
		}
		parts := LongDescription(whole, entities)
		if r.Description == whole && parts == nil {
			return
		}
		var shown strings.Builder
		for _, part := range parts {
			if n := messages.UTF16Len(part.Text); n > textUnits || messages.Blank(part.Text) {
				t.Fatalf("Telegram does not post %d units: %.20q", n, part.Text)
			}
			shown.WriteString(part.Text)
		}
		if words(shown.String()) != words(whole) || !strings.HasSuffix(r.Description, "…") {
			t.Fatalf("%d characters became %d", len(whole), shown.Len())
		}
	})
}
