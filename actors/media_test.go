package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// Media as people send and see them.

// upload is a file of a kind, as a person sends it.
func upload(kind string) *simulator.Upload {
	return &simulator.Upload{Kind: kind, FileName: kind + ".bin", Data: []byte("content of a " + kind)}
}

// value is a medium that is not a file.
func value(kind, json string) *simulator.Upload {
	return &simulator.Upload{Kind: kind, Value: []byte(json)}
}

// send has somebody send a medium.
func (d *desk) send(from, chat int64, thread int, media *simulator.Upload, caption string) simulator.Message {
	d.t.Helper()
	return d.post(simulator.Post{From: from, Chat: chat, Thread: thread, Media: media, Text: caption})
}

// since lists what the bot wrote in a thread after a message, each as "kind: text". The text is the label or caption,
// its lines joined with " | ".
func (d *desk) since(chat int64, thread, after int) []string {
	var out []string
	for _, m := range d.byBot(chat, thread) {
		if m.ID > after {
			out = append(out, look(m))
		}
	}
	return out
}

func look(m simulator.Message) string {
	text := strings.ReplaceAll(m.Text, "\n", " | ")
	if m.Media == nil {
		return text
	}
	return strings.TrimRight("("+m.Media.Kind+") "+text, " ")
}

// last is the id of the newest message of a chat.
func (d *desk) last(chat int64) int {
	all := d.sim.Messages(chat, simulator.AllThreads)
	return all[len(all)-1].ID
}

// linked is a ticket of Ann's with Bob's topic linked to it.
func linked(t *testing.T, opt options) (d *desk, k *ticket, eng int) {
	t.Helper()
	d = ready(t, opt)
	k = d.open(d.ann, d.support, "Printer")
	return d, k, d.mention(d.ann, k, "@bob_eng", d.engineering)
}
