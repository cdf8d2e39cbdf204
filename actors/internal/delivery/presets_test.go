package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// receivers refuse what the products refuse: unknown shapes, empty texts, texts that are too long; and what would call
// people by name. The rules are those of the products' documentation, which presets.go cites.
var receivers = map[string]func(body []byte) error{
	"slack": receiveSlack, "discord": receiveDiscord, "mattermost": receiveMattermost, "teams": receiveTeams,
	"generic-crm": receiveCRM,
}

func decodeStrictly(body []byte, to any) error {
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	return in.Decode(to)
}

// length counts as JavaScript does, which is the strictest way.
func length(s string) int { return len(utf16.Encode([]rune(s))) }

func within(what, text string, least, most int) error {
	if n := length(text); n < least || n > most {
		return fmt.Errorf("%s has %d characters, not %d to %d", what, n, least, most)
	}
	return nil
}

func receiveSlack(body []byte) error {
	type text struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Emoji *bool  `json:"emoji"`
	}
	var m struct {
		Text   string `json:"text"`
		Blocks []struct {
			Type     string `json:"type"`
			Text     *text  `json:"text"`
			Elements []text `json:"elements"`
		} `json:"blocks"`
	}
	if err := decodeStrictly(body, &m); err != nil {
		return err
	}
	if err := within("text", m.Text, 1, 4000); err != nil {
		return err
	}
	if strings.Contains(m.Text, "<") {
		return fmt.Errorf("text has markup: %s", m.Text)
	}
	if len(m.Blocks) < 1 || len(m.Blocks) > 50 {
		return fmt.Errorf("%d blocks", len(m.Blocks))
	}
	for _, b := range m.Blocks {
		var texts []text
		most := 3000
		switch b.Type {
		case "header":
			texts, most = []text{*b.Text}, 150
		case "section":
			texts = []text{*b.Text}
		case "context":
			texts = b.Elements
			if len(texts) < 1 || len(texts) > 10 {
				return fmt.Errorf("%d elements", len(texts))
			}
		default:
			return fmt.Errorf("a block %q", b.Type)
		}
		for _, x := range texts {
			if x.Type != "plain_text" {
				return fmt.Errorf("people's words as %s", x.Type)
			}
			if err := within(b.Type, x.Text, 1, most); err != nil {
				return err
			}
		}
	}
	return nil
}

func receiveDiscord(body []byte) error {
	var m struct {
		Mentions struct {
			Parse []string `json:"parse"`
		} `json:"allowed_mentions"`
		Embeds []struct {
			Title       string                `json:"title"`
			Description string                `json:"description"`
			Author      struct{ Name string } `json:"author"`
			Fields      []struct {
				Name, Value string
				Inline      bool
			} `json:"fields"`
			Timestamp time.Time `json:"timestamp"`
		} `json:"embeds"`
	}
	if err := decodeStrictly(body, &m); err != nil {
		return err
	}
	if m.Mentions.Parse == nil || len(m.Mentions.Parse) > 0 {
		return fmt.Errorf("mentions call people")
	}
	if len(m.Embeds) != 1 || len(m.Embeds[0].Fields) > 25 {
		return fmt.Errorf("embeds %v", m.Embeds)
	}
	e := m.Embeds[0]
	all := e.Title + e.Description + e.Author.Name
	for _, f := range e.Fields {
		all += f.Name + f.Value
		if err := within("value", f.Value, 1, 1024); err != nil {
			return err
		}
		if err := within("name", f.Name, 1, 256); err != nil {
			return err
		}
	}
	for _, err := range []error{within("title", e.Title, 1, 256), within("description", e.Description, 0, 4096),
		within("author", e.Author.Name, 0, 256), within("embed", all, 1, 6000)} {
		if err != nil {
			return err
		}
	}
	return nil
}

func receiveMattermost(body []byte) error {
	var m struct {
		Text        string `json:"text"`
		Attachments []struct {
			Fallback   string `json:"fallback"`
			Title      string `json:"title"`
			Text       string `json:"text"`
			AuthorName string `json:"author_name"`
			Fields     []struct {
				Short        bool
				Title, Value string
			} `json:"fields"`
		} `json:"attachments"`
	}
	if err := decodeStrictly(body, &m); err != nil {
		return err
	}
	if len(m.Attachments) != 1 || length(m.Text) == 0 {
		return fmt.Errorf("attachments %v", m.Attachments)
	}
	if err := within("the post", string(body), 1, 16383); err != nil {
		return err
	}
	for _, call := range []string{"@all", "@here", "@channel"} {
		if bytes.Contains(body, []byte(call)) {
			return fmt.Errorf("it calls %s", call)
		}
	}
	return nil
}

func receiveTeams(body []byte) error {
	var m struct {
		Type        string `json:"type"`
		Attachments []struct {
			ContentType string  `json:"contentType"`
			ContentURL  *string `json:"contentUrl"`
			Content     struct {
				Schema  string           `json:"$schema"`
				Type    string           `json:"type"`
				Version string           `json:"version"`
				Body    []map[string]any `json:"body"`
			} `json:"content"`
		} `json:"attachments"`
	}
	if err := decodeStrictly(body, &m); err != nil {
		return err
	}
	if m.Type != "message" || len(m.Attachments) != 1 || len(body) > 28<<10 {
		return fmt.Errorf("type %s, %d bytes", m.Type, len(body))
	}
	a := m.Attachments[0]
	if a.ContentType != "application/vnd.microsoft.card.adaptive" || a.Content.Type != "AdaptiveCard" ||
		a.Content.Version == "" || len(a.Content.Body) == 0 {
		return fmt.Errorf("no card: %v", a)
	}
	for _, element := range a.Content.Body {
		switch element["type"] {
		case "RichTextBlock":
			for _, run := range element["inlines"].([]any) {
				if run.(map[string]any)["type"] != "TextRun" || run.(map[string]any)["text"] == "" {
					return fmt.Errorf("a run %v", run)
				}
			}
		case "FactSet":
			for _, fact := range element["facts"].([]any) {
				if fact.(map[string]any)["title"] == "" || fact.(map[string]any)["value"] == "" {
					return fmt.Errorf("a fact %v", fact)
				}
			}
		default:
			return fmt.Errorf("an element %v", element)
		}
	}
	return nil
}

func receiveCRM(body []byte) error {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	if len(m) != 15 {
		return fmt.Errorf("%d fields", len(m))
	}
	for name, value := range m {
		switch value.(type) {
		case map[string]any, []any:
			return fmt.Errorf("%s is not flat", name)
		}
	}
	return nil
}
