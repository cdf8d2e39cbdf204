package simulator

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Rich messages: trees of blocks. A bot sends them as HTML or Markdown, and the Bot API shows them as RichMessage.

// Limits of a rich message (Bot API, rich message limits).
const (
	maxRichChars   = 32768
	maxRichBlocks  = 500
	maxRichDepth   = 16
	maxRichColumns = 20
)

// Rich is a rich message that a person posts: finished blocks as the Bot API's RichMessage has them, or HTML, or
// Markdown. Exactly one is given.
type Rich struct {
	Blocks   json.RawMessage `json:"blocks,omitempty"`
	HTML     string          `json:"html,omitempty"`
	Markdown string          `json:"markdown,omitempty"`
	IsRTL    bool            `json:"is_rtl,omitempty"`
	Plain    bool            `json:"skip_entity_detection,omitempty"` // nothing is detected
}

// object is a RichBlock, a RichText or a part of one.
type object = map[string]any

// read returns the RichMessage and its words.
func (r *Rich) read() (value json.RawMessage, words string, err *apiError) {
	given := 0
	for _, is := range []bool{len(r.Blocks) > 0, r.HTML != "", r.Markdown != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, "", badRequest("exactly one of the fields html and markdown must be used in a rich message")
	}
	if !utf8.ValidString(r.HTML + r.Markdown) {
		return nil, "", badRequest("strings must be encoded in UTF-8")
	}
	blocks, e := r.blocks()
	if e != nil {
		return nil, "", e
	}
	message := object{"blocks": blocks}
	if r.IsRTL {
		message["is_rtl"] = true
	}
	return jsonOf(message), strings.TrimSpace(wordsOf(blocks)), nil
}

func (r *Rich) blocks() (any, *apiError) {
	if len(r.Blocks) > 0 {
		var blocks []any
		if json.Unmarshal(r.Blocks, &blocks) != nil {
			return nil, badRequest("can't parse the blocks of a rich message")
		}
		return blocks, nil
	}
	markup := r.HTML
	if r.Markdown != "" {
		markup = htmlOfMarkdown(r.Markdown)
	}
	return parseRichHTML(markup, !r.Plain)
}

// words writes what people read of blocks and texts, each block on its own line.
type words struct {
	strings.Builder
	inline int // > 0: within the text of a block
}

func wordsOf(blocks any) string {
	var w words
	w.write(blocks)
	return w.String()
}

// wordFields are the fields with words, in the order in which they are read.
var wordFields = []string{"label", "summary", "text", "expression", "alternative_text", "items", "cells", "blocks", "caption", "credit"}

func (w *words) write(v any) {
	switch x := v.(type) {
	case string:
		w.WriteString(x)
	case []object:
		for _, part := range x {
			w.write(part)
		}
	case []any:
		for _, part := range x {
			w.write(part)
		}
	case object:
		label, isItem := x["label"].(string)
		if isItem {
			w.line()
			w.WriteString(label + " ")
		} else if _, isBlock := blockKinds[asString(x["type"])]; isBlock && w.inline == 0 {
			w.line()
		}
		for _, name := range wordFields {
			switch part := x[name]; {
			case part == nil, name == "label":
			case name == "cells":
				w.rows(part)
			case name == "items", name == "blocks":
				w.write(part)
			default:
				if name == "credit" || name == "caption" {
					w.line()
				}
				w.inline++
				w.write(part)
				w.inline--
			}
		}
	}
}

func (w *words) rows(v any) {
	rows, _ := v.([]any)
	for _, row := range rows {
		w.line()
		cells, _ := row.([]any)
		for i, cell := range cells {
			if i > 0 {
				w.WriteString(" | ")
			}
			w.inline++
			w.write(cell)
			w.inline--
		}
	}
}

// line begins a new line, unless the current one is empty or has only the label of an item.
func (w *words) line() {
	text := w.String()
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if last == "" || strings.HasSuffix(last, " ") && len(strings.Fields(last)) <= 1 {
		return
	}
	w.WriteByte('\n')
}

func asString(v any) string {
	s, _ := v.(string)
	return s
}

// blockKinds are the types of RichBlock.
var blockKinds = map[string]bool{"paragraph": true, "heading": true, "pre": true, "footer": true, "divider": true,
	"mathematical_expression": true, "anchor": true, "list": true, "blockquote": true, "pullquote": true, "collage": true,
	"slideshow": true, "table": true, "details": true, "map": true, "animation": true, "audio": true, "photo": true,
	"video": true, "voice_note": true, "thinking": true}

// setRich makes m a rich message.
func (m *Message) setRich(r *Rich) *apiError {
	value, text, e := r.read()
	if e != nil {
		return e
	}
	m.Rich, m.Text, m.Entities = value, text, detect(text)
	return nil
}

func (s *Server) sendRichMessage(c *call) (any, *apiError) {
	m, e := s.draft(c)
	if e != nil {
		return nil, e
	}
	r, e := c.rich()
	if e != nil {
		return nil, e
	}
	if e := m.setRich(r); e != nil {
		return nil, e
	}
	return s.postBot(c, m)
}

// rich reads the parameter rich_message of a call.
func (c *call) rich() (*Rich, *apiError) {
	var r Rich
	if err := c.p.json("rich_message", &r); err != nil {
		return nil, badRequest("can't parse rich message: %v", err)
	}
	return &r, nil
}

// EditRich makes a person's own message a rich one, or changes what it is.
func (s *Server) EditRich(from, chatID int64, messageID int, rich Rich) (Message, error) {
	var next Message
	if e := next.setRich(&rich); e != nil {
		return Message{}, e
	}
	return s.editAs(from, chatID, messageID, func(m *Message) error {
		if m.Media != nil {
			return errors.New("a caption can't be rich")
		}
		m.Rich, m.Text, m.Entities = next.Rich, next.Text, next.Entities
		return nil
	})
}
