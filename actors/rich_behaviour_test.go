package actors_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// richList is what somebody writes with a list.
const richList = `<p>Please do this</p><ol><li>restart <b>it</b></li><li>call @bob<ul><li>soon</li></ul></li></ol>
	<table><tr><th>a</th><td>b</td></tr></table><pre><code class="language-go">x := 1
y</code></pre><blockquote>said<cite>Eve</cite></blockquote>`

const richListWords = "Please do this | 1. restart it | 2. call @bob |   • soon | a | b | x := 1 | y | said | — Eve"

// postRich posts HTML as a rich message.
func (d *desk) postRich(from, chat int64, thread int, html string) simulator.Message {
	d.t.Helper()
	return d.post(simulator.Post{From: from, Chat: chat, Thread: thread, Rich: &simulator.Rich{HTML: html}})
}

// blocks are the blocks of a rich message without the first, which names the sender.
func blocks(t *testing.T, m simulator.Message) string {
	t.Helper()
	var r struct {
		Blocks []json.RawMessage `json:"blocks"`
	}
	if err := json.Unmarshal(m.Rich, &r); err != nil || len(r.Blocks) < 2 {
		t.Fatalf("not a rich copy: %q %s", m.Text, m.Rich)
	}
	out, _ := json.Marshal(r.Blocks[1:])
	return string(out)
}

// A rich message is copied as one, in both directions.
func TestRichMessages(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	for _, way := range []struct {
		by, from, to int64
		source, into int
		name         string
	}{{d.ann, d.support, d.engineering, k.thread, eng, "Ann"}, {d.bob, d.engineering, d.support, eng, k.thread, "Bob"}} {
		original := d.postRich(way.by, way.from, way.source, richList)
		m := d.awaitText(way.to, way.into, "Please do this")
		if !strings.HasPrefix(m.Text, way.name+"\n") {
			t.Errorf("the copy is %q", m.Text)
		}
		var want struct {
			Blocks json.RawMessage `json:"blocks"`
		}
		_ = json.Unmarshal(original.Rich, &want)
		if got := blocks(t, m); got != string(want.Blocks) {
			t.Errorf("blocks\n%s, want\n%s", got, want.Blocks)
		}
	}
	d.quiet(k)
}
