package bot

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

func copyOp(c *messages.SendCopyCall) *messages.Operation {
	return &messages.Operation{ThreadId: 5, Call: &messages.Operation_SendCopy{SendCopy: c}}
}

func TestCopies(t *testing.T) {
	for _, c := range []struct {
		name string
		call *messages.SendCopyCall
		want string
	}{
		{"plain", &messages.SendCopyCall{SenderName: "Ann", Content: &messages.Content{Text: "hello"}},
			"<bold>Ann</bold>\nhello"},
		{"more than two groups", &messages.SendCopyCall{SenderName: "Ann", GroupTitle: "Sales", Content: &messages.Content{Text: "hello"}},
			"<bold>Ann</bold> · Sales\nhello"},
		{"entities move along", &messages.SendCopyCall{SenderName: "😀 Ann", Content: &messages.Content{Text: "so 😀 bold", Entities: []*messages.Entity{
			{Type: "bold", Offset: 6, Length: 4}, {Type: "text_link", Offset: 0, Length: 2, Url: "https://example.org"}}}},
			"<bold>😀 Ann</bold>\n<text_link https://example.org>so</text_link> 😀 <bold>bold</bold>"},
		{"a reply without a counterpart", &messages.SendCopyCall{SenderName: "Ann", ReplyPreview: "is it\nplugged in?", Content: &messages.Content{
			Text: "yes", Entities: []*messages.Entity{{Type: "italic", Offset: 0, Length: 3}}}},
			"<bold>Ann</bold>\n<blockquote>is it plugged in?</blockquote>\n<italic>yes</italic>"},
		{"a name of line breaks", &messages.SendCopyCall{SenderName: " \n ", Content: &messages.Content{Text: "hi"}},
			"<bold>?</bold>\nhi"},
		{"markup is text", &messages.SendCopyCall{SenderName: "<b>{{.x}}*", Content: &messages.Content{Text: "*_`[x](y)"}},
			"<bold><b>{{.x}}*</bold>\n*_`[x](y)"},
		{"no text", &messages.SendCopyCall{SenderName: "Ann"}, "<bold>Ann</bold>\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := render(-100123, langEnglish, copyOp(c.call))
			if err != nil {
				t.Fatal(err)
			}
			if got := show(Rich{m.Text, m.Entities}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if m.ChatID != -100123 || m.ThreadID != 5 || m.method != methodSendMessage {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestCopiesOfLongTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(texts.Draw(t, "text"), rapid.SampledFrom([]int{1, 50, 300}).Draw(t, "repeat"))
		call := &messages.SendCopyCall{
			SenderName:   texts.Draw(t, "sender"),
			GroupTitle:   texts.Draw(t, "group"),
			ReplyPreview: texts.Draw(t, "preview"),
			ReplyTo:      9,
			Edited:       rapid.Bool().Draw(t, "edited"),
			Content:      &messages.Content{Text: text, Entities: []*messages.Entity{{Type: "bold", Length: int32(messages.UTF16Len(text))}}},
		}
		n := (*Client)(nil).Parts(copyOp(call))
		joined := ""
		for i := range n {
			call.Part = int32(i)
			m, err := render(-100123, langEnglish, copyOp(call))
			if err != nil {
				t.Fatalf("%v", err)
			}
			checkRich(t, Rich{m.Text, m.Entities}, maxText)
			if (m.Reply != nil) != (i == 0) {
				t.Fatalf("part %d replies: %v", i, m.Reply != nil)
			}
			head, body, _ := strings.Cut(m.Text, "\n")
			if strings.HasSuffix(head, "/"+"1)") || n > 1 && !strings.HasSuffix(head, ")") {
				t.Fatalf("head of part %d of %d is %q", i, n, head)
			}
			if i == 0 && copyPreview(call) != "" {
				_, body, _ = strings.Cut(body, "\n")
			}
			joined += body
		}
		if joined != text {
			t.Fatalf("%q became %q", text, joined)
		}
	})
}

// TestManyLinks: Telegram keeps 100 entities of a message, so a text with more takes several.
func TestManyLinks(t *testing.T) {
	content := &messages.Content{Text: strings.TrimSuffix(strings.Repeat("here\n", 330), "\n")}
	for i := range int32(330) {
		content.Entities = append(content.Entities, &messages.Entity{
			Type: "text_link", Offset: 5 * i, Length: 4, Url: "https://example.com/" + strconv.Itoa(int(i))})
	}
	for name, media := range map[string]*messages.Media{"a text": nil, "a caption": {Kind: messages.MediaPhoto, FileId: "f"}} {
		content.Media = media
		call := &messages.SendCopyCall{SenderName: "Ann", GroupTitle: "Sales", Content: content}
		links := map[string]bool{}
		for i := range (*Client)(nil).Parts(copyOp(call)) {
			call.Part = int32(i)
			m, err := render(-100123, langEnglish, copyOp(call))
			if err != nil {
				t.Fatal(err)
			}
			entities := m.Entities
			if m.mediaFields != nil {
				entities = m.CaptionEntities
			}
			if len(entities) > maxEntities || !slices.ContainsFunc(entities, func(e Entity) bool { return e.Type == "bold" }) {
				t.Errorf("%s: part %d has %d entities, or no sender in bold", name, i, len(entities))
			}
			for _, e := range entities {
				links[e.URL] = true
			}
		}
		if delete(links, ""); len(links) != 330 {
			t.Errorf("%s: %d of 330 links", name, len(links))
		}
	}
	content.Media, content.RichHtml = nil, "<p>here</p>"
	if n := (*Client)(nil).Parts(copyOp(&messages.SendCopyCall{Content: content})); n != 1 {
		t.Errorf("a rich message, which keeps all, takes %d", n)
	}
}

func TestPartsOfShortTextsAllocateNothing(t *testing.T) {
	for _, text := range []string{"hello", strings.Repeat("ก", 2000)} {
		op := copyOp(&messages.SendCopyCall{SenderName: "Ann Lee", GroupTitle: "Sales", Content: &messages.Content{Text: text}})
		if n := testing.AllocsPerRun(100, func() { _ = (*Client)(nil).Parts(op) }); n != 0 {
			t.Errorf("%v allocations for %d bytes", n, len(text))
		}
	}
}

func TestPartsOfOtherOperations(t *testing.T) {
	op := &messages.Operation{Call: &messages.Operation_SendCard{SendCard: &messages.SendCardCall{}}}
	if got := (*Client)(nil).Parts(op); got != 1 {
		t.Errorf("a card takes %d messages", got)
	}
}

// ticketView is a ticket as cards show it.
func ticketView(status, description string) *messages.TicketView {
	return &messages.TicketView{
		Number:   42,
		TicketId: "TICK-LK3F9A2B-1A2B3C4D", Title: "Printer is on fire", Description: description, Status: status, Priority: "high",
		CreatedBy: "Ann Lee", CreatedByUsername: "ann",
		Url: "https://t.me/c/1234567890/42",
		Links: []*messages.LinkView{
			{UserName: "Bob", GroupTitle: "Back office", ChatId: -1001234567890, ThreadId: 42},
			{UserName: "", GroupTitle: "Sales", ChatId: 77},
		},
	}
}

func TestCardsAndLists(t *testing.T) {
	operations := []struct {
		name string
		op   *messages.Operation
	}{
		{"card", &messages.Operation{Call: &messages.Operation_SendCard{SendCard: &messages.SendCardCall{Ticket: ticketView("open", "It burns.")}}}},
		{"card without description, links, opener", &messages.Operation{ThreadId: 1, Call: &messages.Operation_SendCard{SendCard: &messages.SendCardCall{
			ReplyTo: 8, Ticket: &messages.TicketView{TicketId: "TICK-1-2", Title: "T", Status: "open", Priority: "normal"}}}}},
		{"card in a linked topic", &messages.Operation{Call: &messages.Operation_SendCard{SendCard: &messages.SendCardCall{
			AskedBy: "Ann Lee", Ticket: ticketView("pending", "a\nb\nc\nd\ne\nf\ng\nh")}}}},
		{"card of a ticket that somebody has", &messages.Operation{Call: &messages.Operation_SendCard{SendCard: &messages.SendCardCall{
			Ticket: &messages.TicketView{TicketId: "TICK-1-2", Title: "T", Status: "open", Priority: "normal", Assignee: "Ben Carter",
				AssigneeUsername: "ben"}}}}},
		{"card while groups are behind", &messages.Operation{Call: &messages.Operation_SendCard{SendCard: &messages.SendCardCall{
			Ticket: &messages.TicketView{TicketId: "TICK-1-2", Title: "T", Status: "open", Priority: "normal", Behind: []*messages.GroupLag{
				{GroupTitle: "Back office", LagMs: 42_400, Waiting: 31, PerMinute: 14}, {GroupTitle: "Sales", LagMs: 6000, Waiting: 1},
				{GroupTitle: "Works", LagMs: 900_000, Waiting: 7, PerMinute: 20, Suspended: "bot was kicked"},
				{BlockedBy: "Ann"}}}}}}},
		{"joined copies", &messages.Operation{Call: &messages.Operation_SendMerged{SendMerged: &messages.SendMergedCall{Copies: []*messages.SendCopyCall{
			{SenderName: "Ann", Content: &messages.Content{Text: "It 🔥 burns", Entities: []*messages.Entity{{Type: "bold", Offset: 6, Length: 5}}}},
			{SenderName: "Eve", GroupTitle: "Sales", ReplyTo: 5, Quote: "burns", MergedPreview: "It 🔥 burns", Content: &messages.Content{Text: "ไฟไหม้จริง"}},
			{SenderName: "", Content: &messages.Content{Text: "yes"}}}}}}},
		{"edited card of a closed ticket", &messages.Operation{ThreadId: 5, Call: &messages.Operation_EditCard{EditCard: &messages.EditCardCall{
			MessageId: 12, Ticket: ticketView("closed", "")}}}},
		{"context", &messages.Operation{Call: &messages.Operation_SendContext{SendContext: &messages.SendContextCall{Lines: []*messages.ContextLine{
			{SenderName: "Ann", Text: "It burns."}, {SenderName: "", Text: "Again?\n\nReally?"}}}}}},
		{"context of nothing", &messages.Operation{Call: &messages.Operation_SendContext{SendContext: &messages.SendContextCall{}}}},
		{"context of which one line is left", &messages.Operation{ThreadId: 5, Call: &messages.Operation_EditContext{
			EditContext: &messages.EditContextCall{MessageId: 12, Lines: []*messages.ContextLine{{SenderName: "Ann", Text: "It burns."}}}}}},
		{"context of which nothing is left", &messages.Operation{ThreadId: 5, Call: &messages.Operation_EditContext{
			EditContext: &messages.EditContextCall{MessageId: 12}}}},
		{"list", &messages.Operation{Call: &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeMyTickets, Args: map[string]string{"count": "2"}, ReplyTo: 7,
			Tickets: []*messages.TicketView{ticketView("open", ""), {TicketId: "TICK-1-2", Title: "T", Status: "pending", Priority: "low"}}}}}},
		{"list of tickets that wait", &messages.Operation{Call: &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeClaimedTickets, Args: map[string]string{"count": "3"}, Tickets: []*messages.TicketView{
				{Title: "T", Number: 1, Status: "open", Priority: "low", WaitingFor: "desk", Assignee: "Ben Carter"},
				{Title: "U", Number: 2, Status: "open", Priority: "low", WaitingFor: "customer"},
				{Title: "V", Number: 3, Status: "open", Priority: "low", WaitingFor: "desk", Assignee: "Ben Carter", Private: true}}}}}},
		{"question", &messages.Operation{Call: &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeAskTitle, ReplyTo: 7, ForceReply: true}}}},
		{"keyboard", &messages.Operation{Call: &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeMentionChoose, Keyboard: &messages.Keyboard{Rows: []*messages.KeyboardRow{
				{Buttons: []*messages.Button{{Text: "Bob", Data: "muser:TICK-1-2:7"}, {Text: "too much data", Data: strings.Repeat("x", 65)}}},
				{Buttons: []*messages.Button{{Key: messages.ButtonBack, Data: "mpage:TICK-1-2:0"}, {Key: messages.ButtonOpen, Url: "https://t.me/c/1/2"}}},
				{Buttons: []*messages.Button{{Text: "does nothing"}}},
			}}}}}},
		{"new keyboard", &messages.Operation{ThreadId: 5, Call: &messages.Operation_EditKeyboard{EditKeyboard: &messages.EditKeyboardCall{
			MessageId: 12, Keyboard: &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{{Key: messages.ButtonNext, Data: "mpage:TICK-1-2:1"}}}}}}}}},
		{"no keyboard any more", &messages.Operation{Call: &messages.Operation_EditKeyboard{EditKeyboard: &messages.EditKeyboardCall{MessageId: 12}}}},
	}
	for _, lang := range languages {
		var b strings.Builder
		for _, o := range operations {
			m, err := render(-100123, lang, o.op)
			if err != nil {
				t.Fatal(err)
			}
			text := show(Rich{m.Text, m.Entities})
			m.Text, m.Entities = "", nil
			rest, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString("---- " + o.name + ": " + m.method + "\n" + text + "\n" + string(rest) + "\n")
		}
		golden(t, "messages."+lang+".txt", b.String())
	}
}

func TestEverythingFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		long := func(name string) string {
			return strings.Repeat(texts.Draw(t, name), rapid.SampledFrom([]int{1, 1, 300}).Draw(t, "repeat "+name))
		}
		view := func() *messages.TicketView {
			v := ticketView(rapid.SampledFrom([]string{"open", "pending", "closed", "lost"}).Draw(t, "status"), long("description"))
			v.Title, v.CreatedBy, v.Assignee = long("title"), long("creator"), long("assignee")
			for range rapid.IntRange(0, 30).Draw(t, "links") {
				v.Links = append(v.Links, &messages.LinkView{UserName: long("user"), GroupTitle: long("group"), ChatId: -1001234567890, ThreadId: 3})
			}
			return v
		}
		var lines []*messages.ContextLine
		for range rapid.IntRange(0, 12).Draw(t, "lines") {
			lines = append(lines, &messages.ContextLine{SenderName: long("sender"), Text: long("line")})
		}
		var tickets []*messages.TicketView
		for range rapid.IntRange(0, 25).Draw(t, "tickets") {
			tickets = append(tickets, &messages.TicketView{TicketId: "TICK-LK3F9A2B-1A2B3C4D", Title: long("title"), Status: "open", Priority: "low"})
		}
		lang := rapid.SampledFrom(languages).Draw(t, "lang")
		checkRich(t, renderCard(lang, &messages.SendCardCall{
			Ticket: view(), AskedBy: long("asker"), Mentioned: &messages.Named{UserId: 5, Name: long("mentioned")},
		}), maxText)
		checkRich(t, renderContext(lang, lines), maxText)
		checkRich(t, renderNotice(lang, &messages.SendNoticeCall{Key: messages.NoticeMyTickets, Args: map[string]string{"count": "9"}, Tickets: tickets}), maxText)
		if s := callbackText(lang, &messages.AnswerCallbackCall{Key: messages.NoticeNotAllowed, Args: map[string]string{"command": long("command")}}); messages.UTF16Len(s) > maxCallbackText {
			t.Fatalf("%q", s)
		}
	})
}

func TestContextKeepsTheNewest(t *testing.T) {
	var lines []*messages.ContextLine
	for i := range 20 {
		lines = append(lines, &messages.ContextLine{SenderName: "Ann", Text: strings.Repeat(string(rune('a'+i)), 600)})
	}
	got := renderContext(langEnglish, lines).Text
	if !strings.HasSuffix(got, strings.Repeat("t", 600)) || strings.Contains(got, "aaa") ||
		strings.Count(got, "Ann") != 6 {
		t.Errorf("%d lines, ending %q", strings.Count(got, "Ann"), got[len(got)-10:])
	}
}

func TestQuotesAndReplies(t *testing.T) {
	m, _ := render(1, langEnglish, copyOp(&messages.SendCopyCall{SenderName: "A", ReplyTo: 4, Quote: "the part"}))
	if m.Reply == nil || m.Reply.MessageID != 4 || !m.Reply.AllowSendingWithoutReply || m.Reply.Quote != "the part" {
		t.Errorf("%+v", m.Reply)
	}
	if _, err := render(1, langEnglish, &messages.Operation{}); err == nil {
		t.Error("nothing was rendered")
	}
}
