package bot

import (
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/messages"
)

// The lists and tables of rich messages.

// list writes each item behind its label: a number, a bullet, a box.
func (r *richReader) list(b map[string]any) {
	items, _ := b["items"].([]any)
	tag := "ul"
	for _, x := range items {
		if item, ok := x.(map[string]any); ok && (item["value"] != nil || item["type"] != nil) {
			tag = "ol"
		}
	}
	r.tag(tag, "", func() {
		for _, x := range items {
			if item, ok := x.(map[string]any); ok {
				r.item(item, tag == "ol")
			}
		}
	})
}

// bullets are the labels of lists without numbers. A box takes their place.
var bullets = []string{"", "•", "-", "*", "–", "◦", "▪"}

func (r *richReader) item(item map[string]any, ordered bool) {
	r.count++
	label, box, input := field(item, "label"), "", ""
	if flag(item, "has_checkbox") {
		box, input = "☐", `<input type="checkbox"/>`
		if flag(item, "is_checked") {
			box, input = "☑", `<input type="checkbox" checked/>`
		}
	}
	switch bullet := slices.Contains(bullets, label); {
	case bullet && box != "":
		label = box
	case label == "":
		label = "•"
	case box != "":
		label += " " + box
	}
	attributes := ""
	if ordered {
		if item["value"] != nil {
			attributes += ` value="` + strconv.FormatInt(number(item, "value"), 10) + `"`
		}
		if t := field(item, "type"); slices.Contains([]string{"a", "A", "i", "I"}, t) {
			attributes += ` type="` + t + `"`
		}
	}
	r.line()
	r.plain(label + " ")
	r.begun = true
	r.indent++
	r.tag("li", attributes, func() {
		r.markup(input)
		r.content(item["blocks"])
	})
	r.indent--
	r.begun = false
}

// table writes each row as a line.
func (r *richReader) table(b map[string]any) {
	attributes := ""
	if flag(b, "is_bordered") {
		attributes += " bordered"
	}
	if flag(b, "is_striped") {
		attributes += " striped"
	}
	rows, _ := b["cells"].([]any)
	r.tag("table", attributes, func() {
		if b["caption"] != nil {
			r.paragraph(b["caption"], "italic", "caption")
		}
		for _, row := range rows {
			cells, _ := row.([]any)
			r.count++
			r.line()
			r.tag("tr", "", func() { r.row(cells) })
		}
	})
}

func (r *richReader) row(cells []any) {
	columns := int64(0)
	for i, x := range cells {
		cell, _ := x.(map[string]any)
		if i > 0 {
			r.plain(" | ")
		}
		tag, entity, attributes := "td", "", ""
		if flag(cell, "is_header") {
			tag, entity = "th", "bold"
		}
		for _, name := range []string{"colspan", "rowspan"} {
			if n := number(cell, name); n > 1 && n <= maxRichBlocks {
				attributes += " " + name + `="` + strconv.FormatInt(n, 10) + `"`
			}
		}
		for _, name := range []string{"align", "valign"} {
			if v := field(cell, name); slices.Contains([]string{"left", "center", "right", "top", "middle", "bottom"}, v) {
				attributes += " " + name + `="` + v + `"`
			}
		}
		columns += max(number(cell, "colspan"), 1)
		r.tag(tag, attributes, func() {
			r.marked(&messages.Entity{Type: entity}, func() { r.inline(cell["text"]) })
		})
	}
	r.unsendable = r.unsendable || columns > maxRichColumns
}
