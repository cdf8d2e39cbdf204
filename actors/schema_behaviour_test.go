package actors_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// TestMessagesOfTheSchema has people send whatever the Bot API's schema allows, and what it does not have yet. Nothing
// that a person said vanishes: it is copied, or its failure is reported at its source. No update stops the queue, and
// every call is one that the schema allows.
func TestMessagesOfTheSchema(t *testing.T) {
	t.Parallel()
	total, batch := 400, 100
	if os.Getenv("TOPICDESK_LONG") != "" {
		total, batch = 100_000, 500
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := ready(t, options{sim: simulator.Options{KeepCalls: 20 * batch}})
	k := d.open(d.ann, d.support, "Anything")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	private := d.openPrivately(d.eve, d.support, "Anything from a private chat")
	s := &schemaMessages{Rand: rand.New(rand.NewPCG(seed, 1)), files: d.filesOfEveryType()}

	sources := []source{
		{chat: map[string]any{"id": d.support, "type": "supergroup", "title": "Support", "is_forum": true}, thread: k.thread,
			from: []int64{d.ann, d.carl, d.eve}},
		{chat: map[string]any{"id": d.engineering, "type": "supergroup", "title": "Engineering", "is_forum": true},
			thread: eng, from: []int64{d.bob, d.carl}},
		{chat: map[string]any{"id": d.eve, "type": "private", "first_name": "Eve"}, from: []int64{d.eve}},
	}
	next := int64(1 << 30)
	for done := 0; done < total; done += batch {
		var said []sentMessage
		for range batch {
			next++
			from := oneOf(s, sources)
			m, service := s.message(), s.chance(20)
			if service {
				m = s.service()
			}
			from.into(m, next, s)
			kind := "message"
			if len(s.ids) > 0 && s.chance(10) && !service {
				kind = "edited_message"
				m["message_id"], m["edit_date"] = oneOf(s, s.ids), 1700000000+next-1<<30
			} else if !service {
				said = append(said, sentMessage{key: messages.MessageKey(m["chat"].(map[string]any)["id"].(int64), next), was: m})
				s.ids = append(s.ids, next)
			}
			raw, err := json.Marshal(map[string]any{kind: m})
			d.must(err)
			d.must(d.sim.RawUpdate(raw))
		}
		d.say(d.ann, d.support, k.thread, fmt.Sprintf("end of batch %d", done))
		d.awaitText(d.engineering, eng, fmt.Sprintf("end of batch %d", done))
		d.quiet(k, private)
		d.nothingVanished(said)
		d.callsAreValid()
		if t.Failed() {
			t.Fatalf("seed %d, after %d messages", seed, done+batch)
		}
	}
}

// source is a place where people write.
type source struct {
	chat   map[string]any
	thread int
	from   []int64
}

// into sets where a message comes from.
func (from source) into(m map[string]any, id int64, s *schemaMessages) {
	m["message_id"], m["chat"], m["date"] = id, from.chat, 1700000000
	if from.thread != 0 {
		m["message_thread_id"], m["is_topic_message"] = from.thread, true
	}
	m["from"] = map[string]any{"id": oneOf(s, from.from), "first_name": s.words(1)}
	if from.thread != 0 && s.chance(20) {
		m["sender_chat"] = map[string]any{"id": from.chat["id"], "type": "supergroup", "title": "The group"}
	}
}

// sentMessage is a message that somebody sent.
type sentMessage struct {
	key string
	was map[string]any
}

// nothingVanished checks that each message is kept, and that each of its copies has arrived or its failure was
// reported.
func (d *desk) nothingVanished(said []sentMessage) {
	d.t.Helper()
	for _, m := range said {
		kept, err := d.store.Message(d.t.Context(), m.key)
		was, _ := json.Marshal(m.was)
		if err != nil {
			d.t.Errorf("%s: %v: %s", m.key, err, was)
			continue
		}
		copies, err := d.store.CopiesOf(d.t.Context(), m.key)
		d.must(err)
		if len(copies) == 0 && !kept.Internal {
			d.t.Errorf("%s has no copy: %s", m.key, was)
		}
		for _, c := range copies {
			if c.State != "sent" && !c.Reported {
				d.t.Errorf("%s is %s, and nobody was told: %s: %s", m.key, c.State, c.Reason, was)
			}
		}
	}
}

// refusals are what the simulator says of a call that the schema does not allow.
var refusals = []string{"unknown parameter", "is expected", "missing required", "can't parse", "unknown field",
	"is missing", "not in the table", "nested too deeply"}

// callsAreValid checks that no call was refused because of its form.
func (d *desk) callsAreValid() {
	d.t.Helper()
	for _, c := range d.sim.Calls() {
		for _, r := range refusals {
			if !c.OK && strings.Contains(c.Description, r) {
				d.t.Errorf("%s: %s", c.Method, c.Description)
			}
		}
	}
}

// filesOfEveryType are ids of files, by the type of the Bot API that has them.
func (d *desk) filesOfEveryType() map[string]string {
	d.t.Helper()
	out := map[string]string{}
	for name, kind := range map[string]string{"PhotoSize": "photo", "Animation": "animation", "Audio": "audio",
		"Document": "document", "Video": "video", "VideoNote": "video_note", "Voice": "voice", "Sticker": "sticker",
		"LivePhoto": "live_photo"} {
		id, err := d.sim.AddFile(simulator.Upload{Kind: kind, FileName: kind, Data: []byte(kind)})
		d.must(err)
		out[name] = id
	}
	return out
}
