package config

import (
	"errors"
	"fmt"
	"strings"
)

//go:generate go run ./gen

// The table of docs/settings.md is between these lines.
const (
	tableBegin = "<!-- settings -->"
	tableEnd   = "<!-- /settings -->"
)

// Example is the content of .env.example: every setting with its meaning and its default, commented out, so that a
// copy of the file changes nothing.
func Example() string {
	var b strings.Builder
	b.WriteString("# Settings of Topicdesk. Copy this file to .env and change what you need.\n" +
		"# The environment takes precedence over the file.\n" +
		"# Put a value that contains $, # or blanks in 'single quotes'.\n" +
		"# Generated from config/config.go by `make gen`.\n")
	for _, s := range settings() {
		b.WriteString("\n")
		for _, line := range wrap(s.description, 118) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		fmt.Fprintf(&b, "#%s=%s\n", s.name, s.fallback)
	}
	return b.String()
}

// MarkdownTable is the table of docs/settings.md.
func MarkdownTable() string {
	var b strings.Builder
	b.WriteString("| name | default | meaning |\n|---|---|---|\n")
	for _, s := range settings() {
		fallback := s.unset
		if s.fallback != "" {
			fallback = "`" + s.fallback + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, fallback, strings.ReplaceAll(s.description, "|", `\|`))
	}
	return b.String()
}

// UpdateTable replaces the table between the lines <!-- settings --> and <!-- /settings --> of a page. It is an error
// if the page lacks them.
func UpdateTable(page string) (string, error) {
	before, rest, ok1 := strings.Cut(page, tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		return "", errors.New("docs/settings.md has no lines " + tableBegin + " and " + tableEnd)
	}
	return before + tableBegin + "\n" + MarkdownTable() + tableEnd + after, nil
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
