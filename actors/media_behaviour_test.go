package actors_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// Every kind of content arrives in both directions, in order with the texts around it.
func TestMediaOfEveryKind(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	poll := `{"id":"1","question":"When?","options":[
		{"persistent_id":"0","text":"Today","voter_count":2},{"persistent_id":"1","text":"Never","voter_count":0}],
		"total_voter_count":2,"is_closed":false,"is_anonymous":false,"type":"%",
		"allows_multiple_answers":true,"allows_revoting":true,"members_only":false}`
	untried := slices.Clone(messages.MediaKinds)
	for _, c := range []struct {
		media   *simulator.Upload
		caption string
		want    []string
	}{
		{upload("photo"), "look", []string{"(photo) Ann | look"}},
		{upload("photo"), "", []string{"(photo) Ann"}},
		{upload("document"), "read", []string{"(document) Ann | read"}},
		{upload("video"), "watch", []string{"(video) Ann | watch"}},
		{upload("animation"), "ha", []string{"(animation) Ann | ha"}},
		{upload("audio"), "listen", []string{"(audio) Ann | listen"}},
		{upload("voice"), "", []string{"(voice) Ann"}},
		{upload("live_photo"), "live", []string{"(live_photo) Ann | live"}},
		{upload("video_note"), "", []string{"Ann | [video message]", "(video_note)"}},
		{upload("sticker"), "", []string{"Ann | [sticker]", "(sticker)"}},
		{value("location", `{"latitude":13.75,"longitude":100.5}`), "", []string{"Ann | [location]", "(location)"}},
		{value("location", `{"latitude":0,"longitude":0,"live_period":900,"heading":7}`),
			"", []string{"Ann | [location]", "(location)"}},
		{value("venue", `{"location":{"latitude":1,"longitude":2},"title":"Shop","address":"Street 1"}`),
			"", []string{"Ann | [place]", "(venue)"}},
		{value("contact", `{"phone_number":"+6621234567","first_name":"Nok","vcard":"BEGIN:VCARD"}`),
			"", []string{"Ann | [contact]", "(contact)"}},
		{value("poll", strings.Replace(poll, "%", "regular", 1)), "", []string{"Ann | [poll]", "(poll)"}},
		{value("poll", strings.Replace(poll, "%", "quiz", 1)), "", []string{"Ann | [quiz] | When? | ▫️ Today | ▫️ Never"}},
		{value("dice", `{"emoji":"🎯","value":6}`), "", []string{"Ann | 🎯 6"}},
		{value("story", `{"chat":{"id":-5,"type":"channel","title":"News"},"id":3}`), "", []string{"Ann | [story] | News"}},
		{value("paid_media", `{"star_count":5,"paid_media":[]}`), "buy", []string{"Ann | [paid media] 5 ⭐ | buy"}},
		{value("giveaway", `{"chats":[{"id":-5,"type":"channel","title":"News"}],"winner_count":1,
			"prize_description":"A car"}`),
			"", []string{"Ann | [giveaway] A car | News"}},
		{value("giveaway_winners", `{"chat":{"id":-5,"type":"channel","title":"News"},"giveaway_message_id":1,
			"winners_selection_date":1,"winner_count":1,"winners":[]}`),
			"", []string{"Ann | [giveaway winners] | News"}},
		{value("unique_gift", `{"gift":{"name":"Hat-1"}}`), "", []string{"Ann | [gift] Hat-1"}},
		{value("invoice", `{"title":"Shoes","currency":"EUR","total_amount":1250}`),
			"", []string{"Ann | [invoice] Shoes | 12.50 EUR"}},
		{value("game", `{"title":"Chess","description":"Play"}`), "", []string{"Ann | [game] Chess | Play"}},
		{value("checklist", `{"title":"To do","tasks":[{"id":1,"text":"a"}]}`),
			"", []string{"Ann | [checklist] To do | ☐ a"}},
		{value("gift", `{"gift":{"id":"1"},"text":"for you"}`), "", []string{"Ann | [gift] | for you"}},
		{value("rich_message", `{"blocks":[]}`), "", []string{"Ann | [rich message]"}},
	} {
		untried = slices.DeleteFunc(untried, func(kind string) bool { return kind == c.media.Kind })
		d.run(t, c.media.Kind+" "+c.caption, func(t *testing.T) {
			for _, way := range []struct {
				by, from, to int64
				name         string
				source, into int
			}{{d.ann, d.support, d.engineering, "Ann", k.thread, eng}, {d.bob, d.engineering, d.support, "Bob", eng, k.thread}} {
				after := d.last(way.to)
				d.say(way.by, way.from, way.source, "before")
				original := d.send(way.by, way.from, way.source, c.media, c.caption)
				d.say(way.by, way.from, way.source, "behind")
				d.await("the text behind it", func() bool {
					got := d.since(way.to, way.into, after)
					return len(got) > 0 && got[len(got)-1] == way.name+" | behind"
				})
				want := []string{way.name + " | before"}
				for _, line := range c.want {
					want = append(want, strings.Replace(line, "Ann", way.name, 1))
				}
				same(t, "copies", d.since(way.to, way.into, after), append(want, way.name+" | behind"))
				for _, m := range d.byBot(way.to, way.into) {
					if m.ID > after && m.Media != nil && m.Media.FileID != original.Media.FileID {
						t.Errorf("file %q, want %q", m.Media.FileID, original.Media.FileID)
					}
				}
			}
		})
	}
	if len(untried) > 0 {
		t.Errorf("these kinds of media are not tried: %q", untried)
	}
	if n := d.calls("getFile", 0); n > 0 {
		t.Errorf("%d downloads", n)
	}
	d.quiet(k)
}

// A copied medium has all the fields of the original.
func TestMediaKeepTheirParticulars(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	copyOf := func(media *simulator.Upload) simulator.Message {
		d.t.Helper()
		after := d.last(d.engineering)
		d.send(d.ann, d.support, k.thread, media, "")
		var m simulator.Message
		d.await("the copy of a "+media.Kind, func() bool {
			for _, m = range d.byBot(d.engineering, eng) {
				if m.ID > after && m.Media != nil {
					return true
				}
			}
			return false
		})
		return m
	}
	for name, c := range map[string]*simulator.Upload{
		"a live location": value("location", `{"heading":7,"horizontal_accuracy":4.5,"latitude":13.75,"live_period":900,"longitude":100.5,"proximity_alert_radius":50}`),
		"on the equator":  value("location", `{"latitude":0,"longitude":0}`),
		"a venue":         value("venue", `{"address":"Street 1","foursquare_id":"f","foursquare_type":"t","google_place_id":"g","google_place_type":"p","location":{"latitude":1,"longitude":2},"title":"Shop"}`),
		"a contact":       value("contact", `{"first_name":"Nok","last_name":"Lee","phone_number":"+6621234567","vcard":"BEGIN:VCARD"}`),
	} {
		d.run(t, name, func(t *testing.T) {
			if got := string(copyOf(c).Media.Value); got != string(c.Value) {
				t.Errorf("%s, want %s", got, c.Value)
			}
		})
	}
	d.run(t, "a poll is asked anew", func(t *testing.T) {
		m := copyOf(value("poll", `{"id":"7","question":"👍 When?",
			"question_entities":[{"type":"custom_emoji","offset":0,"length":2,"custom_emoji_id":"5"}],"options":[
			{"persistent_id":"0","text":"Today","voter_count":2},{"persistent_id":"1","text":"Never","voter_count":0}],
			"total_voter_count":2,"is_closed":true,"is_anonymous":false,"type":"regular",
			"allows_multiple_answers":true,"allows_revoting":true,"members_only":false}`))
		var p struct {
			ID, Question, Type string
			Entities           []simulator.Entity `json:"question_entities"`
			Options            []struct {
				Text   string
				Voters int `json:"voter_count"`
			}
			Closed    bool `json:"is_closed"`
			Anonymous bool `json:"is_anonymous"`
			Multiple  bool `json:"allows_multiple_answers"`
		}
		d.must(json.Unmarshal(m.Media.Value, &p))
		if p.ID == "7" || p.Question != "👍 When?" || len(p.Entities) != 1 || p.Entities[0].CustomEmojiID != "5" ||
			len(p.Options) != 2 || p.Options[0].Text != "Today" || p.Options[0].Voters != 0 ||
			!p.Closed || p.Anonymous || !p.Multiple {
			t.Errorf("%+v", p)
		}
	})
	d.run(t, "a spoiler and a caption above it", func(t *testing.T) {
		d.post(simulator.Post{
			From: d.ann, Chat: d.support, Thread: k.thread, Media: upload("video"), Text: "covered", Spoiler: true,
			Above: true,
		})
		if m := d.awaitText(d.engineering, eng, "covered"); !m.Spoiler || !m.Above {
			t.Errorf("%+v", m)
		}
	})
	d.quiet(k)
}

// A caption that is too long with the sender's line goes on in texts that reply to the copy. Nothing is cut.
func TestLongCaptions(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	for name, times := range map[string]int{"as long as can be": 204, "of a premium user": 818} {
		d.run(t, name, func(t *testing.T) {
			caption := strings.Repeat("กข 😀", times) + " end"
			from := len(utf16.Encode([]rune(caption))) - 3
			after := d.last(d.engineering)
			d.post(simulator.Post{
				From: d.ann, Chat: d.support, Thread: k.thread, Media: upload("photo"), Text: caption, Premium: true,
				Entities: []simulator.Entity{{Type: "bold", Offset: from, Length: 3}},
			})
			d.say(d.ann, d.support, k.thread, "behind "+name)
			d.awaitText(d.engineering, eng, "behind "+name)
			joined, first := "", simulator.Message{}
			var parts []simulator.Message
			for _, m := range d.byBot(d.engineering, eng) {
				if m.ID > after {
					parts = append(parts, m)
				}
			}
			parts = parts[:len(parts)-1]
			for i, m := range parts {
				_, text, _ := strings.Cut(m.Text, "\n")
				joined += text
				if i == 0 {
					first = m
				} else if m.ReplyTo != first.ID {
					t.Errorf("part %d answers %d, not %d", i, m.ReplyTo, first.ID)
				}
				most := 4096
				if i == 0 {
					most = 1024
				}
				if n := len(utf16.Encode([]rune(m.Text))); n > most {
					t.Errorf("part %d has %d units", i, n)
				}
			}
			// The simulator trims texts as Telegram does, so white space at a cut is lost.
			if strip(joined) != strip(caption) {
				t.Errorf("%d units arrived of %d", len(strip(joined)), len(strip(caption)))
			}
			lastPart := parts[len(parts)-1]
			e := lastPart.Entities[len(lastPart.Entities)-1]
			if len(parts) < 2 || first.Media == nil || e.Type != "bold" ||
				string(utf16.Decode(utf16.Encode([]rune(lastPart.Text))[e.Offset:e.Offset+e.Length])) != "end" {
				t.Errorf("%d parts, %+v", len(parts), e)
			}
			d.quiet(k)
			c, err := d.store.CopiesAt(t.Context(), d.engineering, int64(lastPart.ID))
			d.must(err)
			if len(c) != 1 || len(c[0].Parts) != len(parts) {
				t.Errorf("%+v", c)
			}
		})
	}
	d.quiet(k)
}

func strip(s string) string { return strings.Join(strings.Fields(s), "") }

func TestForwards(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	channel := &simulator.Channel{ID: -1009, Title: "News", Username: "news"}
	for want, origin := range map[string]*simulator.Origin{
		"Forwarded from Carl":     {Name: "Carl", Person: d.carl},
		"Forwarded from Somebody": {Name: "Somebody"},
		"Forwarded from Sales":    {Chat: &simulator.Channel{ID: d.sales, Title: "Sales"}},
		"Forwarded from News":     {Chat: channel, ID: 77},
	} {
		d.run(t, want, func(t *testing.T) {
			d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "the text of " + want, Forward: origin})
			d.post(simulator.Post{
				From: d.ann, Chat: d.support, Thread: k.thread, Text: "the photo of " + want, Forward: origin,
				Media: upload("photo"),
			})
			d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Forward: origin, Media: upload("sticker")})
			after := d.last(d.engineering)
			d.say(d.ann, d.support, k.thread, "behind "+want)
			d.awaitText(d.engineering, eng, "behind "+want)
			all := d.since(d.engineering, eng, 0)
			got := all[len(all)-5 : len(all)-1]
			_ = after
			same(t, "copies", got, []string{
				"Ann | ↪️ " + want + " | the text of " + want,
				"(photo) Ann | ↪️ " + want + " | the photo of " + want,
				"Ann | ↪️ " + want + " | [sticker]", "(sticker)",
			})
		})
	}
	m := d.awaitText(d.engineering, eng, "the text of Forwarded from News")
	url := ""
	for _, e := range m.Entities {
		url += e.URL
	}
	if url != "https://t.me/news/77" {
		t.Errorf("%+v", m.Entities)
	}
	d.quiet(k)
}

// Content that Telegram lets nobody copy is reported in the other topic and at its source. Its text stays where it is.
func TestProtectedContent(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	secret := simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "secret words", Protected: true}
	m := d.post(secret)
	d.awaitAnswer(m, "Engineering was only told that there is one")
	secret.Media = upload("photo")
	second := d.post(secret)
	d.reply(d.ann, d.support, second, "what do you say?")
	d.awaitText(d.engineering, eng, "what do you say?")
	d.await("a reaction at the second one", func() bool {
		m, _ := d.sim.Message(d.support, second.ID)
		return len(m.Reactions) == 1
	})
	d.quiet(k)
	for _, m := range d.byBot(d.engineering, eng) {
		if strings.Contains(m.Text, "secret") || m.Media != nil {
			t.Errorf("%q", m.Text)
		}
	}
	got := d.since(d.engineering, eng, 0)
	want := []string{"Ann | 🔒 This message is protected and can’t be copied: see it where it was written.",
		"Ann | [photo] | 🔒 This message is protected and can’t be copied: see it where it was written.",
		"Ann | what do you say?"}
	same(t, "copies", got[len(got)-3:], want)
	d.restart()
	d.say(d.ann, d.support, k.thread, "after a restart")
	d.awaitText(d.engineering, eng, "after a restart")
	d.quiet(k)
	if n := len(d.since(d.engineering, eng, 0)); n != len(got)+1 {
		t.Errorf("%d messages more after a restart", n-len(got))
	}
}

// Anonymous administrators and linked channels write under the name of the group or channel. Messages of other bots are
// not copied.
func TestMediaOfGroupsAndChannels(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.post(simulator.Post{
		From: d.ann, Chat: d.support, Thread: k.thread, Anonymous: true, Media: upload("photo"), Text: "anonymous",
	})
	d.post(simulator.Post{
		Chat: d.support, Thread: k.thread, Linked: true, AsChannel: &simulator.Channel{ID: -1009, Title: "News"},
		Media: upload("video"), Text: "linked",
	})
	robot, err := d.sim.AddPerson(simulator.Person{FirstName: "R2", IsBot: true})
	d.must(err)
	d.must(d.sim.SetMember(d.support, robot.ID, simulator.Member))
	d.post(simulator.Post{From: robot.ID, Chat: d.support, Thread: k.thread, Media: upload("photo"), Text: "robot"})
	d.say(d.ann, d.support, k.thread, "behind")
	d.awaitText(d.engineering, eng, "behind")
	got := d.since(d.engineering, eng, 0)
	same(t, "copies", got[len(got)-3:], []string{"(photo) Support | anonymous", "(video) News | linked", "Ann | behind"})
}

// If a ticket is opened in reply to a message, the message's text and medium are posted in its topics.
func TestTicketFromAMedium(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	for name, c := range map[string]struct {
		media   *simulator.Upload
		caption string
		command string
		want    string
	}{
		"a photo":               {upload("photo"), "it smokes", "/create_ticket Photo", "(photo)"},
		"without a caption":     {upload("document"), "", "/create_ticket Document", "(document)"},
		"the caption is title":  {upload("video"), "Video of it", "/create_ticket", "(video)"},
		"a location":            {value("location", `{"latitude":1,"longitude":2}`), "", "/create_ticket Location", "(location)"},
		"what can't be copied":  {value("dice", `{"emoji":"🎲","value":4}`), "", "/create_ticket Dice", "🎲 4"},
		"the command's own one": {nil, "", "/create_ticket Own", "(voice)"},
	} {
		d.run(t, name, func(t *testing.T) {
			title := strings.TrimSpace(strings.TrimPrefix(c.command, "/create_ticket"))
			if title == "" {
				title = c.caption
			}
			if c.media == nil {
				d.send(d.ann, d.support, 0, upload("voice"), c.command)
			} else {
				d.reply(d.ann, d.support, d.send(d.carl, d.support, 0, c.media, c.caption), c.command)
			}
			k := &ticket{chat: d.support, thread: d.topicNamed(d.support, title).Thread}
			d.introduced(d.support, k.thread)
			k.id = d.ticketIDIn(d.awaitText(d.support, k.thread, "🎫 #").Text)
			eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
			for chat, thread := range map[int64]int{d.support: k.thread, d.engineering: eng} {
				all := d.byBot(chat, thread)
				if len(all) < 2 || look(all[1]) != c.want || all[1].ReplyTo != all[0].ID || !strings.Contains(all[0].Text, d.head(k)) ||
					c.media != nil && !strings.Contains(all[0].Text, c.caption) {
					t.Errorf("%v in %d", d.since(chat, thread, 0), chat)
				}
			}
			d.say(d.ann, d.support, k.thread, "and now")
			d.awaitText(d.engineering, eng, "and now")
			d.quiet(k)
		})
	}
}

// Where a medium is only mentioned, it is named, in the language of the group.
func TestMediaInWords(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.say(d.bob, d.engineering, 0, "/lang th")
	d.awaitText(d.engineering, 0, "ภาษาไทย")
	k := d.open(d.ann, d.support, "Printer")
	captioned := d.send(d.ann, d.support, k.thread, upload("photo"), "it smokes")
	bare := d.send(d.carl, d.support, k.thread, upload("voice"), "")
	d.quiet(k)
	eng, sales := d.mention(d.ann, k, "@bob_eng", d.engineering), d.mention(d.ann, k, "@dora_s", d.sales)
	for chat, want := range map[int64]string{
		d.engineering: "Ann | [รูปภาพ] it smokes |  | Carl | [ข้อความเสียง]",
		d.sales:       "Ann | [photo] it smokes |  | Carl | [voice message]",
	} {
		thread := map[int64]int{d.engineering: eng, d.sales: sales}[chat]
		d.await("the context in "+want, func() bool {
			for _, line := range d.since(chat, thread, 0) {
				if strings.HasSuffix(line, want) {
					return true
				}
			}
			return false
		})
	}
	// A reply to a message from before the link, which has no counterpart.
	d.reply(d.ann, d.support, bare, "I heard")
	d.reply(d.ann, d.support, captioned, "I see")
	for chat, want := range map[int64][]string{
		d.engineering: {"Ann · Support | [ข้อความเสียง] | I heard", "Ann · Support | [รูปภาพ] it smokes | I see"},
		d.sales:       {"Ann · Support | [voice message] | I heard", "Ann · Support | [photo] it smokes | I see"},
	} {
		thread := map[int64]int{d.engineering: eng, d.sales: sales}[chat]
		d.awaitText(chat, thread, "I see")
		got := d.since(chat, thread, 0)
		same(t, "copies", got[len(got)-2:], want)
	}
	d.quiet(k)
}
