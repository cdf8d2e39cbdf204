package bot

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// Whatever the names, the caption and its part: no caption is over 1024 units, no text over 4096, nothing is lost,
// and where it is cut is the same in all languages.
func TestCaptionsFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(texts.Draw(t, "text"), rapid.SampledFrom([]int{1, 20, 50, 300}).Draw(t, "repeat"))
		call := &messages.SendCopyCall{
			SenderName: texts.Draw(t, "sender"), GroupTitle: texts.Draw(t, "group"), ReplyPreview: texts.Draw(t, "preview"),
			ReplyMediaKind: rapid.SampledFrom([]string{"", messages.MediaVoice, messages.MediaGiveawayWinners}).Draw(t, "kind"),
			Bare:           rapid.Bool().Draw(t, "bare"),
			Content: &messages.Content{Text: text, Entities: []*messages.Entity{{Type: "bold", Length: int32(messages.UTF16Len(text))}},
				Media: &messages.Media{Kind: messages.MediaPhoto, FileId: "f"}},
		}
		if rapid.Bool().Draw(t, "forwarded") {
			call.Content.Forward = &messages.Forward{Name: texts.Draw(t, "origin"), Signature: texts.Draw(t, "signature"), Username: "news", MessageId: 3}
		}
		answers(t, call)
		n := parts(call)
		for _, lang := range languages {
			joined := ""
			for i := range n {
				call.Part = int32(i)
				m, err := render(-1, lang, copyOp(call))
				if err != nil {
					t.Fatal(err)
				}
				shown, limit := Rich{m.Text, m.Entities}, maxText
				if i == 0 {
					shown, limit = Rich{m.Caption, m.CaptionEntities}, maxCaption
				}
				if shown.Text != "" || !call.Bare {
					checkRich(t, shown, limit)
				}
				body := shown.Text
				if lines := headLines(call, i); lines > 0 {
					all := strings.SplitN(body, "\n", lines+1)
					body = ""
					if len(all) > lines {
						body = all[lines]
					}
				}
				joined += body
			}
			if joined != text {
				t.Fatalf("%q became %q", text, joined)
			}
		}
	})
}

// headLines returns how many lines precede the text of a part.
func headLines(c *messages.SendCopyCall, part int) int {
	switch {
	case part == 0 && c.Bare:
		return 0
	case part > 0:
		return 1
	}
	lines := 1
	if c.Content.Forward != nil {
		lines++
	}
	if c.ReplyOrigin != nil {
		lines++
	}
	quoted := copyPreview(c) != "" || c.ReplyMediaKind != ""
	if quoted {
		lines++
	}
	if copyItem(c) != "" {
		lines++
	}
	return lines
}

// answers draws what a copy answers elsewhere.
func answers(t *rapid.T, c *messages.SendCopyCall) {
	if rapid.Bool().Draw(t, "elsewhere") {
		c.ReplyOrigin = &messages.Forward{Name: texts.Draw(t, "answered"), Signature: texts.Draw(t, "its author")}
		c.ReplyUrl = rapid.SampledFrom([]string{"", "https://t.me/shop/17"}).Draw(t, "url")
	}
	if rapid.Bool().Draw(t, "an item") {
		c.ReplyItem = texts.Draw(t, "item")
	}
	c.ReplyPreview, c.PreviewEntities = messages.Excerpt(c.ReplyPreview, []*messages.Entity{
		{Type: "spoiler", Length: int32(messages.UTF16Len(c.ReplyPreview))}}, maxPreview)
}

// The longest head that there can be leaves room for words in a caption.
func TestLongestHead(t *testing.T) {
	long := strings.Repeat("น้ำ", 200)
	call := &messages.SendCopyCall{SenderName: long, GroupTitle: long, Edited: true, ReplyPreview: long, ReplyMediaKind: messages.MediaGiveaway,
		ReplyOrigin: &messages.Forward{Name: long, Signature: long}, ReplyItem: long, Content: &messages.Content{
			Text: long + long, Media: &messages.Media{Kind: messages.MediaPhoto, FileId: "f"}, Forward: &messages.Forward{Name: long, Signature: long}}}
	for _, lang := range languages {
		shown := ""
		for i := range parts(call) {
			call.Part = int32(i)
			m, err := render(-1, lang, copyOp(call))
			if err != nil {
				t.Fatal(err)
			}
			text, limit := m.Text, maxText
			if i == 0 {
				text, limit = m.Caption, maxCaption
			}
			if n := messages.UTF16Len(text); n > limit {
				t.Errorf("part %d has %d units", i, n)
			}
			shown += text
		}
		if n := strings.Count(shown, "น้ำ"); n < 400 {
			t.Errorf("%d words are shown", n)
		}
	}
}

// A content that can't be posted again is described in one message, whatever it contains.
func TestWordsFit(t *testing.T) {
	kinds := append([]string{"unheard_of"}, messages.MediaKinds...)
	rapid.Check(t, func(t *rapid.T) {
		long := func(label string) string {
			return strings.Repeat(texts.Draw(t, label), rapid.IntRange(0, 40).Draw(t, label+" times"))
		}
		media := &messages.Media{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Title: long("title"), Details: long("details"), Source: long("source"), Emoji: "🎲",
			Poll: &messages.Poll{Question: messages.CutUTF16(long("question"), 300), IsQuiz: true}}
		for range 12 {
			media.Poll.Options = append(media.Poll.Options, &messages.PollOption{Text: messages.CutUTF16(long("option"), 100)})
		}
		call := &messages.SendCopyCall{SenderName: texts.Draw(t, "sender"), Content: &messages.Content{Text: messages.CutUTF16(long("caption"), maxCaption), Media: media,
			IsProtected: rapid.Bool().Draw(t, "protected")}, ReplyPreview: texts.Draw(t, "preview")}
		answers(t, call)
		if messages.ShapeOf(call.Content) != messages.ShapeWords {
			return
		}
		for _, lang := range languages {
			m, err := render(-1, lang, copyOp(call))
			if err != nil {
				t.Fatal(err)
			}
			checkRich(t, Rich{m.Text, m.Entities}, maxText)
			if m.method != methodSendMessage || call.Content.IsProtected && call.Content.Text != "" &&
				len(call.Content.Text) > 40 && strings.Contains(m.Text, call.Content.Text) {
				t.Fatalf("%s %q", m.method, m.Text)
			}
		}
	})
}

// A bot has a way to post each kind that is posted again, and no other.
func TestEveryKindThatIsPostedHasItsMethod(t *testing.T) {
	whole := &messages.Media{}
	fill(whole.ProtoReflect())
	for _, kind := range messages.MediaKinds {
		whole.Kind = kind
		posted := messages.ShapeOf(&messages.Content{Media: whole}) != messages.ShapeWords
		if p, known := posters[kind]; known != posted {
			t.Errorf("%s: posted %v, by %q", kind, posted, p.method)
		}
	}
}

// fill sets the texts of a message, at any depth; lists get one element.
func fill(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case f.IsList():
			fill(m.Mutable(f).List().AppendMutable().Message())
		case f.Message() != nil:
			fill(m.Mutable(f).Message())
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString("x"))
		}
	}
}

// Bodies as they go over the wire.
func TestMediaBodies(t *testing.T) {
	copyOf := func(m *messages.Media, part int32, bare bool) *messages.Operation {
		return copyOp(&messages.SendCopyCall{SenderName: "Ann", Part: part, Bare: bare, ReplyTo: 9, After: 10, Content: &messages.Content{Media: m}})
	}
	for _, c := range []struct {
		op   *messages.Operation
		want string
	}{
		{copyOf(&messages.Media{Kind: "photo", FileId: "f", HasSpoiler: true, ShowCaptionAboveMedia: true}, 0, false),
			`sendPhoto {"chat_id":-1,"message_thread_id":5,"reply_parameters":{"message_id":9,"allow_sending_without_reply":true},"photo":"f","caption":"Ann","caption_entities":[{"type":"bold","offset":0,"length":3}],"show_caption_above_media":true,"has_spoiler":true}`},
		{copyOf(&messages.Media{Kind: "document", FileId: "f", HasSpoiler: true, ShowCaptionAboveMedia: true}, 0, true),
			`sendDocument {"chat_id":-1,"message_thread_id":5,"reply_parameters":{"message_id":9,"allow_sending_without_reply":true},"document":"f"}`},
		{copyOf(&messages.Media{Kind: "location", Location: &messages.Location{Heading: 7}}, 1, false),
			`sendLocation {"chat_id":-1,"message_thread_id":5,"reply_parameters":{"message_id":10,"allow_sending_without_reply":true},"latitude":0,"longitude":0}`},
		{copyOf(&messages.Media{Kind: "poll", Poll: &messages.Poll{Question: "?", Options: []*messages.PollOption{{Text: "a"}}}}, 1, false),
			`sendPoll {"chat_id":-1,"message_thread_id":5,"reply_parameters":{"message_id":10,"allow_sending_without_reply":true},"question":"?","options":[{"text":"a"}],"is_anonymous":false}`},
		{&messages.Operation{ThreadId: 5, Call: &messages.Operation_SendAlbum{SendAlbum: &messages.SendAlbumCall{Parts: []*messages.SendCopyCall{
			{SenderName: "Ann", ReplyTo: 9, Content: &messages.Content{Media: &messages.Media{Kind: "live_photo", FileId: "l", PhotoFileId: "p"}}},
			{Bare: true, Content: &messages.Content{Text: "two", Media: &messages.Media{Kind: "video", FileId: "v", HasSpoiler: true}}}}}}},
			`sendMediaGroup {"chat_id":-1,"message_thread_id":5,"reply_parameters":{"message_id":9,"allow_sending_without_reply":true},"media":[{"type":"live_photo","media":"l","photo":"p","caption":"Ann","caption_entities":[{"type":"bold","offset":0,"length":3}]},{"type":"video","media":"v","caption":"two","has_spoiler":true}]}`},
	} {
		m, err := render(-1, langEnglish, c.op)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.method + " " + string(raw); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestDescriptionsOfPolls: the description goes along with a poll that is posted again, and with one that is described.
func TestDescriptionsOfPolls(t *testing.T) {
	poll := &messages.Poll{
		Question: "Tea?", Options: []*messages.PollOption{{Text: "yes"}}, Description: "at 4", MediaKind: "photo",
		DescriptionEntities: []*messages.Entity{{Type: "text_link", Offset: 3, Length: 1, Url: "https://example.com"}},
	}
	call := &messages.SendCopyCall{SenderName: "Ann", Part: 1, Content: &messages.Content{
		Media: &messages.Media{Kind: messages.MediaPoll, Poll: poll}}}
	m, err := render(-100123, langEnglish, copyOp(call))
	if err != nil {
		t.Fatal(err)
	}
	if got := show(Rich{m.Description, m.DescriptionEntities}); got != "at <text_link https://example.com>4</text_link>\n[photo]" {
		t.Errorf("%q", got)
	}
	poll.IsQuiz, call.Part = true, 0
	if m, err = render(-100123, langEnglish, copyOp(call)); err != nil {
		t.Fatal(err)
	}
	if got := show(Rich{m.Text, m.Entities}); !strings.Contains(got, "Tea?\nat <text_link https://example.com>4</text_link>\n[photo]\n") {
		t.Errorf("%q", got)
	}
}

// TestMarkupOfChecklists: what the author of a checklist hid stays hidden, and links keep their addresses.
func TestMarkupOfChecklists(t *testing.T) {
	list := &messages.Checklist{
		Title: "To do", TitleEntities: []*messages.Entity{{Type: "bold", Offset: 3, Length: 2}},
		Tasks: []*messages.ChecklistTask{
			{Text: "see me", Done: true, Entities: []*messages.Entity{{Type: "spoiler", Offset: 4, Length: 2}}},
			{Text: "read it", Entities: []*messages.Entity{{Type: "text_link", Offset: 5, Length: 2, Url: "https://example.com"}}},
		},
	}
	call := &messages.SendCopyCall{SenderName: "Ann", Content: &messages.Content{
		Media: &messages.Media{Kind: messages.MediaChecklist, Title: "To do", Details: "☑ see me", Checklist: list}}}
	m, err := render(-100123, langEnglish, copyOp(call))
	if err != nil {
		t.Fatal(err)
	}
	want := "<bold>Ann</bold>\n[checklist] To <bold>do</bold>\n☑ see <spoiler>me</spoiler>\n" +
		"☐ read <text_link https://example.com>it</text_link>"
	if got := show(Rich{m.Text, m.Entities}); got != want {
		t.Errorf("%q", got)
	}
}
