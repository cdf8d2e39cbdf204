package bot

import (
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// textOf draws a text of any length, with characters of one and of two units.
func textOf(t *rapid.T, name string, most int) string {
	word := rapid.SampledFrom([]string{"a", "ไฟ", "🔥", "\n", " ", "word "})
	return strings.Repeat(word.Draw(t, name), rapid.IntRange(1, most).Draw(t, name+" times"))
}

func TestMergedCopiesFitAndKnowTheirPlaces(t *testing.T) {
	client := &Client{}
	rapid.Check(t, func(t *rapid.T) {
		var copies []*messages.SendCopyCall
		for range rapid.IntRange(1, 12).Draw(t, "copies") {
			c := &messages.SendCopyCall{SenderName: textOf(t, "sender", 40), Content: &messages.Content{Text: textOf(t, "text", 900)}}
			if rapid.Bool().Draw(t, "in a group") {
				c.GroupTitle = textOf(t, "group", 40)
			}
			if rapid.Bool().Draw(t, "gives somebody the turn") {
				c.Turn, c.Quiet = &messages.Named{UserId: 7, Name: textOf(t, "whose turn", 40)}, rapid.Bool().Draw(t, "is shown")
			}
			switch rapid.IntRange(0, 3).Draw(t, "answers") {
			case 1:
				c.ReplyTo, c.MergedPreview = 7, textOf(t, "preview", 90)
			case 2:
				c.ReplyPreview = textOf(t, "preview", 90)
			}
			if rapid.IntRange(0, 9).Draw(t, "a medium") == 0 {
				c.Content.Media = &messages.Media{Kind: messages.MediaPhoto}
			}
			c.Content.Entities = []*messages.Entity{{Type: "italic", Offset: 0, Length: int32(messages.UTF16Len(c.Content.Text))}}
			copies = append(copies, c)
		}
		n := client.Merged(copies)
		if n == 0 {
			// In the merged form the start of the answered message stands before the text: that may be too long by itself.
			if mergeable(copies[0]) && parts(mergedForm(copies[0])) == 1 {
				t.Fatal("the first can't be merged, though it fits")
			}
			return
		}
		text, spans := renderMerged("en", copies[:n])
		units := utf16.Encode([]rune(text.Text))
		if len(units) > maxText {
			t.Fatalf("%d units", len(units))
		}
		if len(spans) != n {
			t.Fatalf("%d spans of %d copies", len(spans), n)
		}
		at := int32(0)
		for i, s := range spans {
			if s.Offset != at {
				t.Fatalf("%d begins at %d, not %d", i, s.Offset, at)
			}
			at = s.Offset + s.Length + 2
			part := string(utf16.Decode(units[s.Offset : s.Offset+s.Length]))
			if !strings.HasSuffix(part, copies[i].Content.Text) {
				t.Fatalf("%d: %q", i, part)
			}
			marked := false
			for _, e := range text.Entities {
				marked = marked || e.Type == "italic" && string(utf16.Decode(units[e.Offset:e.Offset+e.Length])) == copies[i].Content.Text
			}
			if !marked {
				t.Fatalf("%d lost its markup", i)
			}
		}
	})
}

func TestMergedMessageAfterAnEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := &messages.EditMergedCall{}
		room := maxText
		for i := range rapid.IntRange(1, 8).Draw(t, "copies") {
			c := &messages.SendCopyCall{SenderName: "Ann", Content: &messages.Content{Text: "x" + textOf(t, "text", 300)}}
			units := renderCopy("en", c).units() + len(mergedSeparator)
			if room-units < 50 {
				break
			}
			room -= units
			e.Copies = append(e.Copies, c)
			e.Originals = append(e.Originals, strings.Repeat("m", i+1))
			e.Indexes = append(e.Indexes, int32(i*2))
		}
		own := rapid.IntRange(0, len(e.Copies)-1).Draw(t, "own")
		e.Own = e.Originals[own]
		long := rapid.Bool().Draw(t, "grows")
		if long {
			e.Copies[own].Content.Text = strings.Repeat("ยาว", 2000)
		}
		text, spans := renderMergedEdit("en", e)
		if text.units() > maxText {
			t.Fatalf("%d units", text.units())
		}
		for i, s := range spans {
			if s.Index != e.Indexes[i] || s.Cut != (long && i == own) {
				t.Fatalf("%d: %v", i, s)
			}
		}
		// The part that was cut stays as it is when another one changes.
		if long && len(e.Copies) > 1 {
			e.Copies[own].Limit = spans[own].Length
			other := (own + 1) % len(e.Copies)
			e.Own = e.Originals[other]
			e.Copies[other].Content.Text = "changed"
			_, again := renderMergedEdit("en", e)
			if again[own].Length != spans[own].Length || !again[own].Cut || again[other].Cut {
				t.Fatalf("%v after %v", again, spans)
			}
		}
	})
}
