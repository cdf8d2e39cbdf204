package actors_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/simulator"
)

// Every type of MessageEntity in the Bot API's schema, with its own fields, on the word inside "say … now".
var entities = []struct {
	word string
	simulator.Entity
}{
	{"@bob_eng", simulator.Entity{Type: "mention"}},
	{"#hash", simulator.Entity{Type: "hashtag"}},
	{"$USD", simulator.Entity{Type: "cashtag"}},
	{"/fly@jobs_bot", simulator.Entity{Type: "bot_command"}},
	{"https://example.org/a", simulator.Entity{Type: "url"}},
	{"ann@example.org", simulator.Entity{Type: "email"}},
	{"+1-212-555-0123", simulator.Entity{Type: "phone_number"}},
	{"word", simulator.Entity{Type: "bold"}},
	{"word", simulator.Entity{Type: "italic"}},
	{"word", simulator.Entity{Type: "underline"}},
	{"word", simulator.Entity{Type: "strikethrough"}},
	{"word", simulator.Entity{Type: "spoiler"}},
	{"word", simulator.Entity{Type: "blockquote"}},
	{"word", simulator.Entity{Type: "expandable_blockquote"}},
	{"word", simulator.Entity{Type: "code"}},
	{"word", simulator.Entity{Type: "pre"}},
	{"x := 1", simulator.Entity{Type: "pre", Language: "go"}},
	{"word", simulator.Entity{Type: "text_link", URL: "https://example.org/?a=1&b=2"}},
	{"Eve", simulator.Entity{Type: "text_mention"}},
	{"👍", simulator.Entity{Type: "custom_emoji", CustomEmojiID: "5368324170671202286"}},
	{"tomorrow", simulator.Entity{Type: "date_time", UnixTime: 1763900000, DateTimeFormat: "Dt"}},
}

// Entities survive in texts and captions. They move by the length of the sender's line, in UTF-16 units.
func TestEveryEntitySurvives(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	for _, e := range entities {
		d.run(t, e.Type+" "+e.word, func(t *testing.T) {
			const before = "😀 say "
			e.Offset, e.Length = len(utf16.Encode([]rune(before))), len(utf16.Encode([]rune(e.word)))
			if e.Type == "text_mention" {
				e.User, _ = json.Marshal(map[string]any{"id": d.eve, "is_bot": false, "first_name": "Eve"})
			}
			text := before + e.word + " now"
			for _, media := range []*simulator.Upload{nil, upload("photo")} {
				after := d.last(d.engineering)
				d.post(simulator.Post{
					From: d.ann, Chat: d.support, Thread: k.thread, Text: text,
					Entities: []simulator.Entity{e.Entity}, Media: media,
				})
				var m simulator.Message
				d.await("the copy", func() bool {
					all := d.byBot(d.engineering, eng)
					m = all[len(all)-1]
					return m.ID > after
				})
				units := utf16.Encode([]rune(m.Text))
				if !slices.ContainsFunc(m.Entities, func(got simulator.Entity) bool {
					return got.Type == e.Type &&
						string(utf16.Decode(units[got.Offset:got.Offset+got.Length])) == e.word && got.URL == e.URL &&
						got.Language == e.Language && got.CustomEmojiID == e.CustomEmojiID && got.UnixTime == e.UnixTime &&
						got.DateTimeFormat == e.DateTimeFormat &&
						(e.Type != "text_mention" || strings.Contains(string(got.User), itoa(int(d.eve))))
				}) {
					t.Errorf("%q: %+v", m.Text, m.Entities)
				}
			}
		})
	}
	d.quiet(k)
}

// The list above, and what is sent of an entity, are compared with the schema, so that a new field or type is noticed.
func TestEntitiesOfTheSchema(t *testing.T) {
	schema, err := os.ReadFile("../simulator/schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(schema)) {
		if rest, found := strings.CutPrefix(line, "t MessageEntity "); found {
			for _, field := range strings.Fields(rest) {
				name, _, _ := strings.Cut(field, ":")
				want = append(want, strings.TrimSuffix(name, "!"))
			}
		}
	}
	full := bot.Entity{UnixTime: 1, DateTimeFormat: "D"}
	if err := json.Unmarshal([]byte(`{"type":"x","offset":1,"length":1,"url":"x","user":{"id":1},"language":"x",
		"custom_emoji_id":"x"}`), &full); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	var sent map[string]any
	if err := json.Unmarshal(raw, &sent); err != nil {
		t.Fatal(err)
	}
	var got []string
	for name := range sent {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	same(t, "fields", got, want)
	types := map[string]bool{}
	for _, e := range entities {
		types[e.Type] = true
	}
	if known := simulator.EntityTypes(); len(types) != len(known) {
		t.Errorf("%d types are tested of %d", len(types), len(known))
	}
}
