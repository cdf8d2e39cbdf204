package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-telegram/bot/models"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// What somebody hid stays hidden, however much markup there is.

func TestSpoilersInRichMessagesStay(t *testing.T) {
	many := func(kind string, n int) string { return strings.Repeat(`,"a ",{"type":"`+kind+`","text":"b"}`, n) }
	paragraph := func(inner string) string { return `[{"type":"paragraph","text":[` + inner + `]}]` }
	for name, c := range map[string]struct {
		blocks string
		only   string // the one entity; "": any
	}{
		"in code":               {paragraph(`{"type":"code","text":["key ",{"type":"spoiler","text":"SECRET"}]}`), "spoiler"},
		"around code":           {paragraph(`{"type":"spoiler","text":{"type":"code","text":"SECRET"}}`), "spoiler"},
		"in a code block":       {`[{"type":"pre","text":["key ",{"type":"spoiler","text":{"type":"bold","text":"SECRET"}}]}]`, "spoiler"},
		"in code in bold":       {paragraph(`{"type":"bold","text":{"type":"code","text":{"type":"spoiler","text":"SECRET"}}}`), ""},
		"behind other markup":   {paragraph(`"x"` + many("bold", 1500) + `,{"type":"spoiler","text":"SECRET"}`), ""},
		"behind other spoilers": {paragraph(`"x"` + many("spoiler", 1500) + `,{"type":"spoiler","text":"SECRET"}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := readBlocks(t, c.blocks)
			at, hidden := strings.Index(got.text, "SECRET"), false
			for _, e := range got.entities {
				hidden = hidden || e.Type == "spoiler" && int(e.Offset) <= at && int(e.Offset+e.Length) >= at+6
				if c.only != "" && e.Type != c.only {
					t.Errorf("a %s, which Telegram does not allow together with a spoiler", e.Type)
				}
			}
			if !hidden {
				t.Error("it stands open")
			}
			if len(got.entities) > maxRichEntities {
				t.Errorf("%d entities", len(got.entities))
			}
		})
	}
}

// Of code and spoilers that lie within each other in any way, nothing hidden stands open, and no code meets a spoiler.
func TestSpoilersAndCodeWithinEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var hidden []string
		var draw func(depth int, hides bool) any
		draw = func(depth int, hides bool) any {
			if depth == 0 {
				word := fmt.Sprintf("w%03d", rapid.IntRange(0, 999).Draw(t, "word"))
				if hides {
					hidden = append(hidden, word)
				} else {
					word = "open"
				}
				return word
			}
			var parts []any
			for range rapid.IntRange(1, 3).Draw(t, "parts") {
				kind := rapid.SampledFrom([]string{"code", "spoiler", "bold", "url"}).Draw(t, "kind")
				text := draw(depth-1, hides || kind == "spoiler")
				parts = append(parts, map[string]any{"type": kind, "url": "https://a.b", "text": text}, " ")
			}
			return parts
		}
		blocks := []any{map[string]any{"type": rapid.SampledFrom([]string{"pre", "paragraph"}).Draw(t, "block"),
			"text": draw(rapid.IntRange(1, 4).Draw(t, "depth"), false)}}
		raw, err := json.Marshal(map[string]any{"blocks": blocks})
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		got := readRich(v, "en")
		under := make([]bool, len(got.text)+1)
		for _, e := range got.entities {
			for i := e.Offset; e.Type == "spoiler" && i < e.Offset+e.Length; i++ {
				under[i] = true
			}
		}
		for _, e := range got.entities {
			for i := e.Offset; (e.Type == "code" || e.Type == "pre") && i < e.Offset+e.Length; i++ {
				if under[i] {
					t.Fatalf("%s meets a spoiler: %s", e.Type, raw)
				}
			}
		}
		for _, word := range hidden {
			for from := 0; ; {
				i := strings.Index(got.text[from:], word)
				if i < 0 {
					break
				}
				if from += i; !under[from] {
					t.Fatalf("%s stands open: %s", word, raw)
				}
				from += len(word)
			}
		}
	})
}

func TestMakingRoomHidesNoLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var texts []*composed
		var before [][]bool
		for range rapid.IntRange(1, 3).Draw(t, "texts") {
			c := &composed{heads: 1, found: rapid.IntRange(0, 3).Draw(t, "found")}
			c.Text = strings.Repeat("x", 400)
			c.Entities = []Entity{{MessageEntity: models.MessageEntity{Type: "bold", Length: 3}}}
			for range rapid.SampledFrom([]int{0, 20, 90, 150}).Draw(t, "entities") {
				c.Entities = append(c.Entities, Entity{MessageEntity: models.MessageEntity{
					Type:   rapid.SampledFrom([]models.MessageEntityType{"spoiler", "spoiler", "italic"}).Draw(t, "type"),
					Offset: rapid.IntRange(4, 390).Draw(t, "at"), Length: rapid.IntRange(1, 9).Draw(t, "length")}})
			}
			texts, before = append(texts, c), append(before, hiddenIn(c.Rich))
		}
		makeRoom(texts...)
		sum := 0
		for i, c := range texts {
			sum += len(c.Entities) + c.found
			after := hiddenIn(c.Rich)
			for unit := range before[i] {
				if before[i][unit] && !after[unit] {
					t.Fatalf("text %d: unit %d stands open", i, unit)
				}
			}
		}
		if sum > maxEntities {
			t.Fatalf("%d entities", sum)
		}
	})
}

// hiddenIn says for each unit of a text whether it is under a spoiler.
func hiddenIn(r Rich) []bool {
	under := make([]bool, messages.UTF16Len(r.Text)+1)
	for _, e := range r.Entities {
		for i := e.Offset; e.Type == models.MessageEntityTypeSpoiler && i < e.Offset+e.Length; i++ {
			under[i] = true
		}
	}
	return under
}
