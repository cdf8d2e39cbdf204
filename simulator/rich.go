package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gohtml "github.com/yuin/goldmark/renderer/html"
)

// Telegram's limits of rich messages.
const (
	maxRichText    = 32768
	maxRichBlocks  = 500
	maxRichDepth   = 16
	maxRichColumns = 20
)

// Rich is a rich message: Value is the Bot API's RichMessage. The text of a message that has one is its words, for
// those who read the transcript.
type Rich struct {
	Value json.RawMessage `json:"value"`
}

// inputRich is an InputRichMessage.
type inputRich struct {
	HTML     string `json:"html"`
	Markdown string `json:"markdown"`
	RTL      bool   `json:"is_rtl"`
}

// richOf makes the rich message of a parameter, and its words.
func (c *call) richOf(name string) (*Rich, string, *apiError) {
	var in inputRich
	if err := c.p.json(name, &in); err != nil {
		return nil, "", badRequest("can't parse rich message JSON object")
	}
	if (in.HTML == "") == (in.Markdown == "") {
		if in.HTML == "" {
			return nil, "", badRequest("message text is empty")
		}
		return nil, "", badRequest("exactly one of the fields html and markdown must be used")
	}
	if !utf8.ValidString(in.HTML + in.Markdown) {
		return nil, "", badRequest("strings must be encoded in UTF-8")
	}
	return in.read()
}

// read parses and checks a rich message.
func (in inputRich) read() (*Rich, string, *apiError) {
	source := in.HTML
	if source == "" {
		source = htmlOfMarkdown(in.Markdown)
	}
	nodes, e := parseRich(source)
	if e != nil {
		return nil, "", e
	}
	r := richReader{}
	blocks := r.blocks(nodes)
	if r.err != nil {
		return nil, "", r.err
	}
	words := richWords(blocks)
	switch {
	case strings.TrimSpace(words) == "":
		return nil, "", badRequest("message text is empty")
	case utf8.RuneCountInString(r.text.String()) > maxRichText:
		return nil, "", badRequest("message is too long")
	case r.count > maxRichBlocks:
		return nil, "", badRequest("RICH_MESSAGE_BLOCKS_TOO_MUCH")
	}
	value := map[string]any{"blocks": blocks}
	if in.RTL {
		value["is_rtl"] = true
	}
	return &Rich{Value: jsonOf(value)}, words, nil
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(gohtml.WithUnsafe()))

// htmlOfMarkdown renders the Markdown of rich messages, which is GitHub's, as the HTML that parseRich reads.
func htmlOfMarkdown(source string) string {
	var out bytes.Buffer
	if err := markdown.Convert([]byte(source), &out); err != nil {
		return "" // a buffer takes everything
	}
	return out.String()
}

func (s *Server) sendRichMessage(c *call) (any, *apiError) {
	m, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	if m.Rich, m.Text, e = c.richOf("rich_message"); e != nil {
		return nil, e
	}
	return s.postBot(c, m)
}

// richPosted is a rich message of a person. A RichMessage of the Bot API may hold blocks of any type: people's apps are
// newer than the bot.
func richPosted(markdown string, value json.RawMessage) (*Message, error) {
	if len(value) == 0 {
		rich, words, e := inputRich{Markdown: markdown}.read()
		if e != nil {
			return nil, e
		}
		return &Message{Text: words, Rich: rich, Entities: detect(words)}, nil
	}
	words, err := richWordsOf(value)
	if err != nil {
		return nil, fmt.Errorf("the rich message can't be read: %w", err)
	}
	return &Message{Text: words, Rich: &Rich{Value: value}, Entities: detect(words)}, nil
}

// richWords is what there is to read in blocks, in lines.
func richWords(blocks []block) string {
	var lines []string
	add := func(text string) {
		if strings.TrimSpace(text) != "" {
			lines = append(lines, strings.Trim(text, "\n"))
		}
	}
	for _, b := range blocks {
		switch b["type"] {
		case "list":
			for _, item := range b["items"].([]block) {
				label := item["label"].(string)
				if item["has_checkbox"] == true {
					label = "☐"
					if item["is_checked"] == true {
						label = "☑"
					}
				}
				add(label + " " + strings.ReplaceAll(richWords(item["blocks"].([]block)), "\n", "\n  "))
			}
			continue
		case "table":
			add(wordsOf(b["caption"]))
			for _, row := range b["cells"].([][]block) {
				cells := make([]string, len(row))
				for i, cell := range row {
					cells[i] = wordsOf(cell["text"])
				}
				add(strings.Join(cells, " | "))
			}
			continue
		case "divider":
			add("———")
			continue
		case "mathematical_expression":
			add(b["expression"].(string))
			continue
		}
		add(wordsOf(b["summary"]))
		add(wordsOf(b["text"]))
		if inner, ok := b["blocks"].([]block); ok {
			add(richWords(inner))
		}
		if caption, ok := b["caption"].(block); ok {
			add(wordsOf(caption["text"]))
		}
		add(wordsOf(b["credit"]))
	}
	return strings.Join(lines, "\n")
}

// wordsOf is what there is to read in a RichText.
func wordsOf(text any) string {
	switch text := text.(type) {
	case string:
		return text
	case []any:
		var b strings.Builder
		for _, part := range text {
			b.WriteString(wordsOf(part))
		}
		return b.String()
	case block:
		switch text["type"] {
		case "custom_emoji":
			return text["alternative_text"].(string)
		case "mathematical_expression":
			return text["expression"].(string)
		}
		return wordsOf(text["text"])
	}
	return ""
}
